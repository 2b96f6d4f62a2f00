"""Lets execplugd answer a mixed load for minutes and watches it.

Callers send good calls, foreign keys, bad calls and ask for the operators'
pages, and check each answer.  In the first half of the time generations
change and workers are killed; in the second half nothing is replaced, so
that a worker that grows is seen.  Each check is one line; the last line is
`N passed, N failed`, and the exit code is 1 when one failed.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

import peers
import procs
from resilience import wait_for

N_CALLERS = 6
CALLS_PER_SECOND = 40  # of each caller
HUP_EVERY_S = 5.3
KILL_EVERY_S = 7.1
SAMPLE_EVERY_S = 1
AGENT_WAITS_S = (1, 2, 4, 8)
QUIET_LIMIT_S = 40
GROWTH_KIB_PER_HOUR = 1024
GROWTH_KIB_LEAST = 512  # below it a slope is the allocator's noise
WARM_REPLIES = 500  # until then a worker's memory grows with its first uses
BODY_LIMIT = 2 * 1024 * 1024


def node_of(body):
    return json.loads(body)["node"]


def is_hello(message):
    def check(status, body):
        node = node_of(body)
        return (status, node["phase"], node["message"]) == \
            (200, "Succeeded", message)
    return check


def is_failed_naming(member):
    def check(status, body):
        node = node_of(body)
        return status == 200 and node["phase"] == "Failed" and \
            member in node["message"]
    return check


def is_foreign(status, body):
    return status == 200 and json.loads(body) == {}


def is_refused(wanted):
    def check(status, body):
        return status == wanted and \
            list(json.loads(body)) == ["message"]
    return check


def is_page(status, body):
    return status == 200 and len(body) > 0


class Request:
    """One kind of request, how often it is sent, and its right answer."""

    def __init__(self, name, weight, check, body=b"", **other):
        self.name = name
        self.weight = weight
        self.check = check
        self.body = body
        self.method = other.get("method", "POST")
        self.path = other.get("path", peers.METHOD)
        self.headers = {"Authorization": "Bearer " + peers.TOKEN,
                        "Content-Type": "application/json",
                        **other.get("headers", {})}


def requests(with_sleep):
    call = peers.call_body
    mix = [
        Request("hello", 40, is_hello("Hello template!"),
                call({"howdy": {}})),
        Request("hello with text", 20, is_hello("Hello Łódź!"),
                call({"hello": {"text": "Łódź"}})),
        Request("hello, long call", 4, is_hello("Hello template!"),
                call({"hello": {}}, "x" * 200000)),
        Request("foreign key", 20, is_foreign, call({"other": {"a": 1}})),
        Request("bad text", 5, is_failed_naming("text"),
                call({"hello": {"text": 1}})),
        Request("not JSON", 5, is_refused(400), b'{"template":'),
        Request("no plugin", 3, is_refused(400), b'{"template":{}}'),
        Request("wrong token", 5, is_refused(403), call({"howdy": {}}),
                headers={"Authorization": "Bearer " + "x" * 32}),
        Request("unknown method", 3, is_refused(404), b"{}",
                path="/api/v1/workflow.operate"),
        Request("GET of a method", 2, is_refused(405), method="GET"),
        Request("encoded body", 2, is_refused(415), call({"howdy": {}}),
                headers={"Content-Encoding": "gzip"}),
        Request("too large", 2, is_refused(413),
                headers={"Content-Length": str(BODY_LIMIT + 1)}),
    ]
    for path in ("/healthz", "/readyz", "/metrics", "/status",
                 "/status?format=json"):
        mix.append(Request(path, 2, is_page, method="GET", path=path))
    if with_sleep:
        mix.append(Request(
            "parked", 10, lambda status, body: status == 200 and
            "phase" in node_of(body), call({"sleep": {"ms": 300}})))
    return mix


class Caller(threading.Thread):
    """Sends requests of the mix at a bounded rate, retries as the agent."""

    def __init__(self, port, mix, over, seed):
        super().__init__(daemon=True)
        self.port = port
        self.mix = mix
        self.over = over
        self.random = random.Random(seed)
        self.connection = None
        self.n_answers = 0
        self.n_retries = 0
        self.wrong = []

    def run(self):
        weights = [request.weight for request in self.mix]
        due = time.monotonic()
        while not self.over.wait(max(0, due - time.monotonic())):
            due = max(due, time.monotonic() - 1) + 1 / CALLS_PER_SECOND
            request = self.random.choices(self.mix, weights)[0]
            answer = self.answer_to(request)
            self.n_answers += 1
            if not self.is_right(request, answer):
                self.wrong.append((request.name, answer))
        self.close()

    @staticmethod
    def is_right(request, answer):
        try:
            return request.check(*answer)
        except (ValueError, KeyError, TypeError):
            return False

    def answer_to(self, request):
        """(status, body), after the retries that the agent would make."""
        for wait_s in (*AGENT_WAITS_S, 0):
            try:
                answer = self.once(request)
                if answer[0] != 503:
                    return answer
            except (OSError, http.client.HTTPException) as why:
                answer = (0, f"{type(why).__name__}: {why}")
                self.close()
            self.n_retries += 1
            time.sleep(wait_s)
        return answer

    def once(self, request):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=30)
        self.connection.request(request.method, request.path,
                                request.body or None, request.headers)
        response = self.connection.getresponse()
        answer = response.status, response.read()
        if response.will_close or "Content-Length" in request.headers:
            self.close()
        return answer

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Watch(threading.Thread):
    """RSS of every process once a second, by (role, pid)."""

    def __init__(self, peer, over):
        super().__init__(daemon=True)
        self.peer = peer
        self.over = over
        self.begin = time.monotonic()
        self.samples = {}

    def run(self):
        while not self.over.wait(SAMPLE_EVERY_S):
            now = time.monotonic() - self.begin
            cold = cold_workers(self.peer)
            for pid, role in roles(self.peer).items():
                if pid not in cold:
                    self.samples.setdefault((role, pid), []).append(
                        (now, procs.rss_kib(pid)))


def roles(peer):
    """Every process by pid: its role in /status, else its command's name."""
    named = {}
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        named = {row["pid"]: row["role"]
                 for row in peer.status()["processes"]}
    return {pid: named.get(pid) or
            procs.read(f"/proc/{pid}/comm").strip() or "gone"
            for pid in procs.tree(peer.pid())}


def cold_workers(peer):
    """Pids of workers that have not yet answered what warms them up."""
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        return {row["pid"] for row in peer.status()["processes"]
                if row["role"] == "worker"
                and row["replies"] < WARM_REPLIES}
    return set()


def slope_kib_per_s(samples):
    """Least squares over (seconds, KiB)."""
    n = len(samples)
    mean_t = sum(t for t, _ in samples) / n
    mean_v = sum(v for _, v in samples) / n
    square = sum((t - mean_t) ** 2 for t, _ in samples)
    if square == 0:
        return 0.0
    return sum((t - mean_t) * (v - mean_v) for t, v in samples) / square


class Checks:
    def __init__(self):
        self.n_passed = self.n_failed = 0

    def note(self, passed, text):
        self.n_passed += bool(passed)
        self.n_failed += not passed
        print("ok    " if passed else "FAILED", text, flush=True)


def descriptors_at_rest(peer):
    """Descriptors by role, once nginx has closed what it kept to workers.

    Sorted, so that it does not matter which of two processes has how many.
    """
    wait_for(lambda: not any(row["connections"]
                             for row in peer.status()["processes"]
                             if row["role"] == "worker"),
             QUIET_LIMIT_S, 0.2)
    named = roles(peer)
    # The fewest of a second: nginx may not have seen our last close yet.
    fewest = {pid: procs.n_descriptors(pid) for pid in named}
    for _ in range(10):
        time.sleep(0.1)
        fewest = {pid: min(n, procs.n_descriptors(pid))
                  for pid, n in fewest.items()}
    found = {}
    for pid, role in sorted(named.items()):
        found.setdefault(role, []).append(fewest[pid])
    return {role: sorted(found[role]) for role in sorted(found)}


def disturb(peer, until, checks):
    """HUPs and SIGKILLs of workers by turns; each must be made good."""
    next_hup = time.monotonic() + HUP_EVERY_S
    next_kill = time.monotonic() + KILL_EVERY_S
    n_hups = n_kills = n_late = 0
    while (now := time.monotonic()) < until:
        if now >= next_hup:
            peer.processes[-1].send_signal(signal.SIGHUP)
            next_hup += HUP_EVERY_S
            n_hups += 1
        if now >= next_kill:
            with contextlib.suppress(ProcessLookupError):
                os.kill(peer.ready_workers()[0], signal.SIGKILL)
            next_kill += KILL_EVERY_S
            n_kills += 1
            n_late += wait_for(lambda: len(peer.ready_workers()) >= 2,
                               5) is None
        time.sleep(0.05)
    checks.note(n_late == 0, f"{n_hups} HUPs, {n_kills} workers killed, "
                f"{n_late} not replaced in 5 s")


def judge_growth(samples, begin, checks):
    """One check per process that lived through the time after begin."""
    for (role, pid), series in sorted(samples.items()):
        series = [(t, v) for t, v in series if t >= begin]
        if len(series) < 10:
            continue
        hours = (series[-1][0] - series[0][0]) / 3600
        per_hour = slope_kib_per_s(series) * 3600
        allowed = max(GROWTH_KIB_LEAST, GROWTH_KIB_PER_HOUR * hours)
        checks.note(per_hour * hours <= allowed,
                    f"{role} {pid}: RSS {series[0][1]} to {series[-1][1]} "
                    f"KiB in {hours * 60:.1f} minutes, slope "
                    f"{per_hour:+.0f} KiB/h")


def judge_answers(callers, checks):
    n_answers = sum(caller.n_answers for caller in callers)
    n_retries = sum(caller.n_retries for caller in callers)
    wrong = [answer for caller in callers for answer in caller.wrong]
    checks.note(n_answers > 0 and not wrong,
                f"{n_answers} answers, {n_retries} retries, "
                f"{len(wrong)} wrong")
    for name, answer in wrong[:10]:
        print(f"       {name}: {str(answer)[:200]}")


def soak(peer, minutes, with_sleep, checks):
    at_rest = descriptors_at_rest(peer)
    over, begin = threading.Event(), time.monotonic()
    half_s = minutes * 30
    callers = [Caller(peer.port, requests(with_sleep), over, seed)
               for seed in range(N_CALLERS)]
    watch = Watch(peer, over)
    for thread in (*callers, watch):
        thread.start()
    try:
        disturb(peer, begin + half_s, checks)
        time.sleep(max(0, begin + 2 * half_s - time.monotonic()))
    finally:
        over.set()
        for thread in (*callers, watch):
            thread.join(60)
    checks.note(not any(caller.is_alive() for caller in callers),
                "every caller came to its end")
    judge_answers(callers, checks)
    # Generations that retire are part of the first half's memory.
    judge_growth(watch.samples, half_s * 1.2, checks)
    now = descriptors_at_rest(peer)
    checks.note(now == at_rest, f"descriptors by role: {at_rest} at the "
                f"start, {now} at the end")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--execplugd", default=os.environ.get("EXECPLUGD"),
                        help="the program (or EXECPLUGD)")
    parser.add_argument("--faulty",
                        default=os.environ.get("EXECPLUGD_FAULTY"),
                        help="the test build, used instead: calls are parked "
                        "too (or EXECPLUGD_FAULTY)")
    args = parser.parse_args()
    if not (args.execplugd or args.faulty):
        parser.error("give --execplugd or EXECPLUGD")
    return args


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="execplug-soak-"))
    folder.chmod(0o755)
    checks = Checks()
    print(f"soak: {args.minutes:g} minutes", flush=True)
    try:
        with peers.Execplug(folder, args.faulty or args.execplugd) as peer:
            soak(peer, args.minutes, bool(args.faulty), checks)
            milliseconds, code = peer.stop()
            checks.note(code == 0, f"stopped in {milliseconds:.0f} ms with "
                        f"exit code {code}")
    except (peers.Missing, OSError) as why:
        checks.note(False, f"{type(why).__name__}: {why}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{checks.n_passed} passed, {checks.n_failed} failed", flush=True)
    return 1 if checks.n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
