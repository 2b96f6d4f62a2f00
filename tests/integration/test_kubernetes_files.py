"""conf/kubernetes: what Argo's controller would refuse, and what would run.

The controller reads one container out of the ConfigMap, strictly: a field
that it does not know hides the whole plugin.
"""
import re
import subprocess

import pytest
import yaml  # Debian's python3-yaml

from harness import programs

FOLDER = programs.ROOT / "conf/kubernetes"

# Fields of core/v1, as far as they are of use in an agent pod.
PROBE = {"httpGet": {"path": str, "port": int, "scheme": str},
         "initialDelaySeconds": int, "periodSeconds": int,
         "timeoutSeconds": int, "failureThreshold": int,
         "successThreshold": int}
AMOUNTS = {"cpu": str, "memory": str}
CONTAINER = {
    "name": str,
    "image": str,
    "imagePullPolicy": str,
    "command": [str],
    "args": [str],
    "env": [{"name": str, "value": str}],
    "ports": [{"containerPort": int, "name": str, "protocol": str}],
    "resources": {"requests": AMOUNTS, "limits": AMOUNTS},
    "securityContext": {
        "runAsUser": int, "runAsGroup": int, "runAsNonRoot": bool,
        "readOnlyRootFilesystem": bool, "allowPrivilegeEscalation": bool,
        "capabilities": {"add": [str], "drop": [str]},
        "seccompProfile": {"type": str, "localhostProfile": str},
    },
    "livenessProbe": PROBE,
    "readinessProbe": PROBE,
    "startupProbe": PROBE,
}
METADATA = {"name": str, "generateName": str, "namespace": str,
            "labels": dict, "annotations": dict}
PLUGIN = {"apiVersion": str, "kind": str, "metadata": METADATA,
          "spec": {"sidecar": {"automountServiceAccountToken": bool,
                               "container": CONTAINER}}}
CONFIGMAP = {"apiVersion": str, "kind": str, "metadata": METADATA,
             "data": dict}
PARAMETER = {"name": str, "value": str,
             "valueFrom": {"supplied": dict, "default": str}}
PARAMETERS = {"parameters": [PARAMETER]}
TEMPLATE = {"name": str, "inputs": PARAMETERS, "outputs": PARAMETERS,
            "plugin": dict,
            "steps": [[{"name": str, "template": str,
                        "arguments": PARAMETERS}]]}
WORKFLOW = {"apiVersion": str, "kind": str, "metadata": METADATA,
            "spec": {"entrypoint": str, "templates": [TEMPLATE]}}
KUSTOMIZATION = {"apiVersion": str, "kind": str, "resources": [str]}


class StrictLoader(yaml.SafeLoader):
    """Refuses a name that is given twice, as Argo does."""

    def construct_mapping(self, node, deep=False):
        names = [self.construct_object(key) for key, _ in node.value]
        assert len(names) == len(set(names)), f"twice: {names}"
        return super().construct_mapping(node, deep)


def parse(text):
    return yaml.load(text, StrictLoader)


def load(name):
    return parse((FOLDER / name).read_text(encoding="utf-8"))


def check(value, shape, where):
    """Fails, naming the member, unless value has this shape."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: not an object"
        for name, inner in value.items():
            assert name in shape, f"{where}.{name}: no such field"
            check(inner, shape[name], f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: not a list"
        for place, inner in enumerate(value):
            check(inner, shape[0], f"{where}[{place}]")
    else:
        assert type(value) is shape, f"{where}: not {shape.__name__}"


@pytest.fixture(scope="module")
def container():
    return load("plugin.yaml")["spec"]["sidecar"]["container"]


@pytest.mark.parametrize("name, shape", [
    ("plugin.yaml", PLUGIN),
    ("configmap.yaml", CONFIGMAP),
    ("workflow.yaml", WORKFLOW),
    ("kustomization.yaml", KUSTOMIZATION),
])
def test_every_field_is_one_that_kubernetes_knows(name, shape):
    check(load(name), shape, name)


def test_the_configmap_is_what_argo_builds_of_the_plugin(container):
    plugin, configmap = load("plugin.yaml"), load("configmap.yaml")
    sidecar = plugin["spec"]["sidecar"]
    data = configmap["data"]
    assert plugin["apiVersion"] == "argoproj.io/v1alpha1"
    assert plugin["kind"] == "ExecutorPlugin"
    assert configmap["kind"] == "ConfigMap"
    name = plugin["metadata"]["name"]
    assert configmap["metadata"]["name"] == f"{name}-executor-plugin"
    assert configmap["metadata"]["labels"] == {
        "workflows.argoproj.io/configmap-type": "ExecutorPlugin"}
    assert (configmap["metadata"]["annotations"]
            == plugin["metadata"]["annotations"])
    assert parse(data["sidecar.container"]) == container
    assert data["sidecar.automountServiceAccountToken"] == str(
        sidecar["automountServiceAccountToken"]).lower()


def test_the_older_form_says_the_same(container):
    data = load("configmap.yaml")["data"]
    port = container["ports"][0]["containerPort"]
    assert data["address"] == f"http://localhost:{port}"
    assert data["image"] == container["image"]
    assert parse(data["command"]) == container["command"]
    assert parse(data["args"]) == container["args"]
    assert set(data) == {"address", "image", "command", "args",
                         "sidecar.container",
                         "sidecar.automountServiceAccountToken"}


def test_what_argo_demands_of_a_sidecar_is_there(container):
    assert container["name"]
    assert len(container["ports"]) >= 1
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}


def test_it_can_read_the_token_and_do_nothing_else(container):
    assert container["securityContext"] == {
        "runAsUser": 8737,
        "runAsGroup": 0,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_the_probes_ask_where_no_worker_is_needed(container):
    port = container["ports"][0]["containerPort"]
    for probe, path in (("livenessProbe", "/healthz"),
                        ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"] == {"path": path, "port": port}


def options_of_help():
    shown = subprocess.run([programs.execplugd(), "--help"], check=True,
                           capture_output=True, text=True).stdout
    return set(re.findall(r"^  (--[a-z-]+)", shown, re.MULTILINE))


def test_the_command_takes_the_arguments(container):
    assert container["command"] == ["/usr/sbin/execplugd"]
    for argument in container["args"]:
        assert argument.split("=")[0] in options_of_help()
    done = subprocess.run([programs.execplugd(), *container["args"],
                           "--version"], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_image_runs_as_the_same_user_on_the_same_port(container):
    dockerfile = (programs.ROOT / "docker/Dockerfile").read_text(
        encoding="utf-8")
    context = container["securityContext"]
    user = f"USER {context['runAsUser']}:{context['runAsGroup']}"
    stages = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)
    finals = [one for one in stages
              if re.match(r"\S+ AS (debian|execplug)\n", one)]
    assert len(finals) == 2
    for one in finals:
        lines = one.splitlines()
        assert user in lines
        assert f"EXPOSE {container['ports'][0]['containerPort']}" in lines
        assert "STOPSIGNAL SIGTERM" in lines
        assert f'ENTRYPOINT ["{container["command"][0]}"]' in lines


def test_the_workflow_uses_what_is_answered():
    workflow = load("workflow.yaml")
    templates = {one["name"]: one for one in workflow["spec"]["templates"]}
    keys = [key for one in templates.values() for key in
            one.get("plugin", {})]
    assert sorted(keys) == ["hello", "howdy"]
    for group in templates["main"]["steps"]:
        for step in group:
            assert step["template"] in templates
    text = (FOLDER / "workflow.yaml").read_text(encoding="utf-8")
    assert "{{steps.hello.outputs.parameters.greeting}}" in text


def test_kustomize_finds_its_files():
    for name in load("kustomization.yaml")["resources"]:
        assert (FOLDER / name).is_file()


def test_compose_starts_what_there_is():
    compose = parse((programs.ROOT / "docker/compose.yaml").read_text(
        encoding="utf-8"))
    site = (programs.ROOT / "conf/nginx-site.conf").read_text(
        encoding="utf-8")
    fcgi, nginx = compose["services"]["fcgi"], compose["services"]["nginx"]
    options = dict(one.split("=") for one in fcgi["command"])
    assert set(options) <= options_of_help()
    assert options["--front"] == "none"
    assert f"server unix:{options['--listen']};" in site
    assert "listen 4355;" in site
    shared = [one for one in fcgi["volumes"] if one in nginx["volumes"]]
    assert shared == [f"socket:{options['--listen'].rpartition('/')[0]}"]
    assert fcgi["user"] == nginx["user"] == "8737:0"
    assert nginx["ports"] == ["127.0.0.1:4355:4355"]
    for volume in fcgi["volumes"] + nginx["volumes"]:
        source = volume.split(":")[0]
        if source.startswith(".."):
            assert (programs.ROOT / "docker" / source).exists()
