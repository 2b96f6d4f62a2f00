"""What execplugd promises under deaths, reloads and parked calls."""
import contextlib
import http.client
import os
import signal
import subprocess
import threading
import time

import peers
import procs

KILL_EVERY_S = 0.3
KILL_FOR_S = 12
KILL_RETRY = 0.05  # the agent waits 1, 2, 4, 8 s: here 50 to 400 ms
REPLACE_LIMIT_S = 5
N_HUPS = 200
HUP_EVERY_S = 0.05
N_PARKED = 1000
PARKED_MS = 5000
SETTLE_LIMIT_S = 2


def wait_for(done, limit_s, every_s=0.002):
    """Seconds until done() was true; None when it was not within limit_s."""
    begin = time.monotonic()
    while time.monotonic() - begin < limit_s:
        if done():
            return time.monotonic() - begin
        time.sleep(every_s)
    return None


def small_body(tools):
    return tools.body(peers.call_body({"howdy": {}}))


def stop_load(tools, load):
    load.send_signal(signal.SIGTERM)
    return tools.result(load)


def is_replaced(peer, dead, n_wanted):
    workers = peer.ready_workers()
    return dead not in workers and len(workers) >= n_wanted


def kill_workers(peer, over):
    """SIGKILL a worker every 300 ms; milliseconds to each replacement."""
    times = []
    n_wanted = len(peer.ready_workers())
    due = time.monotonic()
    while not over.wait(max(0, due - time.monotonic())):
        due = time.monotonic() + KILL_EVERY_S
        workers = peer.ready_workers()
        dead = workers[len(times) % len(workers)]
        os.kill(dead, signal.SIGKILL)
        took = wait_for(lambda dead=dead: is_replaced(peer, dead, n_wanted),
                        REPLACE_LIMIT_S)
        times.append(None if took is None else took * 1000)
    return times


def worker_kills(tools, args):
    """A client that retries as the agent, while workers are killed."""
    over = threading.Event()
    with peers.Execplug(tools.folder, args.execplugd) as peer:
        load = tools.start(peer.port, small_body(tools), connections=16,
                           retry=KILL_RETRY)
        timer = threading.Timer(KILL_FOR_S, over.set)
        timer.start()
        try:
            times = kill_workers(peer, over)
        finally:
            timer.cancel()
            result = stop_load(tools, load)
    found = [took for took in times if took is not None]
    return {"n_kills": len(times), "n_never_replaced":
            len(times) - len(found), "replaced_ms_max": max(found, default=0),
            "replaced_ms_median": sorted(found)[len(found) // 2]
            if found else 0, "replaced_ms": times, "load": result}


def lone_worker_kills(tools, args):
    """The same with one worker: the gap that a client sees."""
    with peers.Execplug(tools.folder, args.execplugd,
                        ["--workers", "1"]) as peer:
        load = tools.start(peer.port, small_body(tools), connections=16,
                           seconds=4, retry=KILL_RETRY / 2)
        for _ in range(5):
            time.sleep(0.6)
            os.kill(peer.ready_workers()[0], signal.SIGKILL)
        result = tools.result(load)
    return {"n_kills": 5, "gap_ms": result["gap_ms"], "load": result}


def hups(tools, args):
    """200 generations under load, no retries: no call may fail."""
    with peers.Execplug(tools.folder, args.execplugd) as peer:
        load = tools.start(peer.port, small_body(tools), connections=16)
        n_most = 0
        for _ in range(N_HUPS):
            peer.processes[-1].send_signal(signal.SIGHUP)
            time.sleep(HUP_EVERY_S)
            n_most = max(n_most, len(procs.tree(peer.pid())))
        result = stop_load(tools, load)
        generation = peer.status()["generation"]
    return {"n_hups": N_HUPS, "generation": generation,
            "n_processes_most": n_most, "load": result}


def kept_connections(tools, args):
    """Very many calls on kept connections: none may be lost."""
    count = 1000000 if args.long else 200000
    with peers.Execplug(tools.folder, args.execplugd) as peer:
        before = procs.total_pss_mib(peer.pids())
        result = tools.run(peer.port, small_body(tools), connections=16,
                           count=count)
        after = procs.total_pss_mib(peer.pids())
    return {"count": count, "pss_mib_before": before, "pss_mib_after": after,
            "load": result}


def start_parked(tools, peer, n, milliseconds):
    body = tools.body(peers.call_body({"sleep": {"ms": milliseconds}}))
    return tools.start(peer.port, body, expect="phase", connections=n,
                       count=n)


def n_parked(peer):
    return sum(row.get("parked", 0) for row in peer.status()["processes"])


def parked_once(tools, peer, body):
    """Park 1000 calls; the others' pace before, beside and after them."""
    def others():
        return tools.run(peer.port, body, connections=16, seconds=1.5)

    found = {"before": others()}
    workers = peer.ready_workers()
    worker_kib = sum(procs.pss_kib(pid) for pid in workers)
    all_kib = sum(procs.pss_kib(pid) for pid in peer.pids())
    parked = start_parked(tools, peer, N_PARKED, PARKED_MS)
    wait_for(lambda: n_parked(peer) >= N_PARKED, SETTLE_LIMIT_S)
    found["n_at_once"] = most = max(n_parked(peer), 1)
    found["kib_per_call"] = (sum(
        procs.pss_kib(pid) for pid in workers) - worker_kib) / most
    found["kib_per_call_with_nginx"] = (sum(
        procs.pss_kib(pid) for pid in peer.pids()) - all_kib) / most
    found["beside"] = others()
    found["parked"] = tools.result(parked)
    found["after"] = others()
    found["ratio"] = 2 * found["beside"]["per_second"] / (
        found["before"]["per_second"] + found["after"]["per_second"])
    return found


def parked_calls(tools, args):
    """1000 calls parked at once: what each costs, and the others' pace."""
    body = small_body(tools)
    with peers.Execplug(tools.folder, args.faulty) as peer:
        tools.run(peer.port, body, connections=16, seconds=1)
        times = [parked_once(tools, peer, body) for _ in range(3)]
    return {"n": N_PARKED, "rounds": times,
            # memory that the first round left is used again by the next
            "kib_per_call": times[0]["kib_per_call"],
            "n_at_once": min(found["n_at_once"] for found in times),
            "others_ratio": sorted(found["ratio"] for found in times)[1],
            "others_failed": sum(found["beside"]["failed"]
                                 for found in times),
            "parked": {"ok": min(found["parked"]["ok"]
                                 for found in times)}}


def stop_idle(tools, args):
    with peers.Execplug(tools.folder, args.execplugd) as peer:
        milliseconds, code = peer.stop()
    return {"ms": milliseconds, "code": code}


def stop_busy(tools, args):
    """A stop under load, with calls parked if the test build is there."""
    program = args.faulty or args.execplugd
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(peers.Execplug(tools.folder, program))
        load = tools.start(peer.port, small_body(tools), connections=16)
        parked = None
        if args.faulty:
            parked = start_parked(tools, peer, 32, PARKED_MS)
            wait_for(lambda: n_parked(peer) >= 32, SETTLE_LIMIT_S)
        milliseconds, code = peer.stop()
        found = {"ms": milliseconds, "code": code,
                 "load": stop_load(tools, load)}
        if parked:
            found["parked"] = tools.result(parked)
    return found


def measure(tools, args, say):
    """Every round; one that cannot run says why under "error"."""
    found = {}
    steps = [stop_idle, stop_busy, worker_kills, lone_worker_kills, hups,
             kept_connections]
    if args.faulty:
        steps.append(parked_calls)
    else:
        found["parked_calls"] = {"absent": "no test build: give --faulty or "
                                 "EXECPLUGD_FAULTY"}
    for step in steps:
        name = step.__name__
        say(name.replace("_", " "))
        try:
            found[name] = step(tools, args)
        except (OSError, KeyError, ValueError, http.client.HTTPException,
                subprocess.SubprocessError, peers.Missing) as why:
            found[name] = {"error": f"{type(why).__name__}: {why}"}
    return found
