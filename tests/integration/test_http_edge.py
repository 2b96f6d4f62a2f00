"""Rows 21-28: HTTP as a person or an attacker sends it, through nginx."""
import json
import statistics
import time

import pytest

from harness import http1
from harness.agent import bearer
from harness.calls import EXECUTE, HELLO_REPLY, TOKEN, fault, hello
from harness.http1 import Client, Response, raw, request
from harness.waiting import Stopwatch

MAX_BODY = 2 * 1024 * 1024
HEADERS = bearer(TOKEN)
LINE = f"POST {EXECUTE} HTTP/1.1\r\nHost: localhost\r\n".encode()
AUTH = f"Authorization: Bearer {TOKEN}\r\n".encode()


@pytest.fixture(scope="module")
def daemon(module_daemons):
    return module_daemons.start(faulty=True)


@pytest.fixture(autouse=True)
def goes_on_serving(daemon):
    yield
    assert daemon.call(hello()).json == HELLO_REPLY


def read_response(data):
    """The one response in data; fails when there is more."""
    head, _, body = data.partition(b"\r\n\r\n")
    response = Response(head)
    size = int(response.headers["content-length"])
    assert len(body) == size, data
    response.body = body
    return response


def assert_one_sentence(response):
    """A JSON error body as everything of ours has it."""
    assert response.headers["content-type"].startswith("application/json")
    error = response.json
    assert set(error) == {"message"}
    text = error["message"]
    assert 0 < len(text) < 300 and "\n" not in text and "<" not in text
    assert "location" not in response.headers


def assert_refused(daemon, data, *statuses):
    """One JSON error with one of statuses, then the connection is closed."""
    response = read_response(raw(daemon.port, data))
    assert response.status in statuses, response
    assert_one_sentence(response)
    return response


MALFORMED = {
    "length and chunked": LINE + AUTH + b"Content-Length: 2\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": LINE + AUTH + b"Content-Length: 2\r\n"
                   b"Content-Length: 2\r\n\r\n{}",
    "negative length": LINE + AUTH + b"Content-Length: -1\r\n\r\n",
    "length no number": LINE + AUTH + b"Content-Length: x\r\n\r\n",
    "bad chunk size": LINE + AUTH + b"Transfer-Encoding: chunked\r\n\r\n"
                      b"zz\r\n{}\r\n0\r\n\r\n",
    "folded header": LINE + b"X-A: b\r\n c\r\n\r\n",
    "NUL in header": LINE + b"X-A: b\0c\r\n\r\n",
    "space before colon": LINE + b"X-A : b\r\n\r\n",
    "lowercase method": b"post" + LINE[4:] + b"\r\n",
    "no host": LINE.split(b"\r\n")[0] + b"\r\n\r\n",
    "%00 in path": b"POST /api/v1/template.execute%00 HTTP/1.1\r\n"
                   b"Host: a\r\n\r\n",
    "path above the root": b"POST /../../etc/passwd HTTP/1.1\r\n"
                           b"Host: a\r\n\r\n",
    "noise": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no version number": b"GET / HTTP/x.y\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_row_21_malformed_requests(daemon, name):
    assert_refused(daemon, MALFORMED[name], 400)


def test_row_21_an_unknown_transfer_encoding(daemon):
    assert_refused(daemon, LINE + AUTH + b"Transfer-Encoding: gzip\r\n\r\n",
                   400, 501)


def test_row_22_http_0_9_is_refused(daemon):
    """It has no status line, so no answer may look like one."""
    for line in (b"GET /healthz\r\n", b"GET /api/v1/template.execute\r\n"):
        data = raw(daemon.port, line)
        assert b'"status"' not in data
        assert data == b"" or json.loads(
            data.partition(b"\r\n\r\n")[2] or data)["message"]


@pytest.mark.parametrize("host", ["localhost:4355", "other.example"])
def test_row_22_an_absolute_uri_is_the_same_route(daemon, host):
    with Client(daemon.port) as client:
        client.send(request("POST", f"http://{host}{EXECUTE}", HEADERS,
                            hello(), host=host))
        assert client.response().json == HELLO_REPLY


def test_row_22_an_http_2_preface(daemon):
    assert_refused(daemon, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505)


@pytest.mark.parametrize("method", [
    "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE",
])
def test_row_23_other_methods_of_http(daemon, method):
    with Client(daemon.port) as client:
        client.send(request(method, EXECUTE, HEADERS))
        response = client.response(method)
    assert response.status == 405
    assert response.headers["allow"] == "POST"
    if method != "HEAD":
        assert_one_sentence(response)


@pytest.mark.parametrize("path", [
    "/healthz", "/readyz", "/metrics", "/status",
])
def test_row_23_operators_pages_are_only_read(daemon, path):
    for method in ("POST", "PUT", "DELETE"):
        response = http1.ask(daemon.port, method, path, body=b"")
        assert response.status == 405
        assert "GET" in response.headers["allow"]
        assert_one_sentence(response)
    with Client(daemon.port) as client:
        client.send(request("HEAD", path))
        response = client.response("HEAD")
        assert response.status == 200
        client.send(request("GET", "/healthz"))
        assert client.response().status == 200, "HEAD had a body"


def test_row_24_a_9_kb_header_is_fine(daemon):
    response = daemon.call(hello(), headers=[("X-Long", "a" * 9000)])
    assert response.json == HELLO_REPLY


def test_row_24_a_64_kb_header_is_refused(daemon):
    assert_refused(daemon, LINE + b"X-Long: " + b"a" * 65536 + b"\r\n\r\n",
                   400, 431)


def test_row_24_a_thousand_headers(daemon):
    lines = b"".join(b"X-Header-%d: %s\r\n" % (i, b"v" * 60)
                     for i in range(1000))
    assert_refused(daemon, LINE + lines + b"\r\n", 400, 431)
    headers = [(f"X-{i}", "v") for i in range(1000)]
    assert daemon.call(hello(), headers=headers).status in (200, 400, 431)


def test_row_24_long_uris(daemon):
    path = "/api/v1/" + "a" * 9000
    response = http1.ask(daemon.port, "POST", path, HEADERS, b"{}")
    assert response.status == 404
    assert_one_sentence(response)
    assert_refused(daemon, b"POST /" + b"a" * 20000 + b" HTTP/1.1\r\n"
                   b"Host: a\r\n\r\n", 414)


def chunked(body, size):
    out = b""
    for at in range(0, len(body), size):
        part = body[at:at + size]
        out += b"%x\r\n%s\r\n" % (len(part), part)
    return out + b"0\r\n\r\n"


def send_plain(client, body):
    client.send_until_closed(request("POST", EXECUTE, HEADERS, body))


def send_chunked(client, body):
    client.send_until_closed(LINE + AUTH
                             + b"Transfer-Encoding: chunked\r\n\r\n"
                             + chunked(body, 65536))


def send_expecting(client, body):
    """Wait for 100 before the body, as curl does; or for the refusal."""
    client.send(LINE + AUTH + b"Expect: 100-continue\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body))
    interim = client.response(interim=True)
    if interim.status == 100:
        client.send_until_closed(body)
        return None
    return interim


@pytest.mark.parametrize("send", [send_plain, send_chunked, send_expecting])
def test_row_25_a_body_of_the_largest_size(daemon, send):
    with Client(daemon.port) as client:
        send(client, hello().ljust(MAX_BODY))
        assert client.response().json == HELLO_REPLY


@pytest.mark.parametrize("send", [send_plain, send_chunked, send_expecting])
def test_row_25_a_body_one_byte_too_large(daemon, send):
    with Client(daemon.port) as client:
        response = send(client, hello().ljust(MAX_BODY + 1)) \
            or client.response()
        assert response.status == 413
        assert_one_sentence(response)


def test_row_25_the_limit_is_an_option(daemons):
    small = daemons.start("--max-body=8k")
    assert small.call(hello().ljust(8192)).status == 200
    response = small.call(hello().ljust(8193))
    assert response.status == 413
    assert_one_sentence(response)


def test_row_26_chunks_of_one_byte(daemon):
    with Client(daemon.port) as client:
        client.send(LINE + AUTH + b"Transfer-Encoding: chunked\r\n\r\n"
                    + chunked(hello(), 1))
        assert client.response().json == HELLO_REPLY


def test_row_27_expect_with_a_bad_token(daemon):
    body = hello()
    with Client(daemon.port) as client:
        client.send(LINE + b"Authorization: Bearer wrong\r\n"
                    b"Expect: 100-continue\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(body))
        if client.response(interim=True).status == 100:
            client.send(body)
            assert client.response().status == 403
        response = client.ask("POST", EXECUTE, HEADERS, hello())
        assert response.json == HELLO_REPLY


def test_row_27_a_refused_call_leaves_the_connection_usable(daemon):
    with Client(daemon.port) as client:
        for headers, status in [([], 403), (HEADERS, 200), ([], 403),
                                (HEADERS, 200)]:
            response = client.ask("POST", EXECUTE, headers, hello())
            assert response.status == status


@pytest.mark.parametrize("path", [
    "/", "/api", "/api/v1", "/api/v1/", "/api/v1/template.execute/",
    "/api/v1/template.execute/x", "/api/v1/node.execute",
    "/api/v1/workflow.operate", "/api/v2/template.execute",
    "/healthz/", "/favicon.ico", "/index.html", "/.env",
])
def test_unknown_paths_are_404_and_never_a_redirect(daemon, path):
    for method in ("GET", "POST"):
        response = http1.ask(daemon.port, method, path, HEADERS,
                             b"{}" if method == "POST" else None)
        assert response.status == 404, path
        assert_one_sentence(response)


def test_no_answer_tells_a_version_of_nginx(daemon):
    for data in (b"nonsense\r\n\r\n", request("GET", "/nothing")):
        answer = raw(daemon.port, data.replace(
            b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert b"nginx/" not in answer and b"<html" not in answer.lower()


class Slow:
    """200 clients that send a byte a second, nothing, or do not read."""

    def __init__(self, daemon):
        big = fault("big", bytes=250000)
        self.drips = [self._open(daemon, LINE) for _ in range(100)]
        self.stuck = [self._open(
            daemon, LINE + AUTH + b"Content-Length: 100\r\n\r\n{")
            for _ in range(80)]
        self.deaf = [self._open(
            daemon, request("POST", EXECUTE, HEADERS, big) * 20, 4096)
            for _ in range(20)]
        self.last_drip = time.monotonic()

    @staticmethod
    def _open(daemon, data, rcvbuf=None):
        client = Client(daemon.port, rcvbuf=rcvbuf)
        client.send(data)
        return client

    def drip(self):
        if time.monotonic() - self.last_drip < 1:
            return
        self.last_drip = time.monotonic()
        for client in self.drips:
            client.send_until_closed(b"X")

    def n_open(self):
        """Drip, and count the connections that are still open."""
        self.drip()
        return (sum(not one.is_closed() for one in self.drips + self.stuck)
                + sum(not one.is_reset() for one in self.deaf))

    def close(self):
        for client in self.drips + self.stuck + self.deaf:
            client.close()


def test_row_28_slow_clients_are_closed_and_stop_nobody(daemon):
    slow, times, watch = Slow(daemon), [], Stopwatch()
    try:
        while slow.n_open() > 0:
            assert watch.seconds() < 20, "slow clients are not closed"
            call = Stopwatch()
            assert daemon.call(hello()).json == HELLO_REPLY
            times.append(call.seconds())
    finally:
        slow.close()
    assert len(times) > 100
    assert statistics.quantiles(times, n=100)[98] < 0.2
