"""What each kind of call is answered with, as Argo's agent reads it.

The agent's rules: 200 with a node is taken, exactly {} means "not mine", a
phase that is not terminal needs a requeue and a terminal one must not have
it, 404 bans the method, 503 is tried again, anything else fails the node.
"""
import json

import pytest

from harness import fcgi, http1
from harness.agent import bearer
from harness.calls import (EXECUTE, HELLO_REPLY, POSTPONED, fault, foreign,
                           hello, plugin, seed)

TERMINAL = {"Succeeded", "Failed", "Error"}
GIVEN_UP_FOR = ("connection refused", "i/o timeout",
                "connection reset by peer", "etcdserver: request timed out")


@pytest.fixture(scope="module")
def daemon(module_daemons):
    return module_daemons.start(faulty=True)


@pytest.fixture(scope="module")
def open_daemon(module_daemons):
    """Without a token, for v3.3.0, which sends none."""
    return module_daemons.start(token=None)


def assert_whole(response):
    """One JSON document, as long as it says, and nothing cached."""
    assert response.headers["content-type"] == "application/json"
    assert int(response.headers["content-length"]) == len(response.body)
    assert "transfer-encoding" not in response.headers
    return json.loads(response.body)


def assert_node(response):
    """The rules for a node's reply; the node."""
    assert response.status == 200
    reply = assert_whole(response)
    assert set(reply) <= {"node", "requeue"}
    node = reply["node"]
    phase = node.get("phase", "")
    assert phase in TERMINAL | {"Running", "Pending", ""}
    assert ("requeue" in reply) == (phase not in TERMINAL)
    if "requeue" in reply:
        assert isinstance(reply["requeue"], str)
    if phase == "":
        assert node == {}
    for one in node.get("outputs", {}).get("parameters", []):
        assert isinstance(one["name"], str) and isinstance(one["value"], str)
    return node


@pytest.mark.parametrize("key", ["hello", "howdy"])
def test_hello_is_answered_exactly(daemon, key):
    response = daemon.call(hello(key=key))
    assert_node(response)
    assert response.json == HELLO_REPLY


def test_the_seeds_own_call(daemon, open_daemon):
    for one in (daemon, open_daemon):
        response = one.call(seed())
        assert_node(response)
        assert response.json == HELLO_REPLY


def test_hello_with_a_text(daemon):
    response = daemon.call(hello("world"))
    assert assert_node(response) == {
        "phase": "Succeeded", "message": "Hello world!",
        "outputs": {"parameters": [{"name": "greeting", "value": "world"}]}}


def test_hello_with_an_empty_text(daemon):
    assert assert_node(daemon.call(hello("")))["message"] == "Hello !"


@pytest.mark.parametrize("body, message", [
    ({"text": 1}, "plugin.hello.text: not a string"),
    ({"text": None}, "plugin.hello.text: not a string"),
    ([], "plugin.hello: not an object"),
    ("x", "plugin.hello: not an object"),
])
def test_a_wrong_template_is_failed_and_names_the_member(daemon, body,
                                                         message):
    node = assert_node(daemon.call(plugin("hello", body)))
    assert node == {"phase": "Failed", "message": message}


def test_a_handlers_fault_is_error(daemon):
    node = assert_node(daemon.call(fault("error")))
    assert node["phase"] == "Error"
    assert node["message"]


def test_a_running_node_has_requeue_and_progress_in_its_message(daemon):
    response = daemon.call(fault("progress"))
    node = assert_node(response)
    assert node["phase"] == "Running"
    assert node["progress"] == "3/10"
    assert "3/10" in node["message"]


def test_trouble_that_passes_is_asked_again_and_records_nothing(daemon):
    response = daemon.call(fault("later"))
    assert assert_node(response) == {}
    assert response.json == POSTPONED


def test_a_foreign_key_is_answered_with_nothing_else(daemon):
    response = daemon.call(foreign())
    assert response.status == 200
    assert response.body.strip() == b"{}"
    assert_whole(response)


def test_outputs_up_to_the_limit(daemon):
    node = assert_node(daemon.call(fault("big", bytes=256 * 1024 - 100)))
    assert node["phase"] == "Succeeded"
    assert len(node["outputs"]["parameters"][0]["value"]) \
        == 256 * 1024 - 100


@pytest.mark.parametrize("size", [256 * 1024 + 1, 5000000])
def test_outputs_above_the_limit_do_not_reach_etcd(daemon, size):
    response = daemon.call(fault("big", bytes=size))
    node = assert_node(response)
    assert node["phase"] in ("Failed", "Error")
    assert len(response.body) < 10000


def test_a_long_message_is_cut_at_a_character(daemon):
    node = assert_node(daemon.call(hello("ä" * 10000)))
    assert 4000 < len(node["message"].encode()) <= 4096 + 3
    assert "\ufffd" not in node["message"]


def test_a_message_never_holds_bytes_that_are_not_utf_8(daemon):
    response = daemon.call(fault("bad_utf8"))
    response.body.decode("utf-8")
    assert assert_node(response)["phase"] == "Succeeded"


STATUSES = [
    ("not JSON", "POST", EXECUTE, [], b"{", 400),
    ("an envelope of a wrong type", "POST", EXECUTE, [], b"[]", 400),
    ("no plugin", "POST", EXECUTE, [], b'{"template":{}}', 400),
    ("an unknown method", "POST", "/api/v1/workflow.preOperate", [], b"{}",
     404),
    ("an unknown path", "POST", "/template.execute", [], b"{}", 404),
    ("not POST", "GET", EXECUTE, [], None, 405),
    ("a compressed body", "POST", EXECUTE, [("Content-Encoding", "gzip")],
     b"\x1f\x8b", 415),
]


@pytest.mark.parametrize("name, method, path, headers, body, status",
                         STATUSES, ids=[one[0] for one in STATUSES])
def test_what_is_no_call_of_argos(daemon, name, method, path, headers, body,
                                  status):
    response = http1.ask(daemon.port, method, path,
                         bearer(daemon.token) + headers, body)
    assert response.status == status
    error = assert_whole(response)
    assert set(error) == {"message"}
    text = error["message"]
    assert text and "\n" not in text and "<" not in text
    for words in GIVEN_UP_FOR:
        assert words not in text, "the agent would try again"
    assert "location" not in response.headers


def test_403_comes_before_404_or_after_it_but_never_200(daemon):
    for path in (EXECUTE, "/api/v1/other"):
        response = http1.ask(daemon.port, "POST", path, [], hello())
        assert response.status in (403, 404)
    assert http1.ask(daemon.port, "POST", EXECUTE, [],
                     hello()).status == 403


BODIES = [
    b"", b"{}", b"[]", b"null", b"{", b"\xff", b'{"template":7}', hello(),
    foreign(), plugin("hello", 7), b"x" * 100000, b"[" * 100000,
]


@pytest.mark.parametrize("body", BODIES, ids=lambda b: repr(b)[:30])
def test_template_execute_is_never_404(daemon, body):
    """A 404 would ban the method for the life of the agent."""
    assert daemon.call(body).status in (200, 400, 403, 413, 415, 503)
    assert daemon.call(body, token="wrong").status in (403, 413)


@pytest.mark.parametrize("kind", [
    None, "application/json", "application/json; charset=utf-8",
    "application/x-www-form-urlencoded", "text/plain", "nonsense",
    "multipart/form-data; boundary=x",
])
def test_the_content_type_is_not_looked_at(daemon, kind):
    headers = [] if kind is None else [("Content-Type", kind)]
    assert daemon.call(hello(), headers=headers).json == HELLO_REPLY


@pytest.mark.parametrize("headers", [
    [("Accept-Encoding", "gzip")], [("Accept", "text/html")],
    [("User-Agent", "argo-executor/v3.7.18")], [("Proxy", "http://a/")],
    [("Connection", "close")], [("Range", "bytes=0-1")],
    [("If-None-Match", "*")], [("X-Forwarded-For", "1.2.3.4")],
    [("Cookie", "a=b")],
])
def test_headers_that_change_nothing(daemon, headers):
    response = daemon.call(hello(), headers=headers)
    assert response.status == 200 and response.json == HELLO_REPLY


def test_a_query_changes_nothing(daemon):
    response = http1.ask(daemon.port, "POST", EXECUTE + "?x=1&y",
                         bearer(daemon.token), hello())
    assert response.json == HELLO_REPLY


def test_argos_escaped_characters(daemon):
    """Go's encoder writes <, > and & as escapes."""
    body = hello("<&>").replace(b"<", rb"\u003c").replace(b"&", rb"\u0026")
    node = assert_node(daemon.call(body))
    assert node["message"] == "Hello <&>!"


def test_two_keys_are_nobodys_template(daemon):
    body = b'{"template":{"plugin":{"hello":{},"howdy":{}}}}'
    assert assert_node(daemon.call(body))["phase"] == "Failed"
    body = b'{"template":{"plugin":{"a":{},"b":{}}}}'
    assert daemon.call(body).json == {}


def test_a_key_given_twice_is_one_key_and_the_last_counts(daemon):
    """As Go and json-c read it."""
    body = (b'{"template":{"plugin":{"hello":{"text":"a"}},'
            b'"plugin":{"hello":{"text":"b"}}}}')
    assert assert_node(daemon.call(body))["message"] == "Hello b!"
    body = b'{"template":{"plugin":{"hello":7,"hello":{"text":"b"}}}}'
    assert assert_node(daemon.call(body))["message"] == "Hello b!"


PATHS = [
    (EXECUTE, "", ""), ("", EXECUTE, ""), ("/api/v1", "/template.execute",
                                           "/other"),
    ("", "", EXECUTE), ("", "", EXECUTE + "?a=b"),
]


@pytest.mark.parametrize("script, info, uri", PATHS)
def test_row_22_the_path_of_every_front_end(module_daemons, script, info,
                                            uri):
    """SCRIPT_NAME and PATH_INFO, else REQUEST_URI up to its query."""
    bare = module_daemons.start(front="none", token=None)
    reply = fcgi.exchange(bare.path, hello(), SCRIPT_NAME=script,
                          PATH_INFO=info, REQUEST_URI=uri)
    assert reply.json == HELLO_REPLY
    assert bare.stop() == 0


def test_the_agent_takes_what_it_gets(daemon):
    answer = daemon.agent_call(hello())
    assert answer.tries == 1 and answer.json == HELLO_REPLY
