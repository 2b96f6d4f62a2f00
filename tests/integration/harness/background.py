"""background: calls that run beside the test."""
import threading
import time


class Background:
    """Runs function in a thread; result() waits and gives what it gave."""

    def __init__(self, function, *args, **more):
        self._outcome = None
        self._error = None
        self._thread = threading.Thread(
            target=self._run, args=(function, args, more), daemon=True)
        self._thread.start()

    def _run(self, function, args, more):
        try:
            self._outcome = function(*args, **more)
        except BaseException as error:  # handed to result()
            self._error = error

    @property
    def is_done(self):
        return not self._thread.is_alive()

    def result(self, timeout=30):
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise AssertionError(f"no result within {timeout} s")
        if self._error is not None:
            raise self._error
        return self._outcome


class Load:
    """Threads that make one call after the other until stop()."""

    def __init__(self, call, n_threads=4):
        self.n_calls = 0
        self.failures = []
        self.times = []
        self._call = call
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True)
                         for _ in range(n_threads)]
        for one in self._threads:
            one.start()

    def _run(self):
        while not self._ended.is_set():
            began, problem = time.monotonic(), None
            try:
                problem = self._call()
            except Exception as error:  # counted as a failed call
                problem = repr(error)
            with self._lock:
                self.n_calls += 1
                self.times.append(time.monotonic() - began)
                if problem is not None:
                    self.failures.append(problem)

    def stop(self):
        self._ended.set()
        for one in self._threads:
            one.join(30)
            assert not one.is_alive(), "a call does not end"
        return self


def is_hello(response):
    """None for hello's reply, else what came instead; for Load."""
    if response.status == 200 and b"Hello template!" in response.body:
        return None
    return f"{response.status}: {response.body[:200]!r}"
