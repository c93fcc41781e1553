"""What the broker logs has no token in it."""

import logging

import orjson
import pytest

from broker.telemetry.logs import JsonFormatter, TokenFreeFormatter, ids

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


def test_a_json_line_has_its_ids_and_its_traceback_and_no_token() -> None:
    error = ValueError(f"not a header: {TOKEN}")
    record = logging.makeLogRecord(
        {
            "name": "broker.x",
            "levelname": "ERROR",
            "msg": "refused: %s",
            "args": (TOKEN,),
            "exc_info": (type(error), error, None),
            **ids(session="s", message="m", link=None),
        }
    )
    text = JsonFormatter().format(record)
    said = orjson.loads(text)
    assert (said["level"], said["logger"], said["session"], said["message"]) == ("error", "broker.x", "s", "m")
    assert "link" not in said
    assert "ValueError" in said["error"]
    assert "Ab-_9" not in text
    assert "\n" not in text


def test_ids_stand_behind_the_text_of_a_line_for_people() -> None:
    record = logging.makeLogRecord({"msg": "message is sent", **ids(session="s", message="m")})
    assert TokenFreeFormatter().format(record) == "message is sent session=s message=m"
