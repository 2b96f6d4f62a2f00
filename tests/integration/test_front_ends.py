"""Row 82: execplugd behind web servers that somebody already runs.

Each server is Debian's, started with the snippet from conf/; as a CGI
program execplugd runs under fcgiwrap and under lighttpd's mod_cgi.
"""
import pytest

from harness import fcgi
from harness.agent import bearer
from harness.calls import EXECUTE, TOKEN, foreign, hello, plugin, seed
from harness.fronts import (Apache, BadBackend, CgiFcgi, Lighttpd,
                            LighttpdCgi, Nginx, NginxAndFcgiwrap)

FRONTS = {
    "nginx": Nginx,
    "lighttpd": Lighttpd,
    "apache": Apache,
    "cgi-fcgi": CgiFcgi,
    "cgi under fcgiwrap": NginxAndFcgiwrap,
    "cgi under lighttpd": LighttpdCgi,
}
SERVERS = ["nginx", "lighttpd", "apache"]
WITH_TOKEN = bearer(TOKEN)
MANY = {"parameters": [{"name": "p", "value": "x" * 300000}]}

# name: method, path, headers, body, status
GOLDEN = {
    "hello": ("POST", EXECUTE, WITH_TOKEN, hello(), 200),
    "hello to somebody": (
        "POST", EXECUTE, WITH_TOKEN, hello("W\u00f6rld & <b>"), 200),
    "the seed's howdy": ("POST", EXECUTE, WITH_TOKEN, seed(), 200),
    "a call of 300 kB": (
        "POST", EXECUTE, WITH_TOKEN, plugin("hello", {}, inputs=MANY), 200),
    "a key of another plugin": (
        "POST", EXECUTE, WITH_TOKEN, foreign(), 200),
    "a wrong text": (
        "POST", EXECUTE, WITH_TOKEN, plugin("hello", {"text": 1}), 200),
    "no JSON": ("POST", EXECUTE, WITH_TOKEN, b"template: {}", 400),
    "no body": ("POST", EXECUTE, WITH_TOKEN, b"", 400),
    "no token": ("POST", EXECUTE, [], hello(), 403),
    "a wrong token": ("POST", EXECUTE, bearer("x" * 32), hello(), 403),
    "an unknown method": (
        "POST", "/api/v1/node.postExecute", WITH_TOKEN, b"{}", 404),
    "GET": ("GET", EXECUTE, WITH_TOKEN, None, 405),
    "a compressed body": (
        "POST", EXECUTE, WITH_TOKEN + [("Content-Encoding", "gzip")],
        b"\x1f\x8b", 415),
}


@pytest.fixture(scope="module")
def daemon(module_daemons):
    return module_daemons.start(front="none")


@pytest.fixture(scope="module", params=FRONTS)
def front(request, daemon):
    name = request.param.replace(" ", "-")
    with FRONTS[request.param](daemon.folder / name, daemon.path,
                               token_file=daemon.token_file) as one:
        yield one


def ask_directly(daemon, method, path, headers, body):
    """The answer without any front end between."""
    more = {"HTTP_" + name.upper().replace("-", "_"): value
            for name, value in headers}
    return fcgi.exchange(daemon.path, body or b"", method=method, path=path,
                         **more)


@pytest.mark.parametrize("name", GOLDEN)
def test_row_82_every_front_end_gives_the_same_answer(daemon, front, name):
    method, path, headers, body, status = GOLDEN[name]
    direct = ask_directly(daemon, method, path, headers, body)
    answer = front.ask(method, path, headers, body)
    assert direct.status == status
    assert answer.status == status
    assert answer.body == direct.body
    for header in ("content-type", "allow", "cache-control"):
        assert answer.headers.get(header) == direct.headers.get(header)


def test_row_82_a_body_above_the_limit_is_413_in_json(front):
    body = hello("x" * (2 * 1024 * 1024))
    answer = front.ask("POST", EXECUTE, WITH_TOKEN, body)
    assert answer.status == 413
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["message"]


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("path, content_type", [
    ("/healthz", "application/json"),
    ("/readyz", "application/json"),
    ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
    ("/status?format=json", "application/json"),
])
def test_row_82_operators_pages_pass(daemon, folder, name, path,
                                     content_type):
    with FRONTS[name](folder / name, daemon.path) as front:
        answer = front.ask("GET", path)
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type


def is_busy(answer):
    return (answer.status == 503 and list(answer.json) == ["message"]
            and answer.headers["content-type"] == "application/json")


@pytest.mark.parametrize("name", SERVERS)
def test_row_82_nobody_listens_is_503(folder, name):
    with FRONTS[name](folder / name, folder / "nobody.sock") as front:
        answer = front.ask("POST", EXECUTE, WITH_TOKEN, hello())
    assert is_busy(answer), answer


@pytest.mark.parametrize("name", SERVERS)
def test_row_82_a_worker_that_dies_with_the_call_is_503(folder, name):
    path = folder / "dies.sock"
    with BadBackend(path, dies=True), \
            FRONTS[name](folder / name, path) as front:
        answer = front.ask("POST", EXECUTE, WITH_TOKEN, hello())
    assert is_busy(answer), answer


# Apache's timeout lies above that of Argo's client, so that its 504 is
# never seen.
@pytest.mark.parametrize("name", ["nginx", "lighttpd"])
def test_row_82_a_worker_that_never_answers_is_503(folder, name):
    path = folder / "silent.sock"
    with BadBackend(path, dies=False), \
            FRONTS[name](folder / name, path, timeout=1) as front:
        answer = front.ask("POST", EXECUTE, WITH_TOKEN, hello())
    assert is_busy(answer), answer


@pytest.mark.parametrize("name", SERVERS)
def test_row_82_what_a_server_refuses_itself_is_json(folder, name):
    with FRONTS[name](folder / name, folder / "nobody.sock") as front:
        answer = front.ask("GET", "/" + "x" * 40000)
    assert 400 <= answer.status < 500
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["message"]
