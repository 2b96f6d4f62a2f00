"""Rows 78, 80 and the operators' pages: /healthz /readyz /metrics /status."""
import os
import signal
import subprocess
from html.parser import HTMLParser

import pytest

from harness import fcgi, http1, prometheus
from harness.background import Background
from harness.calls import (EXECUTE, HELLO_REPLY, fault, foreign, hello,
                           sleep)
from harness.programs import find
from harness.waiting import Stopwatch, wait_for

PAGES = ("/healthz", "/readyz", "/metrics", "/status",
         "/status?format=json")


def test_the_pages_of_a_healthy_daemon(daemons):
    daemon = daemons.start()
    for path in PAGES:
        assert daemon.ask("GET", path).status == 200
    assert daemon.ask("GET", "/healthz").json == {"status": "ok"}
    assert daemon.ask("GET", "/readyz").json == {"status": "ready"}
    kind = daemon.ask("GET", "/metrics").headers["content-type"]
    assert kind.startswith("text/plain; version=0.0.4")
    kind = daemon.ask("GET", "/status").headers["content-type"]
    assert kind.startswith("text/html")


def test_the_pages_need_no_token_and_the_api_does(daemons):
    daemon = daemons.start()
    assert daemon.ask("GET", "/status").status == 200
    assert http1.ask(daemon.port, "POST", EXECUTE, [],
                     hello()).status == 403


def test_the_pages_behind_a_foreign_front_end(daemons):
    daemon = daemons.start(front="none")
    for path in PAGES:
        assert daemon.ask("GET", path).status == 200, path
    prometheus.parse(daemon.ask("GET", "/metrics").body)


NAMES = {
    "execplug_build_info", "execplug_requests_total",
    "execplug_request_duration_seconds", "execplug_requests_in_progress",
    "execplug_request_body_bytes", "execplug_rejected_total",
    "execplug_workers", "execplug_worker_restarts_total",
    "execplug_listen_queue_length", "execplug_listen_queue_limit",
    "execplug_fcgi_protocol_errors_total",
    "execplug_log_lines_dropped_total", "process_resident_memory_bytes",
    "process_open_fds", "process_start_time_seconds",
}


def test_row_80_every_metric_is_there_from_the_start(daemons):
    daemon = daemons.start()
    metrics = daemon.metrics()
    assert NAMES <= set(metrics.types)
    assert metrics.value("execplug_requests_total",
                         route="template.execute", code="200") == 0
    assert metrics.label_values("execplug_worker_restarts_total",
                                "reason") >= {"exit", "signal", "watchdog"}
    assert metrics.label_values("execplug_workers", "state") == {
        "idle", "busy", "starting", "draining"}
    assert metrics.total("execplug_workers") == 2


def test_row_80_what_is_counted(daemons):
    daemon = daemons.start(faulty=True)
    calls = [
        (hello(), 200), (hello(), 200), (foreign(), 200), (b"{", 400),
        (b"[]", 400), (fault("error"), 200),
    ]
    for body, status in calls:
        assert daemon.call(body).status == status
    assert daemon.call(hello(), token="wrong").status == 403
    assert http1.ask(daemon.port, "GET", EXECUTE).status == 405
    metrics = daemon.metrics()

    def requests(code):
        return metrics.value("execplug_requests_total",
                             route="template.execute", code=code)
    assert requests("200") == 4
    assert requests("400") == 2
    assert requests("403") == 1
    assert requests("405") == 1
    assert metrics.total("execplug_request_duration_seconds_count") >= 6
    assert metrics.value("execplug_rejected_total", reason="token") == 1
    assert metrics.value("execplug_rejected_total", reason="json") == 1
    assert metrics.value("execplug_rejected_total", reason="envelope") == 1
    assert metrics.value("process_open_fds") > 0
    assert metrics.value("process_resident_memory_bytes") > 100000


def test_row_80_calls_in_progress(daemons):
    daemon = daemons.start(faulty=True)
    calls = [Background(daemon.call, sleep(1500)) for _ in range(10)]

    def in_progress():
        return daemon.metrics().value("execplug_requests_in_progress")
    wait_for(lambda: in_progress() == 10, 3, "ten calls in progress")
    for one in calls:
        one.result()
    wait_for(lambda: in_progress() == 0, 3, "none in progress")


def test_row_80_metrics_in_a_crash_loop(daemons):
    daemon = daemons.make(faulty=True,
                          env={"EXECPLUG_FAULTY_START": "crash"})
    daemon.spawn()
    wait_for(lambda: page(daemon, "/healthz") == 200, 10, "ops answers")
    n_scrapes = 0
    while daemon.is_running and n_scrapes < 100:
        try:
            response = daemon.ask("GET", "/metrics", timeout=5)
        except (OSError, http1.Truncated):
            continue
        if response.status == 200:
            prometheus.parse(response.body)
            n_scrapes += 1
            assert page(daemon, "/readyz") in (503, None)
    assert n_scrapes > 10
    daemon.remember_private()
    if daemon.is_running:
        daemon.kill()
    # A killed one cannot remove its folder; the next start does.
    daemons.start()


def page(daemon, path):
    try:
        return daemon.ask("GET", path, timeout=5).status
    except (OSError, http1.Truncated):
        return None


def test_row_80_metrics_during_a_drain(daemons):
    """On a connection that was there before the stop."""
    daemon = daemons.start("--workers=1", faulty=True)
    spinning = Background(page_of_call, daemon, fault("spin"))
    wait_for(daemon.workers_with_calls, 3, "a busy worker")
    probe = http1.Client(daemon.port)
    assert probe.ask("GET", "/metrics").status == 200
    daemon.remember_private()
    daemon.send_signal(signal.SIGTERM)
    n_scrapes = 0
    try:
        while daemon.is_running:
            response = probe.ask("GET", "/metrics")
            assert response.status == 200
            prometheus.parse(response.body)
            n_scrapes += 1
    except (OSError, http1.Truncated):
        pass
    probe.close()
    assert n_scrapes > 10
    assert daemon.wait_exit() == 0
    spinning.result()


def page_of_call(daemon, body):
    try:
        return daemon.call(body).status
    except (OSError, http1.Truncated):
        return None


def test_the_pages_answer_while_every_worker_is_stopped(daemons):
    daemon = daemons.start()
    pids = daemon.workers()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    watch = Stopwatch()
    for path in PAGES:
        if path != "/readyz":
            assert daemon.ask("GET", path).status == 200
    assert watch.seconds() < 1
    wait_for(lambda: daemon.ask("GET", "/readyz").status == 503, 4,
             "/readyz notices")
    assert daemon.ask("GET", "/healthz").status == 200
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    wait_for(daemon.is_ready, 3, "ready again")


def test_the_pages_answer_while_every_worker_is_busy(daemons):
    daemon = daemons.start(faulty=True)
    busy = []
    for n in (1, 2):
        busy.append(Background(daemon.call, fault("spin")))
        wait_for(lambda n=n: len(daemon.pids("worker", "busy")) == n, 2,
                 f"{n} busy")
    assert daemon.metrics().value("execplug_workers", state="busy") == 2
    for path in ("/healthz", "/metrics", "/status"):
        watch = Stopwatch()
        assert daemon.ask("GET", path).status == 200
        assert watch.seconds() < 1
    for one in busy:
        one.result()


def test_the_ops_process_is_replaced(daemons):
    daemon = daemons.start()
    old = daemon.pids("ops")
    assert len(old) == 1
    os.kill(old[0], signal.SIGKILL)
    wait_for(lambda: page(daemon, "/healthz") == 200, 3, "it is back")
    assert daemon.pids("ops") != old
    assert daemon.call(hello()).json == HELLO_REPLY


class Page(HTMLParser):
    """Checks that tags are closed in order; gathers links and text."""

    VOID = {"meta", "link", "br", "img", "input", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.text = [], [], ""
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs
                       if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text += data


def test_the_status_page_is_whole_and_needs_nothing_from_outside(daemons):
    daemon = daemons.start(faulty=True)
    daemon.call(fault("error"))
    page_ = Page(daemon.ask("GET", "/status").body.decode())
    assert not [one for one in page_.links if "//" in one]
    for word in ("worker", "hello", "fault", "execplug"):
        assert word in page_.text


def test_the_status_page_escapes_what_a_caller_wrote(daemons):
    daemon = daemons.start(faulty=True)
    evil = '<script>alert(1)</script>"&\''
    body = fault("error").replace(b'"test-', b'"<script>x</script>-', 1)
    headers = [("X-Request-ID", "<u>&quot;id</u>")]
    daemon.call(body, headers=headers)
    daemon.call(hello(evil), headers=headers)
    text = daemon.ask("GET", "/status").body.decode()
    assert "<script>x" not in text and "<u>" not in text
    Page(text)
    daemon.status()


def test_the_status_tells_workers_calls_failures_and_versions(daemons):
    daemon = daemons.start(faulty=True)
    for _ in range(3):
        daemon.call(hello())
    daemon.call(fault("error"))
    parked = Background(daemon.call, sleep(1500))
    wait_for(lambda: sum(one["parked"] for one in
                         daemon.status()["processes"]) == 1, 3)
    status = daemon.status()
    pids = {one["pid"] for one in status["processes"]}
    assert pids <= set(daemon.tree())
    assert {one["role"] for one in status["processes"]} == {
        "supervisor", "worker", "ops", "nginx"}
    text = str(status)
    for word in ("hello", "howdy", "sleep", "fault", "version"):
        assert word in text
    parked.result()


def test_readyz_says_why_not(daemons):
    daemon = daemons.make()
    daemon.token_file.unlink()
    daemon.spawn()
    wait_for(lambda: page(daemon, "/readyz") == 503, 5, "it listens")
    response = daemon.ask("GET", "/readyz")
    assert str(daemon.token_file) in response.json["message"]
    daemon.remember_private()


CONNECT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(3)
try:
    s.connect(sys.argv[1])
except PermissionError:
    print("no permission")
    sys.exit()
try:
    s.sendall(bytes.fromhex(sys.argv[2]))
    print("answered" if s.recv(1) else "closed")
except (BrokenPipeError, ConnectionResetError):
    print("closed")
"""


def connect_as(uid, path):
    """What a process with this uid meets at a socket."""
    return subprocess.run(
        [find("setpriv"), f"--reuid={uid}", f"--regid={uid}",
         "--clear-groups", "/usr/bin/python3", "-c", CONNECT, str(path),
         fcgi.get_values("FCGI_MAX_REQS").hex()], check=True,
        capture_output=True, text=True, timeout=20).stdout.strip()


needs_root = pytest.mark.skipif(os.geteuid() != 0,
                                reason="other uids need root")


@needs_root
def test_row_78_another_uid_on_the_private_socket(daemons):
    """Even where somebody has opened the folder and the socket."""
    daemon = daemons.start()
    path = daemon.private_socket()
    folder = os.path.dirname(path)
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert os.stat(path).st_mode & 0o077 == 0
    assert connect_as(12345, path) == "no permission"
    os.chmod(folder, 0o711)
    os.chmod(path, 0o666)
    assert connect_as(12345, path) == "closed"
    wait_for(lambda: daemon.metrics().value(
        "execplug_fcgi_protocol_errors_total", kind="peer") == 1, 3,
        "it is counted")
    assert daemon.call(hello()).json == HELLO_REPLY


@needs_root
def test_row_78_allow_uid_decides_on_a_socket_for_others(daemons):
    daemon = daemons.start("--allow-uid=12345", front="none")
    os.chmod(daemon.path, 0o666)
    assert connect_as(12345, daemon.path) == "answered"
    assert connect_as(12346, daemon.path) == "closed"


@needs_root
def test_row_78_without_allow_uid_the_mode_decides(daemons):
    daemon = daemons.start(front="none")
    assert connect_as(12345, daemon.path) == "no permission"
    os.chmod(daemon.path, 0o666)
    assert connect_as(12345, daemon.path) == "answered"


def test_the_listen_queue_is_measured(daemons):
    daemon = daemons.start(front="none")
    metrics = daemon.metrics()
    assert metrics.value("execplug_listen_queue_length",
                         socket="fastcgi") == 0
    limit = metrics.value("execplug_listen_queue_limit", socket="fastcgi")
    with open("/proc/sys/net/core/somaxconn", encoding="ascii") as file:
        assert 0 < limit <= int(file.read())


def test_metrics_is_fast_enough_to_be_scraped(daemons):
    daemon = daemons.start()
    with http1.Client(daemon.port) as client:
        watch = Stopwatch()
        for _ in range(20):
            assert client.ask("GET", "/metrics").status == 200
        assert watch.seconds() < 2
