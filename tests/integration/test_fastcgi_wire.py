"""Rows 1-20: what a peer of the FastCGI socket can send, and when."""
import statistics
import threading
import time

import pytest

from harness import fcgi, http1, procfs
from harness.calls import EXECUTE, HELLO_REPLY, TOKEN, fault, hello, sleep
from harness.fcgi import (ABORT, AUTHORIZER, BEGIN, CANT_MPX_CONN, END,
                          FILTER, GET_VALUES_RESULT, KEEP_CONN, PARAMS,
                          REQUEST_COMPLETE, STDIN, UNKNOWN_ROLE, Peer,
                          begin, call_params, get_values, pair, params_bytes,
                          parse_pairs, record, request, stream)
from harness.programs import is_sanitized
from harness.waiting import Stopwatch, wait_for

PEER_DEADLINE_S = 10
MIB = 1024 * 1024


def whole(body=None, **more):
    """The bytes of a whole hello call."""
    body = hello() if body is None else body
    return request(call_params(body, **more), body)


class SlowPeers(threading.Thread):
    """Peers that send or read nothing more; notes when each was closed."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.peers = {}
        self.opened = {}
        self.closed = {}
        self.ended = threading.Event()

    def add(self, name, data, rcvbuf=None):
        peer = Peer(self.address, rcvbuf=rcvbuf)
        peer.send(data)
        self.peers[name] = peer
        self.opened[name] = time.monotonic()
        return peer

    def run(self):
        while not self.ended.wait(0.02):
            for name, peer in list(self.peers.items()):
                if name not in self.closed and peer.is_closed():
                    self.closed[name] = time.monotonic()

    def wait_closed(self, name):
        """Seconds from the last byte sent to the close."""
        wait_for(lambda: name in self.closed, 2 * PEER_DEADLINE_S,
                 f"the peer '{name}' is closed")
        return self.closed[name] - self.opened[name]

    def end(self):
        self.ended.set()
        self.join()
        for peer in self.peers.values():
            peer.close()


@pytest.fixture(scope="module")
def bare(module_daemons):
    """Workers on a socket that is open to this test; no token."""
    return module_daemons.start(front="none", token=None, faulty=True)


@pytest.fixture(scope="module")
def slow(bare):
    """Slow peers of every kind, opened before the first test."""
    peers = SlowPeers(bare.path)
    params = stream(PARAMS, params_bytes(call_params(hello())))
    for i in range(500):
        peers.add(f"silent {i}", b"")
    peers.add("half a header", begin()[:3])
    peers.add("half the params", begin() + params[:40])
    peers.add("a huge param", begin() + record(
        PARAMS, fcgi.length(4) + fcgi.length(1 << 30) + b"NAME"))
    peers.add("half the body", begin() + params + record(STDIN, b"{"))
    peers.add("no end of the body", begin() + params
              + record(STDIN, hello())).half_close()
    big = fault("big", bytes=250000)
    peers.add("reads nothing", request(call_params(big), big), rcvbuf=4096)
    peers.start()
    yield peers
    peers.end()


@pytest.fixture(autouse=True)
def nobody_dies(bare):
    """Whatever a peer sends, the workers stay and serve others."""
    before = bare.workers()
    assert len(before) == 2
    yield
    assert bare.workers() == before
    assert bare.call(hello()).json == HELLO_REPLY


def faults(daemon, kind):
    return daemon.metrics().value("execplug_fcgi_protocol_errors_total",
                                  kind=kind)


def assert_refused(bare, data):
    """The connection is closed without an answer, and counted."""
    before = faults(bare, "record")
    with Peer(bare.path) as peer:
        peer.send_until_closed(data)
        assert peer.reads_end()
    assert faults(bare, "record") == before + 1


def test_row_18_silent_peers_stall_nobody(bare, slow):
    assert not [one for one in slow.closed if one.startswith("silent")]
    times = []
    for _ in range(50):
        watch = Stopwatch()
        assert bare.call(hello()).status == 200
        times.append(watch.seconds())
    assert max(times) < 1
    assert statistics.median(times) < 0.1


def forged_call(token):
    body = hello("forged")
    return request(call_params(body, token=token), body)


def forged_bodies(token):
    """20 KB bodies with a forged request at every offset around 8192."""
    forged = forged_call(token)
    for offset in range(7600, 8193):
        yield (b"x" * offset + forged).ljust(20000, b"x")


def assert_nothing_forged(daemon):
    metrics = daemon.metrics()
    assert metrics.value("execplug_requests_total",
                         route="template.execute", code="200") == 0
    assert metrics.value("execplug_requests_total",
                         route="template.execute", code="403") == 593
    assert "forged" not in daemon.log_text()


def test_row_1_records_in_a_body_are_not_run(daemons):
    """Through nginx, over the connections that it keeps to the workers."""
    daemon = daemons.start()
    with http1.Client(daemon.port) as client:
        for body in forged_bodies(TOKEN):
            response = client.ask(
                "POST", EXECUTE, [("Authorization", "Bearer wrong")], body)
            assert response.status == 403
    assert_nothing_forged(daemon)


def test_row_1_records_in_a_body_are_not_run_on_a_kept_connection(daemons):
    """The same without nginx, each request on the same connection."""
    daemon = daemons.start()
    with Peer(daemon.private_socket()) as peer:
        for body in forged_bodies(TOKEN):
            peer.send(request(call_params(body, token="wrong"), body,
                              flags=KEEP_CONN))
            assert peer.read_reply().status == 403
    assert_nothing_forged(daemon)


def test_row_2_get_values_alone_is_answered_at_once(bare):
    times = []
    for _ in range(5):
        with Peer(bare.path) as peer:
            watch = Stopwatch()
            peer.send(get_values("FCGI_MAX_CONNS", "FCGI_MPXS_CONNS",
                                 "FCGI_MAX_REQS", "FCGI_NO_SUCH"))
            answer = peer.read_record()
            times.append(watch.seconds())
        assert answer.kind == GET_VALUES_RESULT and answer.request_id == 0
        values = dict(parse_pairs(answer.content))
        assert set(values) == {"FCGI_MAX_CONNS", "FCGI_MAX_REQS",
                               "FCGI_MPXS_CONNS"}
        assert values["FCGI_MPXS_CONNS"] == "0"
        assert int(values["FCGI_MAX_CONNS"]) >= 1024
    assert min(times) < 0.05


def test_row_3_a_name_asked_100_times_is_answered_once(bare):
    with Peer(bare.path) as peer:
        peer.send(get_values(*["FCGI_MPXS_CONNS"] * 100))
        answer = peer.read_record()
    assert parse_pairs(answer.content) == [("FCGI_MPXS_CONNS", "0")]


def test_row_3_a_hundred_get_values_records(bare):
    with Peer(bare.path) as peer:
        for _ in range(100):
            peer.send(get_values("FCGI_MPXS_CONNS"))
            answer = peer.read_record()
            assert parse_pairs(answer.content) == [("FCGI_MPXS_CONNS", "0")]


def test_row_4_get_values_then_a_request_in_one_write(bare):
    with Peer(bare.path) as peer:
        peer.send(get_values("FCGI_MAX_REQS") + whole())
        assert peer.read_record().kind == GET_VALUES_RESULT
        assert peer.read_reply().json == HELLO_REPLY


def test_row_5_unknown_management_records_cost_no_memory(bare):
    worker_pids = bare.workers()
    before = [procfs.rss_bytes(pid) for pid in worker_pids]
    unknown = record(99, b"12345678", 0) * 1000
    for _ in range(10):
        with Peer(bare.path) as peer:
            for _ in range(100):
                if not peer.send_until_closed(unknown):
                    break
            peer.socket.settimeout(2)
            peer.read_records()
    after = [procfs.rss_bytes(pid) for pid in worker_pids]
    assert max(b - a for a, b in zip(before, after)) < MIB


@pytest.mark.parametrize("size", [0x7FFFFFFE, 0x7FFFFFFF])
def test_row_6_two_huge_lengths_whose_sum_wraps(bare, size):
    lengths = fcgi.length(size) * 2
    assert_refused(bare, begin() + record(PARAMS, lengths + b"x" * 100))


def test_row_8_too_many_params_are_refused(bare):
    pairs = list(call_params(hello()).items())
    pairs += [(f"X_{i}", "1") for i in range(10000)]
    assert_refused(bare, begin() + stream(PARAMS, params_bytes(pairs)))


def test_row_8_a_megabyte_of_params_is_refused(bare):
    pairs = list(call_params(hello()).items())
    pairs += [(f"X_{i}", "1" * 16000) for i in range(64)]
    assert_refused(bare, begin() + stream(PARAMS, params_bytes(pairs)))


@pytest.mark.parametrize("n_params, size, is_taken", [
    (100, 1, True), (101, 1, False), (70, 1000, True), (70, 1100, False),
])
def test_row_8_params_up_to_the_limits_are_taken(bare, n_params, size,
                                                 is_taken):
    """At most 100 params and 64 KiB of them."""
    body = hello()
    pairs = list(call_params(body).items())
    pairs += [(f"X_{i}", "v" * size) for i in range(n_params - len(pairs))]
    data = (begin() + stream(PARAMS, params_bytes(pairs))
            + stream(STDIN, body))
    if not is_taken:
        assert_refused(bare, data)
        return
    with Peer(bare.path) as peer:
        peer.send(data)
        assert peer.read_reply().status == 200


def bad_beginnings():
    good = call_params(hello())
    rest = stream(PARAMS, params_bytes(good)) + stream(STDIN, hello())
    return {
        "version 2": record(BEGIN, b"\0\1\0\0\0\0\0\0", version=2) + rest,
        "version 0": record(BEGIN, b"\0\1\0\0\0\0\0\0", version=0) + rest,
        "short begin": record(BEGIN, b"\0\1\0\0") + rest,
        "long begin": record(BEGIN, b"\0\1\0\0\0\0\0\0\0") + rest,
        "id 0": begin(0) + rest,
        "params first": rest,
        "stdin before params end": begin() + record(STDIN, b"x") + rest,
        "get values with an id": record(fcgi.GET_VALUES, b"", 7) + whole(),
        "a reply record": begin() + record(END, b"\0" * 8) + rest,
        "http": b"POST /api/v1/template.execute HTTP/1.1\r\n\r\n",
        "noise": bytes(range(1, 256)) * 40,
    }


@pytest.mark.parametrize("name", bad_beginnings())
def test_row_9_what_is_not_fastcgi_closes(bare, name):
    assert_refused(bare, bad_beginnings()[name])


@pytest.mark.parametrize("role", [0, AUTHORIZER, FILTER, 9, 0xFFFF])
def test_row_10_other_roles_are_refused(bare, role):
    body = hello()
    with Peer(bare.path) as peer:
        peer.send_until_closed(begin(role=role) + whole(body)[16:])
        reply = peer.read_reply()
        assert reply.status is None
        assert reply.protocol_status in (None, UNKNOWN_ROLE)
        assert peer.reads_end()


def test_row_11_a_second_request_at_once_is_refused_and_the_first_goes_on(
        bare):
    """Another id: CANT_MPX_CONN, whatever that request still sends."""
    body = hello()
    params = stream(PARAMS, params_bytes(call_params(body)))
    other = begin(2) + request(call_params(body), body, 2)[16:]
    with Peer(bare.path) as peer:
        peer.send(begin() + params + other + stream(STDIN, body))
        refusal = peer.read_record()
        assert refusal.kind == END and refusal.request_id == 2
        assert refusal.content[4] == CANT_MPX_CONN
        assert peer.read_reply().json == HELLO_REPLY


def test_row_11_the_same_id_begun_twice_closes(bare):
    """One answer cannot be for both, so neither gets one."""
    assert_refused(bare, begin() + begin() + whole()[16:])


def test_row_12_an_aborted_request_has_no_effect(bare):
    def executed():
        return bare.metrics().total("execplug_requests_total",
                                    route="template.execute")
    body = hello()
    before = executed()
    with Peer(bare.path) as peer:
        peer.send(begin() + stream(PARAMS, params_bytes(call_params(body)))
                  + record(STDIN, body) + record(ABORT))
        reply = peer.read_reply()
        assert reply.stdout == b""
        assert peer.reads_end()
    assert executed() == before


@pytest.mark.parametrize("length", [
    "1", "99999", "0", "-1", "abc", "1e3", "+5", "0x10",
    "18446744073709551999",
])
def test_row_13_content_length_and_body_differ(bare, length):
    body = hello()
    params = call_params(body, CONTENT_LENGTH=length)
    with Peer(bare.path) as peer:
        peer.send(request(params, body))
        reply = peer.read_reply()
        assert reply.status == 400, reply.stdout
        assert reply.json["message"]
        assert peer.reads_end()


@pytest.mark.parametrize("length", ["", None])
def test_row_13_without_a_length_the_records_end_the_body(bare, length):
    """As a front end passes a chunked body on while it comes in."""
    body = hello()
    with Peer(bare.path) as peer:
        peer.send(request(call_params(body, CONTENT_LENGTH=length), body))
        assert peer.read_reply().json == HELLO_REPLY


@pytest.mark.parametrize("padding, chunk", [
    (255, 1), (255, 100), (255, 0xFFF8), (0, 0xFFFF), (7, 0xFFFF),
])
def test_row_15_padding_and_largest_records(bare, padding, chunk):
    body = hello().ljust(200000 if chunk > 100 else 0)
    with Peer(bare.path) as peer:
        peer.send(request(call_params(body), body, chunk=chunk,
                          padding=padding))
        assert peer.read_reply().json == HELLO_REPLY


def test_row_15_padding_after_the_end_of_a_kept_request(daemons):
    """What follows the last record's content is still that request's."""
    daemon = daemons.start(token=None)
    body = hello()
    data = request(call_params(body), body, flags=KEEP_CONN, padding=255)
    with Peer(daemon.private_socket()) as peer:
        for _ in range(3):
            peer.send(data)
            assert peer.read_reply().json == HELLO_REPLY


def test_row_16_one_byte_per_write(bare):
    data = whole()
    with Peer(bare.path) as peer:
        for i in range(len(data)):
            peer.send(data[i:i + 1])
        assert peer.read_reply().json == HELLO_REPLY


def test_row_16_cut_in_two_at_every_byte(bare):
    body = hello()
    data = request(call_params(body), body, padding=3)
    replies = set()
    for cut in range(1, len(data)):
        with Peer(bare.path) as peer:
            peer.send(data[:cut])
            peer.send(data[cut:])
            reply = peer.read_reply()
            assert reply.protocol_status == REQUEST_COMPLETE
            replies.add(reply.stdout)
    assert len(replies) == 1


@pytest.mark.parametrize("name, value", [
    ("X_\0NAME", "v"), ("X_NAME", "a\0b"), ("SCRIPT_NAME\0X", "/healthz"),
    ("HTTP_AUTHORIZATION", "Bearer a\0b"), ("X=Y", "v"), ("=", ""),
])
def test_row_17_nul_and_equals_sign_in_params(bare, name, value):
    body = hello()
    pairs = list(call_params(body).items()) + [(name, value)]
    with Peer(bare.path) as peer:
        peer.send(begin() + stream(PARAMS, params_bytes(pairs))
                  + stream(STDIN, body))
        reply = peer.read_reply()
        assert reply.status == 400
        assert peer.reads_end()


def test_row_17_an_empty_name_is_no_trouble(bare):
    body = hello()
    pairs = pair("", "") + params_bytes(call_params(body))
    with Peer(bare.path) as peer:
        peer.send(begin() + stream(PARAMS, pairs) + stream(STDIN, body))
        assert peer.read_reply().status in (200, 400)


def test_row_20_a_peer_that_leaves_is_counted_and_logged_once(bare):
    def gone():
        return faults(bare, "gone")
    before, body = gone(), sleep(60000)
    lines = len(bare.log_lines(key="sleep"))
    with Peer(bare.path) as peer:
        peer.send(request(call_params(body), body))
        wait_for(lambda: n_parked(bare) == 1, 5, "the call is parked")
    wait_for(lambda: n_parked(bare) == 0, 5, "the parked call is freed")
    assert gone() == before + 1
    wait_for(lambda: len(bare.log_lines(key="sleep")) == lines + 1, 5,
             "one log line of that call")


def test_row_20_peers_that_leave_before_their_reply(bare):
    for _ in range(200):
        with Peer(bare.path) as peer:
            peer.send(whole())


def n_parked(daemon):
    return sum(one["parked"] for one in daemon.status()["processes"]
               if one["role"] == "worker")


# The slow peers of the fixture, whose time has come by now.

def test_row_7_a_huge_param_then_silence_closes(bare, slow):
    assert slow.wait_closed("a huge param") < PEER_DEADLINE_S + 2
    if not is_sanitized(bare.program):
        assert all(procfs.peak_rss_bytes(pid) < 16 * MIB
                   for pid in bare.workers())


@pytest.mark.parametrize("name", [
    "half a header", "half the params", "half the body",
])
def test_row_7_half_a_request_then_silence_closes(slow, name):
    seconds = slow.wait_closed(name)
    assert PEER_DEADLINE_S - 1 < seconds < PEER_DEADLINE_S + 2


def test_row_14_no_end_of_the_body_and_a_half_close(slow):
    assert slow.wait_closed("no end of the body") < PEER_DEADLINE_S + 2


def test_row_18_silent_peers_are_closed(slow):
    for i in range(500):
        seconds = slow.wait_closed(f"silent {i}")
        assert seconds < PEER_DEADLINE_S + 3


def test_row_19_a_peer_that_reads_nothing_frees_the_worker(bare, slow):
    seconds = slow.wait_closed("reads nothing")
    assert seconds < PEER_DEADLINE_S + 2
    assert faults(bare, "timeout") >= 4
