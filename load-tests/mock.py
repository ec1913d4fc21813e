#!/usr/bin/env python3
"""A stand-in for the server that knows just enough of the API to try the load tests themselves; no figure of it means anything.

Keeps its state as one pickle per graceful stop and an append file of the requests since.
"""

import asyncio
import json
import os
import pathlib
import pickle
import signal
import sys
import urllib.parse


class State:
    def __init__(self):
        self.orgs, self.keys = {}, {}

    def handle(self, method, target, token, body, operator):
        path, _, query = target.partition("?")
        if path == "/api/operator/orgs":
            if token != operator:
                return 401, {}
            if body["org_id"] in self.orgs:
                return 409, {}
            self.orgs[body["org_id"]] = {"version": 1, "blocks": {}, "keys": 0}
            self.keys[f"ack_{body['org_id']}_admin"] = body["org_id"]
            return 201, {"org": body, "admin_key": f"ack_{body['org_id']}_admin"}
        name = self.keys.get(token)
        if name is None:
            return 401, {}
        org = self.orgs[name]
        if method == "GET":
            asked = dict(urllib.parse.parse_qsl(query))
            blocked = (asked["block_type"], asked["entity_id"]) in org["blocks"]
            return 200, {"blocked": blocked, "decision": "block" if blocked else "allow", "version": org["version"]}
        org["version"] += 1
        if path == "/api/keys":
            org["keys"] += 1
            key = f"ack_{name}_{org['keys']}"
            self.keys[key] = name
            return 201, {"id": key, "key": key}
        if path == "/api/action-center/blocks":
            org["blocks"][body["block_type"], body["entity_id"]] = True
        elif path == "/api/action-center/violations":
            org["blocks"]["comp_approval", body["metadata"]["server_id"]] = True
            return 201, {"violation": {"id": "1", "blocks": ["1"]}, "actions": ["1"], "blocks": ["1"]}
        return 201, {}


class Server:
    def __init__(self, data):
        self.operator = os.environ["ACTION_CENTER_OPERATOR_TOKEN"]
        data.mkdir(parents=True, exist_ok=True)
        self.snapshot, journal = data / "snapshot", data / "journal"
        self.state = pickle.loads(self.snapshot.read_bytes()) if self.snapshot.exists() else State()
        if journal.exists():
            for line in journal.read_text().splitlines():
                self.state.handle(*json.loads(line), self.operator)
        self.journal = open(journal, "a")

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
                method, target, _ = first.split()
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                call = (method, target, headers["authorization"].removeprefix("Bearer "), json.loads(raw) if raw else None)
                status, answer = self.state.handle(*call, self.operator)
                if method != "GET":
                    self.journal.write(json.dumps(call) + "\n")
                    self.journal.flush()
                text = json.dumps(answer, separators=(",", ":"))
                writer.write(f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def stop(self):
        self.snapshot.write_bytes(pickle.dumps(self.state))
        self.journal.truncate(0)
        os._exit(0)


async def main():
    options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
    server = Server(pathlib.Path(options["--data-dir"]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    print("listening on http://127.0.0.1:%d" % listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


asyncio.run(main())
