"""Row 81: every route for a while, and nothing grows.

EXECPLUG_SOAK_SECONDS says how long; the default is a short look.
"""
import itertools
import os
import signal
import threading

from harness import http1, procfs
from harness.background import Load
from harness.calls import fault, foreign, hello, sleep
from harness.programs import is_sanitized
from harness.waiting import Stopwatch, wait_for

SECONDS = float(os.environ.get("EXECPLUG_SOAK_SECONDS", "12"))
CALLS_PER_SECOND = 200
KIB = 1024


def mixed_calls(daemon):
    """A function for Load that makes one call of each kind in turn."""
    kinds = itertools.cycle([
        lambda: (daemon.call(hello()), 200),
        lambda: (daemon.call(foreign()), 200),
        lambda: (daemon.call(hello().ljust(300000)), 200),
        lambda: (daemon.call(b"{"), 400),
        lambda: (daemon.call(hello(), token="wrong"), 403),
        lambda: (daemon.call(sleep(20)), 200),
        lambda: (daemon.call(fault("error")), 200),
        lambda: (daemon.call(fault("big", bytes=100000)), 200),
        lambda: (daemon.ask("GET", "/healthz"), 200),
        lambda: (daemon.ask("GET", "/metrics"), 200),
        lambda: (daemon.ask("GET", "/status"), 200),
        lambda: (daemon.ask("GET", "/nothing"), 404),
        lambda: (http1.ask(daemon.port, "GET",
                           "/api/v1/template.execute"), 405),
    ])
    lock, watch, count = threading.Lock(), Stopwatch(), itertools.count()

    def call():
        with lock:
            kind, n = next(kinds), next(count)
        due = n / CALLS_PER_SECOND
        wait_for(lambda: watch.seconds() >= due, SECONDS + 60)
        response, status = kind()
        if response.status == status:
            return None
        return f"{response.status} instead of {status}: {response.body!r}"
    return call


def footprint(daemon):
    """{pid: (PSS, descriptors)} of every process."""
    return {pid: (procfs.pss_bytes(pid), procfs.n_fds(pid))
            for pid in daemon.tree()}


def test_row_81_mixed_calls_for_a_while(daemons):
    daemon = daemons.make("--log-level=warn", faulty=True)
    daemon.argv.remove("--log-level=debug")
    daemon.start()
    load = Load(mixed_calls(daemon), 4)
    watch = Stopwatch()
    wait_for(lambda: watch.seconds() > SECONDS / 4, SECONDS)
    before = footprint(daemon)
    wait_for(lambda: watch.seconds() > SECONDS, SECONDS + 5)
    load.stop()
    after = footprint(daemon)
    assert not load.failures, load.failures[:5]
    assert load.n_calls > SECONDS * CALLS_PER_SECOND / 4
    assert set(after) == set(before), "no process was replaced"
    for pid, (_, n_fds) in after.items():
        assert n_fds <= before[pid][1] + 4, procfs.command(pid)
    if not is_sanitized(daemon.program):
        grown = sum(pss for pss, _ in after.values()) \
            - sum(pss for pss, _ in before.values())
        assert grown < 1024 * KIB + SECONDS / 3600 * 1024 * KIB, grown


def test_row_81_hups_for_a_while_leave_nothing(daemons):
    """Generations come and go; descriptors and processes do not add up."""
    daemon = daemons.start(front="none", token=None)
    supervisor = daemon.process.pid

    def generation():
        old = daemon.workers()
        daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: not set(daemon.workers()) & set(old), 5,
                 "a new generation")
        wait_for(lambda: not any(procfs.is_alive(pid) for pid in old), 10,
                 "the old one has left")
    for _ in range(2):
        generation()
    fds, n_processes = procfs.n_fds(supervisor), len(daemon.tree())
    for _ in range(5):
        generation()
    assert procfs.n_fds(supervisor) == fds
    assert len(daemon.tree()) == n_processes
