"""What `make install` has put somewhere, started as in a container."""
import os
import shutil
import subprocess

import pytest

from harness import procfs, programs
from harness.calls import HELLO_REPLY, hello
from harness.programs import BUILD, find

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="mounts and other uids need root")
ARGO_UID = 8737


@pytest.fixture(scope="module")
def installed(module_daemons):
    """The DESTDIR; everyone may read it."""
    destination = module_daemons.folder / "dest"
    subprocess.run([find("make"), "-C", BUILD, "install",
                    f"DESTDIR={destination}"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return destination


def program(installed):
    found = [path for path in installed.rglob("execplugd")
             if path.is_file() and os.access(path, os.X_OK)]
    assert len(found) == 1, found
    assert found[0].parent.name == "sbin"
    return str(found[0])


def test_the_program_is_the_one_that_was_built(installed):
    shown = subprocess.run([program(installed), "--version"], check=True,
                           capture_output=True, text=True).stdout
    assert shown == subprocess.run([programs.execplugd(), "--version"],
                                   check=True, capture_output=True,
                                   text=True).stdout


def test_nothing_of_the_build_or_the_tests_is_installed(installed):
    names = {path.name for path in installed.rglob("*")}
    assert "execplugd" in names
    for name in names:
        assert not name.endswith((".o", ".a", ".la"))
        assert "faulty" not in name and not name.startswith("test_")
    for path in installed.rglob("*"):
        assert path.lstat().st_mode & 0o6002 == 0 or path.is_symlink()


def as_in_a_container():
    """Read-only root, only /dev/shm to write; uid 8737, gid 0, no rights.
    """
    script = ("set -e; mount --make-rprivate /; "
              "mount -t tmpfs -o size=64m,noexec,nosuid,nodev tmpfs /dev/shm;"
              " mount -o remount,bind,ro /; "
              f"exec {find('setpriv')} --reuid={ARGO_UID} --regid=0 "
              "--clear-groups --no-new-privs --bounding-set=-all "
              '--inh-caps=-all "$0" "$@"')
    return [find("unshare"), "-m", "sh", "-c", script]


def test_it_starts_as_uid_8737_with_a_read_only_root(daemons, installed):
    daemon = daemons.make(prefix=as_in_a_container(),
                          program=program(installed))
    os.chown(daemon.token_file, ARGO_UID, 0)
    daemon.token_file.chmod(0o440)
    daemon.start()
    assert daemon.call(hello()).json == HELLO_REPLY
    for path in ("/healthz", "/readyz", "/metrics", "/status"):
        assert daemon.ask("GET", path).status == 200
    for pid in daemon.tree():
        assert procfs.uids(pid) == (ARGO_UID, ARGO_UID)
        assert procfs.status_field(pid, "NoNewPrivs") == "1"
        assert int(procfs.status_field(pid, "CapEff"), 16) == 0
    assert all(str(one).startswith("/dev/shm/") for one in daemon.private)
    assert daemon.stop() == 0


def test_it_needs_nothing_of_the_build_folder(daemons, installed):
    """The build folder is hidden, and it starts all the same."""
    copy = daemons.folder / "copy"
    shutil.copytree(installed, copy, symlinks=True)
    hide = f"mount -t tmpfs -o ro tmpfs {BUILD}"
    daemon = daemons.make(program=program(copy), prefix=[
        find("unshare"), "-m", "sh", "-c",
        f'mount --make-rprivate /; {hide}; exec "$0" "$@"'])
    daemon.start()
    assert daemon.call(hello()).json == HELLO_REPLY
