"""agent: a call as Argo's agent makes it, with its retries."""
import http.client
import json

from harness import http1
from harness.calls import EXECUTE
from harness.waiting import Stopwatch, wait_for

WAITS_S = (1, 2, 4, 8)


class Answer:
    def __init__(self, status, body, tries):
        self.status = status
        self.body = body
        self.tries = tries

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"Answer({self.status}, {self.body!r}, tries={self.tries})"


def bearer(token):
    return [] if token is None else [("Authorization", f"Bearer {token}")]


def _try(port, body, token, timeout):
    """One try; None when the agent would try again."""
    headers = bearer(token) + [("Content-Type", "application/json")]
    try:
        response = http1.ask(port, "POST", EXECUTE, headers, body, timeout)
    except (OSError, http1.Truncated, http.client.HTTPException):
        return None
    return None if response.status == 503 else response


def agent_call(port, body, token=None, scale=0.1, timeout=30):
    """Call with 5 tries; the waits 1, 2, 4, 8 s are scaled.

    Returns the Answer; fails when all tries met transient trouble, as the
    node would.
    """
    for tries in range(1, len(WAITS_S) + 2):
        response = _try(port, body, token, timeout)
        if response is not None:
            return Answer(response.status, response.body, tries)
        if tries <= len(WAITS_S):
            pause = Stopwatch()
            wait_s = WAITS_S[tries - 1] * scale
            wait_for(lambda: pause.seconds() >= wait_s, wait_s + 5)
    raise AssertionError("the agent gave up: 5 tries, all transient")
