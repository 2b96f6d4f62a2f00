"""Rows 29-30: the bearer token."""
import os
import statistics

import pytest

from harness import fcgi, http1
from harness.agent import bearer
from harness.calls import EXECUTE, HELLO_REPLY, TOKEN, foreign, hello
from harness.fcgi import PARAMS, STDIN, Peer, begin, stream
from harness.programs import find, is_sanitized
from harness.waiting import Stopwatch, wait_for

OTHER = "x9Nn2P7cDq4TgkXy5vLwRzBs8mHfJtQe"
CONFIGURATION = 78


@pytest.fixture(scope="module")
def daemon(module_daemons):
    return module_daemons.start()


def ask(daemon, *lines):
    headers = [("Authorization", line) for line in lines]
    return http1.ask(daemon.port, "POST", EXECUTE, headers, hello())


BAD = {
    "none": [],
    "empty": [""],
    "scheme only": ["Bearer"],
    "scheme and space": ["Bearer "],
    "wrong": [f"Bearer {OTHER}"],
    "prefix": [f"Bearer {TOKEN[:-1]}"],
    "one character": [f"Bearer {TOKEN[0]}"],
    "longer": [f"Bearer {TOKEN}x"],
    "much longer": [f"Bearer {TOKEN * 200}"],
    "last character differs": [f"Bearer {TOKEN[:-1]}!"],
    "letter case": [f"Bearer {TOKEN.swapcase()}"],
    "tab": [f"Bearer\t{TOKEN}"],
    "no space": [f"Bearer{TOKEN}"],
    "no scheme": [TOKEN],
    "other scheme": [f"Basic {TOKEN}"],
    "token twice": [f"Bearer {TOKEN} {TOKEN}"],
    "comma": [f"Bearer {TOKEN}, Bearer {TOKEN}"],
    "quotes": [f'Bearer "{TOKEN}"'],
}


@pytest.mark.parametrize("name", BAD)
def test_row_29_a_bad_token_is_403(daemon, name):
    response = ask(daemon, *BAD[name])
    assert response.status == 403
    assert response.json["message"]
    assert TOKEN not in response.body.decode()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_row_29_the_scheme_in_any_letter_case(daemon, scheme):
    assert ask(daemon, f"{scheme} {TOKEN}").json == HELLO_REPLY


@pytest.mark.parametrize("first, second", [
    (TOKEN, TOKEN), (TOKEN, OTHER), (OTHER, TOKEN),
])
def test_row_29_two_authorization_headers_are_400(daemon, first, second):
    response = ask(daemon, f"Bearer {first}", f"Bearer {second}")
    assert response.status == 400
    assert response.json["message"]


def test_row_29_two_authorization_params_are_400(daemons):
    """A front end that passes each header line as a param of its own."""
    bare = daemons.start(front="none")
    body = hello()
    pairs = list(fcgi.call_params(body, token=TOKEN).items())
    pairs.append(("HTTP_AUTHORIZATION", f"Bearer {TOKEN}"))
    with Peer(bare.path) as peer:
        peer.send(begin() + stream(PARAMS, fcgi.params_bytes(pairs))
                  + stream(STDIN, body))
        assert peer.read_reply().status == 400


def test_row_29_no_token_comes_before_the_body_is_looked_at(daemon):
    for body in (b"", b"not json", foreign()):
        response = http1.ask(daemon.port, "POST", EXECUTE,
                             bearer(OTHER), body)
        assert response.status == 403


def median_times(bare, tokens, rounds):
    """Median seconds of a refused call for each token, taken in turns."""
    body = hello()
    data = [fcgi.request(fcgi.call_params(body, token=token), body)
            for token in tokens]
    times = [[] for _ in tokens]
    for _ in range(rounds):
        for i, one in enumerate(data):
            with Peer(bare.path) as peer:
                watch = Stopwatch()
                peer.send(one)
                assert peer.read_reply().status == 403
                times[i].append(watch.seconds())
    return [statistics.median(one) for one in times]


def test_row_29_wrong_tokens_take_equal_time(daemons):
    """However much of the token is right; noise gets three chances."""
    if is_sanitized():
        pytest.skip("a sanitizer's own time is not what is measured")
    bare = daemons.start("--workers=1", "--log-level=warn", front="none")
    tokens = [OTHER, TOKEN[:16] + OTHER[:16], TOKEN[:31] + "!"]
    spreads = []
    for _ in range(3):
        medians = median_times(bare, tokens, 700)
        spreads.append(max(medians) / min(medians) - 1)
        if spreads[-1] <= 0.05:
            return
    raise AssertionError(f"times differ by {spreads}")


def test_no_auth_takes_calls_with_and_without_a_token(daemons):
    open_ = daemons.start(token=None)
    assert ask(open_).json == HELLO_REPLY
    assert ask(open_, f"Bearer {OTHER}").json == HELLO_REPLY


def make_token(daemon, kind):
    path = daemon.token_file
    path.unlink()
    if kind == "missing":
        return
    if kind == "a directory":
        path.mkdir()
    elif kind == "a fifo":
        os.mkfifo(path)
    else:
        path.write_bytes(kind)


@pytest.mark.parametrize("kind", [
    b"", b"\n", TOKEN.encode()[:-1], TOKEN.encode() + b"x",
    TOKEN.encode() + b"\n" + OTHER.encode(), b"\0" * 32,
    TOKEN.encode()[:-1] + b" ", b"\xff" * 32, b"a" * 100000,
    "a directory", "a fifo",
], ids=str)
def test_row_30_a_malformed_token_file_ends_the_start(daemons, kind):
    daemon = daemons.make()
    make_token(daemon, kind)
    assert daemon.run(timeout=10) == CONFIGURATION
    last = daemon.log()[-1]
    assert last["level"] == "error"
    assert str(daemon.token_file) in last["msg"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" \n"], ids=str)
def test_row_30_white_space_after_the_token_is_fine(daemons, end):
    daemon = daemons.make()
    make_token(daemon, TOKEN.encode() + end)
    daemon.start()
    assert ask(daemon, f"Bearer {TOKEN}").json == HELLO_REPLY
    assert ask(daemon, f"Bearer {OTHER}").status == 403


def test_row_30_an_unreadable_token_file_is_explained(daemons):
    """The classic: mode 0440 of uid 8737 and group 0, and we are neither."""
    prefix = [find("setpriv"), "--reuid=12345", "--regid=12345",
              "--clear-groups"]
    daemon = daemons.make(prefix=prefix)
    daemon.folder.chmod(0o777)
    os.chown(daemon.token_file, 8737, 0)
    daemon.token_file.chmod(0o440)
    assert daemon.run(timeout=10) == CONFIGURATION
    text = daemon.log()[-1]["msg"]
    for word in ("12345", "8737", "440", str(daemon.token_file)):
        assert word in text, text


def test_row_30_as_the_agent_makes_it_and_with_group_0(daemons):
    prefix = [find("setpriv"), "--reuid=12345", "--regid=0",
              "--clear-groups"]
    daemon = daemons.make(prefix=prefix)
    daemon.folder.chmod(0o777)
    os.chown(daemon.token_file, 8737, 0)
    daemon.token_file.chmod(0o440)
    daemon.start()
    assert ask(daemon, f"Bearer {TOKEN}").json == HELLO_REPLY


def test_row_30_a_missing_token_file_is_waited_for(daemons):
    daemon = daemons.make()
    make_token(daemon, "missing")
    daemon.spawn()
    wait_for(lambda: is_listening(daemon), 5, "nginx listens")
    response = http1.ask(daemon.port, "GET", "/readyz")
    assert response.status == 503
    assert "token" in response.json["message"]
    assert http1.ask(daemon.port, "GET", "/healthz").status == 200
    for lines in ([], [f"Bearer {TOKEN}"], ["Bearer "]):
        response = ask(daemon, *lines)
        assert response.status == 503
        assert response.json["message"]
    daemon.token_file.write_text(TOKEN, encoding="ascii")
    wait_for(daemon.is_ready, 3, "the token is found")
    assert ask(daemon, f"Bearer {TOKEN}").json == HELLO_REPLY
    daemon.remember_private()


def is_listening(daemon):
    try:
        http1.ask(daemon.port, "GET", "/healthz", timeout=2)
        return True
    except (OSError, http1.Truncated):
        return False


def replace(path, content):
    """As a kubelet or an editor does: a new file under the old name."""
    fresh = path.with_name("fresh")
    fresh.write_bytes(content)
    os.rename(fresh, path)


def test_row_30_a_new_token_is_taken_while_running(daemons):
    daemon = daemons.start()
    replace(daemon.token_file, OTHER.encode())
    wait_for(lambda: ask(daemon, f"Bearer {OTHER}").status == 200, 3,
             "the new token is taken")
    assert ask(daemon, f"Bearer {TOKEN}").status == 403
    assert OTHER not in daemon.log_text()


def test_row_30_a_token_written_over_in_place_is_taken(daemons):
    daemon = daemons.start()
    with open(daemon.token_file, "r+b") as file:
        file.write(OTHER.encode())
    wait_for(lambda: ask(daemon, f"Bearer {OTHER}").status == 200, 3,
             "the new token is taken")
    assert ask(daemon, f"Bearer {TOKEN}").status == 403


def test_row_30_a_token_that_goes_bad_never_opens_the_door(daemons):
    daemon = daemons.start()
    for content in (b"", b"\n", b"short", b"\0" * 32):
        replace(daemon.token_file, content)
        watch = Stopwatch()
        while watch.seconds() < 1.5:
            for lines in ([], ["Bearer "], ["Bearer short"],
                          [f"Bearer {OTHER}"]):
                assert ask(daemon, *lines).status in (403, 503)
    replace(daemon.token_file, OTHER.encode())
    wait_for(lambda: ask(daemon, f"Bearer {OTHER}").status == 200, 3,
             "a good token is taken again")
