#!/usr/bin/env python3
"""Runs the load scenarios against a built server and writes what they measured; README.md says how to read it.

Every comparison is interleaved (A B A B ...) in one run on one machine, and shown as median with minimum and maximum.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time

import closeout
import harness
import postgres
import till
from harness import Bench, Failed, goal, say, show, spread

# Sizes: quick by default, the published ones with --full.
SIZES = {
    "check": {"orgs": (100, 1_000), "blocks": (100_000, 1_000_000), "records": (0, 0)},
    "ingest": {"orgs": (64, 64), "blocks": (0, 0), "records": (0, 0)},
    "restart": {"orgs": (100, 1_000), "blocks": (10_000, 100_000), "records": (20_000, 1_000_000)},
    "stream": {"orgs": (1, 1), "blocks": (500, 2_000), "records": (0, 0)},
    "memory": {"orgs": (100, 1_000), "blocks": (100_000, 1_000_000), "records": (0, 0)},
    "closeout": {"submissions": (400, 2_000), "approvers": (40, 200)},
}
ANSWER_HEADERS_OF_THE_SERVER = {"date", "content-length", "connection", "keep-alive", "transfer-encoding"}
NO_SNAPSHOTS = {"ACTION_CENTER__STORE__SNAPSHOT_EVERY_RECORDS": "100000000"}
WRITERS = 64


def check(bench):
    """Checks over HTTP against a bare handler with the same bytes: throughput, then latency with writes beside."""
    args = bench.args
    server = bench.server()
    bench.prepare(server, args.orgs, args.blocks // args.orgs)
    answer = sample_answer(server, bench.orgs()[0], args.answer)
    bare = bench.bare(answer)
    misses = ("--miss-percent", 100 if args.answer == "allowed" else 0)
    closed, opened = {"bare": [], "server": []}, {"bare": [], "server": []}
    for number in range(args.rounds):
        say(f"round {number + 1} of {args.rounds}, {WRITERS} connections, closed loop")
        for name, process in (("bare", bare), ("server", server)):
            closed[name] += bench.load("check", "--url", process.url, "--seconds", args.seconds, *misses)
            bench.pause()
    for number in range(args.rounds):
        say(f"round {number + 1} of {args.rounds}, open loop {args.rate}/s with {args.write_rate} writes/s beside")
        for name, process in (("bare", bare), ("server", server)):
            # The writes go to the real server in both cases, so that the machine is equally busy.
            opened[name].append(bench.load(
                "mixed", "--url", process.url, "--write-url", server.url, "--rate", args.rate,
                "--write-rate", args.write_rate, "--seconds", args.seconds, *misses,
            ))
            bench.pause()
    return check_figures(args, answer, closed, opened)


def check_figures(args, answer, closed, opened):
    figures = {"answer_bytes": len(answer["body"]), "answer_headers": answer["headers"], "reports": {"closed": closed, "open": opened}}
    rates = {name: [report["per_s"] for report in reports] for name, reports in closed.items()}
    say(f"\nchecks a second, {WRITERS} connections")
    for name in ("bare", "server"):
        figures[f"{name}_per_s"] = spread(rates[name])
        show(name, figures[f"{name}_per_s"])
    figures["ratio"] = spread([server / bare for bare, server in zip(rates["bare"], rates["server"])])
    show("server / bare, round by round", figures["ratio"], digits=3)
    say(f"\nlatency in µs from the time a check was due, {args.rate}/s with {args.write_rate} durable writes/s beside")
    for name in ("bare", "server"):
        for quantile in ("p50", "p99", "p99.9", "max"):
            figure = spread([reports[0]["latency_us"][quantile] for reports in opened[name]])
            figures[f"{name}_{quantile}_us"] = figure
            show(f"{name} {quantile}", figure, digits=1)
    for quantile in ("p50", "p99"):
        figures[f"write_{quantile}_us"] = spread([reports[1]["latency_us"][quantile] for reports in opened["server"]])
        show(f"write {quantile}", figures[f"write_{quantile}_us"])
    failures = [report["failures"] for reports in closed.values() for report in reports]
    failures += [report["failures"] for rounds in opened.values() for reports in rounds for report in reports]
    say("")
    p99, bare_p99 = figures["server_p99_us"]["median"], figures["bare_p99_us"]["median"]
    figures["goals"] = {
        "throughput against the bare handler": goal("throughput, server / bare", figures["ratio"]["median"], 0.85),
        "p99 below 1 ms": goal("p99 in µs", p99, 1000, at_least=False),
        "p99 against the bare handler": goal("p99, server / bare", p99 / bare_p99, 2, at_least=False),
        "no failures": goal("failures", sum(failures), 0, at_least=False),
    }
    return figures


def sample_answer(server, org, kind):
    """A real answer, so that the bare handler returns the same bytes."""
    entity = org["entity_prefix"] + ("0" if kind == "blocked" else str(org["blocks"]))
    status, headers, body = harness.check(server.connect(), org, entity)
    if status != 200 or json.loads(body).get("blocked") is not (kind == "blocked"):
        raise Failed(f"the check of {entity} answered {status} {body}")
    kept = [(name.lower(), value) for name, value in headers if name.lower() not in ANSWER_HEADERS_OF_THE_SERVER]
    return {"body": body, "headers": kept}


def ingest(bench):
    """Durable reports with one matching block template, against PostgreSQL INSERT with synchronous commit."""
    args = bench.args
    programs = postgres.bin_dir()
    if not programs:
        say("PostgreSQL: skipped: no PostgreSQL")
        return ingest_rounds(bench, None)
    with postgres.Postgres(programs, args.tmp) as reference:
        say(reference.version())
        return {"postgres": reference.version(), **ingest_rounds(bench, reference)}


def ingest_rounds(bench, reference):
    args = bench.args
    server = bench.server()
    bench.prepare(server, max(WRITERS, args.orgs), 0)
    reports = {"many": [], "one": [], "paced": []}
    inserts, syncs = [], []
    bytes_before = harness.directory_bytes(bench.data_dir())
    for number in range(args.rounds):
        say(f"round {number + 1} of {args.rounds}")
        writers = ("--url", server.url, "--connections", WRITERS, "--seconds", args.seconds)
        reports["many"] += bench.load("report", *writers, "--orgs", WRITERS)
        bench.pause()
        reports["one"] += bench.load("report", *writers, "--orgs", 1)
        bench.pause()
        if reference:
            inserts.append(reference.inserts(args.seconds))
            bench.pause()
        syncs.append(harness.fdatasync_us(bench.dir))
        reports["paced"] += bench.load("report", *writers, "--orgs", WRITERS, "--rate", args.write_rate)
        bench.pause()
    written = sum(report["right"] for kind in reports.values() for report in kind)
    grown = harness.directory_bytes(bench.data_dir()) - bytes_before
    figures = ingest_figures(args, reports, inserts, syncs)
    # Warm-up requests are written but not counted, so this errs on the high side.
    figures["disk_bytes_per_report"] = grown / written
    say(f"  {'disk, bytes a report (at most)':<52} {grown / written:>12,.0f}")
    return figures


def ingest_figures(args, reports, inserts, syncs):
    rates = {name: [report["per_s"] for report in reports[name]] for name in ("many", "one")}
    figures = {"reports": reports, "inserts": inserts, "goals": {}}
    goals = figures["goals"]
    say(f"\ndurable writes a second, {WRITERS} clients")
    for name, label in (("many", f"server, {WRITERS} organisations"), ("one", "server, one organisation")):
        figures[f"{name}_per_s"] = spread(rates[name])
        show(label, figures[f"{name}_per_s"])
    figures["one_to_many"] = spread([one / many for one, many in zip(rates["one"], rates["many"])])
    if inserts:
        figures["postgres_per_s"] = spread([insert["per_s"] for insert in inserts])
        show("PostgreSQL INSERT … RETURNING", figures["postgres_per_s"])
        figures["ratio"] = spread([many / insert["per_s"] for many, insert in zip(rates["many"], inserts)])
        show("server / PostgreSQL, round by round", figures["ratio"], digits=3)
    show("one organisation / many, round by round", figures["one_to_many"], digits=3)
    say(f"\nlatency in µs at {args.write_rate} writes/s, open loop")
    figures["fdatasync_us"] = spread(syncs)
    show("append of 600 bytes and fdatasync, p50", figures["fdatasync_us"], digits=1)
    to_sync = spread([report["latency_us"]["p50"] / sync for report, sync in zip(reports["paced"], syncs)])
    for quantile in ("p50", "p99", "p99.9"):
        figures[f"write_{quantile}_us"] = spread([report["latency_us"][quantile] for report in reports["paced"]])
        show(f"report {quantile}", figures[f"write_{quantile}_us"], digits=1)
    say("")
    if inserts:
        goals["against PostgreSQL"] = goal("server / PostgreSQL (aim 2)", figures["ratio"]["median"], 1.0)
    goals["one organisation against many"] = goal("one organisation / many", figures["one_to_many"]["median"], 0.7)
    goals["write p50"] = goal("write p50 / fdatasync p50, round by round", to_sync["median"], 5, at_least=False)
    goals["write p99"] = goal("write p99 in µs", figures["write_p99_us"]["median"], 20_000, at_least=False)
    failures = sum(report["failures"] for kind in reports.values() for report in kind)
    goals["no failures"] = goal("failures", failures, 0, at_least=False)
    return figures


def restart(bench):
    """From the start of the process to the first correct check, after kill -9."""
    fresh = restart_fresh(bench)
    behind = restart_behind(bench)
    say("\nseconds from start to the first correct check")
    figures = {"fresh_snapshot": fresh, "behind_snapshot": behind, "goals": {}}
    for name, variant, must in (("fresh snapshot", fresh, 1), ("records behind the snapshot", behind, 10)):
        show(name, variant["first_check_s"], "s", digits=3)
        show(f"{name}: reading the same bytes", variant["read_s"], "s", digits=3)
        if bench.args.full:
            figures["goals"][name] = goal(f"{name}, seconds", variant["first_check_s"]["median"], must, at_least=False)
    return figures


def restart_fresh(bench):
    args = bench.args
    server = bench.server("fresh")
    bench.prepare(server, args.orgs, max(1, args.blocks // args.orgs))
    orgs = bench.orgs()
    status = server.stop()
    say(f"graceful stop: exit {status}")
    known = [(org, org["entity_prefix"] + str(org["blocks"] - 1)) for org in orgs]
    return {"blocks": sum(org["blocks"] for org in orgs), **restart_rounds(bench, "fresh", known, {})}


def restart_behind(bench):
    args = bench.args
    server = bench.server("behind", NO_SNAPSHOTS)
    bench.prepare(server, args.orgs, 1)
    orgs = bench.orgs()
    records, records_per_report = count_records(server, orgs), None
    while records < args.records:
        say(f"{records:,} of {args.records:,} records")
        missing = args.records - records
        reports = missing // 10 if records_per_report is None else missing / records_per_report
        done = bench.load("report", "--url", server.url, "--connections", WRITERS, "--warmup", 0, "--seconds", 100,
                          "--count", max(WRITERS, int(reports)))[0]
        before, records = records, count_records(server, orgs)
        records_per_report = max(1, (records - before) / done["right"])
    last = last_write(server, orgs[-1])
    server.kill()
    known = [(orgs[-1], last)] + [(org, org["entity_prefix"] + "0") for org in orgs]
    return {"records": records, **restart_rounds(bench, "behind", known, NO_SNAPSHOTS)}


def count_records(server, orgs):
    """The version of an organisation is the number of its records."""
    connection = server.connect()
    return sum(json.loads(harness.check(connection, org, "nobody")[2])["version"] for org in orgs)


def last_write(server, org):
    """Reports once more and answers with the entity that the acknowledged report blocked."""
    entity = "last-before-the-kill"
    body = {
        "venue_id": org["venue_id"], "violation_type": "comp_exception", "severity": "critical", "title": "The last comp",
        "metadata": {"comp_amount": 250.0, "server_id": entity, "server_name": "Last"}, "source_table": "pos_comps", "source_id": entity,
    }
    status, _, text = harness.request(server.connect(), "POST", "/api/action-center/violations", org["report_key"], body)
    if status != 201:
        raise Failed(f"the last report answered {status} {text}")
    return entity


def restart_rounds(bench, data, known, env):
    """Start, ask until the first known entity is blocked, ask the others, kill; the next round finds the same bytes."""
    listening, first, read, statuses = [], [], [], {}
    for number in range(bench.args.rounds):
        read.append(harness.read_seconds(bench.data_dir(data)))
        server = bench.server(data, env)
        listening.append(server.listening_after_s)
        first.append(first_correct_check(server, *known[0], statuses))
        connection = server.connect()
        for org, entity in known:
            status, _, body = harness.check(connection, org, entity)
            if not harness.is_blocked(status, body):
                raise Failed(f"after the restart, {entity} of {org['org_id']} answered {status} {body}")
        say(f"round {number + 1}: {first[-1]:.3f} s, {len(known)} organisations answer correctly")
        server.kill()
    return {
        "listening_s": spread(listening), "first_check_s": spread(first), "read_s": spread(read),
        "data_bytes": harness.directory_bytes(bench.data_dir(data)), "other_statuses_before": statuses,
    }


def first_correct_check(server, org, entity, statuses):
    connection, deadline = server.connect(), time.monotonic() + 300
    while time.monotonic() < deadline:
        status, _, body = harness.check(connection, org, entity)
        if harness.is_blocked(status, body):
            return time.monotonic() - server.started_at
        if status == 200:
            raise Failed(f"the first check allowed what is blocked: {body}")
        statuses[status] = statuses.get(status, 0) + 1
        time.sleep(0.002)
    raise Failed("no correct check within 300 s of the start")


def memory(bench):
    """Resident memory of organisations and blocks, while they are placed and after a restart."""
    args, steps = bench.args, 4
    rounds = []
    for number in range(args.rounds):
        data = f"memory-{number}"
        server = bench.server(data)
        sizes = {"empty": settled_rss(server)}
        bench.prepare(server, args.orgs, 0)
        sizes["orgs"] = settled_rss(server)
        server = restarted(bench, server, data)
        sizes["orgs_restarted"] = settled_rss(server)
        curve = [(0, sizes["orgs_restarted"])]
        for step in range(1, steps + 1):
            each = args.blocks // args.orgs * step // steps
            bench.load("place", "--url", server.url, "--blocks-per-org", each)
            curve.append((each * args.orgs, settled_rss(server)))
        server = restarted(bench, server, data)
        sizes["blocks_restarted"] = settled_rss(server)
        server.kill()
        rounds.append({**sizes, "curve": curve})
    placed = rounds[0]["curve"][-1][0]
    figures = {"rounds": rounds, "blocks": placed}
    each = {
        "idle organisation, bytes": [(one["orgs_restarted"] - one["empty"]) / args.orgs for one in rounds],
        "block while placing, bytes": [(one["curve"][-1][1] - one["curve"][0][1]) / placed for one in rounds],
        "block after a restart, bytes": [(one["blocks_restarted"] - one["orgs_restarted"]) / placed for one in rounds],
    }
    say("\nresident memory while placing, the journal's own caches included")
    for blocks, rss in rounds[-1]["curve"]:
        say(f"  {blocks:>10,} blocks {rss / 2**20:>10,.1f} MiB")
    for name, values in each.items():
        figures[name] = spread(values)
        show(name, figures[name])
    figures["goals"] = {
        "organisation": goal("idle organisation, bytes", figures["idle organisation, bytes"]["median"], 16_384, at_least=False),
    }
    return figures


def settled_rss(server):
    time.sleep(2)
    return server.rss_bytes()


def restarted(bench, server, data):
    server.stop()
    return bench.server(data)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=SIZES)
    parser.add_argument("--bin", default="target/release/action-center", help="the built server")
    parser.add_argument("--examples", help="where load and bare_handler are; default: examples/ beside --bin")
    parser.add_argument("--rounds", type=int, help="default 5; memory 1")
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement, at most 120")
    parser.add_argument("--orgs", type=int)
    parser.add_argument("--blocks", type=int, help="in all organisations together")
    parser.add_argument("--readers", type=int, default=1_000, help="stream: tills that follow")
    parser.add_argument("--submissions", type=int, help="closeout: in one minute")
    parser.add_argument("--approvers", type=int, help="closeout: people who decide")
    parser.add_argument("--records", type=int, help="restart: records behind the snapshot")
    parser.add_argument("--full", action="store_true", help="the published sizes")
    parser.add_argument("--workers", type=int, default=1, help="check: workers of the bare handler; give the server as many")
    parser.add_argument("--answer", choices=("blocked", "allowed"), default="blocked", help="check: which answer is asked for")
    parser.add_argument("--rate", type=int, default=5_000, help="check: open loop, checks a second")
    parser.add_argument("--write-rate", type=int, default=500, help="open loop, writes a second")
    parser.add_argument("--server-env", action="append", default=[], metavar="NAME=VALUE", help="a setting for the server")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between measurements")
    parser.add_argument("--tmp", default=tempfile.gettempdir(), help="where data directories go: a real disk")
    parser.add_argument("--results", default=str(harness.HERE / "results"))
    parser.add_argument("--date", help="of the result file; default: of the commit")
    args = parser.parse_args()
    for name, sizes in SIZES[args.scenario].items():
        if getattr(args, name) is None:
            setattr(args, name, sizes[args.full])
    if args.rounds is None:
        args.rounds = 1 if args.scenario in ("memory", "stream", "closeout") else 5
    return args


def main():
    args = arguments()
    scenario = {"check": check, "ingest": ingest, "restart": restart, "memory": memory, "stream": till.stream,
                "closeout": closeout.closeout}[args.scenario]
    try:
        with Bench(args) as bench:
            about = {"commit": harness.commit(), "machine": harness.machine(bench.filesystem)}
            say(json.dumps(about))
            if about["machine"]["load_average_before"] > about["machine"]["cores"] / 4:
                say("the machine is busy with something else: take these figures for a trial")
            figures = scenario(bench)
            harness.write_result(args.scenario, args, about, figures)
    except Failed as failed:
        say(f"{args.scenario}: {failed}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
