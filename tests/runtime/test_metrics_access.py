"""Who may read the metrics, and what stands in them."""

import logging
import socket
from pathlib import Path

import httpx
import pytest

from broker.domain.errors import BadRequest, NotFound, RelayError, SpawnFailed
from broker.runtime.metrics_access import MetricsAccess, metrics_token, on_gateway, on_port
from broker.runtime.watchdog import keep_watch
from broker.settings import Settings
from broker.telemetry import REFUSALS, FewCounter, count_refusal
from tests.fixtures.gateway import serving

TOKEN = "t" * 32


def code_of(access: MetricsAccess, authorization: str | None = None) -> str | None:
    try:
        access.require(authorization)
    except RelayError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (Settings(), None),
        (Settings(host="::1"), None),
        (Settings(host="0.0.0.0"), "METRICS_CLOSED"),
        (Settings(host="192.168.1.7"), "METRICS_CLOSED"),
        (Settings(public_url="https://relay.example"), "METRICS_CLOSED"),
        (Settings(trusted_proxies=("127.0.0.1",)), "METRICS_CLOSED"),
    ],
)
def test_without_a_token_the_gateway_shows_them_to_its_own_machine_alone(settings: Settings, code: str | None) -> None:
    assert code_of(on_gateway(settings)) == code


def test_with_a_token_whoever_has_it_reads_them_and_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    for access in (
        on_gateway(Settings(metrics_token_file=file)),
        on_gateway(Settings(metrics_token_file=file, public_url="https://relay.example")),
        on_port(Settings(metrics_token_file=file), "127.0.0.1", own=True),
    ):
        assert code_of(access, f"Bearer {TOKEN}") is None
        for wrong in (None, "", TOKEN, "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \u00e9"):
            assert code_of(access, wrong) == "UNAUTHENTICATED"


def test_a_port_for_them_alone_is_open_and_the_health_port_is_not() -> None:
    assert code_of(on_port(Settings(), "10.0.0.1", own=True)) is None
    assert code_of(on_port(Settings(), "10.0.0.1", own=False)) == "METRICS_CLOSED"
    assert code_of(on_port(Settings(), "127.0.0.1", own=False)) is None


@pytest.mark.parametrize("content", ["", "short", f"{TOKEN}\n{TOKEN}", "ü" * 32, f"{TOKEN} {TOKEN}"])
def test_a_token_file_holds_one_long_word(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    with pytest.raises(BadRequest, match="one line"):
        metrics_token(Settings(metrics_token_file=file))


def test_a_token_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="No such file"):
        metrics_token(Settings(metrics_token_file=tmp_path / "none"))


def test_a_token_file_that_others_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        metrics_token(Settings(metrics_token_file=file))
    assert "chmod 600" in caplog.text


async def test_a_gateway_that_is_reached_from_elsewhere_keeps_them_closed(redis_url: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    async with serving(redis_url, public_url="https://relay.example") as url, httpx.AsyncClient() as client:
        refused = await client.get(f"{url}/metrics")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "METRICS_CLOSED")
        assert "relaycast_" not in refused.text
    async with serving(redis_url, metrics_token_file=file) as url, httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/metrics")).status_code == 401
        answer = await client.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert "relaycast_request_seconds" in answer.text


async def test_they_have_a_port_of_their_own_that_no_page_reads_by_another_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    async with keep_watch(Settings(metrics_port=port)), httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{port}"
        answer = await client.get(f"{url}/metrics")
        assert "relaycast_" in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
        assert (await client.get(f"{url}/livez")).status_code == 404
        assert (await client.get(f"{url}/metrics", headers={"Host": f"evil.example:{port}"})).status_code == 421


def test_what_a_machine_gives_as_a_reason_is_no_label() -> None:
    count_refusal(SpawnFailed("it did not start", code="TENANTS_SECRET_NAME"))
    count_refusal(NotFound("no", code="PATH_NOT_FOUND"))
    known = {sample.labels.get("code") for each in REFUSALS.collect() for sample in each.samples}
    assert {"SPAWN_FAILED", "PATH_NOT_FOUND"} <= known
    assert "TENANTS_SECRET_NAME" not in known


def test_a_label_has_so_many_values_and_no_more() -> None:
    counter = FewCounter("relaycast_few_of_a_test_total", "Of a test", "word")
    for number in range(1000):
        counter.labels(f"word {number % 500}").inc()
    samples = [sample for each in counter.collect() for sample in each.samples if sample.name.endswith("_total")]
    assert len(samples) == 101
    assert sum(sample.value for sample in samples) == 1000
