"""Fixtures: a folder and daemons of its own for each test, and the check
that no process and no folder is left behind."""
import os
import resource
import shutil
import tempfile
from pathlib import Path

import pytest

from harness import procfs
from harness.daemon import Execplugd
from harness.waiting import wait_for


def pytest_configure():
    procfs.become_subreaper()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))


class Daemons:
    """Makes daemons and ends them; .folder is theirs."""

    open = []

    def __init__(self, folder):
        self.folder = folder
        self.made = []
        Daemons.open.append(self)

    def make(self, *options, **more):
        """An Execplugd that is not started yet."""
        folder = self.folder / f"d{len(self.made)}"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        one = Execplugd(folder, *options, **more)
        self.made.append(one)
        return one

    def start(self, *options, **more):
        return self.make(*options, **more).start()

    def close(self, failed):
        try:
            if not failed:
                for one in self.made:
                    one.close()
        finally:
            for one in self.made:
                one.kill()
            Daemons.open.remove(self)

    @classmethod
    def running(cls):
        """Every process of a daemon that another fixture keeps."""
        return {pid for daemons in cls.open for one in daemons.made
                if one.is_running for pid in one.tree()}


def _new_folder():
    """Short enough for a socket path, open to other uids."""
    folder = Path(tempfile.mkdtemp(prefix="xp-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


def _remove_folder(folder, failed):
    if not (failed and os.environ.get("EXECPLUG_KEEP")):
        shutil.rmtree(folder, ignore_errors=True)


def _strangers(before):
    """Processes below us that were not there before, zombies reaped."""
    procfs.reap_orphans(before)
    known = before | Daemons.running()
    return [pid for pid in procfs.descendants(os.getpid())
            if pid not in known]


def _check_nothing_is_left(before):
    left = []
    try:
        wait_for(lambda: not _strangers(before), 2, "no process is left")
    except AssertionError:
        left = [(pid, procfs.state(pid), procfs.command(pid))
                for pid in _strangers(before)]
        for pid, _, _ in left:
            procfs.kill_quietly(pid)
        wait_for(lambda: not _strangers(before), 5, "killed ones are gone")
    assert not left, f"processes left behind: {left}"


def _daemons(request):
    before = set(procfs.descendants(os.getpid()))
    folder = _new_folder()
    made = Daemons(folder)
    failed = request.session.testsfailed
    yield made
    failed = request.session.testsfailed > failed
    try:
        made.close(failed)
    finally:
        _check_nothing_is_left(before)
        _remove_folder(folder, failed)


@pytest.fixture
def daemons(request):
    """Daemons of one test."""
    yield from _daemons(request)


@pytest.fixture(scope="module")
def module_daemons(request):
    """Daemons that the tests of one file share."""
    yield from _daemons(request)


@pytest.fixture
def folder(daemons):
    """A folder of this test's own, open to other uids."""
    return daemons.folder
