"""Measures execplugd beside other plugins, in one run.

Short rounds alternate between the peers, in rotated order, so that a
machine whose speed drifts is unfair to nobody; the rounds that other
programs disturbed most are left out.  Prints a table with ratios to a bare
Go plugin, then what was to be reached and what was.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import peers
import procs
import resilience
import table

HERE = pathlib.Path(__file__).resolve().parent
LOAD_SOURCES = ("load.c", "caller.c", "histogram.c", "reply_head.c")
HELLO = {"howdy": {}}
EXPECT = "Hello template!"
N_STARTS = 5
CONNECTIONS = (16, 64, 512)


class Tools:
    """The load generator, the bodies it sends, and the folder of this run."""

    def __init__(self, folder, load):
        self.folder = folder
        self.program = load or self.build()
        self.n_bodies = 0

    def build(self):
        program = self.folder / "load"
        subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-o",
                        program, *(HERE / name for name in LOAD_SOURCES)],
                       check=True)
        return str(program)

    def body(self, content):
        self.n_bodies += 1
        path = self.folder / f"body-{self.n_bodies}"
        path.write_bytes(content)
        return path

    def start(self, port, body, expect=EXPECT, **options):
        """A load generator that runs; its options as of load.c."""
        command = [self.program, "--port", str(port), "--body", str(body),
                   "--token", peers.TOKEN, "--expect", expect]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def result(self, load, timeout=120):
        """What a load generator printed, once it has ended."""
        try:
            out, _ = load.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            load.kill()
            raise
        return json.loads(out)

    def run(self, port, body, **options):
        load = self.start(port, body, **options)
        return self.result(load, 120 + 2 * options.get("seconds", 0))


def measure_starts(makers):
    """Milliseconds from exec to the first 200, and PSS then, per peer.

    Only one peer runs at a time here: PSS divides what is shared, and two
    nginx would share their program.
    """
    found = {name: {"ms": [], "idle_mib": []} for name in makers}
    for _ in range(N_STARTS):
        for name, maker in makers.items():
            with maker() as peer:
                found[name]["ms"].append(peer.start_ms)
                found[name]["idle_mib"].append(
                    procs.total_pss_mib(peer.pids()))
    return found


def one_round(tools, peer, body, **options):
    begin = time.monotonic()
    busy = procs.machine_busy_seconds()
    before = procs.cpu_seconds(peer.pids())
    result = tools.run(peer.port, body, timeout=5000, **options)
    cpu_s = procs.cpu_seconds(peer.pids()) - before
    busy = procs.machine_busy_seconds() - busy
    result["cpu_s_per_1000"] = 1000 * cpu_s / max(result["ok"], 1)
    result["others_cpu"] = max(0, busy - cpu_s - result["load_cpu_s"]) / \
        (time.monotonic() - begin)
    return result


def rounds(tools, running, n, body, connections, seconds):
    """n rounds of each peer, the order rotated; lists of results."""
    results = {peer.name: [] for peer in running}
    for i in range(n):
        turn = i % len(running)
        for peer in running[turn:] + running[:turn]:
            results[peer.name].append(one_round(
                tools, peer, body, connections=connections, seconds=seconds))
    return results


def rounds_by_connections(tools, running, body, args):
    """As rounds(), with 16, 64 and 512 connections in each peer's turn."""
    results = {f"c{n}": {peer.name: [] for peer in running}
               for n in CONNECTIONS}
    for i in range(args.rounds):
        turn = i % len(running)
        for peer in running[turn:] + running[:turn]:
            for n in CONNECTIONS:
                results[f"c{n}"][peer.name].append(one_round(
                    tools, peer, body, connections=n, seconds=args.seconds))
    return results


def large_value(n_bytes):
    """A call of n bytes as a template with a long input makes it."""
    return peers.call_body(HELLO, "x" * (n_bytes - len(
        peers.call_body(HELLO))))


def many_values(n_bytes):
    """A call of n bytes whose plugin body is a manifest of many values."""
    item = {"name": "A_VARIABLE", "value": "some text of usual length",
            "list": [1, 2, 3], "flag": True}
    n_items = n_bytes // (len(json.dumps(item, separators=(",", ":"))) + 1)
    items = [item] * min(n_items, 1900)
    short = peers.call_body({"howdy": {"spec": items}})
    return peers.call_body({"howdy": {"spec": items}},
                           "x" * max(0, n_bytes - len(short)))


def measure_memory(tools, makers, seconds):
    """Peak PSS while 16 calls of 256 KiB are always under way."""
    found = {name: [] for name in makers}
    for name, maker in makers.items():
        for shape in (large_value, many_values):
            body = tools.body(shape(256 * 1024))
            with maker() as peer, procs.PeakPss(peer.pids) as peak:
                result = tools.run(peer.port, body, connections=16,
                                   seconds=seconds)
            found[name].append(
                {"shape": shape.__name__, "mib": peak.mib,
                 "n_samples": peak.n_samples, "load": result})
    return found


def compare(tools, makers, args):
    """All that is measured of every peer."""
    say(f"starting each of {', '.join(makers)} {N_STARTS} times")
    found = {"start": measure_starts(makers)}
    small = tools.body(peers.call_body(HELLO))
    found["body_bytes"] = small.stat().st_size
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(maker()) for maker in makers.values()]
        say(f"{args.rounds} rounds of {args.seconds:g} s each with "
            "16, 64 and 512 connections")
        found.update(rounds_by_connections(tools, running, small, args))
        say("bodies of 1 MB")
        found["large"] = rounds(
            tools, [peer for peer in running if peer.reads_bodies],
            max(2, args.rounds // 2), tools.body(large_value(1000 * 1000)),
            connections=4, seconds=args.seconds)
    say("16 parallel calls of 256 KiB, each peer alone")
    found["peak"] = measure_memory(tools, makers, args.seconds)
    return found


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make_makers(folder, args, absent):
    """Peers by name, in the table's order; those not to be had in absent."""
    makers = {}
    if args.execplugd:
        makers["execplug"] = lambda: peers.Execplug(folder, args.execplugd)
    else:
        absent["execplug"] = "no program: give --execplugd or EXECPLUGD"
    try:
        say("building the Go plugin")
        program = peers.build_go(folder)
        makers["go"] = lambda: peers.Go(folder, program)
        makers["go+nginx"] = lambda: peers.GoNginx(folder, program)
    except peers.Missing as why:
        absent["go"] = absent["go+nginx"] = str(why)
    makers["seed"] = lambda: peers.Seed(folder)
    makers["nginx-return"] = lambda: peers.NginxReturn(folder)
    if args.only:
        makers = {name: maker for name, maker in makers.items()
                  if name in args.only.split(",")}
    for name, maker in list(makers.items()):
        try:
            with maker():
                pass
        except peers.Missing as why:
            absent[name] = str(why)
            del makers[name]
    return makers


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--execplugd", default=os.environ.get("EXECPLUGD"),
                        help="the program (or EXECPLUGD)")
    parser.add_argument("--faulty",
                        default=os.environ.get("EXECPLUGD_FAULTY"),
                        help="the test build, for parked calls "
                        "(or EXECPLUGD_FAULTY)")
    parser.add_argument("--load", default=os.environ.get("EXECPLUG_LOAD"),
                        help="a built load.c (or EXECPLUG_LOAD); without it "
                        "cc builds one")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1,
                        help="length of a round")
    parser.add_argument("--long", action="store_true",
                        help="a million calls on kept connections, not 200k")
    parser.add_argument("--strict", action="store_true",
                        help="exit 1 when a goal is missed")
    parser.add_argument("--only", help="peers to run, by name, with commas")
    parser.add_argument("--skip-resilience", action="store_true",
                        help="only compare the peers")
    parser.add_argument("--json", metavar="FILE",
                        help="write all that was measured to FILE")
    return parser.parse_args()


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="execplug-bench-"))
    folder.chmod(0o755)
    absent = {}
    try:
        tools = Tools(folder, args.load)
        makers = make_makers(folder, args, absent)
        found = {"peers": compare(tools, makers, args), "absent": absent}
        if "execplug" in makers and not args.skip_resilience:
            found["resilience"] = resilience.measure(tools, args, say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    goals = table.goals(found)
    found["goals"] = goals
    table.show(found, list(makers), sys.stdout)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(found, indent=1) + "\n")
        say(f"all numbers are in {args.json}")
    missed = any(row["verdict"] == table.MISSED for row in goals)
    return 1 if args.strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())
