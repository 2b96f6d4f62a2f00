"""Rows 64, 79: the log takes what it is given and never stops a call."""
import fcntl
import os
import signal
import socket
import subprocess

import pytest

from harness import fcgi, http1, procfs
from harness.agent import bearer
from harness.background import Load
from harness.calls import (EXECUTE, HELLO_REPLY, TOKEN, fault, foreign,
                           hello)
from harness.daemon import parse_log
from harness.waiting import wait_for

CALL_MEMBERS = {"request_id", "method", "path", "status", "key", "workflow",
                "phase", "duration_ms", "bytes_in", "bytes_out"}


def call_line(daemon, **members):
    """The log line of one call; its writer may be a moment late."""
    return wait_for(lambda: [one for one in daemon.log_lines(**members)
                             if "duration_ms" in one], 3,
                    f"a line with {members}")[-1]


def test_one_line_per_call(daemons):
    daemon = daemons.start()
    body = hello()
    response = daemon.call(body, headers=[("X-Request-ID", "my-id-1")])
    line = call_line(daemon, request_id="my-id-1")
    assert CALL_MEMBERS <= set(line)
    assert line["method"] == "POST" and line["path"] == EXECUTE
    assert line["status"] == 200 and line["key"] == "hello"
    assert line["phase"] == "Succeeded"
    assert line["workflow"].startswith("test-")
    assert line["bytes_in"] == len(body)
    assert line["bytes_out"] == len(response.body)
    assert 0 <= line["duration_ms"] < 5000
    assert len(daemon.log_lines(request_id="my-id-1")) == 1


def test_a_call_without_an_id_gets_one(daemons):
    daemon = daemons.start()
    for _ in range(3):
        daemon.call(hello())
    lines = wait_for(lambda: lines_of(daemon, key="hello", n=3), 3)
    ids = {one["request_id"] for one in lines}
    assert len(ids) == 3 and "" not in ids


def lines_of(daemon, n, **members):
    found = [one for one in daemon.log_lines(**members)
             if "duration_ms" in one]
    return found if len(found) == n else None


def test_hello_prints_hello(daemons):
    daemon = daemons.start()
    daemon.call(hello())
    wait_for(lambda: daemon.log_lines(msg="hello"), 3, "hello is printed")


def test_what_nginx_answers_itself_has_a_line_too(daemons):
    daemon = daemons.start("--max-body=4k")
    assert daemon.call(b"x" * 5000).status == 413
    http1.raw(daemon.port, b"nonsense\r\n\r\n")
    wait_for(lambda: daemon.log_lines(status=413), 3, "a line for 413")
    wait_for(lambda: daemon.log_lines(status=400), 3, "a line for 400")
    n_lines = len(daemon.log_lines(status=413))
    assert n_lines == 1


def test_refused_calls_have_a_line(daemons):
    daemon = daemons.start()
    for body, status in ((b"{", 400), (foreign(), 200)):
        assert daemon.call(body).status == status
    assert daemon.call(hello(), token="wrong").status == 403
    wait_for(lambda: daemon.log_lines(status=403), 3, "a line for 403")
    wait_for(lambda: daemon.log_lines(status=400), 3, "a line for 400")


def test_levels(daemons):
    daemon = daemons.make()
    daemon.argv = [one for one in daemon.argv if "log-level" not in one]
    daemon.argv.append("--log-level=error")
    daemon.start()
    daemon.call(hello())
    daemon.call(b"{")
    assert daemon.stop() == 0
    assert daemon.log() == []


def test_a_slow_call_is_pointed_out(daemons):
    """A handler that holds its worker for seconds is worth a warning."""
    daemon = daemons.start(faulty=True)
    pid = daemon.workers()
    daemon.call(fault("spin"))
    wait_for(lambda: set(daemon.workers()) - set(pid), 5)
    levels = {one["level"] for one in daemon.log()}
    assert levels & {"warn", "error"}


EVIL = [
    b"new\nline", b"carriage\rreturn", b"\x1b[31mred\x1b[0m", b'"quote"',
    b"back\\slash", b"\\u0000", b"\x7f\x01\x02", b"\xff\xfe", b"\xc0\xaf",
    b"\xe2\x80\xa8", b'","level":"error","x":"', b"%00%0a%1b", b"{}}",
    b"\xf0\x9f\x98\x80", b"a" * 100000,
]


@pytest.mark.parametrize("evil", EVIL, ids=lambda v: repr(v)[:30])
def test_row_79_params_of_a_foreign_front_end(daemons, evil):
    """Whatever they hold: each log line is one valid JSON object."""
    daemon = daemons.start(front="none", token=None)
    evil = evil[:60000]
    for name in ("SCRIPT_NAME", "REQUEST_METHOD", "REQUEST_ID",
                 "HTTP_X_REQUEST_ID", "HTTP_AUTHORIZATION",
                 "QUERY_STRING", "HTTP_CONTENT_ENCODING"):
        reply = fcgi.exchange(daemon.path, hello(), **{name: evil})
        assert reply.status is not None
        if reply.status != 200:
            assert reply.json["message"]
    assert daemon.stop() == 0
    text = daemon.stderr.read_bytes()
    parse_log(text)
    assert not any(byte < 0x20 and byte != 0x0A or byte == 0x7F
                   for byte in text)


@pytest.mark.parametrize("evil", EVIL, ids=lambda v: repr(v)[:30])
def test_row_79_members_of_a_call(daemons, evil):
    daemon = daemons.start(front="none", token=None, faulty=True)
    text = evil.decode("utf-8", "replace")
    for key in ("hello", "other", text):
        body = fault("error") if key == "hello" else hello(text, key=key)
        body = body.replace(b"test-", fcgi.as_bytes(
            text.encode("unicode_escape").replace(b"\\", b"\\\\")
            .replace(b'"', b'\\"')), 1)
        fcgi.exchange(daemon.path, body)
    assert daemon.call(hello(text)).status == 200
    assert daemon.stop() == 0
    parse_log(daemon.stderr.read_bytes())


def evil_requests():
    for evil in EVIL:
        yield b"GET /" + evil + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        yield evil + b" / HTTP/1.1\r\nHost: a\r\n\r\n"
        yield b"GET / HTTP/1.1\r\nHost: " + evil + b"\r\n\r\n"
        yield (b"POST " + EXECUTE.encode() + b" HTTP/1.1\r\nHost: a\r\n"
               b"Connection: close\r\nContent-Length: 2\r\nX-Request-ID: "
               + evil + b"\r\n\r\n{}")
        yield (b"POST " + EXECUTE.encode() + b" HTTP/1.1\r\nHost: a\r\n"
               b"Connection: close\r\nContent-Length: 2\r\n"
               b"Authorization: Bearer " + evil + b"\r\n\r\n{}")
        yield evil


def test_row_79_bytes_through_nginx(daemons):
    """nginx's own lines too: they are cleaned on their way."""
    daemon = daemons.start()
    for data in evil_requests():
        with http1.Client(daemon.port) as client:
            client.send_until_closed(data.replace(
                b"Host: a\r\n\r\n", b"Host: a\r\nConnection: close\r\n\r\n"))
            client.socket.shutdown(1)
            client.read_all()
    assert daemon.call(hello()).json == HELLO_REPLY
    assert daemon.stop() == 0
    text = daemon.stderr.read_bytes()
    assert len(parse_log(text)) > 20
    assert not any(byte < 0x20 and byte != 0x0A or byte == 0x7F
                   for byte in text)


def test_row_79_a_megabyte_in_every_place(daemons):
    daemon = daemons.start()
    mega = b"m" * 1048576
    for data in (b"GET /" + mega + b" HTTP/1.1\r\nHost: a\r\n\r\n",
                 mega + b" / HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nX: " + mega + b"\r\n\r\n"):
        http1.raw(daemon.port, data)
    assert daemon.call(hello()).json == HELLO_REPLY
    assert daemon.stop() == 0
    parse_log(daemon.stderr.read_bytes())


def test_the_token_is_in_no_line_whatever_is_sent(daemons):
    daemon = daemons.start()
    for path in (f"/{TOKEN}", f"/api/v1/{TOKEN}"):
        http1.ask(daemon.port, "POST", path, bearer("wrong"), b"{}")
    daemon.call(hello())
    daemon.call(b"{")
    assert daemon.stop() == 0
    lines = [one for one in daemon.stderr.read_text().splitlines()
             if TOKEN in one and f'/{TOKEN}"' not in one]
    assert lines == []
    daemon.stderr.write_bytes(b"")  # the path was our own doing


# Row 64: a stderr that takes nothing.


def calls_go_on(daemon, n=300):
    for _ in range(n):
        assert daemon.call(hello()).json == HELLO_REPLY
    assert daemon.call(fault("segv")).status in (503, None)
    wait_for(lambda: works(daemon), 5, "calls are answered")


def works(daemon):
    try:
        return daemon.call(hello()).json == HELLO_REPLY
    except (OSError, ValueError, http1.Truncated):
        return False


def dropped(daemon):
    return daemon.metrics().total("execplug_log_lines_dropped_total")


@pytest.mark.parametrize("front", ["nginx", "none"])
def test_row_64_stderr_is_closed(daemons, front):
    daemon = daemons.make(front=front, faulty=True,
                          prefix=["sh", "-c", 'exec "$0" "$@" 2>&-'])
    daemon.start()
    calls_go_on(daemon)
    assert daemon.stop() == 0
    assert daemon.stderr.read_bytes() == b""


@pytest.mark.parametrize("front", ["nginx", "none"])
def test_row_64_stderr_is_a_full_disk(daemons, front):
    daemon = daemons.make(front=front, faulty=True)
    with open("/dev/full", "wb") as full:
        daemon.start(stderr=full)
    calls_go_on(daemon)
    assert dropped(daemon) > 100
    assert daemon.stop() == 0


@pytest.mark.parametrize("front", ["nginx", "none"])
def test_row_64_the_reader_of_stderr_stops(daemons, front):
    """The pipe fills up; calls go on, dropped lines are counted."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    daemon = daemons.make(front=front, faulty=True)
    daemon.start(stderr=writer)
    os.close(writer)
    calls_go_on(daemon)
    assert dropped(daemon) > 100
    os.set_blocking(reader, False)
    os.read(reader, 65536)
    assert daemon.call(hello()).json == HELLO_REPLY
    assert daemon.stop() == 0
    os.close(reader)


@pytest.mark.parametrize("front", ["nginx", "none"])
def test_row_64_the_reader_of_stderr_is_gone(daemons, front):
    """No SIGPIPE ends anything."""
    reader, writer = os.pipe()
    daemon = daemons.make(front=front, faulty=True)
    daemon.start(stderr=writer)
    os.close(writer)
    before = daemon.tree()
    os.close(reader)
    for _ in range(100):
        assert daemon.call(hello()).json == HELLO_REPLY
    assert daemon.tree() == before
    assert daemon.stop() == 0


def test_row_64_stderr_is_a_socket(daemons):
    """As under journald, where /dev/stderr cannot be opened."""
    ours, theirs = socket.socketpair()
    daemon = daemons.make()
    daemon.start(stderr=theirs)
    theirs.close()
    daemon.call(hello())
    assert daemon.stop() == 0
    text = b""
    while True:
        data = ours.recv(65536)
        if not data:
            break
        text += data
    ours.close()
    assert any(one.get("key") == "hello" for one in parse_log(text))


def test_lines_of_many_processes_never_mix(daemons):
    """Into a pipe, with every process writing at once."""
    daemon = daemons.make("--workers=4")
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE,
                               stdout=open(daemon.stderr, "wb"))
    daemon.start(stderr=process.stdin)
    process.stdin.close()
    load = Load(lambda: None if daemon.call(hello("y" * 900)).status == 200
                else "not answered", 4)
    wait_for(lambda: load.n_calls > 1000, 20, "a thousand calls")
    load.stop()
    assert not load.failures
    assert daemon.stop() == 0
    process.wait(5)
    lines = [one for one in daemon.log() if one.get("key") == "hello"]
    assert len(lines) == load.n_calls


def test_sigusr1_changes_nothing_about_the_log(daemons):
    """There is no file to open again: stderr stays."""
    daemon = daemons.start()
    daemon.send_signal(signal.SIGUSR1)
    daemon.call(hello(), headers=[("X-Request-ID", "after-usr1")])
    call_line(daemon, request_id="after-usr1")
    assert procfs.is_alive(daemon.process.pid)
