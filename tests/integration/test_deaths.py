"""Rows 39-45, 52, 53, 56-60: processes that die, hang or get no means."""
import os
import signal
import socket
import subprocess

import pytest

from harness import fcgi, http1, procfs
from harness.background import Background, Load, is_hello
from harness.calls import EXECUTE, HELLO_REPLY, fault, hello, sleep
from harness.daemon import limit
from harness.fcgi import Peer, call_params, request
from harness.programs import execplugd, find, is_sanitized
from harness.waiting import Stopwatch, stays, wait_for

INTERNAL = 70
WATCHDOG_S = 5


def restarts(daemon, reason):
    return daemon.metrics().value("execplug_worker_restarts_total",
                                  reason=reason)


def wait_full(daemon, n_workers, gone=(), timeout=5):
    """Wait until n_workers take calls and none of gone is among them."""
    def full():
        pids = daemon.workers()
        return len(pids) == n_workers and not set(pids) & set(gone)
    wait_for(full, timeout, f"{n_workers} workers take calls")


def assert_busy(response):
    """What a caller sees when no worker could answer: asked again."""
    assert response.status == 503
    assert response.headers["content-type"].startswith("application/json")
    assert set(response.json) == {"message"}


def test_row_39_a_worker_that_crashes_is_replaced_at_once(daemons):
    daemon = daemons.start("--workers=1", faulty=True)
    old = daemon.workers()
    response = daemon.call(fault("segv"))
    watch = Stopwatch()
    assert_busy(response)
    wait_for(lambda: daemon.call(hello()).status == 200, 5, "a retry")
    assert watch.seconds() < (2 if is_sanitized(daemon.program) else 0.2)
    assert daemon.workers() != old
    assert restarts(daemon, "signal") == 1
    assert daemon.wait_log("SEGV")["level"] in ("warn", "error")


def test_row_39_the_agent_notices_nothing_but_a_retry(daemons):
    """Each crash is another call's; hello calls go on beside them."""
    daemon = daemons.start(faulty=True)
    load = Load(lambda: is_hello(daemon.agent_call(hello())), 2)
    for _ in range(10):
        assert daemon.call(fault("segv")).status == 503
        mark = load.n_calls
        wait_for(lambda m=mark: load.n_calls > m + 4, 10, "calls go on")
        wait_full(daemon, 2)
    load.stop()
    assert not load.failures


def test_row_39_sigkill_every_300_ms_under_load(daemons):
    daemon = daemons.start()
    load = Load(lambda: is_hello(daemon.agent_call(hello())), 4)
    watch, n_kills = Stopwatch(), 0
    while watch.seconds() < 5:
        pids = wait_for(daemon.workers, 5, "a worker")
        procfs.kill_quietly(pids[n_kills % len(pids)])
        n_kills += 1
        wait_for(lambda: watch.seconds() > 0.3 * n_kills, 1)
    load.stop()
    assert n_kills >= 10
    assert not load.failures
    wait_full(daemon, 2, timeout=6)


def half_sent(daemon):
    """A connection whose reply the worker could send only in part."""
    body = fault("big", bytes=250000)
    peer = Peer(daemon.path)
    peer.send(request(call_params(body, token=daemon.token), body))
    peer.pending = peer.socket.recv(100)
    assert peer.pending[1] == fcgi.STDOUT
    return peer


def test_row_40_a_worker_killed_in_the_middle_of_its_reply(daemons):
    """The rest of one reply never mixes with another one."""
    daemon = daemons.start("--workers=1", front="none", faulty=True)
    worker = daemon.workers()
    peer = half_sent(daemon)
    os.kill(worker[0], signal.SIGKILL)
    wait_for(lambda: not procfs.is_alive(worker[0]), 2, "the worker is dead")
    reply = peer.read_reply()
    peer.close()
    assert not reply.is_whole
    assert 0 < len(reply.stdout) < 250000
    assert reply.stdout.count(b"Status:") == 1
    wait_for(lambda: works(daemon), 5, "a new worker answers")
    whole = daemon.call(fault("big", bytes=250000))
    assert whole.is_whole and len(whole.body) > 250000
    assert whole.json["node"]["phase"] == "Succeeded"


def works(daemon):
    try:
        return daemon.call(hello()).status == 200
    except (OSError, http1.Truncated):
        return False


def unix_rows(*options):
    """Lines of ss: type, state, queues, address, inode, peer, inode."""
    text = subprocess.run([find("ss"), "-xnH", *options], check=True,
                          capture_output=True, text=True).stdout
    return [row for row in map(str.split, text.splitlines())
            if len(row) >= 8]


def n_waiting(path):
    """Connections to path that nobody has accepted."""
    return sum(int(row[2]) for row in unix_rows("-l") if row[4] == path)


def queued_bytes(path):
    """Bytes from path that its clients have not read."""
    clients = {row[7] for row in unix_rows() if row[4] == path}
    return sum(int(row[2]) for row in unix_rows() if row[5] in clients)


def test_row_40_the_same_behind_nginx(daemons):
    """The client gets 503 or a body that is visibly too short."""
    daemon = daemons.start("--workers=1", faulty=True)
    path, worker = daemon.private_socket(), daemon.workers()[0]
    front = daemon.nginx_worker()
    client = http1.Client(daemon.port)
    os.kill(worker, signal.SIGSTOP)
    client.send(http1.request(
        "POST", EXECUTE, [("Authorization", f"Bearer {daemon.token}")],
        fault("big", bytes=250000)))
    wait_for(lambda: n_waiting(path) == 1, 2, "nginx asks the worker")
    os.kill(front, signal.SIGSTOP)
    os.kill(worker, signal.SIGCONT)
    wait_for(lambda: queued_bytes(path) > 100000, 4, "half a reply is sent")
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not procfs.is_alive(worker), 2, "the worker is dead")
    os.kill(front, signal.SIGCONT)
    try:
        response = client.response()
        assert_busy(response)
    except http1.Truncated as cut:
        assert cut.data.count(b"HTTP/1.1") <= 1
    client.close()
    assert daemon.agent_call(hello()).json == HELLO_REPLY


@pytest.mark.parametrize("what, reason", [
    ("abort", "signal"), ("overflow", "signal"), ("exit0", "exit"),
    ("exit1", "exit"),
])
def test_row_41_every_way_to_die_is_counted(daemons, what, reason):
    daemon = daemons.start("--workers=1", faulty=True)
    old = daemon.workers()
    assert_busy(daemon.call(fault(what)))
    wait_full(daemon, 1, old)
    assert daemon.call(hello()).json == HELLO_REPLY
    assert restarts(daemon, reason) == 1
    assert sum(restarts(daemon, r)
               for r in ("exit", "signal", "watchdog")) == 1


def test_row_42_workers_that_all_die_at_start_end_the_daemon(daemons):
    daemon = daemons.make(faulty=True,
                          env={"EXECPLUG_FAULTY_START": "crash"})
    assert daemon.run(timeout=60) == INTERNAL
    last = daemon.log()[-1]
    assert last["level"] == "error"
    assert "worker" in last["msg"]


def one_that_replied(daemon):
    """Make a call; the pid of a worker that has answered one, or None."""
    works(daemon)
    return next((one["pid"] for one in daemon.status()["processes"]
                 if one["role"] == "worker" and one["replies"] > 0
                 and procfs.is_alive(one["pid"])), None)


def test_row_42_deaths_after_a_reply_are_no_storm(daemons):
    """More of them than a storm has, within seconds: it goes on."""
    daemon = daemons.start("--workers=4", front="nginx")
    for n in range(1, 16):
        pid = wait_for(lambda: one_that_replied(daemon), 5, "a reply")
        procfs.kill_quietly(pid)
        wait_for(lambda n=n: restarts(daemon, "signal") == n, 3, "a death")
    assert daemon.is_running
    wait_for(lambda: works(daemon), 5, "calls are answered")


def test_row_43_hung_workers_are_killed_and_others_serve(daemons):
    """SIGSTOP from outside, SIGSTOP of itself, an endless loop."""
    daemon = daemons.start("--workers=4", faulty=True)
    old = daemon.workers()
    hung = []
    for what in ("stop", "spin"):
        hung.append(Background(daemon.call, fault(what)))
        wait_for(lambda: len(daemon.workers_with_calls()) == len(hung), 2,
                 f"a worker hangs by {what}")
    third = next(iter(set(old) - set(daemon.workers_with_calls())))
    os.kill(third, signal.SIGSTOP)
    watch, n_calls = Stopwatch(), 0
    while not all(one.is_done for one in hung):
        assert watch.seconds() < WATCHDOG_S + 4
        assert daemon.agent_call(hello()).json == HELLO_REPLY
        n_calls += 1
    assert n_calls > 20
    for one in hung:
        assert_busy(one.result())
    wait_for(lambda: restarts(daemon, "watchdog") == 3, 5, "three kills")
    wait_full(daemon, 4, [third])


def test_row_43_a_stopped_worker_keeps_no_connection_from_others(daemons):
    """New connections go to the worker that runs, without waiting."""
    daemon = daemons.start(front="none", faulty=True)
    for pid in daemon.workers():
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(30):
                watch = Stopwatch()
                assert daemon.call(hello()).json == HELLO_REPLY
                assert watch.seconds() < 1
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("front", ["nginx", "none"])
def test_row_44_a_killed_supervisor_leaves_nothing(daemons, front):
    daemon = daemons.start(front=front)
    tree = daemon.tree()
    assert len(tree) >= (5 if front == "nginx" else 3)
    daemon.send_signal(signal.SIGKILL)
    watch = Stopwatch()
    wait_for(lambda: not any(procfs.is_alive(pid) for pid in tree), 3,
             "all of the tree is dead")
    assert watch.seconds() < 1
    assert daemon.wait_exit() == -signal.SIGKILL
    assert daemon.port not in procfs.listening_tcp_ports()
    for path in daemon.private:
        assert not any(str(path) in name
                       for name in procfs.unix_paths().values())
    # Nobody is left who could remove the folder; the next start does.
    daemons.start(front=front)
    daemon.check_private_is_gone()


@pytest.mark.parametrize("which, number", [
    ("master", signal.SIGKILL), ("master", signal.SIGSEGV),
    ("master", signal.SIGTERM), ("worker", signal.SIGKILL),
    ("worker", signal.SIGSEGV),
])
def test_row_45_nginx_that_dies_is_back_within_a_second(daemons, which,
                                                       number):
    daemon = daemons.start()
    pid = daemon.nginx_master() if which == "master" \
        else daemon.nginx_worker()
    os.kill(pid, number)
    watch = Stopwatch()
    assert daemon.agent_call(hello(), scale=0.05).json == HELLO_REPLY
    assert watch.seconds() < 1
    wait_for(lambda: not procfs.is_alive(pid), 1, "the old one is gone")
    assert daemon.call(hello()).json == HELLO_REPLY


def fill_backlog(path):
    """Connect until the queue of path is full; the sockets."""
    found = []
    while len(found) < 1200:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.setblocking(False)
        found.append(one)
        try:
            one.connect(path)
        except BlockingIOError:
            return found
    raise AssertionError("the queue never gets full")


def test_row_52_a_full_queue_is_503_then_normal(daemons):
    daemon = daemons.start()
    path, pids = daemon.private_socket(), daemon.workers()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    waiting = fill_backlog(path)
    watch = Stopwatch()
    # Kept connections still reach a stopped worker: each takes one call.
    calls = [Background(daemon.call, hello()) for _ in range(40)]
    wait_for(lambda: any(one.is_done and one.result().status == 503
                         for one in calls), 3, "a call is refused")
    assert watch.seconds() < 3
    for one in waiting:
        one.close()
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for one in calls:
        assert one.result().status in (200, 503)
    assert daemon.agent_call(hello()).json == HELLO_REPLY
    assert len(waiting) > 500


@pytest.mark.parametrize("front", ["nginx", "none"])
def test_row_53_a_socket_file_that_vanishes_is_made_again(daemons, front):
    daemon = daemons.start(front=front)
    path = str(daemon.path) if front == "none" else daemon.private_socket()
    os.unlink(path)
    wait_for(lambda: os.path.exists(path), 3, "the socket is there again")
    wait_for(lambda: works(daemon), 2, "calls are answered again")
    assert daemon.wait_log(path)["level"] in ("warn", "error")
    for _ in range(20):
        assert daemon.call(hello()).json == HELLO_REPLY
    wait_for(daemon.is_ready, 3, "/readyz says so")


def test_row_56_no_descriptors_left(daemons):
    """Connections wait in the queue, the loop does not spin, it passes."""
    daemon = daemons.start("--workers=1", front="none", faulty=True)
    worker = daemon.workers()[0]
    limit(worker, "nofile", 32)
    peers = [Peer(daemon.path) for _ in range(60)]
    wait_for(lambda: procfs.n_fds(worker) >= 30, 5, "it runs out")
    before, watch = procfs.cpu_seconds(worker), Stopwatch()
    stays(lambda: procfs.n_fds(worker) <= 32, 1)
    used = procfs.cpu_seconds(worker) - before
    assert used < 0.1 * watch.seconds() + 0.01
    for one in peers:
        one.close()
    assert daemon.call(hello()).json == HELLO_REPLY
    assert daemon.workers() == [worker]


def unprivileged(uid):
    return [find("setpriv"), f"--reuid={uid}", "--regid=0",
            "--clear-groups"]


def test_row_58_fork_that_fails_is_tried_again(daemons):
    """Root is not bound by RLIMIT_NPROC, so the daemon is not root."""
    daemon = daemons.make("--workers=2", prefix=unprivileged(8737))
    daemon.folder.chmod(0o777)
    daemon.start()
    old = daemon.workers()
    limit(daemon.process.pid, "nproc", 1)
    os.kill(old[0], signal.SIGKILL)
    line = daemon.wait_log("fork")
    assert line["level"] in ("warn", "error")
    assert daemon.agent_call(hello()).json == HELLO_REPLY
    limit(daemon.process.pid, "nproc", 10000)
    wait_full(daemon, 2, old[:1], timeout=8)
    lines = [one for one in daemon.log() if "fork" in one["msg"]]
    assert len(lines) < 20, "tried without pause"


def traced(pid, inject):
    """strace on a running process, injecting errors; a Popen."""
    process = subprocess.Popen(
        [find("strace"), "-f", "-qq", "-o", "/dev/null", "-p", str(pid),
         *(part for one in inject for part in ("-e", "inject=" + one))],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for(lambda: procfs.status_field(pid, "TracerPid") != "0"
             or process.poll() is not None, 5, "strace is attached")
    assert process.poll() is None, process.stderr.read()
    return process


def untrace(process):
    process.send_signal(signal.SIGINT)
    process.wait(5)
    process.stderr.close()


@pytest.mark.parametrize("syscall", [
    "recvfrom", "recvmsg", "sendto", "sendmsg", "epoll_wait", "accept4",
])
def test_row_59_eintr_changes_no_answer(daemons, syscall):
    daemon = daemons.start("--workers=1", front="none", faulty=True)
    expected = daemon.call(hello()).stdout
    worker = daemon.workers()[0]
    tracer = traced(worker, [f"{syscall}:error=EINTR:when=1+3"])
    try:
        for _ in range(10):
            assert daemon.call(hello()).stdout == expected
        assert daemon.call(sleep(100)).json["node"]["phase"] == "Succeeded"
    finally:
        untrace(tracer)
    assert daemon.workers() == [worker]


@pytest.mark.parametrize("error", ["EINTR", "EIO", "ENOSPC"])
@pytest.mark.parametrize("syscall", [
    "read", "write", "pread64", "lseek", "ftruncate",
])
def test_row_59_trouble_with_the_file_in_memory(daemons, syscall, error):
    """The kernel interrupts no such call, so this is what can never be:
    still the right answer or none at all, and the worker goes on."""
    daemon = daemons.start("--workers=1", front="none", faulty=True)
    expected = daemon.call(hello()).stdout
    worker = daemon.workers()[0]
    tracer = traced(worker, [f"{syscall}:error={error}:when=2+3"])
    try:
        for _ in range(20):
            assert daemon.call(hello()).stdout in (expected, b"")
    finally:
        untrace(tracer)
    assert daemon.call(hello()).stdout == expected
    assert daemon.workers() == [worker]


@pytest.mark.parametrize("error", [
    "ECONNABORTED", "EMFILE", "ENFILE", "EPERM", "ENOMEM", "ENOBUFS",
    "EPROTO",
])
def test_row_60_accept_that_fails_ends_nothing(daemons, error):
    daemon = daemons.start("--workers=1", front="none", faulty=True)
    worker = daemon.workers()[0]
    tracer = traced(worker, [f"accept4:error={error}:when=1+2"])
    try:
        for _ in range(6):
            watch = Stopwatch()
            assert daemon.call(hello()).json == HELLO_REPLY
            assert watch.seconds() < 2
    finally:
        untrace(tracer)
    assert daemon.workers() == [worker]


FAILING_MALLOC = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static int fails(void)
{
	static long left = -1;

	if (left < 0)
		left = getenv("FAIL_AT") ? atol(getenv("FAIL_AT")) : 0;
	if (left == 0 || --left > 0)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}
"""


def try_with_failing_malloc(folder, library, n):
    """(exit code, reply) of one call whose n-th malloc fails."""
    done = subprocess.run(
        [execplugd(), "--no-auth", f"--try={folder / 'call.json'}"],
        timeout=20, stdin=subprocess.DEVNULL, capture_output=True,
        check=False, env={**os.environ, "LD_PRELOAD": str(library),
                          "FAIL_AT": str(n)})
    return done.returncode, done.stdout


def test_row_57_the_nth_malloc_fails(folder):
    """One call by --try for every n: the right answer, or a death.

    json-c leaves a member out when there is no memory for it: a call must
    not be answered as if it had never been there.
    """
    if is_sanitized():
        pytest.skip("a sanitizer has a malloc of its own")
    source, library = folder / "fail.c", folder / "fail.so"
    source.write_text(FAILING_MALLOC, encoding="ascii")
    subprocess.run([find("cc"), "-shared", "-fPIC", "-o", library, source],
                   check=True)
    (folder / "call.json").write_bytes(hello("world"))
    n_deaths, in_a_row, wrong = 0, 0, []
    for n in range(1, 500):
        code, reply = try_with_failing_malloc(folder, library, n)
        if b"Hello world!" in reply:
            in_a_row += 1
        elif reply == b"" and code != 0:
            n_deaths, in_a_row = n_deaths + 1, 0
        else:
            wrong.append((n, code, reply))
            in_a_row = 0
        if in_a_row == 30:
            break
    assert in_a_row == 30, "there is an end of its mallocs"
    assert not wrong
    assert n_deaths > 10, "no malloc was made to fail"
