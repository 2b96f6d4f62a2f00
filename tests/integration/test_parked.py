"""Rows 63, 70-72: calls that wait for an answer that comes later."""
import json
import os
import signal
import time

import pytest

from harness import http1, procfs
from harness.agent import bearer
from harness.background import Background
from harness.calls import (EXECUTE, HELLO_REPLY, POSTPONED, hello, seed,
                           sleep)
from harness.fcgi import Peer, call_params, request
from harness.programs import find, is_sanitized
from harness.waiting import Stopwatch, wait_for

MAX_PARKED = 1024


def n_parked(daemon):
    return sum(one["parked"] for one in daemon.status()["processes"]
               if one["role"] == "worker")


def wait_parked(daemon, n, timeout=10):
    wait_for(lambda: n_parked(daemon) == n, timeout, f"{n} calls are parked")


def assert_slept(response, text="slept"):
    assert response.status == 200
    assert response.json["node"]["phase"] == "Succeeded"
    assert response.json["node"]["message"] == text
    assert "requeue" not in response.json


@pytest.mark.parametrize("front", ["nginx", "none"])
def test_a_parked_call_is_answered_when_its_time_has_come(daemons, front):
    daemon = daemons.start("--workers=1", front=front, faulty=True)
    watch = Stopwatch()
    assert_slept(daemon.call(sleep(300, "well rested")), "well rested")
    assert 0.3 <= watch.seconds() < 1.5


def test_parked_calls_stop_nobody(daemons):
    daemon = daemons.start("--workers=1", faulty=True)
    parked = [Background(daemon.call, sleep(2000)) for _ in range(50)]
    wait_parked(daemon, 50)
    for _ in range(100):
        watch = Stopwatch()
        assert daemon.call(hello()).json == HELLO_REPLY
        assert watch.seconds() < 0.5
    for one in parked:
        assert_slept(one.result())
    assert n_parked(daemon) == 0


def test_parked_calls_are_answered_in_the_order_of_their_times(daemons):
    daemon = daemons.start("--workers=1", front="none", faulty=True)
    peers, times = [], [900, 300, 600]
    for ms in times:
        peer, body = Peer(daemon.path), sleep(ms, f"{ms}")
        peer.send(request(call_params(body, token=daemon.token), body))
        peers.append((ms, peer))
    watch = Stopwatch()
    for ms, peer in sorted(peers, key=lambda one: one[0]):
        assert_slept(peer.read_reply(), f"{ms}")
        assert ms / 1000 - 0.1 <= watch.seconds() < ms / 1000 + 0.4
        peer.close()


def test_row_70_clients_that_give_up_free_their_calls(daemons):
    daemon = daemons.start(faulty=True)
    clients = []
    for _ in range(100):
        client = http1.Client(daemon.port)
        client.send(http1.request("POST", EXECUTE, bearer(daemon.token),
                                  sleep(15000)))
        clients.append(client)
    wait_parked(daemon, 100)
    before = [procfs.n_fds(pid) for pid in daemon.workers()]
    for one in clients:
        one.close()
    wait_parked(daemon, 0)
    after = [procfs.n_fds(pid) for pid in daemon.workers()]
    assert sum(before) - sum(after) >= 90, "their descriptors are closed"
    assert daemon.call(hello()).json == HELLO_REPLY


def test_row_70_giving_up_again_and_again(daemons):
    """One after the other, also at the moment of the answer."""
    daemon = daemons.start("--workers=1", front="none", faulty=True)
    worker = daemon.workers()
    for i in range(100):
        body = sleep(i % 10)
        with Peer(daemon.path) as peer:
            peer.send(request(call_params(body, token=daemon.token), body))
            if i % 2:
                peer.half_close()
    wait_parked(daemon, 0)
    assert daemon.workers() == worker
    assert daemon.call(hello()).json == HELLO_REPLY


def test_row_71_equal_calls_at_the_same_time_are_two_calls(daemons):
    """Identical parallel nodes are legal: each gets its own answer."""
    daemon = daemons.start("--workers=1", faulty=True)
    body = sleep(500)
    calls = [Background(daemon.call, body) for _ in range(2)]
    wait_parked(daemon, 2)
    for one in calls:
        assert_slept(one.result())
    assert len(daemon.log_lines(key="sleep")) == 2


def park(daemon, n, ms):
    """n parked calls on sockets of their own."""
    peers = []
    for _ in range(n):
        peer, body = Peer(daemon.path), sleep(ms)
        peer.send(request(call_params(body, token=daemon.token), body))
        peers.append(peer)
    return peers


def test_row_72_1024_calls_are_parked_and_the_next_is_503(daemons):
    daemon = daemons.start("--workers=1", front="none", faulty=True)
    worker = daemon.workers()[0]
    before = procfs.rss_bytes(worker)
    peers = park(daemon, MAX_PARKED, 6000)
    wait_parked(daemon, MAX_PARKED)
    if not is_sanitized(daemon.program):
        used = procfs.rss_bytes(worker) - before
        assert used < MAX_PARKED * 2048, f"{used / MAX_PARKED} a call"
    watch = Stopwatch()
    refused = daemon.call(sleep(6000))
    assert refused.status == 503 and refused.json["message"]
    assert watch.seconds() < 1
    assert daemon.call(hello()).json == HELLO_REPLY
    for peer in peers:
        assert_slept(peer.read_reply())
        peer.close()
    assert_slept(daemon.call(sleep(10)))
    assert daemon.metrics().value("execplug_rejected_total",
                                  reason="full") == 1


def test_row_72_900_calls_through_nginx(daemons):
    """nginx holds two connections for each."""
    daemon = daemons.start(faulty=True)
    clients = []
    for _ in range(900):
        client = http1.Client(daemon.port)
        client.send(http1.request("POST", EXECUTE, bearer(daemon.token),
                                  sleep(5000)))
        clients.append(client)
    wait_parked(daemon, 900, timeout=20)
    times = []
    for _ in range(50):
        watch = Stopwatch()
        assert daemon.call(hello()).json == HELLO_REPLY
        times.append(watch.seconds())
    assert sorted(times)[25] < 0.1
    for client in clients:
        assert_slept(client.response())
        client.close()


def test_the_deadline_answers_running_and_requeue(daemons):
    daemon = daemons.start("--deadline=500ms", faulty=True)
    watch = Stopwatch()
    response = daemon.call(sleep(10000))
    assert 0.5 <= watch.seconds() < 2
    assert response.status == 200
    assert response.json["node"]["phase"] == "Running"
    assert response.json["node"]["message"]
    assert response.json["requeue"].endswith("s")
    wait_parked(daemon, 0)
    assert_slept(daemon.call(sleep(100)))


def test_a_stop_answers_parked_calls(daemons):
    daemon = daemons.start("--workers=1", front="none", faulty=True)
    peers = park(daemon, 30, 15000)
    wait_parked(daemon, 30)
    watch = Stopwatch()
    daemon.send_signal(signal.SIGTERM)
    for peer in peers:
        reply = peer.read_reply()
        assert reply.status == 200 and reply.json == POSTPONED
        peer.close()
    assert daemon.wait_exit() == 0
    assert watch.seconds() < 2


def test_a_hup_keeps_parked_calls(daemons):
    """The old generation answers them before it leaves."""
    daemon = daemons.start(faulty=True)
    old = daemon.workers()
    parked = [Background(daemon.call, sleep(2000)) for _ in range(20)]
    wait_parked(daemon, 20)
    daemon.send_signal(signal.SIGHUP)
    wait_for(lambda: not set(daemon.workers()) & set(old), 3,
             "a new generation")
    assert daemon.call(hello()).json == HELLO_REPLY
    for one in parked:
        assert_slept(one.result())


def test_a_worker_that_dies_loses_only_its_own_parked_calls(daemons):
    daemon = daemons.start(faulty=True)
    parked = [Background(daemon.call, sleep(2500)) for _ in range(40)]
    wait_parked(daemon, 40)
    shares = {one["pid"]: one["parked"]
              for one in daemon.status()["processes"]
              if one["role"] == "worker"}
    victim = max(shares, key=shares.get)
    os.kill(victim, signal.SIGKILL)
    statuses = [one.result().status for one in parked]
    assert statuses.count(503) == shares[victim]
    assert statuses.count(200) == 40 - shares[victim]


def test_a_parked_call_survives_a_slow_reader(daemons):
    daemon = daemons.start("--workers=1", faulty=True)
    with http1.Client(daemon.port, rcvbuf=2048) as client:
        client.send(http1.request("POST", EXECUTE, bearer(daemon.token),
                                  sleep(200, "x" * 3000)))
        wait_for(lambda: daemon.log_lines(key="sleep"), 5, "it is answered")
        assert_slept(client.response(), "x" * 3000)


def set_clock(file, offset_s):
    file.write_text(f"{offset_s:+d}\n", encoding="ascii")


def logged_hour(daemon):
    """Hours between the newest log line's time and the true time."""
    stamp = daemon.log()[-1]["time"]
    text = time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")
    return round((time.mktime(text) - time.timezone - time.time()) / 3600)


@pytest.mark.parametrize("hours", [1, -1])
def test_row_63_a_clock_that_jumps_disturbs_no_timer(daemons, hours):
    """The wall clock of all processes moves while calls are parked."""
    if is_sanitized():
        pytest.skip("libfaketime must be the first library, and so must it")
    library = find_libfaketime()
    daemon = daemons.make("--workers=1", front="none", faulty=True)
    clock = daemon.folder / "clock"
    set_clock(clock, 0)
    clock.chmod(0o644)
    daemon.env.update({
        "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    })
    daemon.start()
    old = daemon.workers()
    watch = Stopwatch()
    peers = park(daemon, 5, 1500)
    wait_parked(daemon, 5)
    set_clock(clock, hours * 3600)
    for peer in peers:
        assert_slept(peer.read_reply())
        peer.close()
    assert 1.5 <= watch.seconds() < 3
    assert json.loads(daemon.call(seed()).body) == HELLO_REPLY
    wait_for(lambda: logged_hour(daemon) == hours, 3, "the clock did jump")
    assert daemon.workers() == old


def find_libfaketime():
    find("faketime")
    for path in ("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                 "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"):
        if os.path.exists(path):
            return path
    raise AssertionError("libfaketime is missing: apt-get install faketime")
