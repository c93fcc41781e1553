from connect.demo.viewer import timings
from connect.sdk.types import Trace
from connect.terminal.text.layout import plain


def _trace(**reached: int) -> Trace:
    message = {"id": "m", "from": {"name": "Lead", "role": "peer"}, "to": "Opponent", "text": "hi", "at_ms": 1000}
    steps = [{"state": state, "at_ms": 1000 + after} for state, after in reached.items()]
    return Trace.model_validate(
        {"message": message, "deliveries": [{"to": "Opponent", "state": "sent", "steps": steps}]}
    )


def test_each_message_has_a_row_and_medians_close_the_table() -> None:
    rows = plain(timings([_trace(sent=1, handed=4, in_turn=9), _trace(sent=3, received=3, handed=8, in_turn=10)]))

    assert [row.split() for row in rows.split("\n")] == [
        ["MESSAGE", "SENT", "RECEIVED", "HANDED", "IN", "TURN", "ANSWERED"],
        ["Lead", "→", "Opponent", "1", "-", "4", "9", "-"],
        ["Lead", "→", "Opponent", "3", "3", "8", "10", "-"],
        ["p50", "2", "-", "6", "9.5", "-"],
    ]
