"""calls: bodies of template.execute, as bytes."""
import itertools
import json
import os

EXECUTE = "/api/v1/template.execute"
TOKEN = "wEvtPCkfSMHPLgtj8LkmSLVWYB3jHJUL"
HELLO_REPLY = {
    "node": {
        "phase": "Succeeded",
        "message": "Hello template!",
        "outputs": {
            "parameters": [{"name": "greeting", "value": "template"}],
        },
    },
}
POSTPONED = {"node": {}, "requeue": "2s"}

_numbers = itertools.count()


def plugin(key, body, **template):
    """A call of one plugin key; no two are the same bytes."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    return json.dumps({
        "workflow": {"metadata": {"name": name, "namespace": "argo",
                                  "uid": "6c2f0000-0000"}},
        "template": {"name": "main", "inputs": {}, "outputs": {},
                     "metadata": {}, **template, "plugin": {key: body}},
    }).encode()


def hello(text=None, key="hello"):
    return plugin(key, {} if text is None else {"text": text})


def foreign():
    return plugin("somebody-elses", {"spec": {"a": [1, 2, 3]}})


def fault(what, **more):
    return plugin("fault", {"do": what, **more})


def sleep(ms, text="slept"):
    return plugin("sleep", {"ms": ms, "text": text})


def seed():
    return b'{"template":{"plugin":{"howdy":{}}}}'
