"""prometheus: a strict reader of the text format, version 0.0.4.

Refuses what a scraper may forgive: series without HELP and TYPE, families
that are not in one piece, series given twice, NaN, histograms whose buckets
do not add up.
"""
import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? ([^ ]+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
_VALUE = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf)")
_TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


class Metrics:
    """Families {name: type} and samples {(name, labels): value}."""

    def __init__(self):
        self.types = {}
        self.helps = {}
        self.samples = {}

    def value(self, name, **labels):
        """The value of one series; every label must be given."""
        return self.samples[(name, frozenset(labels.items()))]

    def total(self, name, **labels):
        """The sum of the series of name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (sample, has), value in self.samples.items()
                   if sample == name and wanted <= has)

    def label_values(self, name, label):
        return {dict(has)[label] for sample, has in self.samples
                if sample == name and label in dict(has)}


def _labels(text):
    if text is None or text == "":
        return frozenset()
    found, at = {}, 0
    while True:
        match = _LABEL.match(text, at)
        assert match, f"bad labels: {text!r}"
        assert match.group(1) not in found, f"label twice: {text!r}"
        found[match.group(1)] = re.sub(
            r"\\(.)", lambda m: {"n": "\n"}.get(m.group(1), m.group(1)),
            match.group(2))
        at = match.end()
        if at == len(text):
            return frozenset(found.items())
        assert text[at] == ",", f"bad labels: {text!r}"
        at += 1


def _family(name, types):
    for suffix in ("_bucket", "_sum", "_count"):
        base = name[:-len(suffix)] if name.endswith(suffix) else None
        if base in types and types[base] in ("histogram", "summary"):
            return base
    return name


def _read_sample(metrics, line, family):
    match = _SAMPLE.fullmatch(line)
    assert match, f"not a sample: {line!r}"
    name, labels, value = match.groups()
    assert _VALUE.fullmatch(value), f"bad value: {line!r}"
    assert _family(name, metrics.types) == family, \
        f"{name} stands outside its family"
    key = (name, _labels(labels))
    assert key not in metrics.samples, f"series twice: {line!r}"
    metrics.samples[key] = float(value.replace("Inf", "inf"))


def _check_family(metrics, name):
    mine = {key: value for key, value in metrics.samples.items()
            if _family(key[0], metrics.types) == name}
    assert mine, f"{name} has no series"
    kind = metrics.types[name]
    if kind == "counter":
        assert name.endswith("_total"), f"counter without _total: {name}"
        assert all(0 <= value < float("inf") for value in mine.values()), name
    elif kind == "histogram":
        _check_histogram(name, mine)
    else:
        assert not name.endswith("_total"), f"{name} is no counter"


def _check_histogram(name, mine):
    rows = {}
    for (sample, labels), value in mine.items():
        rest = frozenset(item for item in labels if item[0] != "le")
        row = rows.setdefault(rest, {"buckets": []})
        if sample == name + "_bucket":
            bound = float(dict(labels)["le"].replace("Inf", "inf"))
            row["buckets"].append((bound, value))
        else:
            row[sample[len(name):]] = value
    for row in rows.values():
        bounds = [bound for bound, _ in row["buckets"]]
        counts = [count for _, count in row["buckets"]]
        assert bounds == sorted(set(bounds)), f"{name}: bounds not in order"
        assert bounds[-1] == float("inf"), f"{name}: no +Inf"
        assert counts == sorted(counts), f"{name}: buckets fall"
        assert counts[-1] == row["_count"], f"{name}: +Inf is not the count"
        assert row["_sum"] >= 0, f"{name}: sum"


def parse(text):
    """Metrics of text (bytes), or AssertionError with the reason."""
    text = text.decode("utf-8")
    assert text.endswith("\n"), "no line end at the end"
    metrics, family = Metrics(), None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, text_ = line[7:].partition(" ")
            assert name not in metrics.helps, f"HELP twice: {name}"
            assert text_, f"empty HELP: {name}"
            metrics.helps[name] = text_
        elif line.startswith("# TYPE "):
            name, _, kind = line[7:].partition(" ")
            assert name not in metrics.types, f"TYPE twice: {name}"
            assert kind in _TYPES, line
            metrics.types[name] = kind
            family = name
        else:
            assert line and not line.startswith("#"), f"bad line: {line!r}"
            _read_sample(metrics, line, family)
    assert set(metrics.helps) == set(metrics.types), "HELP and TYPE differ"
    for name in metrics.types:
        _check_family(metrics, name)
    return metrics
