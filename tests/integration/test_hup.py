"""Rows 48, 51: a new generation of workers, with and without load."""
import signal
import socket
import threading

import pytest

from harness import http1, procfs
from harness.agent import bearer
from harness.background import Load, is_hello
from harness.calls import EXECUTE, HELLO_REPLY, hello
from harness.waiting import Stopwatch, wait_for


def hup(daemon):
    daemon.send_signal(signal.SIGHUP)


def test_a_hup_replaces_the_workers_only(daemons):
    daemon = daemons.start()
    old, front = daemon.workers(), daemon.nginx_worker()
    hup(daemon)
    wait_for(lambda: not set(daemon.workers()) & set(old)
             and len(daemon.workers()) == 2, 3, "a new generation")
    assert daemon.call(hello()).json == HELLO_REPLY
    assert daemon.nginx_worker() == front
    wait_for(lambda: not any(procfs.is_alive(pid) for pid in old), 15,
             "the old generation leaves")
    metrics = daemon.metrics()
    assert sum(metrics.total("execplug_worker_restarts_total", reason=one)
               for one in ("exit", "signal", "watchdog")) == 0


def kept_calls(port, token, ended, outcome):
    """Calls on one kept connection until ended; counts and failures."""
    n_calls, failures = 0, []
    with http1.Client(port) as client:
        while not ended.is_set():
            try:
                problem = is_hello(client.ask("POST", EXECUTE,
                                              bearer(token), hello()))
            except (OSError, http1.Truncated) as error:
                failures.append(repr(error))
                break
            n_calls += 1
            if problem:
                failures.append(problem)
    outcome.append((n_calls, failures))


def test_row_51_two_hundred_hups_under_load_lose_no_call(daemons):
    """Row 48 as well.  Through nginx, on connections that are kept."""
    daemon = daemons.start()
    ended, outcome = threading.Event(), []
    threads = [threading.Thread(target=kept_calls, args=(
        daemon.port, daemon.token, ended, outcome)) for _ in range(4)]
    for one in threads:
        one.start()
    watch = Stopwatch()
    for n in range(200):
        hup(daemon)
        wait_for(lambda n=n: watch.seconds() > n * 0.05, 1)
    ended.set()
    for one in threads:
        one.join(30)
    assert sum(n_calls for n_calls, _ in outcome) > 1000
    assert not [one for _, failures in outcome for one in failures]
    wait_for(lambda: len(daemon.tree()) <= 6, 40, "old generations leave")
    assert daemon.call(hello()).json == HELLO_REPLY


def test_row_51_a_hup_with_a_short_deadline_loses_no_call(daemons):
    """nginx keeps its connections to old workers longer than that."""
    daemon = daemons.start("--deadline=500ms")
    ended, outcome = threading.Event(), []
    threads = [threading.Thread(target=kept_calls, args=(
        daemon.port, daemon.token, ended, outcome)) for _ in range(4)]
    for one in threads:
        one.start()
    old = daemon.workers()
    hup(daemon)
    wait_for(lambda: not any(procfs.is_alive(pid) for pid in old), 40,
             "the old generation leaves")
    ended.set()
    for one in threads:
        one.join(30)
    assert not [one for _, failures in outcome for one in failures]


def test_row_51_hups_under_load_without_nginx(daemons):
    """A connection per call, as behind somebody else's front end."""
    daemon = daemons.start(front="none")
    load = Load(lambda: is_hello(daemon.call(hello())), 4)
    watch = Stopwatch()
    for n in range(60):
        hup(daemon)
        wait_for(lambda n=n: watch.seconds() > n * 0.05, 1)
    load.stop()
    assert load.n_calls > 500
    assert not load.failures


def test_row_51_hups_during_uploads(daemons):
    """Calls that nginx is still reading when the workers change."""
    daemon = daemons.start()
    clients = []
    for _ in range(20):
        data = http1.request("POST", EXECUTE, bearer(daemon.token), hello())
        client = http1.Client(daemon.port)
        client.send(data[:-5])
        hup(daemon)
        clients.append((client, data[-5:]))
    for client, rest in clients:
        client.send(rest)
        assert client.response().json == HELLO_REPLY
        client.close()


@pytest.mark.parametrize("front", ["nginx", "none"])
def test_row_48_hups_faster_than_workers_start(daemons, front):
    daemon = daemons.start(front=front)
    for _ in range(200):
        hup(daemon)
    wait_for(lambda: len(daemon.workers()) == 2, 5, "two workers")
    assert daemon.call(hello()).json == HELLO_REPLY
    assert daemon.is_running


def test_a_hup_keeps_the_listening_socket(daemons):
    """Who is connected but not accepted yet is served by the new ones."""
    daemon = daemons.start(front="none")
    inode = daemon.path.stat().st_ino
    hup(daemon)
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(daemon.path))
    wait_for(lambda: daemon.call(hello()).status == 200, 2)
    assert daemon.path.stat().st_ino == inode


def test_counters_never_go_back(daemons):
    """What a retired worker has counted stays in the sums."""
    daemon = daemons.start(front="none")

    def executed():
        return daemon.metrics().value("execplug_requests_total",
                                      route="template.execute", code="200")
    last = 0
    for n in range(1, 8):
        for _ in range(5):
            assert daemon.call(hello()).status == 200
        hup(daemon)
        now = executed()
        assert now >= last
        last = now
    wait_for(lambda: executed() == 5 * n, 5, "all calls are counted")
