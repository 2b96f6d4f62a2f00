"""The load generator counts what really happened: a scripted server."""
import json
import pathlib
import socket
import subprocess
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = ("load.c", "caller.c", "histogram.c", "reply_head.c")
GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
BUSY = b'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'
REFUSED = b'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n'
OTHER = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nworld'
CUT = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'
CHUNKED = (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
           b'5\r\nhello\r\n0\r\n\r\n')
TO_THE_END = b'HTTP/1.0 200 OK\r\n\r\nhello'
BODY = b'{"a":1}'


@pytest.fixture(name="program", scope="module")
def built_load(tmp_path_factory):
    program = tmp_path_factory.mktemp("load") / "load"
    subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-o",
                    program, *(HERE / name for name in SOURCES)], check=True)
    return program


class Server(threading.Thread):
    """Answers each request with the next of the script, then GOOD.

    None closes without an answer; an answer that is not framed or is cut
    off is followed by a close.
    """

    def __init__(self, script):
        super().__init__(daemon=True)
        self.script = list(script)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.serve(connection)

    def serve(self, connection):
        pending = b""
        while True:
            while BODY not in pending:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                pending += chunk
            pending = pending.partition(BODY)[2]
            answer = self.script.pop(0) if self.script else GOOD
            if answer is not None:
                connection.sendall(answer)
            if answer in (None, CUT, TO_THE_END):
                return


def load(program, tmp_path, script, *options):
    server = Server(script)
    body = tmp_path / "body"
    body.write_bytes(BODY)
    try:
        done = subprocess.run(
            [program, "--port", str(server.port), "--body", body,
             "--connections", "1", "--expect", "hello", *options],
            check=True, capture_output=True, timeout=30)
    finally:
        server.listener.close()
    return json.loads(done.stdout)


@pytest.mark.parametrize("script, counted", [
    ([GOOD, GOOD], {"ok": 4, "failed": 0, "connects": 1}),
    ([CHUNKED, TO_THE_END, GOOD], {"ok": 4, "failed": 0, "connects": 2}),
    ([BUSY], {"ok": 3, "failed": 1, "status": {"200": 3, "503": 1}}),
    ([None], {"ok": 3, "failed": 1, "reset": 1}),
    ([OTHER], {"ok": 3, "failed": 1, "wrong": 1}),
    ([CUT], {"ok": 3, "failed": 1, "truncated": 1}),
])
def test_each_end_of_a_call_is_counted(program, tmp_path, script, counted):
    found = load(program, tmp_path, script, "--count", "4")
    assert found["calls"] == 4
    assert {name: found[name] for name in counted} == counted


@pytest.mark.parametrize("script, counted", [
    ([BUSY, None, BUSY, None], {"ok": 2, "failed": 0, "tries": 6}),
    ([BUSY] * 5, {"ok": 1, "failed": 1, "tries": 6}),
    ([REFUSED], {"ok": 1, "failed": 1, "tries": 2}),
    ([CUT], {"ok": 1, "failed": 1, "tries": 2}),
])
def test_with_retries_it_is_as_patient_as_the_agent(program, tmp_path,
                                                    script, counted):
    found = load(program, tmp_path, script, "--count", "2", "--retry",
                 "0.01")
    assert {name: found[name] for name in counted} == counted


def test_a_refused_connection_is_tried_five_times(program, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    body = tmp_path / "body"
    body.write_bytes(BODY)
    done = subprocess.run(
        [program, "--port", str(port), "--body", body, "--connections", "1",
         "--count", "1", "--retry", "0.01"], check=True,
        capture_output=True, timeout=30)
    found = json.loads(done.stdout)
    assert (found["failed"], found["refused"]) == (1, 5)
    assert found["seconds"] >= 0.15
