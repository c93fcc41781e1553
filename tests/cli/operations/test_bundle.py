"""A bundle for a bug report: what helps is in it, and nothing that is secret."""

import logging
import re
from pathlib import Path

import pytest

from broker.cli.operations.bundle import render_bundle, show_settings
from broker.settings import ERRORS_FILE
from broker.telemetry.logs import errors_kept
from tests.fixtures.processes import key_of, refused, up

TOKEN = "rk_" + "live_" + "Ab9" * 14


def test_settings_are_shown_without_what_is_secret() -> None:
    given = {
        "RELAYCAST_PORT": "8787",
        "RELAYCAST_TOKEN": "hunter2",
        "RELAYCAST_SECRET_KEY": "hunter2",
        "RELAYCAST_METRICS_TOKEN_FILE": "/etc/relaycast/token",
        "RELAYCAST_REDIS_URL": "redis+sentinel://user:hunter2@h1,h2/service/0?sentinel_password=hunter2&db=1",
        "RELAYCAST_CLICKHOUSE_URL": "https://user:hunter2@host:8443/logs",
        "HOME": "/root",
    }
    shown = list(show_settings(given))
    assert shown == [
        "RELAYCAST_CLICKHOUSE_URL=https://[hidden]@host:8443/logs",
        "RELAYCAST_METRICS_TOKEN_FILE=/etc/relaycast/token",
        "RELAYCAST_PORT=8787",
        "RELAYCAST_REDIS_URL=redis+sentinel://[hidden]@h1,h2/service/0?sentinel_password=[hidden]&db=1",
        "RELAYCAST_SECRET_KEY=[hidden]",
        "RELAYCAST_TOKEN=[hidden]",
    ]


@pytest.mark.parametrize(
    "value",
    [
        "user:hunter2@redis:6379",
        "unix:///run/x.sock?password=hunter2",
        "redis://:hunter2@h/0#hunter2",
        "redis://u:hunter2/x@h/0",
        "redis:/u:hunter2@h",
        " redis://u:hunter2@h",
        "redis://h1:6379 redis://u:hunter2@h2",
        "redis+cluster://u:hunter2@h1,u:hunter2@h2",
        "https://h?auth=hunter2&db=1&sig=hunter2",
    ],
)
def test_a_password_is_in_no_setting_however_its_url_is_written(value: str) -> None:
    [shown] = show_settings({"RELAYCAST_REDIS_URL": value})
    assert "hunter2" not in shown
    assert "[hidden]" in shown


_PEM = (
    "-----BEGIN PRIVATE KEY-----\n"
    + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n" * 12
    + "-----END PRIVATE KEY-----"
)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("cannot reach redis://user:hunter2hunter2@redis:6379/0", "hunter2"),
        ("answered 401 to Authorization: Basic dXNlcjpodW50ZXIyaHVudGVyMg==", "dXNlcjpod"),
        ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8"),
        ("session 'sk_test_51H8aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789' is not there", "51H8aBc"),
        ("posted to https://hooks.slack.com/services/T01234567/B01234567/abcdefghijklmnopqrstuvwx", "abcdefghij"),
        ("started with password=hunter2hunter2", "hunter2"),
        (f"the key is\n{_PEM}", "MIIEvQ"),
    ],
)
def test_a_secret_in_a_name_or_an_error_is_in_no_bundle(tmp_path: Path, line: str, secret: str) -> None:
    own = tmp_path / "gateway.log"
    own.write_text(f"before it\n{line}\nafter it\n")
    text = "\n".join(render_bundle({"RELAYCAST_URL": "http://127.0.0.1:1", "RELAYCAST_TOKEN": TOKEN}, tmp_path, (own,)))
    assert secret not in text
    assert "before it" in text
    assert "after it" in text


def test_recent_errors_are_kept_without_tokens_and_end_in_the_bundle(tmp_path: Path) -> None:
    with errors_kept(tmp_path / ERRORS_FILE):
        logging.getLogger("broker.x").warning("refused: %s", TOKEN)
        logging.getLogger("broker.x").info("of no interest")
    logging.getLogger("broker.x").warning("after it")
    assert (tmp_path / ERRORS_FILE).stat().st_mode & 0o777 == 0o600
    own = tmp_path / "gateway.log"
    own.write_text(f"a line with {TOKEN}\n")
    text = "\n".join(render_bundle({"RELAYCAST_URL": "http://127.0.0.1:1", "RELAYCAST_TOKEN": TOKEN}, tmp_path, (own,)))
    assert "refused: rk_live_[hidden]" in text
    assert "a line with rk_live_[hidden]" in text
    assert "of no interest" not in text
    assert "after it" not in text
    assert "Ab9Ab9" not in text
    # There is no broker: what it would have said is missing, with the reason.
    assert len(re.findall("cannot be had", text)) == 2


async def test_a_bundle_of_a_running_broker_has_its_status_and_metrics_and_none_of_its_secrets(tmp_path: Path) -> None:
    async with up(tmp_path) as broker:
        data = str(tmp_path / "broker")
        file = tmp_path / "bundle.txt"
        status, said = refused(tmp_path, "bundle", str(file), "--data-dir", data)
        assert status == 0, said
        key = key_of(broker)
    text = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "relaycast_loop_lag_seconds_bucket" in text
    assert '"problems"' in text
    assert "cannot be had" not in text
    secrets = [path.read_text().strip() for path in (tmp_path / "broker").glob("*.key")]
    assert key in secrets
    assert not [each for each in secrets if each in text]
