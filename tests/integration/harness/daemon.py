"""daemon: starts execplugd, looks into it, ends it, checks the traces."""
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from harness import fcgi, http1, procfs, programs, prometheus
from harness.agent import agent_call, bearer
from harness.calls import EXECUTE, TOKEN
from harness.waiting import wait_for

LEVELS = ("debug", "info", "warn", "error")
LOG_LINE_BYTES = 4096


def free_port():
    """A TCP port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def parse_log(text):
    """The objects of a log; checks what holds for every line."""
    lines = text.split(b"\n")
    assert lines.pop() == b"", "the last log line has no end"
    found = []
    for line in lines:
        assert len(line) < LOG_LINE_BYTES, f"log line too long: {line[:200]}"
        try:
            one = json.loads(line.decode("utf-8"))
        except ValueError as err:
            raise AssertionError(f"not a JSON log line: {line!r}") from err
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                            one["time"]), line
        assert one["level"] in LEVELS, line
        assert isinstance(one["pid"], int) and one["area"], line
        assert isinstance(one["msg"], str), line
        found.append(one)
    return found


class Execplugd:
    """One daemon: nginx and workers, or with front="none" only workers.

    token=None means --no-auth.  options are added to the command line;
    prefix stands before it (setpriv ...); env replaces variables.
    """

    def __init__(self, folder, *options, faulty=False, front="nginx",
                 token=TOKEN, env=None, prefix=(), program=None):
        self.folder = Path(folder)
        self.front = front
        self.token = token
        self.port = free_port() if front == "nginx" else None
        self.path = self.folder / "fcgi.sock"
        self.token_file = self.folder / "token"
        self.stderr = self.folder / "stderr"
        self.program = program or (programs.execplugd_faulty() if faulty
                                   else programs.execplugd())
        self.argv = [*prefix, *programs.wrapper(), self.program,
                     *self._options(), *options]
        self.env = {**os.environ, **(env or {})}
        if faulty:
            # A sanitizer would turn the signals of faults into exits.
            self.env.setdefault(
                "ASAN_OPTIONS", "handle_segv=0:handle_abort=0")
        self.process = None
        self.private = set()
        self.exit_code = None

    def _options(self):
        found = [f"--front={self.front}", "--log-level=debug"]
        if self.front == "nginx":
            found += [f"--port={self.port}", "--address=127.0.0.1"]
        else:
            found += [f"--listen={self.path}"]
        if self.token is None:
            return found + ["--no-auth"]
        if not self.token_file.exists():
            self.token_file.write_text(self.token, encoding="ascii")
        return found + [f"--token-file={self.token_file}"]

    # Life.

    def spawn(self, stdin=subprocess.DEVNULL, stderr=None, **more):
        """Start the process and return at once."""
        with open(self.stderr, "ab") as file:
            os.chmod(self.stderr, 0o666)
            self.process = subprocess.Popen(
                self.argv, env=self.env, stdin=stdin, cwd="/",
                stdout=subprocess.DEVNULL,
                stderr=file if stderr is None else stderr, **more)
        return self

    def start(self, timeout=15, **more):
        """Start and wait until calls are answered."""
        self.spawn(**more)
        self.wait_ready(timeout)
        return self

    def run(self, timeout=15, **more):
        """Start, wait for the end by itself; the exit code."""
        self.spawn(**more)
        return self.wait_exit(timeout)

    def wait_ready(self, timeout=15):
        wait_for(self._is_ready_or_dead, timeout,
                 f"the daemon is ready (log: {self.stderr})")
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}: "
                                 f"{self.log_text()}")
        self.remember_private()

    def _is_ready_or_dead(self):
        """Every worker is up, so that tests can count them."""
        if self.process.poll() is not None:
            return True
        if not self.is_ready():
            return False
        return len(self.workers()) == self.status()["workers_wanted"]

    def is_ready(self):
        try:
            return self.ask("GET", "/readyz", timeout=2).status == 200
        except (OSError, http1.Truncated):
            return False

    def send_signal(self, number):
        os.kill(self.process.pid, number)

    def wait_exit(self, timeout=10):
        try:
            self.exit_code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end in {timeout} s: "
                                 f"{self.log_text()[-3000:]}") from None
        return self.exit_code

    def stop(self, number=signal.SIGTERM, timeout=10):
        """Ask for a stop, wait for it; the exit code."""
        self.remember_private()
        self.send_signal(number)
        return self.wait_exit(timeout)

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def close(self):
        """The end of every test: a clean stop and no traces."""
        if self.process is None:
            return
        if self.is_running:
            assert self.stop() == 0, self.log_text()[-3000:]
        self.check_private_is_gone()
        text = self.log_text()
        if self.token is not None:
            assert self.token not in text, "the token was logged"
        parse_log(text.encode("utf-8", "surrogateescape"))

    def kill(self):
        """Last resort of a failed test: end the whole tree."""
        if self.process is None:
            return
        tree = [self.process.pid] + procfs.descendants(self.process.pid)
        if self.process.poll() is None:
            for pid in tree:
                procfs.kill_quietly(pid)
            self.process.wait(5)

    # The private folder.

    def remember_private(self):
        """Note the folders that the tree uses outside the test's own."""
        for pid in self.tree():
            for path in procfs.open_unix_paths(pid):
                self._note_private(path)
            match = re.search(r" -c (/\S+)", procfs.command(pid))
            if match and procfs.is_nginx(pid):
                self._note_private(match.group(1))

    def _note_private(self, path):
        if path.startswith("/") and \
                not path.startswith(f"{self.folder.parent}/"):
            self.private.add(Path(path).parent)

    def check_private_is_gone(self):
        for path in self.private:
            assert not path.exists(), f"left behind: {path}"

    # Processes.

    def tree(self):
        """Every process of the daemon, the supervisor first."""
        return [self.process.pid] + procfs.descendants(self.process.pid)

    def children(self):
        return procfs.children(self.process.pid)

    def status(self):
        """/status as JSON."""
        response = self.ask("GET", "/status?format=json")
        assert response.status == 200
        return response.json

    def pids(self, role, *states):
        """Pids of the processes of one role (in one of these states)."""
        return sorted(one["pid"] for one in self.status()["processes"]
                      if one["role"] == role
                      and (not states or one["state"] in states))

    def workers(self):
        """Pids of the workers that take calls."""
        return self.pids("worker", "idle", "busy")

    def workers_with_calls(self):
        """Pids of the workers that have a call in hand, not parked."""
        return sorted(one["pid"] for one in self.status()["processes"]
                      if one["role"] == "worker"
                      and one["in_hand"] > one["parked"])

    def nginx_master(self):
        return next(pid for pid in self.children() if procfs.is_nginx(pid))

    def nginx_worker(self):
        return next(pid for pid in procfs.children(self.nginx_master())
                    if procfs.is_nginx(pid))

    def private_socket(self):
        """Path of the socket between nginx and the workers."""
        worker = self.workers()[0]
        paths = procfs.open_unix_paths(worker)
        assert len(paths) == 1, paths
        return paths.pop()

    # Calls.

    def call(self, body, token="own", timeout=30, headers=()):
        """POST template.execute with whatever front there is."""
        token = self.token if token == "own" else token
        if self.front == "nginx":
            return http1.ask(self.port, "POST", EXECUTE,
                             bearer(token) + list(headers), body, timeout)
        return fcgi.exchange(self.path, body, timeout, token=token)

    def ask(self, method, path, timeout=30, body=b""):
        """Another request, without a token."""
        if self.front == "nginx":
            return http1.ask(self.port, method, path, timeout=timeout,
                             body=body or None)
        plain, _, query = path.partition("?")
        reply = fcgi.exchange(self.path, body, timeout, method=method,
                              path=plain, QUERY_STRING=query,
                              REQUEST_URI=path)
        if reply.status is None:
            raise http1.Truncated(b"")
        return reply

    def agent_call(self, body, **more):
        return agent_call(self.port, body, self.token, **more)

    def metrics(self):
        response = self.ask("GET", "/metrics")
        assert response.status == 200, response.body
        return prometheus.parse(response.body)

    # The log.

    def log_text(self):
        if not self.stderr.exists():
            return ""
        return self.stderr.read_bytes().decode("utf-8", "surrogateescape")

    def log(self):
        """Every whole line so far, as objects."""
        data = self.stderr.read_bytes()
        return parse_log(data[:data.rindex(b"\n") + 1]
                         if b"\n" in data else b"")

    def log_lines(self, **members):
        return [one for one in self.log()
                if all(one.get(n) == v for n, v in members.items())]

    def wait_log(self, text, timeout=5):
        """Wait for a line whose msg contains text; the line."""
        def found():
            lines = [one for one in self.log() if text in one["msg"]]
            return lines[-1:]
        return wait_for(found, timeout, f"a log line with {text!r}")[0]


def limit(pid, what, soft):
    """Set a soft limit ("nofile", "nproc") of a running process.

    As its own uid and gid, so that no capability is needed for it.
    """
    uid, gid = procfs.uids(pid)[0], procfs.gids(pid)[0]
    subprocess.run(
        [programs.find("setpriv"), f"--reuid={uid}", f"--regid={gid}",
         "--clear-groups", programs.find("prlimit"), f"--pid={pid}",
         f"--{what}={soft}:"], check=True)
