"""What the broker logs has no token in it."""

import logging

import pytest

from broker.telemetry import TokenFreeFormatter

TOKEN = "rk_" + "live_" + "Ab-_9" * 8


@pytest.mark.parametrize(
    "around", ["key {}", "b'ok\\n{}'", "?token%3D{}", "\x1b[1m{}\x1b[0m", '{{"text": "\\\\u0022{}"}}']
)
def test_a_token_is_cut_out_of_a_message_however_it_is_spelled(around: str) -> None:
    record = logging.makeLogRecord({"msg": "refused: %s", "args": (around.format(TOKEN),)})
    assert "Ab-_9" not in TokenFreeFormatter().format(record)


def test_a_token_is_cut_out_of_a_traceback() -> None:
    error = ValueError(f"not a header: {TOKEN}")
    record = logging.makeLogRecord({"msg": "it failed", "exc_info": (type(error), error, None)})
    shown = TokenFreeFormatter().format(record)
    assert "not a header: rk_live_[hidden]" in shown
    assert "Ab-_9" not in shown
