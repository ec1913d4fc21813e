"""The till feed: many readers of one organisation's block stream, each of which must be told everything, and one that never reads."""

import json
import selectors
import socket
import threading
import time
import urllib.parse

import harness
from harness import Failed, goal, say, show, spread

STREAM = "/api/action-center/blocks/stream"
CENTER = "/api/action-center"
CHANGES_PER_S = 20
SETTLE_S = 30
# The server lets a reader go whose queue stays full for 10 s, and the system a connection that stays unread for 10 s.
CUT_WITHIN_S = 60


class Till:
    """One reader: what it was told, and when."""

    def __init__(self, address, key, small_window=False):
        self.socket = socket.socket()
        if small_window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(address)
        self.socket.sendall(f"GET {STREAM} HTTP/1.1\r\nHost: till\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        self.socket.setblocking(False)
        self.rest, self.snapshot_blocks, self.told, self.over = b"", None, {}, False

    def read(self, now):
        while True:
            try:
                piece = self.socket.recv(1 << 18)
            except BlockingIOError:
                break
            except OSError:
                piece = b""
            if not piece:
                self.over = True
                break
            self.rest += piece
        *events, self.rest = self.rest.split(b"\n\n")
        for event in events:
            self.take(event, now)

    def take(self, event, now):
        # Chunk sizes stand between the events; a field begins its own line all the same.
        lines = [line.strip(b"\r") for line in event.split(b"\n")]
        fields = dict(line.split(b": ", 1) for line in lines if line.startswith((b"event: ", b"data: ", b"id: ")))
        name = fields.get(b"event")
        if name == b"snapshot":
            self.snapshot_blocks = len(json.loads(fields[b"data"])["blocks"])
        elif name in (b"placed", b"lifted"):
            told = json.loads(fields[b"data"])
            self.told.setdefault((name.decode(), told["id"]), now)


def post(connection, key, path, body, expected):
    status, _, text = harness.request(connection, "POST", path, key, body)
    if status != expected:
        raise Failed(f"POST {path} answered {status} {text}")
    return json.loads(text)


def block(entity):
    return {"block_type": "comp_approval", "entity_id": entity, "entity_type": "employee", "reason": "Comps wait for review",
            "override_required": True, "override_authority": "gm"}


def change(server, key, seconds, acknowledged):
    """Places and lifts blocks at fixed times; notes when each was acknowledged."""
    connection = server.connect()
    start = time.monotonic()
    for number in range(seconds * CHANGES_PER_S // 2):
        placed = post(connection, key, f"{CENTER}/blocks", block(f"soak-{number}"), 201)["id"]
        acknowledged["placed", placed] = time.monotonic()
        time.sleep(max(0, start + (2 * number + 1) / CHANGES_PER_S - time.monotonic()))
        post(connection, key, f"{CENTER}/blocks/{placed}/lift", {"lift_reason": "Reviewed"}, 200)
        acknowledged["lifted", placed] = time.monotonic()
        time.sleep(max(0, start + (2 * number + 2) / CHANGES_PER_S - time.monotonic()))


def stream(bench):
    """So many tills follow one organisation; blocks are placed and lifted at 20/s; nobody may miss anything."""
    args = bench.args
    server = bench.server()
    connection = server.connect()
    org = post(connection, bench.token, "/api/operator/orgs", {"org_id": "soak", "name": "Soak"}, 201)
    key = org["admin_key"]
    for number in range(args.blocks):
        post(connection, key, f"{CENTER}/blocks", block(f"standing-{number}"), 201)
    url = urllib.parse.urlsplit(server.url)
    before = server.rss_bytes()
    began = time.monotonic()
    deaf = Till((url.hostname, url.port), key, small_window=True)
    tills, selector = [], selectors.DefaultSelector()
    while len(tills) < args.readers:
        for _ in range(min(50, args.readers - len(tills))):
            tills.append(Till((url.hostname, url.port), key))
            selector.register(tills[-1].socket, selectors.EVENT_READ, tills[-1])
        pump(selector, 0.05)
    until(lambda: all(till.snapshot_blocks is not None for till in tills), selector, "a snapshot for every till")
    snapshots_s = time.monotonic() - began
    wrong = [till.snapshot_blocks for till in tills if till.snapshot_blocks != args.blocks]
    if wrong:
        raise Failed(f"{len(wrong)} snapshots with another number of blocks, such as {wrong[0]}")
    say(f"{args.readers} tills have their snapshot of {args.blocks} blocks after {snapshots_s:.1f} s")

    acknowledged = {}
    writer = threading.Thread(target=change, args=(server, key, args.seconds, acknowledged))
    writer.start()
    while writer.is_alive():
        pump(selector, 0.2)
    changes = args.seconds * CHANGES_PER_S // 2 * 2
    until(lambda: all(len(till.told) >= changes or till.over for till in tills), selector, "every change at every till", must=False)
    return figures(args, tills, acknowledged, changes, snapshots_s, (before, server.rss_bytes()), is_cut(deaf, began))


def pump(selector, seconds):
    for found, _ in selector.select(seconds):
        found.data.read(time.monotonic())
        if found.data.over:
            selector.unregister(found.data.socket)


def until(holds, selector, what, must=True):
    end = time.monotonic() + SETTLE_S
    while not holds():
        if time.monotonic() > end:
            if must:
                raise Failed(f"no {what} within {SETTLE_S} s")
            return
        pump(selector, 0.2)


def is_cut(deaf, began):
    """Whether the connection that nobody read was ended by the server: seen by the system, not by reading."""
    end = max(began + CUT_WITHIN_S, time.monotonic() + 2)
    while time.monotonic() < end:
        try:
            deaf.socket.send(b"\r\n")
        except BlockingIOError:
            pass
        except OSError:
            return True
        time.sleep(0.5)
    return False


def figures(args, tills, acknowledged, changes, snapshots_s, rss, cut):
    delays = sorted(till.told[one] - at for till in tills for one, at in acknowledged.items() if one in till.told)
    missed = sum(1 for till in tills for one in acknowledged if one not in till.told)
    figure = lambda share: delays[min(len(delays) - 1, int(len(delays) * share))] * 1_000
    found = {
        "readers": args.readers, "standing_blocks": args.blocks, "changes": len(acknowledged), "snapshots_s": snapshots_s, "missed": missed,
        "ended": sum(till.over for till in tills), "delay_p50_ms": figure(0.5), "delay_p99_ms": figure(0.99), "delay_max_ms": delays[-1] * 1_000,
        "bytes_per_reader": (rss[1] - rss[0]) / args.readers, "deaf_reader_cut": cut,
    }
    say("\nmilliseconds from the acknowledgement of a change to a till that was told of it")
    for name in ("delay_p50_ms", "delay_p99_ms", "delay_max_ms"):
        show(name, spread([found[name]]), digits=1)
    show("resident bytes a reader, snapshot included", spread([found["bytes_per_reader"]]))
    found["goals"] = {
        "every change acknowledged": goal("changes", len(acknowledged), changes),
        "nothing missed": goal("missed", missed, 0, at_least=False),
        "nobody cut who reads": goal("ended", found["ended"], 0, at_least=False),
        "the deaf reader is cut": goal("cut", int(cut), 1),
    }
    return found
