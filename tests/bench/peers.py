"""The programs that are measured, and how each is started and stopped."""
import contextlib
import http.client
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import time

import procs

HERE = pathlib.Path(__file__).resolve().parent
TOKEN = "0123456789abcdefghijABCDEFGHIJ-_"
START_LIMIT_S = 20
STOP_LIMIT_S = 15
METHOD = "/api/v1/template.execute"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def call_body(plugin, extra=""):
    """A call as the agent sends it, about 0.4 KB with an empty plugin."""
    return json.dumps({
        "workflow": {"metadata": {
            "name": "build-and-publish-x7k2p", "namespace": "pipelines",
            "uid": "3f2c1f0e-6b0d-4f5e-9a57-0f6f5c9f2b11"}},
        "template": {
            "name": "greet",
            "inputs": {"parameters": [
                {"name": "revision", "value": "4f1c2d9e8b7a"},
                {"name": "environment", "value": "staging" + extra}]},
            "outputs": {"parameters": [
                {"name": "greeting", "valueFrom": {"default": "none"}}]},
            "metadata": {"labels": {"team": "platform"}},
            "plugin": plugin}}, separators=(",", ":")).encode()


def post(port, body, timeout=5):
    """(status, body) of one call on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=timeout)
    with contextlib.closing(connection):
        connection.request("POST", METHOD, body, {
            "Authorization": "Bearer " + TOKEN,
            "Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def get(port, path, timeout=5):
    """(status, body) of a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=timeout)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


class Missing(Exception):
    """A peer that cannot be had here; the text says why."""


class Peer:
    """One running plugin.  Use it in a `with`: nothing is left behind."""

    reads_bodies = True

    def __init__(self, name, folder):
        self.name = name
        self.port = free_port()
        self.folder = pathlib.Path(folder) / f"{name}-{self.port}"
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.token_file = self.folder / "token"
        self.token_file.write_text(TOKEN)
        self.processes = []
        self.start_ms = None

    def commands(self):
        """The programs to start, the one that listens on port last."""
        raise NotImplementedError

    def environment(self):
        return {name: value for name, value in os.environ.items()
                if not name.startswith("EXECPLUG")}

    def pids(self):
        return [pid for process in self.processes
                for pid in procs.tree(process.pid)]

    def __enter__(self):
        commands = self.commands()
        begin = time.monotonic()
        try:
            for command in commands:
                # Log lines end here: a reader would cost processors.
                self.processes.append(subprocess.Popen(
                    command, stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env=self.environment(), start_new_session=True))
            self.wait_for_200(begin)
        except BaseException:
            self.__exit__()
            raise
        self.start_ms = (time.monotonic() - begin) * 1000
        return self

    def wait_for_200(self, begin):
        body = call_body({"howdy": {}})
        while time.monotonic() - begin < START_LIMIT_S:
            if any(process.poll() is not None for process in self.processes):
                break
            with contextlib.suppress(OSError, http.client.HTTPException):
                if post(self.port, body)[0] == 200:
                    return
            time.sleep(0.0005)
        raise Missing(f"{self.name} gave no 200; to see why, run: " +
                      "; ".join(map(shlex.join, self.commands())))

    def stop(self):
        """Ask the program to stop; (milliseconds, exit code)."""
        begin = time.monotonic()
        process = self.processes[-1]
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_LIMIT_S)
        return (time.monotonic() - begin) * 1000, code

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes = []


class Execplug(Peer):
    """execplugd with its own nginx, as in the container."""

    def __init__(self, folder, program, options=()):
        super().__init__("execplug", folder)
        self.program = program
        self.options = list(options)

    def commands(self):
        return [[self.program, "--address", "127.0.0.1",
                 "--port", str(self.port), "--token-file",
                 str(self.token_file), *self.options]]

    def pid(self):
        return self.processes[-1].pid

    def status(self):
        return json.loads(get(self.port, "/status?format=json")[1])

    def ready_workers(self):
        """The pids of the workers that take connections."""
        return [row["pid"] for row in self.status()["processes"]
                if row["role"] == "worker" and
                row["state"] in ("idle", "busy")]


class Nginx(Peer):
    """nginx with a configuration of peers/nginx.conf.in."""

    def answer(self):
        raise NotImplementedError

    def upstream(self):
        return "unix:" + str(self.folder / "plugin.sock")

    def commands(self):
        nginx = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
        if nginx is None:
            raise Missing("nginx is not installed")
        text = (HERE / "peers/nginx.conf.in").read_text()
        user = "user root root;" if os.geteuid() == 0 else ""
        for word, value in (("user", user), ("folder", self.folder),
                            ("port", self.port),
                            ("answer", self.answer()),
                            ("upstream", self.upstream())):
            text = text.replace(f"@{word}@", str(value))
        conf = self.folder / "nginx.conf"
        conf.write_text(text)
        return [[nginx, "-e", "stderr", "-p", str(self.folder),
                 "-c", str(conf)]]


class NginxReturn(Nginx):
    """nginx that answers by itself: no plugin behind it can be faster."""

    reads_bodies = False  # it may answer before it has the whole call

    def __init__(self, folder):
        super().__init__("nginx-return", folder)

    def answer(self):
        reply = {"node": {"phase": "Succeeded", "message": "Hello template!",
                          "outputs": {"parameters": [
                              {"name": "greeting",
                               "value": "template"}]}}}
        return f"return 200 '{json.dumps(reply)}';"


class GoNginx(Nginx):
    """The Go plugin behind nginx, on a unix socket as our workers are."""

    def __init__(self, folder, program):
        super().__init__("go+nginx", folder)
        self.program = program

    def answer(self):
        return "proxy_pass http://plugin;"

    def commands(self):
        nginx = super().commands()
        return [[self.program, "-listen", self.upstream(), "-token-file",
                 str(self.token_file)], *nginx]


class Go(Peer):
    """The Go plugin alone."""

    def __init__(self, folder, program):
        super().__init__("go", folder)
        self.program = program

    def commands(self):
        return [[self.program, "-listen", f"127.0.0.1:{self.port}",
                 "-token-file", str(self.token_file)]]


class Seed(Peer):
    """The Python plugin of the document that asked for this project."""

    def __init__(self, folder):
        super().__init__("seed", folder)

    def commands(self):
        return [["/usr/bin/python3", str(HERE / "peers/seed.py"),
                 str(self.port)]]


def build_go(folder):
    """The Go plugin's program; Missing when there is no Go to build it."""
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        raise Missing("Go is not installed")
    program = pathlib.Path(folder) / "go-peer"
    environment = dict(os.environ, GOPROXY="off", GOTOOLCHAIN="local",
                       GOFLAGS="-mod=mod", GOWORK="off", CGO_ENABLED="0",
                       GOCACHE=os.environ.get("GOCACHE",
                                              str(program) + "-cache"))
    built = subprocess.run([go, "build", "-o", str(program), "."],
                           cwd=HERE / "peers/go", env=environment,
                           capture_output=True, text=True, timeout=300,
                           check=False)
    if built.returncode != 0:
        raise Missing(f"Go cannot build the plugin: {built.stderr[-300:]}")
    return str(program)
