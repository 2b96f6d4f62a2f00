"""What /proc says about a program and all the processes it has started."""
import os
import threading

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def read(path):
    """The text of a file of /proc, or "" when its process is gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def children(pid):
    return [int(child) for child in
            read(f"/proc/{pid}/task/{pid}/children").split()]


def tree(pid):
    """pid and all that descend from it."""
    pids = [pid]
    for parent in pids:
        pids += children(parent)
    return pids


def stat(pid):
    """The fields after the name: stat(pid)[0] is the state, field 3."""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def cpu_seconds(pids):
    """User and system time, with that of children that were waited for."""
    ticks = 0
    for pid in pids:
        fields = stat(pid)
        if fields:
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS_PER_SECOND


def machine_busy_seconds():
    """Processor time that was not idle, of all programs together."""
    fields = [int(field) for field in read("/proc/stat").split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS_PER_SECOND


def pss_kib(pid):
    for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def total_pss_mib(pids):
    return sum(pss_kib(pid) for pid in pids) / 1024


def rss_kib(pid):
    fields = read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * PAGE_BYTES // 1024 if fields else 0


def n_descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except (FileNotFoundError, ProcessLookupError):
        return 0


class PeakPss(threading.Thread):
    """The largest PSS of the processes that pids() names, in a `with`."""

    INTERVAL_S = 0.02

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids = pids
        self.mib = 0.0
        self.n_samples = 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.INTERVAL_S):
            self.mib = max(self.mib, total_pss_mib(self.pids()))
            self.n_samples += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
