"""What the log tells of a message's steps."""

from broker.domain.ids import AgentId, MessageId, SessionId, WorkspaceId
from broker.domain.logs.events import EventKind
from broker.domain.messages.steps import RECEIPT, StepMade, step_of

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
