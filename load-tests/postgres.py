"""The reference for durable writes: a temporary PostgreSQL, reached over its own socket, with synchronous commit."""

import glob
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

from harness import Failed

CLIENTS = 64
ROW_TEXT = "A comp of 250.00 on a check of 412.50 was closed at table 14 without the approval it needs. "
TABLE = "CREATE TABLE violation (id bigserial PRIMARY KEY, org_id int NOT NULL, source_id bigint NOT NULL, body text NOT NULL)"
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_connections": "100",
    # In its favour: no checkpoint and no vacuum falls into a round.
    "checkpoint_timeout": "1h",
    "max_wal_size": "16GB",
    "autovacuum": "off",
}


def bin_dir():
    """The newest installed server's programs, or None."""
    found = [pathlib.Path(path).parent for path in glob.glob("/usr/lib/postgresql/*/bin/initdb")]
    found = [path for path in found if (path / "pgbench").exists()]
    return max(found, key=lambda path: float(path.parent.name), default=None)


class Postgres:
    """A fresh cluster under a temporary directory; ended and removed with the `with` block."""

    def __init__(self, programs, tmp):
        self.programs = programs
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ac-pg-", dir=tmp))
        self.user = unprivileged_user()
        if self.user:
            shutil.chown(self.dir, self.user)
        self.server = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)
            try:
                self.server.wait(60)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _start(self):
        data = self.dir / "data"
        self._run("initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C")
        settings = {**SETTINGS, "unix_socket_directories": str(self.dir)}
        command = [str(self.programs / "postgres"), "-D", str(data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(self.dir / "postgres.log", "ab") as log:
            self.server = subprocess.Popen(command, stdout=log, stderr=log, user=self.user, cwd=self.dir)
        deadline = time.monotonic() + 60
        while self._run("pg_isready", "-h", self.dir, may_fail=True).returncode:
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise Failed("PostgreSQL did not start: " + (self.dir / "postgres.log").read_text()[-1000:])
            time.sleep(0.1)
        self._run("psql", "-h", self.dir, "-U", "bench", "-d", "postgres", "-c", TABLE)
        body = (ROW_TEXT * 10)[:570]
        (self.dir / "insert.sql").write_text(
            "\\set source random(1, 1000000000)\n"
            f"INSERT INTO violation (org_id, source_id, body) VALUES (:client_id, :source, '{body}') RETURNING id;\n"
        )

    def inserts(self, seconds):
        """{ per_s, latency_ms } of CLIENTS clients with a prepared statement."""
        done = self._run(
            "pgbench", "-h", self.dir, "-U", "bench", "-n", "-M", "prepared", "-c", CLIENTS, "-j", 1, "-T", seconds,
            "-f", self.dir / "insert.sql", "postgres",
        )
        per_s = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
        latency = re.search(r"^latency average = ([0-9.]+) ms", done.stdout, re.MULTILINE)
        if not per_s or not latency:
            raise Failed("pgbench said no rate: " + done.stdout[-1000:])
        return {"per_s": float(per_s.group(1)), "latency_ms": float(latency.group(1))}

    def version(self):
        return self._run("postgres", "--version").stdout.strip()

    def _run(self, program, *arguments, may_fail=False):
        command = [str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, user=self.user, cwd=self.dir)
        if done.returncode and not may_fail:
            raise Failed(f"{program} failed: {done.stderr[-1000:]}")
        return done


def unprivileged_user():
    """PostgreSQL refuses to run as root; None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Failed("PostgreSQL needs a user that is not root: neither postgres nor nobody exists")
