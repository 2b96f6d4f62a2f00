"""A call that kills its worker twice is not tried a third time."""
import json
import os
import signal

import pytest

from harness import procfs
from harness.background import Background
from harness.calls import HELLO_REPLY, fault, hello
from harness.waiting import Stopwatch, wait_for


def kill_with(daemon, body, n_deaths):
    """One more call that ends its worker; waits until that is known."""
    assert daemon.call(body).status == 503
    wait_for(lambda: daemon.metrics().total(
        "execplug_worker_restarts_total") == n_deaths, 3, "it is counted")


def assert_poisoned(response):
    assert response.status == 200
    assert response.json["node"]["phase"] == "Error"
    assert response.json["node"]["message"]
    assert "requeue" not in response.json


@pytest.mark.parametrize("what", ["segv", "abort", "overflow"])
def test_a_call_that_killed_two_workers_is_answered_error(daemons, what):
    daemon = daemons.start(faulty=True)
    body = fault(what)
    kill_with(daemon, body, 1)
    kill_with(daemon, body, 2)
    for _ in range(3):
        assert_poisoned(daemon.call(body))
    assert daemon.metrics().value("execplug_rejected_total",
                                  reason="poison") == 3
    assert daemon.metrics().value("execplug_worker_restarts_total",
                                  reason="signal") == 2


def test_the_agent_gets_the_error_within_its_tries(daemons):
    daemon = daemons.start(faulty=True)
    answer = daemon.agent_call(fault("segv"))
    assert answer.tries == 3
    assert_poisoned(answer)


def test_the_poison_is_remembered_over_a_hup(daemons):
    daemon = daemons.start(faulty=True)
    body = fault("segv")
    for n in (1, 2):
        kill_with(daemon, body, n)
    old = daemon.workers()
    daemon.send_signal(signal.SIGHUP)
    wait_for(lambda: not set(daemon.workers()) & set(old), 3)
    assert_poisoned(daemon.call(body))


def test_other_calls_are_not_poisoned(daemons):
    daemon = daemons.start(faulty=True)
    first, second = fault("segv"), fault("segv")
    for n, body in enumerate((first, second, first, second), 1):
        kill_with(daemon, body, n)
    assert_poisoned(daemon.call(first))
    assert_poisoned(daemon.call(second))
    assert daemon.call(fault("segv")).status == 503
    assert daemon.call(hello()).json == HELLO_REPLY


@pytest.mark.parametrize("what", ["exit0", "exit1"])
def test_an_exit_does_not_poison(daemons, what):
    daemon = daemons.start(faulty=True)
    body = fault(what)
    for n in range(1, 5):
        kill_with(daemon, body, n)


def test_a_kill_from_outside_does_not_poison(daemons):
    """An operator's kill, or the OOM killer's: not the call's fault."""
    daemon = daemons.start("--workers=1", faulty=True)
    body = fault("spin")
    for _ in range(3):
        call = Background(daemon.call, body)
        busy = wait_for(daemon.workers_with_calls, 3, "it is in hand")
        os.kill(busy[0], signal.SIGKILL)
        assert call.result().status == 503
        wait_for(lambda b=busy: set(daemon.workers()) - set(b), 3,
                 "a new worker")


def test_identical_calls_under_kills_are_not_poisoned(daemons):
    """The kill -9 of a load test must not make its call an Error."""
    daemon = daemons.start()
    body = hello()
    watch, n_kills = Stopwatch(), 0
    while watch.seconds() < 4:
        procfs.kill_quietly(wait_for(daemon.workers, 5, "a worker")[0])
        n_kills += 1
        while watch.seconds() < 0.3 * n_kills:
            assert daemon.agent_call(body).json == HELLO_REPLY


def test_a_poisoned_call_is_seen_in_the_log_and_on_status(daemons):
    daemon = daemons.start(faulty=True)
    body = fault("segv")
    for n in (1, 2):
        kill_with(daemon, body, n)
    assert_poisoned(daemon.call(body))
    wait_for(lambda: daemon.log_lines(key="fault", phase="Error"), 3,
             "its line")
    assert "fault" in json.dumps(daemon.status())
