"""Rows 46, 54, 55, 61, 77: starts that work, and starts that say why not."""
import os
import pty
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from harness import http1, procfs
from harness.agent import bearer
from harness.calls import EXECUTE, HELLO_REPLY, TOKEN, hello, seed
from harness.daemon import free_port
from harness.programs import execplugd, find, is_sanitized
from harness.waiting import Stopwatch, wait_for

USAGE, CONFIGURATION = 64, 78


def run(*arguments, env=None):
    return subprocess.run(
        [execplugd(), *arguments], stdin=subprocess.DEVNULL, timeout=20,
        capture_output=True, text=True, check=False,
        env={**os.environ, **(env or {})})


BAD_OPTIONS = [
    (["--no-such-option"], "--no-such-option"),
    (["--port"], "--port"),
    (["--port=x"], "--port"),
    (["--port=0"], "--port"),
    (["--port=65536"], "--port"),
    (["--port="], "--port"),
    (["--port=80x"], "--port"),
    (["--port=99999999999999999999"], "--port"),
    (["--workers=0"], "--workers"),
    (["--workers=-1"], "--workers"),
    (["--workers=1000"], "--workers"),
    (["--front=apache"], "--front"),
    (["--max-body=2g"], "--max-body"),
    (["--max-body=1"], "--max-body"),
    (["--max-body=-5k"], "--max-body"),
    (["--deadline=20"], "--deadline"),
    (["--deadline=26s"], "--deadline"),
    (["--drain=-1s"], "--drain"),
    (["--log-level=loud"], "--log-level"),
    (["--no-auth=perhaps"], "--no-auth"),
    (["--token-file="], "--token-file"),
    (["--allow-uid=root"], "--allow-uid"),
    (["argument"], "argument"),
    (["-x"], "-x"),
]


@pytest.mark.parametrize("arguments, word", BAD_OPTIONS,
                         ids=lambda v: " ".join(v) if v else "")
def test_usage_errors_are_one_sentence_and_64(arguments, word):
    done = run("--no-auth", *arguments)
    assert done.returncode == USAGE
    assert done.stdout == ""
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name, value", [
    ("EXECPLUG_PORT", "x"), ("EXECPLUG_WORKERS", "0"),
    ("EXECPLUG_NO_AUTH", "maybe"), ("EXECPLUG_MAX_BODY", "2 MB"),
])
def test_usage_errors_in_the_environment(name, value):
    done = run(env={name: value})
    assert done.returncode == USAGE
    assert name in done.stderr


def test_help_and_version():
    shown = run("--help")
    assert shown.returncode == 0
    for name in ("--listen", "--port", "--token-file", "--check", "--try"):
        assert name in shown.stdout
    shown = run("--version")
    assert shown.returncode == 0
    assert shown.stdout.startswith("execplugd")


def test_options_can_be_given_in_the_environment(daemons):
    port = free_port()
    daemon = daemons.make(env={"EXECPLUG_WORKERS": "3",
                               "EXECPLUG_PORT": str(port)})
    daemon.argv = [one for one in daemon.argv
                   if not one.startswith("--port")]
    daemon.port = port
    daemon.start()
    assert len(daemon.workers()) == 3
    assert daemon.call(hello()).json == HELLO_REPLY


def test_the_command_line_wins_over_the_environment(daemons):
    daemon = daemons.make("--workers=1", env={"EXECPLUG_WORKERS": "3"})
    daemon.start()
    assert len(daemon.workers()) == 1


def test_handlers_can_be_chosen(daemons):
    daemon = daemons.start("--handlers=howdy", token=None)
    assert daemon.call(seed()).json == HELLO_REPLY
    assert daemon.call(hello()).json == {}


def test_a_handler_that_is_not_there(daemons):
    daemon = daemons.make("--handlers=hello,nothing")
    assert daemon.run() == CONFIGURATION
    assert "'nothing'" in daemon.log()[-1]["msg"]


def test_start_to_first_reply(daemons):
    """Best of five, since others use this machine as well."""
    times = []
    for _ in range(5):
        daemon = daemons.make()
        watch = Stopwatch()
        daemon.spawn()
        wait_for(lambda d=daemon: answers(d), 10, "the first reply")
        times.append(watch.seconds())
        daemon.remember_private()
        assert daemon.stop() == 0
    assert min(times) < (3 if is_sanitized() else 0.3), times


def answers(daemon):
    try:
        return daemon.call(hello(), timeout=2).status == 200
    except (OSError, http1.Truncated):
        return False


def test_row_46_a_taken_port_is_named_at_once(daemons):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        daemon = daemons.make()
        daemon.argv = [f"--port={port}" if one.startswith("--port") else one
                       for one in daemon.argv]
        watch = Stopwatch()
        assert daemon.run() == CONFIGURATION
        assert watch.seconds() < 2
    last = daemon.log()[-1]
    assert last["level"] == "error" and str(port) in last["msg"]
    assert len(daemon.log_lines(level="error")) == 1


def test_row_46_a_second_instance_does_not_disturb_the_first(daemons):
    first = daemons.start()
    second = daemons.make()
    second.argv = [f"--port={first.port}" if one.startswith("--port")
                   else one for one in second.argv]
    assert second.run() == CONFIGURATION
    assert first.call(hello()).json == HELLO_REPLY


def test_a_port_just_left_can_be_taken_again(daemons):
    """Connections in TIME_WAIT do not stop a restart."""
    daemon = daemons.start()
    with http1.Client(daemon.port) as client:
        client.ask("GET", "/healthz")
        assert daemon.stop() == 0
    daemon.start()
    assert daemon.call(hello()).json == HELLO_REPLY


@pytest.mark.parametrize("address", ["192.0.2.1", "nonsense", "127.0.0.1:1"])
def test_an_address_that_is_not_ours(daemons, address):
    daemon = daemons.make(f"--address={address}")
    assert daemon.run() in (USAGE, CONFIGURATION)
    assert address in daemon.log_text()


def test_all_addresses_are_the_default(daemons):
    daemon = daemons.make()
    daemon.argv = [one for one in daemon.argv
                   if not one.startswith("--address")]
    daemon.start()
    for host in ("127.0.0.1", "::1"):
        if host == "::1" and not socket.has_ipv6:
            continue
        with http1.Client(daemon.port, host=host) as client:
            response = client.ask("POST", EXECUTE, bearer(TOKEN), hello())
            assert response.json == HELLO_REPLY


def test_an_nginx_that_is_not_there(daemons):
    daemon = daemons.make("--nginx=/nowhere/nginx")
    assert daemon.run() == CONFIGURATION
    assert "/nowhere/nginx" in daemon.log()[-1]["msg"]


def test_an_nginx_that_refuses_its_configuration(daemons):
    """Its own text is passed on."""
    daemon = daemons.make()
    fake = daemon.folder / "nginx"
    fake.write_text("#!/bin/sh\necho 'nginx: [emerg] such a thing' >&2\n"
                    "exit 1\n", encoding="ascii")
    fake.chmod(0o755)
    daemon.argv.append(f"--nginx={fake}")
    assert daemon.run(timeout=60) in (70, CONFIGURATION)
    assert "such a thing" in daemon.log_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has --user")
def test_a_user_that_is_not_there(daemons):
    daemon = daemons.make("--user=no-such-user")
    assert daemon.run() == CONFIGURATION
    assert "no-such-user" in daemon.log()[-1]["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root gives up its rights")
def test_started_as_root_nothing_that_reads_bytes_is_root(daemons):
    daemon = daemons.start()
    for pid in daemon.tree()[1:]:
        assert 0 not in procfs.uids(pid), procfs.command(pid)
        assert procfs.status_field(pid, "CapEff") == "0" * 16
        assert procfs.status_field(pid, "Groups").split() in ([], ["33"])
    for path in daemon.private:
        assert path.stat().st_mode & 0o777 == 0o700


def stale_socket(path):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.bind(str(path))
    one.close()


def test_row_54_a_stale_socket_file_is_replaced(daemons):
    daemon = daemons.make(front="none")
    stale_socket(daemon.path)
    daemon.start()
    assert daemon.call(hello()).json == HELLO_REPLY


def test_row_54_a_socket_that_somebody_serves_is_left_alone(daemons):
    first = daemons.start(front="none")
    second = daemons.make(f"--listen={first.path}", front="none")
    assert second.run() == CONFIGURATION
    assert str(first.path) in second.log()[-1]["msg"]
    assert first.call(hello()).json == HELLO_REPLY


def make_regular(path):
    path.write_text("precious", encoding="ascii")


def make_symlink(path):
    target = path.with_name("target")
    stale_socket(target)
    path.symlink_to(target)


def make_dangling(path):
    path.symlink_to(path.with_name("nowhere"))


def make_folder(path):
    path.mkdir()


def make_foreign(path):
    stale_socket(path)
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize("make", [
    make_regular, make_symlink, make_dangling, make_folder, make_foreign,
])
def test_row_54_what_is_not_our_stale_socket_is_refused(daemons, make):
    daemon = daemons.make(front="none")
    make(daemon.path)
    before = os.lstat(daemon.path)
    assert daemon.run() == CONFIGURATION
    assert str(daemon.path) in daemon.log()[-1]["msg"]
    after = os.lstat(daemon.path)
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)


def test_row_54_our_socket_file_is_gone_after_a_stop(daemons):
    daemon = daemons.start(front="none")
    assert daemon.path.exists()
    assert daemon.stop() == 0
    assert not daemon.path.exists()


@pytest.mark.parametrize("length, is_taken", [
    (107, True), (108, False), (300, False),
])
def test_row_55_long_socket_paths(daemons, length, is_taken):
    daemon = daemons.make(front="none")
    name = "s" * (length - len(str(daemon.folder)) - 1)
    daemon.path = daemon.folder / name
    assert len(str(daemon.path)) == length
    daemon.argv = [f"--listen={daemon.path}" if one.startswith("--listen")
                   else one for one in daemon.argv]
    if is_taken:
        daemon.start()
        assert daemon.call(hello()).json == HELLO_REPLY
        return
    assert daemon.run() == CONFIGURATION
    text = daemon.log()[-1]["msg"]
    assert "107" in text or "too long" in text
    assert not any(daemon.folder.glob("s*s"))


def test_row_55_a_folder_that_is_not_there(daemons):
    daemon = daemons.make("--listen=/nowhere/at/all/sock", front="none")
    assert daemon.run() == CONFIGURATION
    assert "/nowhere/at/all/sock" in daemon.log()[-1]["msg"]


def test_fastcgi_over_tcp(daemons):
    daemon = daemons.make(front="none")
    port = free_port()
    daemon.argv.append(f"--listen=127.0.0.1:{port}")
    daemon.path = ("127.0.0.1", port)
    daemon.start()
    assert daemon.call(hello()).json == HELLO_REPLY


def in_mounts(*commands):
    """A prefix that runs the daemon in a mount namespace of its own."""
    script = "; ".join(["set -e", "mount --make-rprivate /", *commands,
                        'exec "$0" "$@"'])
    return [find("unshare"), "-m", "sh", "-c", script]


READ_ONLY = "mount -o remount,bind,ro /"


def shm(options):
    return f"mount -t tmpfs -o {options} tmpfs /dev/shm"


needs_root = pytest.mark.skipif(os.geteuid() != 0,
                                reason="mounts need root")


@needs_root
@pytest.mark.parametrize("options", ["size=64m", "size=64m,noexec,nosuid"])
def test_row_61_a_read_only_root(daemons, options):
    """Only /dev/shm can be written, as in a hardened container."""
    daemon = daemons.make(prefix=in_mounts(shm(options), READ_ONLY))
    daemon.start()
    assert all(str(path).startswith("/dev/shm/") for path in daemon.private)
    assert daemon.call(hello().ljust(2000000)).json == HELLO_REPLY
    used = sum(path.stat().st_blocks * 512 for path in
               in_daemon(daemon, "/dev/shm").rglob("*"))
    assert used < 4 * 1024 * 1024


def in_daemon(daemon, path):
    """A path as the daemon's mount namespace shows it."""
    return Path(f"/proc/{daemon.process.pid}/root{path}")


@needs_root
def test_row_61_a_full_shm_at_start(daemons):
    """Refused with the reason, or served all the same."""
    daemon = daemons.make(prefix=in_mounts(
        shm("size=64k"), "dd if=/dev/zero of=/dev/shm/full 2>&- || true",
        READ_ONLY))
    assert daemon.run() == CONFIGURATION
    text = daemon.log()[-1]["msg"]
    assert "/dev/shm" in text or "No space" in text


@needs_root
def test_row_61_a_shm_that_gets_full(daemons):
    """Nothing of a call is written to files: calls go on."""
    daemon = daemons.make(prefix=in_mounts(shm("size=1m"), READ_ONLY))
    daemon.start()
    with open(in_daemon(daemon, "/dev/shm/full"), "wb",
              buffering=0) as file:
        with pytest.raises(OSError):
            while True:
                file.write(b"\0" * 65536)
    for _ in range(5):
        assert daemon.call(hello().ljust(2000000)).json == HELLO_REPLY
    os.kill(daemon.workers()[0], signal.SIGKILL)
    assert daemon.agent_call(hello()).json == HELLO_REPLY
    os.kill(daemon.nginx_master(), signal.SIGKILL)
    assert daemon.agent_call(hello()).json == HELLO_REPLY


@needs_root
def test_row_61_nowhere_to_write(daemons):
    daemon = daemons.make(prefix=in_mounts(shm("ro"), READ_ONLY))
    assert daemon.run() == CONFIGURATION
    assert "/dev/shm" in daemon.log()[-1]["msg"]


@needs_root
def test_names_that_others_left_in_shm_do_no_harm(daemons):
    """Folders and links of other uids with names like ours."""
    squat = ("for i in $(seq 50); do mkdir /dev/shm/execplug.$i; "
             "ln -s /etc /dev/shm/execplug-$i; done; "
             "chown -hR 12345:12345 /dev/shm; chmod 1777 /dev/shm")
    daemon = daemons.make(prefix=in_mounts(shm("size=8m"), squat, READ_ONLY))
    daemon.start()
    assert daemon.call(hello()).json == HELLO_REPLY
    folder = in_daemon(daemon, "/dev/shm")
    assert len([one for one in folder.iterdir()
                if one.lstat().st_uid == 12345]) == 100


def open_tty():
    ours, theirs = pty.openpty()
    return ours, theirs


def open_pair():
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


def open_pipe():
    theirs, ours = os.pipe()
    return ours, theirs


@pytest.mark.parametrize("make", [open_tty, open_pair, open_pipe])
def test_row_77_stdin_that_is_no_listening_socket(daemons, make):
    """Only a listening socket on stdin changes the mode."""
    ours, theirs = make()
    try:
        daemon = daemons.make()
        daemon.start(stdin=theirs)
        assert daemon.call(hello()).json == HELLO_REPLY
        assert daemon.stop() == 0
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1)], ids=str)
@pytest.mark.parametrize("front", ["nginx", "none"])
def test_row_77_closed_standard_descriptors(daemons, closed, front):
    """What is opened first must not take the place of stdin or stdout."""
    close = " ".join("<&-" if fd == 0 else ">&-" for fd in closed)
    daemon = daemons.make(
        front=front, prefix=["sh", "-c", f'exec "$0" "$@" {close}'])
    daemon.start()
    for _ in range(5):
        assert daemon.call(hello()).json == HELLO_REPLY
    old = daemon.workers()
    os.kill(old[0], signal.SIGKILL)
    wait_for(lambda: set(daemon.workers()) - set(old), 5, "a new worker")
    assert daemon.call(hello()).json == HELLO_REPLY


def test_descriptors_of_the_parent_are_not_kept(daemons):
    """A pipe that our parent forgot to close gets its end."""
    ours, theirs = os.pipe()
    daemon = daemons.make()
    daemon.start(pass_fds=[theirs])
    os.close(theirs)
    inherited = [pid for pid in daemon.tree()[1:]
                 if any(os.readlink(f"/proc/{pid}/fd/{fd}")
                        == os.readlink(f"/proc/self/fd/{ours}")
                        for fd in os.listdir(f"/proc/{pid}/fd"))]
    os.close(ours)
    assert not inherited


def test_allow_uid_needs_a_unix_socket():
    """On TCP nobody knows who connects: the option would let nobody in."""
    for more in (["--listen=127.0.0.1:0"], []):
        done = run("--no-auth", "--allow-uid=0", *more)
        assert done.returncode == CONFIGURATION
        assert "--allow-uid needs a unix socket" in done.stderr
