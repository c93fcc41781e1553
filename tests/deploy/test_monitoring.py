"""Alerts and dashboard: every metric exists, every alert fires when it should, and has its runbook."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from prometheus_client import REGISTRY

import broker.app  # every metric is registered  # noqa: F401
from broker.domain.operations.status import BACKLOG_OLD_MS, FULL, MESSAGE_OLD_MS
from connect.machine.backlog import Backlog
from connect.serving.metrics import Counts, Figures, write_exposition
from tests.deploy.programs import DEPLOY, run

FILES = DEPLOY / "helm" / "relaycast" / "files"
RULES = FILES / "rules.yml"
GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: dict[str, dict[str, Any]] = {each["alert"]: each for group in GROUPS for each in group["rules"]}
_OURS = re.compile(r"\b(?:relaycast|relay_connect|process)_[a-z_]+")
_OF_PROMETHEUS = {"up"}
FIRING: dict[str, dict[str, str]] = {
    "RelaycastDown": {'up{job="relaycast", instance="a"}': "0x40"},
    "RelaycastNoWorker": {'relaycast_surveys_total{instance="a"}': "7x40"},
    "RelaycastRedisNotReady": {'relaycast_store_ready{store="redis"}': "0x40"},
    "RelaycastLogStoreNotReady": {'relaycast_store_ready{store="logs"}': "0x40"},
    "RelaycastStoreNearlyFull": {'relaycast_store_full_ratio{store="redis"}': "0.9x40"},
    "RelaycastLogsNotShipped": {'relaycast_waiting_oldest_seconds{what="log_events"}': "61x40"},
    "RelaycastMessagesWait": {'relaycast_waiting_oldest_seconds{what="messages"}': "301x40"},
    "RelaycastMessagesLate": {
        'relaycast_message_step_seconds_bucket{step="received", le="1"}': "0+90x40",
        'relaycast_message_step_seconds_bucket{step="received", le="2.5"}': "0+100x40",
        'relaycast_message_step_seconds_bucket{step="received", le="+Inf"}': "0+100x40",
        'relaycast_message_step_seconds_count{step="received"}': "0+100x40",
    },
    "RelaycastMessagesUndeliverable": {'relaycast_messages_undeliverable_total{reason="expired"}': "0+1x40"},
    "RelaycastFramesDropped": {"relaycast_frames_dropped_total": "0+1x40"},
    "RelaycastLoopLag": {
        'relaycast_loop_lag_seconds_bucket{instance="a", le="0.25"}': "0+50x40",
        'relaycast_loop_lag_seconds_bucket{instance="a", le="0.5"}': "0+100x40",
        'relaycast_loop_lag_seconds_bucket{instance="a", le="+Inf"}': "0+100x40",
    },
    "RelaycastStandstill": {'relaycast_standstills_total{instance="a"}': "0x20 1x20"},
    "RelaycastReconnectStorm": {
        'relaycast_connects_total{how="again", kind="proxy"}': "0+20x40",
        'relaycast_links{kind="proxy"}': "10x40",
    },
    "RelaycastSignalsBreak": {'relaycast_bus_breaks_total{instance="a"}': "0+1x40"},
    "RelaycastSeveralVersions": {"relaycast_versions": "2x100"},
    "RelayConnectNotLinked": {'relay_connect_connected{instance="a"}': "0x40"},
    "RelayConnectSpoolFills": {
        'relay_connect_spool_bytes{instance="a"}': "51x40",
        'relay_connect_spool_limit_bytes{instance="a"}': "100x40",
    },
    "RelayConnectSpoolNotOnDisk": {'relay_connect_spool_on_disk{instance="a"}': "0x40"},
    "RelayConnectAgentsFail": {'relay_connect_agents_failed_total{instance="a"}': "0+1x40"},
}
"""Series of one sample a minute under which each alert fires."""
QUIET = {
    'up{job="relaycast", instance="a"}': "1x100",
    'relaycast_surveys_total{instance="a"}': "0+4x100",
    'relaycast_store_ready{store="redis"}': "1x100",
    'relaycast_store_ready{store="logs"}': "1x100",
    'relaycast_store_full_ratio{store="redis"}': "0.89x100",
    'relaycast_waiting_oldest_seconds{what="log_events"}': "60x100",
    'relaycast_waiting_oldest_seconds{what="messages"}': "300x100",
    'relaycast_message_step_seconds_bucket{step="received", le="0.01"}': "0+100x100",
    'relaycast_message_step_seconds_bucket{step="received", le="+Inf"}': "0+100x100",
    'relaycast_message_step_seconds_count{step="received"}': "0+100x100",
    'relaycast_messages_undeliverable_total{reason="agent_released"}': "0+9x100",
    "relaycast_frames_dropped_total": "3x100",
    'relaycast_loop_lag_seconds_bucket{instance="a", le="0.001"}': "0+100x100",
    'relaycast_loop_lag_seconds_bucket{instance="a", le="+Inf"}': "0+100x100",
    'relaycast_standstills_total{instance="a"}': "1x100",
    'relaycast_connects_total{how="again", kind="proxy"}': "0+1x100",
    'relaycast_links{kind="proxy"}': "10x100",
    'relaycast_bus_breaks_total{instance="a"}': "2x100",
    "relaycast_versions": "1x100",
    'relay_connect_connected{instance="a"}': "1x100",
    'relay_connect_spool_bytes{instance="a"}': "50x100",
    'relay_connect_spool_limit_bytes{instance="a"}': "100x100",
    'relay_connect_spool_on_disk{instance="a"}': "1x100",
    'relay_connect_agents_failed_total{instance="a"}': "5x100",
}
"""An installation that is well, near every limit."""
OF_A_MACHINE = write_exposition(
    Figures(up_s=0, connected=False, agents=0, terminals=0, questions=0, backlog=Backlog()), Counts()
)


def exported() -> set[str]:
    """The names under which the product's metrics are read."""
    names = set()
    for metric in REGISTRY.collect():
        for suffix in {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "info": ("_info",)}.get(
            metric.type, ("",)
        ):
            names.add(metric.name + suffix)
    return names | set(re.findall(r"^(relay_connect_\w+)", OF_A_MACHINE, re.MULTILINE))


def used(expression: str) -> set[str]:
    return set(_OURS.findall(re.sub(r'"[^"]*"', '""', expression)))


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads((FILES / "dashboard.json").read_bytes())
    return loaded


def expressions() -> list[str]:
    return [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]


def test_every_metric_of_an_alert_exists() -> None:
    assert {name for each in ALERTS.values() for name in used(each["expr"])} <= exported()


def test_every_metric_of_the_dashboard_exists() -> None:
    names = {name for each in expressions() for name in used(each)}
    assert names <= exported()
    assert len(names) > 20


def test_every_metric_of_the_product_is_shown_or_watched() -> None:
    seen = " ".join([*expressions(), *(each["expr"] for each in ALERTS.values())])
    families = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in exported() if name.startswith("relaycast_")}
    of_no_interest = {
        "relaycast_commands_sent",
        "relaycast_redactions",
        "relaycast_requests_broken_off",
        "relaycast_spans",
        "relaycast_survey_seconds",
        "relaycast_unrecognised_frames",
        "relaycast_workspaces",
    }
    assert {each for each in families if each not in seen} == of_no_interest


def test_the_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_prometheus_accepts_the_rules() -> None:
    status, said = run("promtool", "check", "rules", RULES)
    assert status == 0, said


def test_prometheus_accepts_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    plain = [each.replace("$__rate_interval", "1m").replace("$instance", "a") for each in expressions()]
    rules = {"groups": [{"name": "d", "rules": [{"record": f"r{n}", "expr": each} for n, each in enumerate(plain)]}]}
    file = tmp_path / "rules.yml"
    file.write_bytes(orjson.dumps(rules))
    status, said = run("promtool", "check", "rules", file)
    assert status == 0, said


def test_prometheus_accepts_the_configuration_of_compose(tmp_path: Path) -> None:
    given = (DEPLOY / "compose" / "prometheus.yml").read_text()
    file = tmp_path / "prometheus.yml"
    file.write_text(given.replace("/etc/prometheus/rules.yml", str(RULES)))
    status, said = run("promtool", "check", "config", file)
    assert status == 0, said


def series(given: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in given.items()]


def alerts_of(tmp_path: Path, given: dict[str, str], *, at: str, expected: set[str]) -> str:
    """What is wrong with the expectation, by promtool's own judgement; empty when nothing is."""
    cases = [
        {"eval_time": at, "alertname": name, "exp_alerts": [] if name not in expected else [{"exp_labels": {}}]}
        for name in ALERTS
        if name in expected or not expected
    ]
    file = tmp_path / "test.yml"
    suite = {"rule_files": [str(RULES)], "evaluation_interval": "1m"}
    tests = [{"interval": "1m", "input_series": series(given), "alert_rule_test": cases}]
    file.write_bytes(orjson.dumps({**suite, "tests": tests}))
    status, said = run("promtool", "test", "rules", file)
    return said if status else ""


def test_nothing_fires_while_all_is_well(tmp_path: Path) -> None:
    assert alerts_of(tmp_path, QUIET, at="90m", expected=set()) == ""


@pytest.mark.parametrize("name", list(ALERTS))
def test_an_alert_fires_when_it_should(tmp_path: Path, name: str) -> None:
    said = alerts_of(tmp_path, FIRING[name], at="95m" if name == "RelaycastSeveralVersions" else "30m", expected={name})
    # promtool is told to expect an alert without labels; that it got one with its labels shows that it fired.
    got = said.partition("got:")[2]
    assert f'alertname="{name}"' in got, said
    assert f'severity="{ALERTS[name]["labels"]["severity"]}"' in got


def test_every_alert_has_its_runbook() -> None:
    headings = re.findall(r"^## (\w+)$", (DEPLOY / "runbooks.md").read_text(), re.MULTILINE)
    assert headings == list(ALERTS)
    assert all(each["annotations"]["runbook"] == name.lower() for name, each in ALERTS.items())
    assert all(each["labels"]["severity"] in {"critical", "warning"} for each in ALERTS.values())


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("RelaycastStoreNearlyFull", f">= {FULL}"),
        ("RelaycastLogsNotShipped", f"> {BACKLOG_OLD_MS // 1000}"),
        ("RelaycastMessagesWait", f"> {MESSAGE_OLD_MS // 1000}"),
    ],
)
def test_an_alert_and_status_call_the_same_thing_a_problem(name: str, number: str) -> None:
    assert ALERTS[name]["expr"].endswith(number)
