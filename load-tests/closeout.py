"""A Friday close-out: everybody submits what the evening left behind, approvers decide it between two tables, and the work runs behind them.

Submissions arrive at fixed times, whether or not the server keeps up. What nobody decided is taken up by the next free approver after a moment
of thought. A module on loopback does the work, takes a little for each run and remembers every execution key.
"""

import http.client
import http.server
import json
import queue
import random
import threading
import time
import urllib.parse

import harness
from harness import Failed, goal, say, show, spread

PASSWORD = "close-out-of-a-friday"
APPROVERS_AT_ONCE = 16  # connections that the approvers share; each decision is made by another person
SUBMITTERS = 8
THINK_S = (0.5, 3.0)
WORK_S = (0.005, 0.030)
SETTLE_S = 120
OVER = {"executed", "failed", "in_doubt", "rejected", "cancelled", "expired", "skipped"}
# Share of the submissions, and what makes their risk: nobody decides, one person does, two do.
KINDS = [
    ("note", 0.3, {"sensitivity": "none", "connectors": [], "reversible": True, "auto_approvable": True, "undo_window": 3600}),
    ("refund", 0.5, {"sensitivity": "financial", "connectors": ["till"], "reversible": False}),
    ("payout", 0.2, {"sensitivity": "financial", "connectors": ["till", "bank", "mail", "payroll"], "reversible": False}),
]


class Module:
    """Serves the capabilities on loopback and counts the runs of every execution key."""

    def __init__(self):
        module = self
        self.runs, self.lock = {}, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if call.get("dry_run"):
                    body = {"preview": {"summary": f"Works on {call['payload']['item']}"}}
                else:
                    key = self.headers["Idempotency-Key"]
                    with module.lock:
                        module.runs[key] = module.runs.get(key, 0) + 1
                    time.sleep(random.uniform(*WORK_S))
                    body = {"result": {"item": call["payload"]["item"]}, "undo_payload": {"item": call["payload"]["item"]}}
                text = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/run"


class Person:
    """Somebody who decides, with a session of their own."""

    def __init__(self, server, org_id, email):
        self.origin = server.url
        connection = server.connect()
        body = json.dumps({"org_id": org_id, "email": email, "password": PASSWORD})
        connection.request("POST", "/api/session", body, {"Content-Type": "application/json", "Origin": self.origin})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise Failed(f"{email} cannot log in: {response.status} {text}")
        self.cookie = response.getheader("Set-Cookie").split(";")[0]
        self.csrf = json.loads(text)["csrf_token"]
        connection.close()

    def call(self, connection, method, path, body=None):
        headers = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf, "Origin": self.origin}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")


class Evening:
    """What happened to every request, and how long each call took."""

    def __init__(self):
        self.lock = threading.Lock()
        self.latencies = {"submit": [], "inbox": [], "decide": []}
        self.submitted, self.approved_at, self.over_at, self.status = {}, {}, {}, {}
        self.refusals = {}

    def took(self, what, since):
        with self.lock:
            self.latencies[what].append((time.monotonic() - since) * 1e6)

    def refused(self, what, status, body):
        with self.lock:
            name = f"{what} {status} {(body or {}).get('code')}"
            self.refusals[name] = self.refusals.get(name, 0) + 1


def closeout(bench):
    """So many submissions in a minute, so many approvers, executions behind them."""
    args = bench.args
    module, evening = Module(), Evening()
    server = bench.server(env={"ACTION_CENTER__DELIVERY__EGRESS__ALLOW": "127.0.0.0/8"})
    org = prepare(server, bench.token, module, args.approvers)
    people = org["people"]
    say(f"{len(people)} approvers are logged in")
    waiting, over = queue.Queue(), threading.Event()
    followers = [threading.Thread(target=follow, args=(server, org["key"], evening, over), daemon=True)]
    turns = Turns(people)
    deciders = [
        threading.Thread(target=approve, args=(server, turns, waiting, evening, over), daemon=True)
        for _ in range(APPROVERS_AT_ONCE)
    ]
    for thread in followers + deciders:
        thread.start()
    rss = server.rss_bytes()
    began = time.monotonic()
    submit_all(server, org["key"], args, evening, waiting)
    submitted_s = time.monotonic() - began
    end = time.monotonic() + SETTLE_S
    while len(evening.over_at) < len(evening.submitted) and time.monotonic() < end:
        time.sleep(0.2)
    over.set()
    return figures(args, evening, module, server, submitted_s, time.monotonic() - began, rss)


class Turns:
    """Whose turn it is: everybody once, then again from the start."""

    def __init__(self, people):
        self.people, self.at, self.lock = people, 0, threading.Lock()

    def next(self):
        with self.lock:
            self.at += 1
            return self.people[self.at % len(self.people)]


def prepare(server, token, module, approvers):
    connection = server.connect()
    org = posted(connection, token, "/api/operator/orgs", {"org_id": "closeout", "name": "Close-out"})
    key = org["admin_key"]
    for name, _, fields in KINDS:
        posted(connection, key, "/api/capabilities", {
            "name": f"floor.{name}", "version": "1", "module": "floor", "endpoint": module.url, "timeout": 20, "concurrency": 16,
            "params": {"type": "object", "required": ["item"], "properties": {"item": {"type": "string"}}},
            "idempotent": True, "preview_template": "Works on {{item}}", **fields})
    roles = ["owner", "owner", "owner", "reviewer"]
    people = []
    for number in range(approvers):
        email = f"approver-{number}@closeout.example"
        person = {"id": f"approver-{number}", "email": email, "name": f"Approver {number}", "role": roles[number % len(roles)], "password": PASSWORD}
        posted(connection, key, "/api/users", person)
        people.append(Person(server, "closeout", email))
    return {"key": key, "people": people}


def posted(connection, key, path, body):
    status, _, text = harness.request(connection, "POST", path, key, body)
    if status != 201:
        raise Failed(f"POST {path} answered {status} {text}")
    return json.loads(text)


def submit_all(server, key, args, evening, waiting):
    """Submission k is due at k / rate, whoever is free sends it; its latency counts from then."""
    numbers, rate = queue.Queue(), args.submissions / 60
    for number in range(args.submissions):
        numbers.put(number)
    start = time.monotonic() + 0.5

    def work():
        connection = server.connect()
        while True:
            try:
                number = numbers.get_nowait()
            except queue.Empty:
                return
            due = start + number / rate
            time.sleep(max(0, due - time.monotonic()))
            body = {"source": "module", "module": "floor", "capability": f"floor.{kind_of(number)}", "title": f"Item {number}",
                    "payload": {"item": f"item-{number}"}, "dedupe_key": f"item-{number}"}
            status, _, text = harness.request(connection, "POST", "/api/actions/submit", key, body)
            evening.took("submit", due)
            made = json.loads(text)
            if status != 201:
                evening.refused("submit", status, made)
                continue
            with evening.lock:
                evening.submitted[made["id"]] = kind_of(number)
            if made["status"] == "pending":
                waiting.put((time.monotonic() + random.uniform(*THINK_S), made["id"]))

    workers = [threading.Thread(target=work, daemon=True) for _ in range(SUBMITTERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def kind_of(number):
    place, sum_ = (number * 0.618034) % 1, 0
    for name, share, _ in KINDS:
        sum_ += share
        if place < sum_:
            return name
    return KINDS[-1][0]


def approve(server, turns, waiting, evening, over):
    """An approver opens the inbox, reads one request, decides it; what still waits for somebody else goes back."""
    connection = server.connect()
    while not over.is_set():
        try:
            at, approval_id = waiting.get(timeout=0.2)
        except queue.Empty:
            continue
        time.sleep(max(0, at - time.monotonic()))
        person = turns.next()
        try:
            if decide(connection, person, approval_id, evening):
                waiting.put((time.monotonic() + 0.02, approval_id))
        except (OSError, http.client.HTTPException):
            connection.close()
            connection = server.connect()
            waiting.put((time.monotonic() + 0.2, approval_id))


def decide(connection, person, approval_id, evening):
    """Whether it still waits for somebody."""
    since = time.monotonic()
    status, body = person.call(connection, "GET", "/api/actions/pending?owner=me&limit=50")
    evening.took("inbox", since)
    if status != 200:
        evening.refused("inbox", status, body)
    status, shown = person.call(connection, "GET", f"/api/actions/{approval_id}")
    if status != 200:
        evening.refused("read", status, shown)
        return True
    if shown["status"] != "pending":
        return False
    since = time.monotonic()
    status, body = person.call(connection, "POST", f"/api/actions/{approval_id}/approve", {"payload_hash": shown["payload_hash"]})
    evening.took("decide", since)
    if status == 200:
        if body["status"] == "pending":
            return True
        with evening.lock:
            evening.approved_at.setdefault(approval_id, time.monotonic())
        return False
    if status in (403, 409):  # somebody else's step, or this person has decided
        with evening.lock:
            evening.latencies["decide"].pop()
        return True
    evening.refused("decide", status, body)
    return True


def follow(server, key, evening, over):
    """Notes the end of every request as the live stream tells it."""
    address = urllib.parse.urlsplit(server.url)
    last = None
    while not over.is_set():
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        headers = {"Authorization": f"Bearer {key}", **({"Last-Event-ID": last} if last else {})}
        connection.request("GET", "/api/events?topics=approvals", headers=headers)
        response = connection.getresponse()
        if response.status != 200:
            raise Failed(f"the live stream answered {response.status}")
        while not over.is_set():
            line = response.readline()
            if not line:
                break
            if line.startswith(b"id: "):
                last = line[4:].strip().decode()
            if line.startswith(b"data: "):
                told = json.loads(line[6:])
                status = (told.get("object") or {}).get("status")
                if status in OVER:
                    with evening.lock:
                        evening.over_at.setdefault(told["id"], time.monotonic())
                        evening.status[told["id"]] = status
        connection.close()


def figures(args, evening, module, server, submitted_s, all_s, rss):
    ends = {}
    for approval_id in evening.submitted:
        status = evening.status.get(approval_id, "not over")
        ends[status] = ends.get(status, 0) + 1
    delays = [evening.over_at[one] - at for one, at in evening.approved_at.items() if one in evening.over_at]
    twice = sum(1 for runs in module.runs.values() if runs > 1)
    found = {
        "submissions": args.submissions, "approvers": args.approvers, "submitted_s": submitted_s, "all_s": all_s, "ends": ends,
        "refusals": evening.refusals, "runs": sum(module.runs.values()), "keys_run_twice": twice,
        "bytes_per_request": (server.rss_bytes() - rss) / max(1, len(evening.submitted)),
    }
    say(f"\n{len(evening.submitted)} submissions in {submitted_s:.1f} s, all over after {all_s:.1f} s: {ends}; refusals: {evening.refusals or 'none'}")
    say("milliseconds; a submission counts from when it was due")
    for name, micros in evening.latencies.items():
        quantiles(found, name, [one / 1_000 for one in micros])
    quantiles(found, "approved_to_over", [one * 1_000 for one in delays])
    found["goals"] = {
        "everything executed": goal("executed", ends.get("executed", 0), args.submissions),
        "nothing ran twice": goal("execution keys that ran twice", twice, 0, at_least=False),
        "nothing refused": goal("refusals", sum(evening.refusals.values()), 0, at_least=False),
    }
    return found


def quantiles(found, name, values):
    if not values:
        return
    values.sort()
    for label, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
        figure = values[min(len(values) - 1, int(len(values) * share))]
        found[f"{name}_{label}_ms"] = figure
        show(f"{name} {label}", spread([figure]), digits=1)
