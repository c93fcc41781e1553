"""What the log tells of a message's steps."""

from broker.domain.ids import AgentId, MessageId, SessionId, WorkspaceId
from broker.domain.logs.events import EventKind
from broker.domain.messages.steps import CONFIRMED, RECEIPT, ReceiptState, StepMade, place_of, step_of

W, S = WorkspaceId("w"), SessionId("s")


def receipt(**data: object) -> dict[str, object]:
    return {"kind": RECEIPT, "agent": "a", "data": {"message": "m", "state": "sent", **data}}


def made(**changes: object) -> StepMade:
    given: dict[str, object] = {"state": "sent", "after_ms": None, "attempt": 1, "reason": None, **changes}
    about = {"workspace": W, "session": S, "message": MessageId("m"), "agent": AgentId("a")}
    return StepMade(**about, **given)  # type: ignore[arg-type]  # a mere dictionary of the fields


def test_a_receipt_is_a_step_with_its_time_since_the_acceptance() -> None:
    assert step_of(receipt(after_ms=12, attempt=2), workspace=W, session=S) == made(after_ms=12, attempt=2)


def test_a_receipt_of_an_earlier_version_has_no_time() -> None:
    assert step_of(receipt(reason="expired"), workspace=W, session=S) == made(reason="expired")


def test_no_other_event_is_a_step() -> None:
    others = {kind for kind in EventKind if kind != RECEIPT}
    assert len(others) == len(EventKind) - 1
    assert not any(step_of({"kind": kind, "agent": None, "data": {}}, workspace=W, session=S) for kind in others)


def test_steps_stand_in_the_order_in_which_they_are_made() -> None:
    states = ["sent", "answered", CONFIRMED, "of another version", "undeliverable", "in_turn", "queued", "handed"]
    assert sorted(states, key=place_of) == [
        *("queued", "sent", "handed", CONFIRMED, "in_turn", "answered", "undeliverable", "of another version")
    ]


def test_a_message_is_unread_until_a_turn_has_it_or_nobody_will() -> None:
    assert [each for each in ReceiptState if each.is_unread] == ["queued", "sent", "received", "handed"]
