"""Rows 31-38 and 62: what is JSON, what is a call, and how much of it."""
import json

import pytest

import json_vectors
from harness import procfs, programs
from harness.background import Background
from harness.calls import HELLO_REPLY, fault, foreign, hello, plugin

MIB = 1024 * 1024
ODD_NUMBERS = [
    b"9223372036854775808", b"-9223372036854775809", b"1e999", b"-1e999",
    b"18446744073709551616", b"9" * 500,
]


@pytest.fixture(scope="module")
def bare(module_daemons):
    return module_daemons.start("--workers=1", front="none", token=None,
                                faulty=True)


@pytest.fixture(autouse=True)
def worker_stays(bare):
    before = bare.workers()
    yield
    assert bare.workers() == before


def in_foreign(text):
    """The text as the body of somebody else's key."""
    return b'{"template":{"plugin":{"other":' + text + b"}}}"


def in_body(text):
    """The text as a member of our own key's body."""
    return b'{"template":{"plugin":{"hello":{"x":' + text + b"}}}}"


def beside(text):
    """The text elsewhere in a call of ours."""
    return b'{"x":' + text + b',"template":{"plugin":{"hello":{}}}}'


def assert_refused(reply, *words):
    assert reply.status == 400, reply.stdout
    message = reply.json["message"]
    assert message and "\n" not in message
    for word in words:
        assert word in message, message


def assert_failed(reply, *words):
    assert reply.status == 200, reply.stdout
    node = reply.json["node"]
    assert node["phase"] == "Failed" and "requeue" not in reply.json
    for word in words:
        assert word in node["message"], node


def assert_foreign(reply):
    assert reply.status == 200, reply.stdout
    assert reply.body.strip() == b"{}"


@pytest.mark.parametrize("text", json_vectors.YES, ids=lambda t: repr(t)[:50])
def test_row_31_json_is_taken(bare, text):
    assert_foreign(bare.call(in_foreign(text)))
    assert bare.call(beside(text)).json == HELLO_REPLY


@pytest.mark.parametrize("text", json_vectors.NO, ids=lambda t: repr(t)[:50])
def test_row_31_what_is_not_json_is_refused(bare, text):
    assert_refused(bare.call(in_foreign(text)))
    assert_refused(bare.call(beside(text)))
    assert_refused(bare.call(text))


@pytest.mark.parametrize("text, is_taken", json_vectors.ODD,
                         ids=lambda t: repr(t)[:50])
def test_row_31_what_the_rfc_leaves_open_is_pinned(bare, text, is_taken):
    reply = bare.call(in_foreign(text))
    if is_taken:
        assert_foreign(reply)
    else:
        assert_refused(reply)


def test_row_31_a_call_cut_at_every_byte_is_refused(bare):
    text = in_body(rb'["\u00e4\"",-1.5e-3,true,null,{}]')
    for cut in range(len(text)):
        assert_refused(bare.call(text[:cut]))
    assert bare.call(text).json == HELLO_REPLY


def test_row_31_an_escaped_key_is_the_same_key(bare):
    assert bare.call(rb'{"t\u0065mplate":{"plug\u0069n":'
                     rb'{"h\u0065llo":{}}}}').json == HELLO_REPLY


LARGE = {
    "objects": b"[" + b"{}," * 87000 + b"{}]",
    "arrays": b"[" + b"[]," * 87000 + b"[]]",
    "numbers": b"[" + b"0," * 131000 + b"0]",
    "members": b"{" + b'"a":{},' * 37000 + b'"a":{}}',
}


@pytest.mark.parametrize("name", LARGE)
def test_row_32_many_values_cost_no_memory(bare, name):
    """256 KiB that would cost json-c up to 67 MB."""
    text = LARGE[name]
    assert len(text) > 256000
    assert_failed(bare.call(in_body(text)), "plugin.hello")
    assert_refused(bare.call(beside(text)))
    assert_foreign(bare.call(in_foreign(text)))
    if not programs.is_sanitized(bare.program):
        assert procfs.peak_rss_bytes(bare.workers()[0]) < 20 * MIB


def test_row_32_values_below_the_limits_are_taken(bare):
    assert bare.call(in_body(b"[" + b"{}," * 1900 + b"{}]")).json \
        == HELLO_REPLY
    assert bare.call(in_body(b"[" + b"0," * 19900 + b"0]")).json \
        == HELLO_REPLY


def nested(levels):
    return b"[" * levels + b"]" * levels


def test_row_33_depth_below_the_limit(bare):
    """Levels of the whole call: in_body has 4 of its own, beside 1."""
    assert bare.call(in_body(nested(123))).json == HELLO_REPLY
    assert bare.call(in_body(nested(124))).json == HELLO_REPLY
    assert bare.call(beside(nested(127))).json == HELLO_REPLY


@pytest.mark.parametrize("levels", [129, 1000, 100000])
def test_row_33_depth_above_the_limit(bare, levels):
    assert_failed(bare.call(in_body(nested(levels))), "plugin.hello", "128")
    assert_refused(bare.call(beside(nested(levels))), "128")
    assert_foreign(bare.call(in_foreign(nested(levels))))


def test_row_33_depth_of_a_text_without_an_end(bare):
    for opening in (b"[", b'{"a":', b'[{"a":'):
        assert_refused(bare.call(opening * 100000))


@pytest.mark.parametrize("body", [
    b"", b" ", b"null", b"[]", b'"x"', b"1", b"true", b"{}",
    b'{"template":null}', b'{"template":{}}', b'{"template":[]}',
    b'{"template":{"plugin":null}}', b'{"template":{"plugin":{}}}',
    b'{"template":{"plugin":[]}}', b'{"template":{"plugin":"hello"}}',
    b'{"template":"plugin"}', b'{"plugin":{"hello":{}}}',
    b'[{"template":{"plugin":{"hello":{}}}}]',
], ids=repr)
def test_row_34_no_call_at_all(bare, body):
    """Never 404, which would ban the method, and never an empty 200."""
    assert_refused(bare.call(body))


def test_row_35_an_unknown_plugin_key(bare):
    assert_foreign(bare.call(foreign()))
    for key in ("", "Hello", "hello ", "hell", "helloo", "a" * 10000, "ключ",
                "hello\n", "template", "plugin"):
        assert_foreign(bare.call(json.dumps(
            {"template": {"plugin": {key: {}}}}).encode()))


def test_row_35_foreign_whatever_else_the_template_holds(bare):
    for text in (b'{"template":{"inputs":7,"plugin":{"other":1}}}',
                 b'{"template":{"plugin":{"other":1}},"workflow":1}',
                 b'{"template":{"plugin":{"other":null},"name":[]}}',
                 in_foreign(b"1e999"), in_foreign(b"[" * 50000 + b"]" * 50000),
                 in_foreign(b'"' + b"a" * 2000000 + b'"')):
        assert_foreign(bare.call(text))


# Every member of the envelope that is read, and what it must be.
ENVELOPE = {
    "workflow": dict, "workflow.metadata": dict,
    "workflow.metadata.name": str, "workflow.metadata.namespace": str,
    "workflow.metadata.uid": str, "template.name": str,
    "template.timeout": str, "template.inputs": dict,
    "template.outputs": dict,
}
WRONG = {dict: [[], "x", 7, True, 1.5], str: [{}, [], 7, True, 1.5]}


def with_member(path, value):
    """A good hello call in which one member is replaced."""
    call = json.loads(hello())
    at, names = call, path.split(".")
    for name in names[:-1]:
        at = at.setdefault(name, {})
    at[names[-1]] = value
    return json.dumps(call).encode()


@pytest.mark.parametrize("path", ENVELOPE)
def test_row_36_wrong_types_are_named_by_their_path(bare, path):
    for value in WRONG[ENVELOPE[path]]:
        assert_refused(bare.call(with_member(path, value)), path + ":")
    assert bare.call(with_member(path, None)).json == HELLO_REPLY


@pytest.mark.parametrize("path", ["template", "template.plugin"])
def test_row_36_wrong_types_on_the_way_to_the_key(bare, path):
    for value in ([], "x", 7, True, 1.5, None):
        assert_refused(bare.call(with_member(path, value)), path)


@pytest.mark.parametrize("value", [1, None, [], {}, True, 1.5])
def test_row_36_a_bad_member_of_our_own_body_is_failed(bare, value):
    assert_failed(bare.call(plugin("hello", {"text": value})),
                  "plugin.hello.text: not a string")


@pytest.mark.parametrize("value", [[], "x", 7, True])
def test_row_36_a_bad_body_of_our_own_key_is_failed(bare, value):
    assert_failed(bare.call(plugin("hello", value)),
                  "plugin.hello: not an object")


def test_row_36_a_null_body_of_our_own_key_is_an_empty_one(bare):
    """What YAML makes of a key with nothing behind it: "hello:"."""
    assert bare.call(plugin("hello", None)).json == HELLO_REPLY


def test_row_36_unknown_members_are_accepted(bare):
    call = json.loads(hello())
    call["a"] = call["template"]["a"] = call["workflow"]["a"] = {"b": [1]}
    call["template"]["plugin"]["hello"]["unknown"] = {"c": None}
    assert bare.call(json.dumps(call).encode()).json == HELLO_REPLY


@pytest.mark.parametrize("text", ODD_NUMBERS, ids=lambda t: repr(t)[:30])
def test_row_37_numbers_out_of_range(bare, text):
    assert_failed(bare.call(in_body(text)), "plugin.hello", "number")
    assert_refused(bare.call(beside(text)), "number")
    assert_foreign(bare.call(in_foreign(text)))


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity"])
def test_row_37_nan_is_not_json(bare, text):
    for body in (in_body(text), beside(text), in_foreign(text)):
        assert_refused(bare.call(body), "not JSON")


def test_row_37_numbers_at_the_edge_are_taken(bare):
    for text in (b"9223372036854775807", b"-9223372036854775808", b"1e308",
                 b"-1.7976931348623157e308", b"5e-324", b"1e-400"):
        assert bare.call(in_body(text)).json == HELLO_REPLY


def test_row_38_a_message_that_is_not_utf_8_becomes_valid_json(bare):
    reply = bare.call(fault("bad_utf8"))
    assert reply.status == 200
    reply.body.decode("utf-8")
    assert "\ufffd" in reply.json["node"]["message"]


def test_row_38_text_of_the_call_comes_back_as_it_was(bare):
    for text in ('"\\/', "ä€😀", "a\tb\nc\x7f", "\u2028", "<b>&amp;", "%s%n"):
        reply = bare.call(hello(text))
        assert reply.json["node"]["message"] == f"Hello {text}!"
        assert reply.json["node"]["outputs"]["parameters"] == [
            {"name": "greeting", "value": text}]
    assert_failed(bare.call(hello("a\0b")), "plugin.hello.text")


def pss_of(daemon):
    total = 0
    for pid in daemon.tree():
        try:
            total += procfs.pss_bytes(pid)
        except OSError:
            pass
    return total


def test_row_62_16_parallel_calls_of_256_kib(daemons):
    if programs.is_sanitized():
        pytest.skip("a sanitizer's own memory is not what is measured")
    daemon = daemons.start()
    text = json.dumps({"template": {"plugin": {"hello": {
        "x": [{"a": 0}] * 1900, "pad": ["x" * 100] * 2400}}}}).encode()
    assert 256 * 1024 < len(text) < 280 * 1024

    def calls():
        for _ in range(6):
            assert daemon.call(text).json == HELLO_REPLY
    running, peak = [Background(calls) for _ in range(16)], 0
    while not all(one.is_done for one in running):
        peak = max(peak, pss_of(daemon))
    for one in running:
        one.result()
    assert peak < 28 * MIB, f"{peak / MIB:.1f} MiB"
