"""From rounds to medians, the table, and what was to be reached."""
import statistics

REACHED, MISSED, UNKNOWN = "reached", "MISSED", "not measured"
FAILED = "failed"  # in place of a number: the round came to no end


def calm(rounds):
    """The half of the rounds in which other programs took least."""
    by_others = sorted(rounds, key=lambda result: result["others_cpu"])
    return by_others[:(len(rounds) + 1) // 2]


def median(rounds, member):
    return statistics.median(result[member] for result in calm(rounds))


def total(rounds, member):
    return sum(result[member] for result in rounds)


def summary(found, name):
    """The numbers of one peer, by column."""
    compared = found["peers"]
    row = {"start_ms": statistics.median(compared["start"][name]["ms"]),
           "idle_mib": statistics.median(compared["start"][name]["idle_mib"])}
    for key in ("c16", "c64", "c512", "large"):
        rounds = compared[key].get(name)
        if rounds:
            row[key] = median(rounds, "per_second")
            row[key + "_p50_ms"] = median(rounds, "p50_ms")
            row[key + "_p99_ms"] = median(rounds, "p99_ms")
            row[key + "_failed"] = total(rounds, "failed")
            row[key + "_cpu"] = median(rounds, "cpu_s_per_1000")
    peaks = compared["peak"].get(name)
    if peaks:
        row["peak_mib"] = max(peak["mib"] for peak in peaks)
        row["peak_failed"] = sum(peak["load"]["failed"] for peak in peaks)
    return row


def ratio(found, member, name, other):
    """name's number by other's with 16 connections, or None."""
    rounds = found["peers"]["c16"]
    if name not in rounds or other not in rounds:
        return None
    return median(rounds[name], member) / \
        max(median(rounds[other], member), 1e-9)


def share_of_16(found, key):
    """Our calls/s with more connections by those with 16."""
    compared = found["peers"]
    return median(compared[key]["execplug"], "per_second") / \
        median(compared["c16"]["execplug"], "per_second")


def goal(text, value, reached, unit=""):
    if value is None:
        return {"goal": text, "value": None, "verdict": UNKNOWN}
    if value == FAILED:
        return {"goal": text, "value": value, "verdict": MISSED}
    shown = f"{value:.4g}{unit}" if isinstance(value, float) else \
        f"{value}{unit}"
    return {"goal": text, "value": shown,
            "verdict": REACHED if reached(value) else MISSED}


def compared_goals(found):
    """Goals that come from the rounds beside the peers."""
    ours = summary(found, "execplug")
    failed = sum(ours[key + "_failed"] for key in ("c16", "c64", "c512",
                                                   "large", "peak"))
    return [
        goal("calls/s >= 1.05 x Go",
             ratio(found, "per_second", "execplug", "go"),
             lambda v: v >= 1.05, " x"),
        goal("calls/s >= 1.6 x Go behind nginx",
             ratio(found, "per_second", "execplug", "go+nginx"),
             lambda v: v >= 1.6, " x"),
        goal("calls/s >= 10 x the seed",
             ratio(found, "per_second", "execplug", "seed"),
             lambda v: v >= 10, " x"),
        goal("p99 <= 0.4 x Go", ratio(found, "p99_ms", "execplug", "go"),
             lambda v: v <= 0.4, " x"),
        goal("CPU per call <= 1.1 x Go",
             ratio(found, "cpu_s_per_1000", "execplug", "go"),
             lambda v: v <= 1.1, " x"),
        goal("no failed call", failed, lambda v: v == 0),
        goal("idle PSS <= 8 MiB", ours["idle_mib"], lambda v: v <= 8,
             " MiB"),
        goal("16 parallel 256 KiB calls <= 28 MiB", ours["peak_mib"],
             lambda v: v <= 28, " MiB"),
        goal("start to first 200 <= 100 ms", ours["start_ms"],
             lambda v: v <= 100, " ms"),
        goal("1 MB bodies >= 80 MB/s", ours["large"], lambda v: v >= 80,
             " MB/s"),
        goal("64 connections >= 0.9 x 16", share_of_16(found, "c64"),
             lambda v: v >= 0.9, " x"),
        goal("512 connections >= 0.9 x 16", share_of_16(found, "c512"),
             lambda v: v >= 0.9, " x"),
    ]


class Steps:
    """Results of the resilience rounds."""

    def __init__(self, found):
        self.steps = found.get("resilience", {})

    def value(self, step, *path):
        """The number at path; None: no such round; FAILED: it failed."""
        value = self.steps.get(step)
        if value is None or "absent" in value:
            return None
        if "error" in value:
            return FAILED
        for member in path:
            value = value[member]
        return value


def resilience_goals(found):
    steps = Steps(found)
    return [
        goal("1000 calls parked at once", steps.value(
            "parked_calls", "n_at_once"), lambda v: v >= 1000),
        goal("a parked call <= 2 KiB", steps.value(
            "parked_calls", "kib_per_call"), lambda v: v <= 2, " KiB"),
        goal("parked calls all answered", steps.value(
            "parked_calls", "parked", "ok"), lambda v: v == 1000),
        goal("others beside them >= 0.9 x without", steps.value(
            "parked_calls", "others_ratio"), lambda v: v >= 0.9, " x"),
        goal("others beside them: none failed", steps.value(
            "parked_calls", "others_failed"), lambda v: v == 0),
        goal("SIGKILLs: nothing lost", steps.value(
            "worker_kills", "load", "failed"), lambda v: v == 0),
        goal("SIGKILL: replacement serving < 200 ms", steps.value(
            "worker_kills", "replaced_ms_max"), lambda v: v < 200, " ms"),
        goal("SIGKILL: all replaced", steps.value(
            "worker_kills", "n_never_replaced"), lambda v: v == 0),
        goal("the only worker killed: gap < 200 ms", steps.value(
            "lone_worker_kills", "gap_ms"), lambda v: v < 200, " ms"),
        goal("200 HUPs: no failed call", steps.value(
            "hups", "load", "failed"), lambda v: v == 0),
        goal("kept connections: none lost", steps.value(
            "kept_connections", "load", "failed"), lambda v: v == 0),
        goal("stop idle < 1 s", steps.value("stop_idle", "ms"),
             lambda v: v < 1000, " ms"),
        goal("stop busy < 8 s", steps.value("stop_busy", "ms"),
             lambda v: v < 8000, " ms"),
    ]


def goals(found):
    """What was to be reached, with what was and the verdict."""
    rows = []
    if "execplug" in found["peers"]["c16"]:
        rows += compared_goals(found)
        rows += resilience_goals(found)
    return rows


COLUMNS = (
    ("calls/s", "c16", "{:.0f}"), ("p50 ms", "c16_p50_ms", "{:.2f}"),
    ("p99 ms", "c16_p99_ms", "{:.2f}"), ("failed", "c16_failed", "{}"),
    ("CPU s/1000", "c16_cpu", "{:.4f}"), ("idle MiB", "idle_mib", "{:.1f}"),
    ("peak MiB", "peak_mib", "{:.1f}"), ("start ms", "start_ms", "{:.0f}"),
    ("1MB MB/s", "large", "{:.0f}"), ("64: /s", "c64", "{:.0f}"),
    ("failed", "c64_failed", "{}"), ("512: /s", "c512", "{:.0f}"),
    ("failed", "c512_failed", "{}"))


def cells(found, name):
    row = summary(found, name)
    shown = [form.format(row[key]) if key in row else "-"
             for _, key, form in COLUMNS]
    by_go = ratio(found, "per_second", name, "go")
    shown.insert(1, "-" if by_go is None else f"{by_go:.2f}")
    return [name, *shown]


def show(found, names, out):
    titles = [title for title, _, _ in COLUMNS]
    rows = [["", titles[0], "x Go", *titles[1:]]]
    rows += [cells(found, name) for name in names]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"16 connections, {found['peers']['body_bytes']} bytes a call, "
          "token sent, medians of the calmer half of the rounds", file=out)
    for row in rows:
        print(row[0].ljust(widths[0]), *(
            cell.rjust(width) for cell, width in zip(row[1:], widths[1:])),
              sep="  ", file=out)
    others = [result["others_cpu"] for rounds in
              found["peers"]["c16"].values() for result in calm(rounds)]
    if others:
        print("processors that other programs kept busy in these rounds: "
              f"{statistics.median(others):.2f} (above 0.1 no number here "
              "is to be trusted)", file=out)
    for name, why in found["absent"].items():
        print(f"{name}: not measured ({why})", file=out)
    for name, step in found.get("resilience", {}).items():
        for how in ("absent", "error"):
            if how in step:
                print(f"{name.replace('_', ' ')}: {how}: {step[how]}",
                      file=out)
    for row in found["goals"]:
        value = "" if row["value"] is None else row["value"]
        print(f"{row['goal']:42} {value:>14}  {row['verdict']}", file=out)
