"""conf/systemd: units that systemd accepts, and that agree with the rest."""
import re
import shutil
import subprocess

import pytest

from harness import programs
from harness.fronts import SOCKET

FOLDER = programs.ROOT / "conf/systemd"
EXPOSURE_AT_MOST = 2.0  # of 10, as systemd rates it

with_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not here")


def unit(name):
    """[(key, value)] of a unit, in order."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)


@pytest.fixture
def runnable(folder):
    """Copies of the units that start the program under test."""
    for name in ("execplugd.service", "execplugd.socket"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        text = text.replace("/usr/sbin/execplugd", programs.execplugd())
        text = re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@with_systemd
def test_systemd_finds_no_fault(runnable):
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no",
         runnable / "execplugd.service", runnable / "execplugd.socket"],
        check=False, capture_output=True, text=True)
    about_us = [line for line in done.stderr.splitlines()
                if "execplugd" in line]
    assert done.returncode == 0 and about_us == [], done.stderr


@with_systemd
def test_the_service_is_shut_in(runnable):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager",
         runnable / "execplugd.service"],
        check=False, capture_output=True, text=True)
    rated = re.search(r"exposure level for \S+ (\d+\.\d)", done.stdout)
    assert rated, done.stdout + done.stderr
    assert float(rated[1]) <= EXPOSURE_AT_MOST, done.stdout


def test_the_socket_is_where_the_snippets_look():
    assert ("ListenStream", SOCKET) in unit("execplugd.socket")
    for name in ("nginx-site.conf", "lighttpd.conf", "apache.conf"):
        text = (programs.ROOT / "conf" / name).read_text(encoding="utf-8")
        assert SOCKET in text
        assert f"--listen={SOCKET}" in text


def test_the_socket_outlives_the_service():
    """A RuntimeDirectory is removed when its service ends."""
    folder = dict(unit("execplugd.service"))["RuntimeDirectory"]
    assert not SOCKET.startswith(f"/run/{folder}/")


def test_the_environment_names_options_that_exist():
    shown = subprocess.run([programs.execplugd(), "--help"], check=True,
                           capture_output=True, text=True).stdout
    known = {"EXECPLUG_" + name.upper().replace("-", "_")
             for name in re.findall(r"^  --([a-z-]+)", shown, re.MULTILINE)}
    used = {value.split("=")[0] for key, value in unit("execplugd.service")
            if key == "Environment"}
    assert used and used <= known


def test_exits_that_cannot_get_better_are_not_repeated():
    settings = dict(unit("execplugd.service"))
    assert settings["RestartPreventExitStatus"].split() == ["64", "78"]
    assert settings["Type"] == "notify"
    assert int(settings["WatchdogSec"]) > 0
