"""The container image's root: what is in it, and that it works.

docker/rootfs.sh fills the folder that docker/Dockerfile turns into the
image; here it is started in namespaces, as a container would be.
"""
import gzip
import io
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from harness import http1, procfs, programs
from harness.agent import bearer
from harness.calls import EXECUTE, HELLO_REPLY, TOKEN, hello
from harness.daemon import free_port, parse_log
from harness.fronts import server
from harness.programs import find
from harness.waiting import wait_for

ARGO_UID, ARGO_GID = 8737, 0
OWN_PART_BYTES = 12 * 1024 * 1024
EXPECTED = [
    r"usr/sbin/(execplugd|nginx)",
    r"(usr/)?lib/[^/]+-linux-gnu/lib[^/]+\.so[.0-9]*",
    r"(usr/)?lib(64)?/([^/]+/)?ld-linux[^/]*\.so\.\d",
    r"etc/ssl/certs/ca-certificates\.crt",
]

as_root = pytest.mark.skipif(os.geteuid() != 0,
                             reason="mounts and other uids need root")


@pytest.fixture(scope="module")
def root(module_daemons):
    folder = module_daemons.folder / "root"
    subprocess.run([programs.ROOT / "docker/rootfs.sh", folder], check=True,
                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                   env={**os.environ, "EXECPLUGD": programs.execplugd(),
                        "NGINX": server("nginx")})
    return folder


def files(root):
    """Paths in the image, relative to its root, folders left out."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*")
                  if not path.is_dir() or path.is_symlink())


def test_the_image_holds_only_what_is_needed(root):
    found = files(root)
    for path in found:
        assert any(re.fullmatch(one, path) for one in EXPECTED), path
    for needed in ("usr/sbin/execplugd", "usr/sbin/nginx",
                   "etc/ssl/certs/ca-certificates.crt"):
        assert needed in found


def test_nothing_in_the_image_can_be_written_or_gives_rights(root):
    for path in [root, *root.rglob("*")]:
        mode = path.lstat().st_mode
        assert stat.S_ISREG(mode) or stat.S_ISDIR(mode), path
        assert mode & 0o7022 == 0, path


def shared_files(program):
    """A program and what the loader maps for it, as paths in the image."""
    listing = subprocess.run(["ldd", program], check=True, text=True,
                             capture_output=True).stdout
    return {program.lstrip("/")} | {
        path.lstrip("/") for path in re.findall(r"(/\S+) \(0x", listing)}


def test_our_own_part_is_small(root):
    if programs.is_sanitized():
        pytest.skip("the sanitizers' libraries are not shipped")
    nginx = server("nginx")
    foreign = shared_files(nginx)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in files(root):
            if path not in foreign:
                archive.add(root / path, path)
    size = len(gzip.compress(packed.getvalue(), 9))
    assert size <= OWN_PART_BYTES, f"{size} bytes compressed"


class Container:
    """The image in namespaces of its own; the port is this host's."""

    def __init__(self, root, log):
        self.port = free_port()
        self.log = log
        self.make_mount_points(root)
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen(
                [find("unshare"), "--mount", "--pid", "--fork",
                 "--kill-child", sys.executable,
                 Path(__file__).parent / "harness/in_image.py", root,
                 str(ARGO_UID), str(ARGO_GID), "/usr/sbin/execplugd",
                 "--address=127.0.0.1", f"--port={self.port}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=stderr)

    @staticmethod
    def make_mount_points(root):
        """As the runtime makes them; the token is where Argo puts it."""
        for name in ("dev", "proc", "var/run/argo"):
            (root / name).mkdir(parents=True, exist_ok=True)
        token = root / "var/run/argo/token"
        token.write_text(TOKEN, encoding="ascii")
        token.chmod(0o440)
        os.chown(token, ARGO_UID, ARGO_GID)

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return http1.ask(self.port, "GET", "/readyz").status == 200
        except OSError:
            return False

    def first(self):
        """The pid of process 1 of the container, as seen from here."""
        return procfs.children(self.process.pid)[0]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


@pytest.fixture
def container(root, folder):
    copy = folder / "root"
    shutil.copytree(root, copy, symlinks=True)
    one = Container(copy, folder / "stderr")
    try:
        yield one
    finally:
        one.close()


@as_root
def test_the_image_answers_and_stops(container):
    wait_for(container.is_ready, 15, "the container is ready")
    answer = http1.ask(container.port, "POST", EXECUTE, bearer(TOKEN),
                       hello())
    assert answer.status == 200
    assert answer.json == HELLO_REPLY

    first = container.first()
    for pid in [first, *procfs.descendants(first)]:
        assert procfs.uids(pid) == (ARGO_UID, ARGO_UID)
        assert procfs.status_field(pid, "NoNewPrivs") == "1"
        assert int(procfs.status_field(pid, "CapBnd"), 16) == 0
    assert procfs.status_field(first, "NSpid").split()[-1] == "1"

    os.kill(first, 15)
    assert container.process.wait(10) == 0
    assert parse_log(container.log.read_bytes())
