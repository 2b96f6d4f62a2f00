"""The tools of these tests: they must notice what they are there to notice.
"""
import socket
import threading

import pytest

from harness import fcgi, http1, prometheus
from harness.agent import agent_call

GOOD = b"""# HELP a_total Things.
# TYPE a_total counter
a_total{x="1",y="a\\"b"} 2
a_total{x="2",y=""} 0
# HELP b_seconds Times.
# TYPE b_seconds histogram
b_seconds_bucket{le="0.1"} 1
b_seconds_bucket{le="+Inf"} 2
b_seconds_sum 0.3
b_seconds_count 2
# HELP c Now.
# TYPE c gauge
c -1.5e3
"""


def test_the_metrics_reader_reads():
    metrics = prometheus.parse(GOOD)
    assert metrics.value("a_total", x="1", y='a"b') == 2
    assert metrics.total("a_total") == 2
    assert metrics.value("c") == -1500
    assert metrics.label_values("a_total", "x") == {"1", "2"}


@pytest.mark.parametrize("old, new", [
    (b"c -1.5e3\n", b"c NaN\n"), (b"c -1.5e3\n", b"c 1"),
    (b"c -1.5e3\n", b"c  1\n"), (b"c -1.5e3\n", b"c 1 \n"),
    (b"# TYPE c gauge\n", b""), (b"# HELP c Now.\n", b""),
    (b"# TYPE c gauge", b"# TYPE c number"),
    (b'y=""', b'y="a\\"b",'), (b'y=""', b"y=''"), (b'y=""', b'y="\\q"'),
    (b'x="2",y=""', b'x="1",y="a\\"b"'), (b'} 0', b'} -1'),
    (b'le="+Inf"} 2', b'le="+Inf"} 3'), (b'le="+Inf"} 2', b'le="0.5"} 2'),
    (b'le="0.1"} 1', b'le="0.1"} 9'), (b"a_total", b"a"),
    (b"c -1.5e3\n", b"c 1\na_total{x=\"3\",y=\"\"} 1\n"),
    (b"c -1.5e3\n", b"c 1\n\n"), (b"c -1.5e3\n", b""),
], ids=repr)
def test_the_metrics_reader_refuses(old, new):
    text = GOOD.replace(old, new)
    assert text != GOOD
    with pytest.raises(AssertionError):
        prometheus.parse(text)


class Script:
    """A server that answers each connection with the next bytes."""

    def __init__(self, *answers):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.run, args=answers)
        self.thread.start()

    def run(self, *answers):
        for one in answers:
            peer, _ = self.socket.accept()
            peer.recv(65536)
            peer.sendall(one)
            peer.close()
        self.socket.close()


def answer(status, body, length=None):
    return (f"HTTP/1.1 {status} X\r\nContent-Length: "
            f"{len(body) if length is None else length}\r\n\r\n"
            ).encode() + body


def test_the_agent_tries_again_what_passes():
    script = Script(answer(503, b"{}"), b"", answer(200, b"{}", 100),
                    b"HTTP/1.1 200", answer(200, b"{}"))
    found = agent_call(script.port, b"x", "token", scale=0.01)
    assert (found.status, found.tries) == (200, 5)
    script.thread.join(5)


def test_the_agent_gives_up_after_five_tries():
    script = Script(*[answer(503, b"{}")] * 5)
    with pytest.raises(AssertionError, match="gave up"):
        agent_call(script.port, b"x", "token", scale=0.01)
    script.thread.join(5)


@pytest.mark.parametrize("status", [400, 404, 500, 502, 504])
def test_the_agent_does_not_try_again_what_is_fatal(status):
    script = Script(answer(status, b"no"))
    found = agent_call(script.port, b"x", "token", scale=0.01)
    assert (found.status, found.tries) == (status, 1)
    script.thread.join(5)


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Le",
])
def test_a_short_response_is_noticed(data):
    script = Script(data)
    with http1.Client(script.port) as client, \
            pytest.raises(http1.Truncated):
        client.ask("GET", "/")
    script.thread.join(5)


def test_pairs_are_read_as_they_were_written():
    pairs = [("a", ""), ("B" * 127, "c" * 128), ("d" * 70000, "e")]
    data = b"".join(fcgi.pair(*one) for one in pairs)
    assert fcgi.parse_pairs(data) == pairs
