"""Rows 73-76: the other ways in which the one binary is started."""
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess

import pytest

from harness import fcgi, procfs
from harness.calls import (EXECUTE, HELLO_REPLY, TOKEN, fault, foreign, hello,
                           seed)
from harness.daemon import parse_log
from harness.programs import execplugd, execplugd_faulty, find
from harness.waiting import Stopwatch, wait_for

USAGE, CONFIGURATION = 64, 78


def answers(path, body=None):
    try:
        return fcgi.exchange(path, body or hello(), 5).json == HELLO_REPLY
    except (OSError, ValueError):
        return False


class Manager:
    """A process manager that starts execplugd; ends with the test."""

    def __init__(self, folder, argv):
        self.path = folder / "fcgi.sock"
        self.stderr = folder / "stderr"
        with open(self.stderr, "wb") as file:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=file, start_new_session=True)

    def wait_answer(self):
        wait_for(lambda: answers(self.path), 10, "a first answer")

    def daemons(self):
        """Pids of the supervisors below the manager, itself included."""
        tree = [self.process.pid] + procfs.descendants(self.process.pid)
        ours = [pid for pid in tree if "execplugd" in procfs.command(pid)
                and os.readlink(f"/proc/{pid}/exe").find("execplugd") > 0]
        return [pid for pid in ours
                if procfs.parents().get(pid) not in ours]

    def log(self):
        return parse_log(self.stderr.read_bytes())


@contextlib.contextmanager
def spawned(folder, *argv):
    manager = Manager(folder, argv)
    try:
        yield manager
    finally:
        tree = [manager.process.pid] + procfs.descendants(manager.process.pid)
        if manager.process.poll() is None:
            os.kill(manager.process.pid, signal.SIGTERM)
        try:
            manager.process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in tree:
                procfs.kill_quietly(pid)
            manager.process.wait(5)
            raise


def spawn_fcgi(folder, *more):
    return [find("spawn-fcgi"), "-n", "-s", str(folder / "fcgi.sock"), *more]


def test_row_73_under_spawn_fcgi(folder):
    """fd 0 listens, so it is used and no nginx is started."""
    with spawned(folder, *spawn_fcgi(folder), "--", execplugd(),
                 "--no-auth") as manager:
        manager.wait_answer()
        tree = procfs.descendants(manager.process.pid)
        assert not any(procfs.is_nginx(pid) for pid in tree)
        manager.process.terminate()
        assert manager.process.wait(5) == 0
    assert manager.log()
    assert manager.path.exists(), "the socket is spawn-fcgi's, not ours"


def in_background(folder, *more):
    """Pids of what spawn-fcgi has started without -n; they are ours now,
    as orphans of spawn-fcgi."""
    before = set(procfs.children(os.getpid()))
    subprocess.run([find("spawn-fcgi"), "-s", folder / "fcgi.sock", *more,
                    "--", execplugd(), "--no-auth", "--workers=1"],
                   check=True, stdout=subprocess.DEVNULL)
    return [pid for pid in procfs.children(os.getpid())
            if pid not in before and procfs.is_alive(pid)]


def end_gracefully(pid):
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not procfs.is_alive(pid), 5, "it ends")
    assert os.waitpid(pid, 0)[1] == 0


def test_row_73_four_instances_on_one_socket(folder):
    """With -n spawn-fcgi knows one only, so they are in the background."""
    pids = in_background(folder, "-F", "4")
    try:
        assert len(pids) == 4
        path = folder / "fcgi.sock"
        wait_for(lambda: all(map(procfs.children, pids)), 10, "workers")
        assert answers(path)
        while len(pids) > 1:
            end_gracefully(pids.pop())
            for _ in range(10):
                assert answers(path)
        end_gracefully(pids.pop())
    finally:
        for pid in pids:
            procfs.kill_quietly(pid)


def test_row_73_without_n_it_goes_to_the_background(folder):
    """spawn-fcgi then connects stdout and stderr to /dev/null."""
    pids = in_background(folder)
    try:
        assert len(pids) == 1
        wait_for(lambda: answers(folder / "fcgi.sock"), 10, "an answer")
        assert os.readlink(f"/proc/{pids[0]}/fd/2") == "/dev/null"
        end_gracefully(pids.pop())
    finally:
        for pid in pids:
            procfs.kill_quietly(pid)


def test_row_73_a_token_under_spawn_fcgi(folder):
    token = folder / "token"
    token.write_text(TOKEN, encoding="ascii")
    with spawned(folder, *spawn_fcgi(folder), "--", execplugd(),
                 f"--token-file={token}") as manager:
        wait_for(lambda: manager.path.exists(), 5, "the socket")
        wait_for(lambda: fcgi.exchange(manager.path, hello(), 5,
                                       token=TOKEN).status == 200, 5)
        assert fcgi.exchange(manager.path, hello(), 5).status == 403


def multiwatch(folder, *more):
    return [*spawn_fcgi(folder), "--", find("multiwatch"), "-f", "4", *more,
            "--", execplugd_faulty(), "--no-auth", "--workers=1"]


def test_row_74_under_multiwatch(folder):
    """A killed instance is replaced; the others go on meanwhile."""
    with spawned(folder, *multiwatch(folder)) as manager:
        manager.wait_answer()
        wait_for(lambda: len(manager.daemons()) == 4, 5, "four instances")
        old = manager.daemons()
        workers = procfs.descendants(old[0])
        os.kill(old[0], signal.SIGKILL)
        # A call that a dying worker has accepted dies with it.
        wait_for(lambda: not any(procfs.is_alive(p) for p in workers), 1,
                 "its workers are gone")
        for _ in range(10):
            assert answers(manager.path)
        wait_for(lambda: len(set(manager.daemons()) - set(old)) == 1, 10,
                 "a new instance")
        assert answers(manager.path)


def test_row_74_term_to_multiwatch_is_usr1_to_us(folder):
    """On a socket that we were given USR1 is a graceful stop."""
    with spawned(folder, *multiwatch(folder)) as manager:
        manager.wait_answer()
        wait_for(lambda: len(manager.daemons()) == 4, 5, "four instances")
        tree = procfs.descendants(manager.process.pid)
        watch = Stopwatch()
        manager.process.terminate()
        manager.process.wait(8)
        assert watch.seconds() < 3
        wait_for(lambda: not any(procfs.is_alive(p) for p in tree), 3,
                 "all instances are gone")
    for line in manager.log():
        assert line["level"] != "error", line


def test_row_74_a_crashing_call_under_multiwatch(folder):
    """Our own supervisor replaces the worker; multiwatch sees nothing."""
    with spawned(folder, *multiwatch(folder)) as manager:
        manager.wait_answer()
        wait_for(lambda: len(manager.daemons()) == 4, 5, "four instances")
        old = manager.daemons()
        for _ in range(5):
            reply = fcgi.exchange(manager.path, fault("segv"))
            assert reply.status is None
            wait_for(lambda: answers(manager.path), 5, "an answer")
        assert manager.daemons() == old


# systemd


def listening(path):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.bind(str(path))
    one.listen(64)
    return one


def activated(daemons, sockets, names=None):
    """A daemon that finds sockets from fd 3 on, as systemd hands them."""
    daemon = daemons.make()
    daemon.argv = ["sh", "-c", 'export LISTEN_PID=$$; exec "$0" "$@"',
                   daemon.program, f"--token-file={daemon.token_file}"]
    daemon.env["LISTEN_FDS"] = str(len(sockets))
    if names is not None:
        daemon.env["LISTEN_FDNAMES"] = names
    high = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 200) for one in sockets]

    def place():
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
        os.closerange(3 + len(high), 300)
    daemon.spawn(preexec_fn=place, close_fds=False)
    for fd in high:
        os.close(fd)
    return daemon


def token_answers(path):
    try:
        reply = fcgi.exchange(path, hello(), 5, token=TOKEN)
        return reply.status == 200
    except OSError:
        return False


def test_row_75_socket_activation(daemons, folder):
    with listening(folder / "a.sock") as one:
        daemon = activated(daemons, [one])
        wait_for(lambda: token_answers(folder / "a.sock"), 5, "an answer")
        assert not any(procfs.is_nginx(pid)
                       for pid in daemon.tree())
        assert daemon.stop() == 0
    assert (folder / "a.sock").exists()


def test_row_75_a_wrong_listen_pid_is_ignored(daemons, folder):
    """Variables that were meant for another process."""
    with listening(folder / "a.sock") as one:
        daemon = daemons.make()
        daemon.env.update({"LISTEN_PID": "1", "LISTEN_FDS": "1"})
        daemon.start(pass_fds=[one.fileno()])
        assert daemon.call(hello()).json == HELLO_REPLY
        assert daemon.pids("nginx")


def test_row_75_two_sockets_are_told_apart_by_name(daemons, folder):
    with listening(folder / "a.sock") as one, \
            listening(folder / "b.sock") as two:
        daemon = activated(daemons, [one, two], "other:execplug")
        wait_for(lambda: token_answers(folder / "b.sock"), 5, "an answer")
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(0.5)
            peer.connect(str(folder / "a.sock"))
            peer.sendall(fcgi.get_values("FCGI_MAX_REQS"))
            with pytest.raises(TimeoutError):
                peer.recv(1)
        assert daemon.stop() == 0


def test_row_75_two_sockets_without_a_name_of_ours(daemons, folder):
    with listening(folder / "a.sock") as one, \
            listening(folder / "b.sock") as two:
        daemon = activated(daemons, [one, two], "x:y")
        assert daemon.wait_exit() == CONFIGURATION
        assert "LISTEN_FDNAMES" in daemon.log()[-1]["msg"]


def test_row_75_what_is_handed_over_must_be_a_listening_socket(daemons,
                                                               folder):
    with open(folder / "file", "wb") as file:
        daemon = activated(daemons, [file])
        assert daemon.wait_exit() in (USAGE, CONFIGURATION)


def notifications(one):
    """Messages on a notify socket so far."""
    found = []
    one.setblocking(False)
    while True:
        try:
            found.append(one.recv(4096).decode())
        except BlockingIOError:
            return found


@pytest.mark.parametrize("kind", ["abstract", "file"])
def test_row_75_ready_is_notified_once(daemons, folder, kind):
    name = f"\0execplug-test-{os.getpid()}" if kind == "abstract" \
        else str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(name)
        if kind == "file":
            os.chmod(name, 0o777)
        daemon = daemons.make(
            env={"NOTIFY_SOCKET": name.replace("\0", "@")})
        daemon.start()
        found = wait_for(lambda: notifications(notify), 5, "READY=1")
        assert daemon.call(hello()).json == HELLO_REPLY
        os.kill(daemon.workers()[0], signal.SIGKILL)
        daemon.agent_call(hello())
        assert daemon.stop() == 0
        found += notifications(notify)
    text = "\n".join(found)
    assert text.count("READY=1") == 1
    assert text.count("STOPPING=1") == 1
    assert text.index("READY=1") < text.index("STOPPING=1")


# CGI


def cgi(body=b"", token=None, program=None, arguments=(), **variables):
    """One request as a web server runs a CGI program."""
    env = {
        "PATH": os.environ["PATH"], "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": EXECUTE,
        "SERVER_PROTOCOL": "HTTP/1.1", "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)), "EXECPLUG_NO_AUTH": "1",
    }
    if token is not None:
        env["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    env.update(variables)
    env = {n: v for n, v in env.items() if v is not None}
    return subprocess.run([program or execplugd(), *arguments],
                          input=body, env=env,
                          capture_output=True, timeout=20, check=False)


def cgi_reply(done):
    """The reply on stdout; every line of stderr is a log line."""
    assert done.returncode == 0, done
    parse_log(done.stderr)
    reply = fcgi.Reply()
    reply.stdout = done.stdout
    assert "status" in reply.headers
    assert len(reply.body) == int(reply.headers["content-length"])
    return reply


def test_row_76_one_request_as_cgi():
    for body in (hello(), seed()):
        reply = cgi_reply(cgi(body))
        assert reply.status == 200 and reply.json == HELLO_REPLY
    assert cgi_reply(cgi(foreign())).json == {}


@pytest.mark.parametrize("path, method, status", [
    ("/nothing", "GET", 404), ("/metrics", "POST", 405),
    ("/api/v1/other", "POST", 404), (EXECUTE, "GET", 405),
])
def test_row_76_other_requests_as_cgi(path, method, status):
    reply = cgi_reply(cgi(REQUEST_METHOD=method, SCRIPT_NAME=path))
    assert reply.status == status


@pytest.mark.parametrize("length", ["-1", "abc", "99999", "1",
                                    "18446744073709551999"])
def test_row_76_a_content_length_that_is_wrong(length):
    body = hello()
    reply = cgi_reply(cgi(body, CONTENT_LENGTH=length))
    assert reply.status in (400, 413)
    assert reply.json["message"]


def test_row_76_no_content_length_is_no_body():
    for length in (None, "", "0"):
        assert cgi_reply(cgi(b"", CONTENT_LENGTH=length)).status == 400


def test_row_76_a_body_larger_than_the_limit():
    body = hello().ljust(8193)
    reply = cgi_reply(cgi(body, EXECPLUG_MAX_BODY="8k"))
    assert reply.status == 413
    assert cgi_reply(cgi(hello().ljust(8192),
                         EXECPLUG_MAX_BODY="8k")).status == 200


def test_row_76_a_token_as_cgi(folder):
    file = folder / "token"
    file.write_text(TOKEN, encoding="ascii")
    more = {"EXECPLUG_NO_AUTH": None, "EXECPLUG_TOKEN_FILE": str(file)}
    assert cgi_reply(cgi(hello(), TOKEN, **more)).json == HELLO_REPLY
    assert cgi_reply(cgi(hello(), TOKEN[:-1], **more)).status == 403
    assert cgi_reply(cgi(hello(), None, **more)).status == 403
    file.unlink()
    assert cgi_reply(cgi(hello(), TOKEN, **more)).status == 503


def test_row_76_a_query_is_no_option(folder):
    """RFC 3875 4.4: a query without "=" comes as arguments."""
    file = folder / "token"
    file.write_text(TOKEN, encoding="ascii")
    for arguments in (["--no-auth"], ["--help"], ["nonsense"]):
        reply = cgi_reply(cgi(hello(), arguments=arguments,
                              EXECPLUG_NO_AUTH=None,
                              EXECPLUG_TOKEN_FILE=str(file)))
        assert reply.status == 403


def test_row_76_a_token_file_that_is_none_as_cgi(folder):
    """The server wants an answer, and the agent a status it repeats."""
    file = folder / "token"
    file.write_text("short", encoding="ascii")
    reply = cgi_reply(cgi(hello(), TOKEN, EXECPLUG_NO_AUTH=None,
                          EXECPLUG_TOKEN_FILE=str(file)))
    assert reply.status == 503
    assert str(file) in reply.json["message"]


def test_row_76_a_proxy_header_is_ignored():
    """httpoxy: a client's Proxy header arrives as HTTP_PROXY."""
    reply = cgi_reply(cgi(hello(), HTTP_PROXY="http://evil.example:1"))
    assert reply.json == HELLO_REPLY


def test_row_76_a_parked_call_as_cgi():
    """There is nobody who could ask again sooner: it waits."""
    body = json.dumps({"template": {"plugin": {"sleep": {
        "ms": 200, "text": "slept"}}}}).encode()
    watch = Stopwatch()
    reply = cgi_reply(cgi(body, program=execplugd_faulty()))
    assert watch.seconds() >= 0.2
    assert reply.json["node"] == {"phase": "Succeeded", "message": "slept"}


# --try and --check


def try_(body, *options, program=None):
    return subprocess.run(
        [program or execplugd(), "--no-auth", "--try=-", *options],
        input=body, capture_output=True, timeout=20, check=False)


def test_try_answers_one_call_from_a_file(folder):
    file = folder / "call.json"
    file.write_bytes(seed())
    done = subprocess.run([execplugd(), "--try", str(file)], timeout=20,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout) == HELLO_REPLY
    parse_log(done.stderr)


@pytest.mark.parametrize("body, part", [
    (seed(), {"node": HELLO_REPLY["node"]}), (foreign(), {}),
])
def test_try_reads_standard_input(body, part):
    done = try_(body)
    assert done.returncode == 0
    assert json.loads(done.stdout) == part


def test_try_shows_what_is_wrong_with_a_call():
    done = try_(b"{")
    assert "not JSON" in done.stdout.decode() + done.stderr.decode()
    done = try_(b'{"template":{"plugin":{"hello":{"text":1}}}}')
    assert json.loads(done.stdout)["node"]["phase"] == "Failed"


def test_try_with_a_file_that_is_not_there():
    done = subprocess.run([execplugd(), "--try=/nowhere/call.json"],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=20, check=False)
    assert done.returncode in (USAGE, CONFIGURATION)
    assert b"/nowhere/call.json" in done.stderr
    assert done.stdout == b""


def check(*options, prefix=()):
    return subprocess.run([*prefix, execplugd(), "--check", *options],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20, check=False)


def token_file(folder, text=TOKEN):
    path = folder / "token"
    path.write_text(text, encoding="ascii")
    return path


def test_check_finds_nothing_wrong(daemons, folder):
    port = daemons.make().port
    done = check(f"--token-file={token_file(folder)}", f"--port={port}")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) >= 4
    assert all(one.startswith("ok: ") for one in lines), lines


def problems(done):
    assert done.returncode == CONFIGURATION
    found = [one for one in done.stdout.splitlines()
             if one.startswith("problem: ")]
    assert all(" - " in one for one in found), "each problem has a cure"
    return found


def test_check_names_every_problem_with_its_cure(daemons, folder):
    other = daemons.start()
    found = problems(check(
        f"--token-file={token_file(folder, 'short')}",
        f"--port={other.port}", "--address=127.0.0.1",
        "--nginx=/nowhere/nginx"))
    text = "\n".join(found)
    assert len(found) >= 3
    for word in (str(folder / "token"), str(other.port), "/nowhere/nginx"):
        assert word in text


def test_check_explains_an_unreadable_token(folder):
    path = token_file(folder)
    os.chown(path, 8737, 0)
    path.chmod(0o440)
    prefix = [find("setpriv"), "--reuid=12345", "--regid=12345",
              "--clear-groups"]
    found = problems(check(f"--token-file={path}", "--front=none",
                           prefix=prefix))
    text = "\n".join(found)
    for word in ("12345", "8737", "440"):
        assert word in text


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_check_changes_nothing(folder):
    """The private folder that it tries is gone again."""
    script = ("mount -t tmpfs tmpfs /dev/shm; mount -t tmpfs tmpfs /run; "
              '"$0" "$@" >&2; find /dev/shm /run -mindepth 1')
    done = check("--no-auth", f"--listen={folder / 'x.sock'}",
                 "--front=none",
                 prefix=[find("unshare"), "-m", "sh", "-c", script])
    assert "ok: " in done.stderr
    assert done.stdout == ""
    assert os.listdir(folder) == []
