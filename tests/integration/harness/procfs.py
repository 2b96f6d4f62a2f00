"""procfs: processes as /proc shows them."""
import ctypes
import os
import re
import signal

PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")


def become_subreaper():
    """Make orphans below this process its children, so none can hide."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _stat(pid):
    """The fields of /proc/<pid>/stat from the state on, or None."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    return text[text.rindex(b")") + 2:].split()


def parents():
    """{pid: parent} of every process."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(name)
            if fields is not None:
                found[int(name)] = int(fields[1])
    return found


def descendants(pid):
    """Every process below pid, itself left out, zombies included."""
    tree = {}
    for child, parent in parents().items():
        tree.setdefault(parent, []).append(child)
    found, queue = [], [pid]
    while queue:
        for child in tree.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return sorted(found)


def children(pid):
    return sorted(c for c, parent in parents().items() if parent == pid)


def state(pid):
    """One letter as ps shows it ("S", "T", "Z"), or None when gone."""
    fields = _stat(pid)
    return None if fields is None else fields[0].decode()


def is_alive(pid):
    return state(pid) not in (None, "Z", "X")


def cpu_seconds(pid):
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def is_nginx(pid):
    """By its title; our own options can name nginx as well."""
    return command(pid).startswith("nginx: ")


def uids(pid):
    """Real and effective uid."""
    return tuple(int(one) for one in status_field(pid, "Uid").split()[:2])


def gids(pid):
    """Real and effective gid."""
    return tuple(int(one) for one in status_field(pid, "Gid").split()[:2])


def status_field(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].strip()
    raise AssertionError(f"no {name} line")


def rss_bytes(pid):
    return int(status_field(pid, "VmRSS").split()[0]) * 1024


def peak_rss_bytes(pid):
    return int(status_field(pid, "VmHWM").split()[0]) * 1024


def pss_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no Pss line")


def n_fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def unix_paths():
    """{inode: path} of the named unix sockets."""
    found = {}
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        for line in file.readlines()[1:]:
            fields = line.split(maxsplit=7)
            if len(fields) == 8:
                found[fields[6]] = fields[7].strip()
    return found


def open_unix_paths(pid):
    """Paths of the unix sockets that pid has bound and holds open."""
    names, found = unix_paths(), set()
    try:
        entries = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for entry in entries:
        try:
            target = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            continue
        match = re.fullmatch(r"socket:\[(\d+)\]", target)
        if match and match.group(1) in names:
            found.add(names[match.group(1)])
    return found


def listening_tcp_ports():
    """TCP ports on which somebody of this network namespace listens."""
    ports = set()
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(name, encoding="ascii") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    ports.add(int(fields[1].split(":")[1], 16))
    return ports


def kill_quietly(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def reap_orphans(known):
    """Reap zombies that were given to us; known are pids of Popen objects."""
    for pid in children(os.getpid()):
        if pid not in known and state(pid) == "Z":
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
