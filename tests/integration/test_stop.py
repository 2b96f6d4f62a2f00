"""Rows 47-50: stops, signals, and the duties of PID 1."""
import os
import signal
import subprocess

import pytest

from harness import http1, procfs
from harness.agent import bearer
from harness.background import Background, Load, is_hello
from harness.calls import (EXECUTE, HELLO_REPLY, POSTPONED, TOKEN, fault,
                           hello, sleep)
from harness.programs import find, is_sanitized
from harness.waiting import Stopwatch, wait_for


def slack_s():
    """More seconds for a build with sanitizers."""
    return 2 if is_sanitized() else 0


def timed_stop(daemon, number=signal.SIGTERM, limit=10):
    """Stop; (exit code, seconds)."""
    daemon.remember_private()
    watch = Stopwatch()
    daemon.send_signal(number)
    code = daemon.wait_exit(limit)
    return code, watch.seconds()


@pytest.mark.parametrize("front", ["nginx", "none"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT,
                                    signal.SIGQUIT])
def test_row_47_a_stop_when_idle(daemons, front, number):
    daemon = daemons.start(front=front)
    assert daemon.call(hello()).json == HELLO_REPLY
    code, seconds = timed_stop(daemon, number)
    assert code == 0
    assert seconds < 1 + slack_s()


def test_row_47_idle_client_connections_do_not_delay_a_stop(daemons):
    daemon = daemons.start()
    clients = [http1.Client(daemon.port) for _ in range(20)]
    for one in clients[:10]:
        assert one.ask("GET", "/healthz").status == 200
    code, seconds = timed_stop(daemon)
    assert code == 0 and seconds < 1 + slack_s()
    for one in clients:
        one.close()


def uploading(daemon, body):
    """A client that has sent half of a call."""
    client = http1.Client(daemon.port)
    data = http1.request("POST", EXECUTE, bearer(daemon.token), body)
    client.send(data[:-20])
    return client, data[-20:]


def test_row_47_a_call_of_a_few_seconds_is_still_answered(daemons):
    """It was on its way when the stop came, and ends 2 s after it."""
    daemon = daemons.start()
    client, rest = uploading(daemon, hello())
    assert daemon.call(hello()).status == 200
    watch = Stopwatch()
    daemon.remember_private()
    daemon.send_signal(signal.SIGTERM)
    wait_for(lambda: watch.seconds() > 2, 3)
    assert daemon.is_running
    client.send(rest)
    assert client.response().json == HELLO_REPLY
    client.close()
    assert daemon.wait_exit(8) == 0
    assert watch.seconds() < 4 + slack_s()


def test_row_47_a_call_without_end_is_cut(daemons):
    """A client that never sends the rest, a worker that never ends."""
    daemon = daemons.start("--workers=1", faulty=True)
    client, _ = uploading(daemon, hello())
    spinning = Background(agent_try, daemon, fault("spin"))
    wait_for(daemon.workers_with_calls, 3, "the worker is busy")
    code, seconds = timed_stop(daemon)
    assert code == 0
    assert seconds < 8
    assert spinning.result() in (503, None)
    client.close()


def agent_try(daemon, body):
    """Status of one try, None when the connection was cut."""
    try:
        return daemon.call(body).status
    except (OSError, http1.Truncated):
        return None


def test_row_47_stop_under_load_loses_no_call_that_was_taken(daemons):
    """Every answer is whole: 200, or 503, or no connection at all."""
    daemon = daemons.start()

    def call():
        try:
            response = daemon.call(hello())
        except ConnectionError:
            return None
        return None if response.status == 503 else is_hello(response)
    load = Load(call, 4)
    wait_for(lambda: load.n_calls > 100, 10, "load")
    code, seconds = timed_stop(daemon)
    load.stop()
    assert code == 0 and seconds < 8
    assert not load.failures


def test_while_stopping_readyz_is_503_and_healthz_200(daemons):
    daemon = daemons.start()
    client, rest = uploading(daemon, hello())
    assert daemon.call(hello()).status == 200
    with http1.Client(daemon.port) as probe:
        assert probe.ask("GET", "/readyz").status == 200
        daemon.remember_private()
        daemon.send_signal(signal.SIGTERM)
        wait_for(lambda: drain_seen(daemon, probe), 2, "/readyz says so")
    client.send(rest)
    client.close()
    assert daemon.wait_exit(8) == 0


def drain_seen(daemon, probe):
    """True once /readyz is 503 or nobody takes new connections."""
    try:
        ready = probe.ask("GET", "/readyz")
        if ready.status != 503:
            return False
        assert ready.json["message"]
        return probe.ask("GET", "/healthz").status == 200
    except (http1.Truncated, ConnectionError):
        return not daemon.is_running or True


@pytest.mark.parametrize("drain, least, most", [("1s", 0.8, 4), ("0s", 0, 3)])
def test_the_drain_is_an_option(daemons, drain, least, most):
    daemon = daemons.start(f"--drain={drain}", "--workers=1", faulty=True)
    spinning = Background(agent_try, daemon, fault("spin"))
    wait_for(daemon.workers_with_calls, 3, "the worker is busy")
    code, seconds = timed_stop(daemon)
    assert code == 0
    assert least <= seconds < most + slack_s()
    spinning.result()


def test_row_48_a_second_term_ends_at_once(daemons):
    daemon = daemons.start("--workers=1", faulty=True)
    spinning = Background(agent_try, daemon, fault("spin"))
    wait_for(daemon.workers_with_calls, 3, "the worker is busy")
    daemon.remember_private()
    daemon.send_signal(signal.SIGTERM)
    wait_for(lambda: stopping(daemon), 2, "the stop has begun")
    watch = Stopwatch()
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait_exit() == 0
    assert watch.seconds() < 1 + slack_s()
    spinning.result()


def stopping(daemon):
    return any("stop" in one["msg"].lower() for one in daemon.log())


def test_row_48_term_during_the_start(daemons):
    """At every moment of it: a clean end, and nothing stays."""
    for ms in range(0, 80, 3):
        daemon = daemons.make()
        watch = Stopwatch()
        daemon.spawn()
        wait_for(lambda w=watch, s=ms / 1000: w.seconds() >= s, 1)
        tree = daemon.tree()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait_exit() in (0, -signal.SIGTERM), ms
        wait_for(lambda t=tree: not any(procfs.is_alive(p) for p in t), 2,
                 "its processes are gone")


def test_row_48_term_during_a_hup(daemons):
    for ms in range(0, 40, 4):
        daemon = daemons.start()
        watch = Stopwatch()
        daemon.remember_private()
        daemon.send_signal(signal.SIGHUP)
        wait_for(lambda w=watch, s=ms / 1000: w.seconds() >= s, 1)
        code, seconds = timed_stop(daemon)
        assert code == 0 and seconds < 8, ms


@pytest.mark.parametrize("number", [
    signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGPIPE,
    signal.SIGALRM, signal.SIGCHLD, signal.SIGCONT,
])
def test_row_48_signals_that_change_nothing(daemons, number):
    daemon = daemons.start()
    before = daemon.workers()
    for _ in range(20):
        daemon.send_signal(number)
    for _ in range(20):
        assert daemon.call(hello()).json == HELLO_REPLY
    assert daemon.workers() == before
    assert daemon.is_running


def test_row_48_a_storm_of_signals(daemons):
    """All of them mixed, under load: no crash, and then a clean stop."""
    daemon = daemons.start()
    load = Load(lambda: is_hello(daemon.agent_call(hello())), 2)
    numbers = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
               signal.SIGWINCH, signal.SIGCHLD)
    for i in range(50):
        daemon.send_signal(numbers[i % len(numbers)])
        mark = load.n_calls
        wait_for(lambda m=mark: load.n_calls > m, 10, "calls go on")
    load.stop()
    assert not load.failures
    assert timed_stop(daemon)[0] == 0


def test_row_48_a_stop_after_a_stop_of_the_group(daemons):
    """Ctrl-C in a terminal reaches every process of the group at once."""
    daemon = daemons.make()
    daemon.start(start_new_session=True)
    daemon.remember_private()
    watch = Stopwatch()
    os.killpg(daemon.process.pid, signal.SIGINT)
    assert daemon.wait_exit() == 0
    assert watch.seconds() < 2 + slack_s()


needs_root = pytest.mark.skipif(os.geteuid() != 0,
                                reason="a pid namespace needs root")


def pid_namespace(daemons, **more):
    """A daemon that is PID 1; (daemon, its pid out here)."""
    daemon = daemons.make(prefix=[find("unshare"), "-pf", "--mount-proc",
                                  "--kill-child"], **more)
    daemon.start()
    return daemon, procfs.children(daemon.process.pid)[0]


@needs_root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_row_49_a_stop_as_pid_1(daemons, number):
    daemon, init = pid_namespace(daemons)
    with open(f"/proc/{init}/status", encoding="ascii") as file:
        inner = [one for one in file if one.startswith("NSpid")][0].split()
    assert inner[-1] == "1"
    assert daemon.call(hello()).json == HELLO_REPLY
    os.kill(init, number)
    assert daemon.wait_exit() == 0


def zombies(pid):
    return [one for one in procfs.descendants(pid)
            if procfs.state(one) == "Z"]


@needs_root
def test_row_49_pid_1_reaps_what_is_given_to_it(daemons):
    daemon, init = pid_namespace(daemons, faulty=True)
    response = daemon.call(fault("orphans", count=200))
    assert response.status == 200
    wait_for(lambda: not zombies(init), 1, "no zombies")
    for pid in procfs.children(init):
        if not procfs.is_nginx(pid):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not zombies(init), 1, "no zombies")
    assert daemon.agent_call(hello()).json == HELLO_REPLY
    os.kill(init, signal.SIGTERM)
    assert daemon.wait_exit() == 0


def test_row_50_a_thousand_orphans_are_reaped(daemons):
    """They become the supervisor's children, as it is a subreaper."""
    daemon = daemons.start(faulty=True)
    mine = set(procfs.children(os.getpid()))
    assert daemon.call(fault("orphans", count=1000)).status == 200
    wait_for(lambda: not zombies(os.getpid()), 1, "no zombies")
    assert set(procfs.children(os.getpid())) == mine
    assert daemon.call(hello()).json == HELLO_REPLY
    n_restarts = sum(daemon.metrics().total(
        "execplug_worker_restarts_total", reason=reason)
        for reason in ("exit", "signal", "watchdog"))
    assert n_restarts == 0, "an orphan was taken for a worker"


def test_a_parked_call_is_postponed_by_a_stop(daemons):
    daemon = daemons.start(faulty=True)
    parked = Background(daemon.call, sleep(15000))
    wait_for(lambda: sum(one["parked"] for one in daemon.status()["processes"]
                         if one["role"] == "worker") == 1, 3, "it is parked")
    code, seconds = timed_stop(daemon)
    assert parked.result().json == POSTPONED
    assert code == 0 and seconds < 2 + slack_s()


def test_calls_during_a_stop_are_503_or_postponed(daemons):
    """argoexec v3.4-v3.7 ignores SIGTERM and goes on calling."""
    daemon = daemons.start(faulty=True)
    client, rest = uploading(daemon, hello())
    assert daemon.call(hello()).status == 200
    daemon.remember_private()
    daemon.send_signal(signal.SIGTERM)
    wait_for(lambda: stopping(daemon), 2, "the stop has begun")
    for body in (hello(), sleep(100), hello(), sleep(10000)):
        try:
            response = daemon.call(body)
        except (ConnectionError, http1.Truncated):
            continue
        assert response.status in (200, 503), response
        if response.status == 200 and b"sleep" in body:
            assert response.json == POSTPONED
    client.send(rest)
    client.close()
    assert daemon.wait_exit(8) == 0


def test_the_token_is_never_on_a_command_line(daemons):
    daemon = daemons.start()
    for pid in daemon.tree():
        assert TOKEN not in procfs.command(pid)


def test_stdout_stays_empty(daemons):
    """It is for replies in CGI mode only; logs go to stderr."""
    daemon = daemons.make()
    with open(os.devnull, "rb") as nothing:
        process = subprocess.Popen(daemon.argv, stdin=nothing, cwd="/",
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        daemon.process = process
        wait_for(daemon.is_ready, 10, "it is ready")
        assert daemon.call(hello()).status == 200
        daemon.remember_private()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out == b"" and err != b""
