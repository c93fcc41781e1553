"""The chart: rendered by Helm, and each object checked against the schema that Kubernetes has for it."""

import base64
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml
from helm_python.errors import HelmError

from broker import __version__
from broker.adapters.sealing import AesGcmSealing
from broker.domain.operations.administrators import ADMINISTRATOR_PREFIX
from tests.deploy.programs import DEPLOY

CHART = DEPLOY / "helm" / "relaycast"
KUBERNETES = ("1.27", "1.33")
STORES = {"redisUrl": "redis://redis.example", "clickhouseUrl": "http://clickhouse.example:8123/relaycast"}
SMALL: dict[str, Any] = {"secrets": STORES}
FULL: dict[str, Any] = {
    "secrets": {"existing": "mine"},
    "publicUrl": "https://host.example:8443/relay",
    "ingress": {"enabled": True, "tlsSecret": "certificate", "className": "nginx", "annotations": {"a": "b"}},
    "gateway": {
        "autoscaling": {"enabled": True, "linksPerPod": 500, "loopLagSeconds": "100m"},
        "extraEnv": [{"name": "RELAYCAST_SIGN_UP", "value": "members"}],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "k", "operator": "Exists"}],
    },
    "monitoring": {"serviceMonitor": True, "prometheusRule": True, "dashboard": True, "labels": {"release": "p"}},
    "networkPolicy": {
        "from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
        "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}],
    },
    "trustedProxies": ["10.0.0.0/8", "192.0.2.1"],
    "allowedHosts": ["a.example"],
    "log": {"steps": True},
    "image": {"pullSecrets": [{"name": "registry"}]},
}
NO_SCHEMA = {"ServiceMonitor", "PrometheusRule"}
"""Of an operator, not of Kubernetes."""


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    with helm_python.Chart.load(CHART) as chart:
        texts = chart.render(values, name="demo", namespace="prod")
    files = [text for name, text in texts.items() if not name.endswith("NOTES.txt")]
    return [each for text in files for each in yaml.safe_load_all(text) if each]


def one(values: dict[str, Any], kind: str, name: str = "") -> dict[str, Any]:
    (found,) = (each for each in rendered(values) if each["kind"] == kind and each["metadata"]["name"].endswith(name))
    return found


def container(values: dict[str, Any], process: str) -> dict[str, Any]:
    found: dict[str, Any] = one(values, "Deployment", process)["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", [SMALL, FULL], ids=["small", "full"])
def test_every_object_is_as_kubernetes_wants_it(values: dict[str, Any], version: str) -> None:
    objects = rendered(values)
    for each in objects:
        if each["kind"] not in NO_SCHEMA:
            kubernetes_validate.validate(each, version, strict=True)
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(names) == len(set(names))


def test_the_full_chart_has_every_kind_that_an_operator_expects() -> None:
    kinds = {each["kind"] for each in rendered(FULL)}
    assert kinds >= {"Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Job", "Ingress"}
    assert kinds >= NO_SCHEMA
    assert "Secret" not in kinds


def test_helm_itself_finds_nothing_wrong() -> None:
    found = helm_python.lint(CHART, values=SMALL)
    assert [each for each in found["messages"] if each.get("severity", 0) not in {1, "INFO"}] == []


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"secrets": {"redisUrl": "memcached://x", "clickhouseUrl": "http://c"}},
        {**SMALL, "publicUrl": "relay.example"},
        {**SMALL, "gatway": {"replicas": 3}},
        {**SMALL, "gateway": {"replicas": 0}},
    ],
    ids=["no stores", "another store", "no scheme", "a slip", "none"],
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(HelmError):
        rendered(values)


def test_the_version_is_the_products() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


@pytest.mark.parametrize("process", ["gateway", "worker"])
def test_no_process_can_write_or_rise(process: str) -> None:
    pod = one(SMALL, "Deployment", process)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert pod["topologySpreadConstraints"]
    assert container(SMALL, process)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_no_secret_is_in_the_environment_in_the_clear() -> None:
    for process in ("gateway", "worker"):
        named = {each["name"]: each for each in container(SMALL, process)["env"]}
        assert "value" not in named["RELAYCAST_REDIS_URL"]
        assert named["RELAYCAST_CLICKHOUSE_URL"]["valueFrom"]["secretKeyRef"]["key"] == "clickhouse-url"


def test_a_gateway_below_a_path_is_told_and_reached_there() -> None:
    named = {each["name"]: each.get("value") for each in container(FULL, "gateway")["env"]}
    assert named["RELAYCAST_PUBLIC_URL"] == "https://host.example:8443/relay"
    assert named["RELAYCAST_TRUSTED_PROXIES"] == "10.0.0.0/8 192.0.2.1"
    (rule,) = one(FULL, "Ingress")["spec"]["rules"]
    assert (rule["host"], rule["http"]["paths"][0]["path"]) == ("host.example", "/relay")


def test_keys_that_the_chart_makes_up_have_the_form_of_keys() -> None:
    made = {name: base64.b64decode(text).decode() for name, text in one(SMALL, "Secret")["data"].items()}
    assert made["workspace-key"].startswith("rk_live_")
    assert made["admin-key"].startswith(ADMINISTRATOR_PREFIX)
    assert AesGcmSealing([made["secret-key"]]).current is not None
    assert made["redis-url"] == STORES["redisUrl"]


def test_the_alerts_in_the_chart_are_whole() -> None:
    given = yaml.safe_load((CHART / "files" / "rules.yml").read_text())
    assert one(FULL, "PrometheusRule")["spec"] == given
