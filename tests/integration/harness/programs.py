"""programs: where the programs under test and what drives them are."""
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("EXECPLUG_BUILD", ROOT / "build")).resolve()

_PACKAGES = {
    "cc": "gcc",
    "curl": "curl",
    "faketime": "faketime",
    "make": "make",
    "multiwatch": "multiwatch",
    "nginx": "nginx-light",
    "prlimit": "util-linux",
    "setpriv": "util-linux",
    "spawn-fcgi": "spawn-fcgi",
    "ss": "iproute2",
    "strace": "strace",
    "unshare": "util-linux",
}


def execplugd():
    return os.environ.get("EXECPLUGD", str(BUILD / "execplugd"))


def execplugd_faulty():
    """The test build, which also has the handlers `fault` and `sleep`."""
    return os.environ.get("EXECPLUGD_FAULTY",
                          str(BUILD / "tests/faulty/execplugd-faulty"))


def wrapper():
    """What EXECPLUG_WRAPPER puts before the daemon: "valgrind -q"."""
    return os.environ.get("EXECPLUG_WRAPPER", "").split()


def find(name):
    """The path of a program; fails naming its Debian package."""
    path = shutil.which(name, path=os.environ.get("PATH", "")
                        + ":/usr/sbin:/sbin")
    assert path, f"{name} is missing: apt-get install {_PACKAGES[name]}"
    return path


def is_sanitized(path=None):
    """True where a checker needs more memory and time than we do."""
    if wrapper():
        return True
    with open(path or execplugd(), "rb") as file:
        return b"__asan_init" in file.read()
