"""waiting: the only ways in which a test lets time pass."""
import time


def wait_for(predicate, timeout, what="the awaited event"):
    """Poll until predicate() is true and return its value.

    Fails after timeout seconds, naming what was awaited.
    """
    end = time.monotonic() + timeout
    pause = 0.001
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def stays(predicate, seconds, what="the fact"):
    """Check that predicate() is true during all of the next seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not predicate():
            raise AssertionError(f"no longer true: {what}")
        time.sleep(0.02)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self):
        self.began = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.began
