"""What the scenarios share: processes that are ended by pid, the client, the machine, the figures, the result file."""

import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import queue
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
BLOCK_TYPE = "comp_approval"
MEMORY_FILESYSTEMS = {"tmpfs", "ramfs"}


class Failed(Exception):
    """The scenario has no figure to show; the message says why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


class Process:
    """A process that prints `listening on http://ADDRESS:PORT` as its first line."""

    def __init__(self, command, env=None, log_path=None, start_timeout_s=300):
        self.log_path = log_path
        self.started_at = time.monotonic()
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(open(log_path, "ab")) if log_path else subprocess.DEVNULL
            self.child = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **(env or {})}, text=True
            )
        self.lines = queue.Queue()
        threading.Thread(target=self._drain, daemon=True).start()
        try:
            line = self.lines.get(timeout=start_timeout_s)
        except queue.Empty:
            line = None
        if not line or not line.startswith("listening on http://"):
            self.kill()
            raise Failed(f"{pathlib.Path(command[0]).name} did not say where it listens, but {line!r}\n{self.log_tail()}")
        self.listening_after_s = time.monotonic() - self.started_at
        self.url = line.split()[-1].rstrip("/")

    def _drain(self):
        for line in self.child.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def log_tail(self):
        if not self.log_path:
            return ""
        return pathlib.Path(self.log_path).read_text(errors="replace")[-2000:]

    def connect(self):
        return http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)

    def rss_bytes(self):
        with open(f"/proc/{self.child.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise Failed("the server has no resident size: it ended")

    def stop(self, timeout_s=120):
        """SIGTERM and the graceful end that follows."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"the server did not end within {timeout_s} s of SIGTERM") from None

    def kill(self):
        """SIGKILL: what a crash looks like."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()


class Bench:
    """One run of a scenario: its arguments, temporary directory and processes."""

    def __init__(self, args):
        self.args = args
        self.token = secrets.token_hex(24)
        self.binary = pathlib.Path(args.bin).resolve()
        examples = pathlib.Path(args.examples).resolve() if args.examples else self.binary.parent / "examples"
        self.load_binary, self.bare_binary = examples / "load", examples / "bare_handler"
        for binary in (self.binary, self.load_binary, self.bare_binary):
            if not binary.is_file():
                raise Failed(f"{binary.name} is not built: cargo build --release --bins --examples")
        self.filesystem = filesystem_of(args.tmp)
        if self.filesystem in MEMORY_FILESYSTEMS:
            raise Failed(f"the temporary directory is on {self.filesystem}, where durable writes cost nothing: give --tmp")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ac-load-", dir=args.tmp))
        self.fixture = self.dir / "fixture.json"
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def data_dir(self, name="data"):
        return self.dir / name

    def server(self, data="data", env=None):
        settings = dict(pair.split("=", 1) for pair in self.args.server_env)
        command = [str(self.binary), "serve", "--listen", "127.0.0.1:0", "--data-dir", str(self.data_dir(data))]
        env = {"ACTION_CENTER_OPERATOR_TOKEN": self.token, **settings, **(env or {})}
        return self._track(Process(command, env, self.dir / "server.log"))

    def bare(self, answer):
        command = [str(self.bare_binary), "--workers", str(self.args.workers), "--body", answer["body"]]
        for name, value in answer["headers"]:
            command += ["--header", f"{name}: {value}"]
        return self._track(Process(command, log_path=self.dir / "bare.log"))

    def _track(self, process):
        self.running.append(process)
        return process

    def load(self, *arguments):
        """Runs the client and answers with its reports, one for each load."""
        command = [str(self.load_binary), *map(str, arguments), "--fixture", str(self.fixture)]
        env = {**os.environ, "ACTION_CENTER_OPERATOR_TOKEN": self.token}
        verbose = arguments[0] in ("prepare", "place")
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=None if verbose else subprocess.PIPE, text=True, env=env
        )
        try:
            out, err = child.communicate()
        finally:
            if child.poll() is None:
                child.kill()
        if child.returncode:
            raise Failed(f"load {arguments[0]} failed: {(err or '')[-2000:]}")
        reports = [json.loads(line) for line in out.splitlines()]
        for report in reports:
            if report["failures"]:
                say(f"  {report['failures']} failures, first: {report['first_failure']}")
            if not report["right"]:
                raise Failed(f"load {arguments[0]} got no right answer: {report}")
        return reports

    def prepare(self, server, orgs, blocks_per_org, prefix="load"):
        self.load("prepare", "--url", server.url, "--orgs", orgs, "--blocks-per-org", blocks_per_org, "--prefix", prefix)

    def orgs(self):
        return json.loads(self.fixture.read_text())["orgs"]

    def pause(self):
        time.sleep(self.args.pause)


def request(connection, method, path, key, body=None):
    """(status, headers, body) of one call."""
    headers = {"Authorization": f"Bearer {key}", **({"Content-Type": "application/json"} if body else {})}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    response = connection.getresponse()
    return response.status, response.getheaders(), response.read().decode()


def check(connection, org, entity):
    path = f"/api/action-center/blocks?block_type={BLOCK_TYPE}&entity_id={entity}"
    return request(connection, "GET", path, org["check_key"])


def is_blocked(status, body):
    return status == 200 and json.loads(body).get("blocked") is True


def spread(values):
    """Median with minimum and maximum, and the rounds they come from."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": values}


def show(name, figure, unit="", digits=0):
    say(f"  {name:<52} {figure['median']:>12,.{digits}f}  ({figure['min']:,.{digits}f} – {figure['max']:,.{digits}f}) {unit}")


def goal(name, value, must, at_least=True):
    met = value >= must if at_least else value <= must
    say(f"  {name:<52} {value:>12,.2f}  must be {'≥' if at_least else '≤'} {must:g}: {'met' if met else 'NOT MET'}")
    return {"value": value, "must": must, "at_least": at_least, "met": met}


def fdatasync_us(directory, seconds=0.5):
    """Latencies of appending 600 bytes and syncing them, the least that a durable write can cost here."""
    latencies, end = [], time.perf_counter() + seconds
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        while (start := time.perf_counter()) < end:
            file.write(b"x" * 600)
            os.fdatasync(file.fileno())
            latencies.append((time.perf_counter() - start) * 1e6)
    return statistics.median(latencies)


def directory_bytes(path):
    return sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file())


def read_seconds(path):
    """How long it takes to read the same bytes: the least that a start can cost."""
    start = time.monotonic()
    for file in pathlib.Path(path).rglob("*"):
        if file.is_file():
            with open(file, "rb", buffering=0) as opened:
                while opened.read(1 << 20):
                    pass
    return time.monotonic() - start


def filesystem_of(path):
    path, best = str(pathlib.Path(path).resolve()), ("", "unknown")
    with open("/proc/mounts") as mounts:
        for line in mounts:
            _, mount, kind = line.split()[:3]
            inside = path == mount or path.startswith(mount.rstrip("/") + "/")
            if inside and len(mount) >= len(best[0]):
                best = (mount, kind)
    return best[1]


def machine(filesystem):
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    models = [line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": models[0] if models else platform.machine(),
        "kernel": platform.release(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "filesystem": filesystem,
        "load_average_before": os.getloadavg()[0],
    }


def git(*arguments):
    done = subprocess.run(["git", "-C", str(HERE), *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def commit():
    changed = git("status", "--porcelain", "--untracked-files=no")
    return {"id": git("rev-parse", "HEAD") or "unknown", "changed_files": len(changed.splitlines())}


def write_result(scenario, args, about, figures):
    date = args.date or git("log", "-1", "--format=%cs") or datetime.date.today().isoformat()
    results = pathlib.Path(args.results)
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"{scenario}-{date}.json"
    keep = ("rounds", "blocks", "orgs", "seconds", "records", "workers", "answer", "rate", "write_rate", "full", "server_env", "submissions", "approvers")
    parameters = {name: getattr(args, name) for name in keep}
    path.write_text(json.dumps({"scenario": scenario, "date": date, **about, "parameters": parameters, **figures}, indent=1) + "\n")
    say(f"wrote {path.name}")
