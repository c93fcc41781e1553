"""The checker on made-up histories: it has to see each fault, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.checker import judge
from tests.faults.facts import (
    Accepted,
    Approval,
    Followed,
    History,
    Logged,
    Prompted,
    Refusal,
    Seen,
    Settled,
    ToldReset,
    UnexpectedEnd,
)


def message(number: int, *, phase: str = "none", recipient: str = "Ann") -> Accepted:
    """Accepted a tenth of a second after it was called, one a second."""
    return Accepted(
        id=f"m{number}",
        sender="s1",
        recipient=recipient,
        number=number,
        phase=phase,
        called_at=float(number),
        accepted_at=number + 0.1,
    )


def good_history(count: int = 3) -> History:
    """Every message is read a fifth of a second after it was accepted, and answered."""
    messages = [message(number) for number in range(1, count + 1)]
    events = [
        event
        for m in messages
        for event in (
            ("message.accepted", m.id, None),
            ("turn.started", None, None),
            ("message.receipt", m.id, "answered"),
        )
    ]
    return History(
        accepted=messages,
        prompted=[Prompted(message=m.id, at=m.accepted_at + 0.2) for m in messages],
        settled={m.id: Settled(message=m.id, state="answered") for m in messages},
        log=[
            Logged(epoch="e1", offset=number, kind=kind, message=of, state=state)
            for number, (kind, of, state) in enumerate(events, 1)
        ],
        readers={"reader": [Seen("e1", offset) for offset in range(1, 5)]},
        approvals=[Approval(key="k1", wins=1, status="allowed", heard=1)],
    )


def problem(history: History) -> str:
    """The one sentence about what is wrong."""
    (found,) = judge(history).problems
    return found


def test_a_good_history_is_clean_and_its_times_are_told() -> None:
    verdict = judge(good_history())
    assert verdict.is_clean
    assert verdict.total.accepted == 3
    assert verdict.total.slowest_accept_s == pytest.approx(0.1)
    assert verdict.total.slowest_delivery_s == pytest.approx(0.2)


def test_a_message_called_answered_that_no_agent_read_is_lost() -> None:
    history = good_history()
    del history.prompted[1]
    assert problem(history) == "1 lost: m2"
    assert judge(history).phases["none"].lost == ("m2",)


def test_a_message_that_was_read_twice_is_doubled() -> None:
    history = good_history()
    history.prompted.append(Prompted(message="m1", at=9.0))
    assert problem(history) == "1 given twice: m1"


def test_a_message_read_before_an_earlier_one_to_the_same_agent_is_out_of_order() -> None:
    history = good_history()
    history.prompted[0] = Prompted(message="m1", at=2.5)
    assert problem(history) == "1 out of order: m2"


def test_agents_do_not_wait_for_each_other() -> None:
    history = good_history()
    history.accepted[0] = message(1, recipient="Bob")
    history.prompted[0] = Prompted(message="m1", at=2.5)
    assert judge(history).is_clean


def test_a_message_that_came_to_nothing_is_stuck_though_it_was_read() -> None:
    history = good_history()
    del history.settled["m3"]
    assert problem(history) == "1 neither answered nor reported: m3"


def test_an_undeliverable_message_is_reported_and_not_lost() -> None:
    history = good_history()
    del history.prompted[2]
    history.settled["m3"] = Settled(message="m3", state="undeliverable", reason="expired")
    verdict = judge(history)
    assert verdict.is_clean
    assert verdict.total.reported == 1


def test_a_message_that_the_store_was_about_to_forget_may_be_forgotten_but_not_given_twice() -> None:
    history = good_history()
    history.accepted[2] = replace(history.accepted[2], kept=False)
    del history.settled["m3"]
    history.log = history.log[:6]
    assert judge(history).is_clean
    history.prompted.append(Prompted(message="m3", at=9.0))
    assert problem(history) == "1 given twice: m3"


def test_what_was_read_and_nobody_sent_is_told() -> None:
    history = good_history()
    history.prompted.append(Prompted(message="m9", at=9.0))
    assert problem(history) == "1 read that nobody knows to be accepted: m9"


def test_each_fault_has_an_account_of_its_own() -> None:
    history = good_history()
    history.accepted[1] = message(2, phase="gateway-killed")
    history.prompted.append(Prompted(message="m2", at=9.0))
    phases = judge(history).phases
    assert phases["none"].accepted == 2
    assert phases["none"].doubled == ()
    assert phases["gateway-killed"].doubled == ("m2",)


def test_a_hole_in_the_log_is_told() -> None:
    history = good_history()
    del history.log[4]
    assert problem(history) == "1 holes in the log: e1:5"


def test_a_log_that_does_not_begin_at_its_beginning_has_a_hole() -> None:
    history = good_history()
    history.log = [replace(event, offset=event.offset + 2) for event in history.log]
    assert problem(history) == "2 holes in the log: e1:1, e1:2"


def test_a_fragment_that_readers_had_may_be_gone_from_the_log() -> None:
    history = good_history()
    del history.log[4]
    history.readers["other"] = [Seen("e1", 5, transient=True)]
    assert judge(history).is_clean


def test_an_offset_that_comes_again_is_told() -> None:
    history = good_history()
    history.log.insert(2, history.log[1])
    assert problem(history) == "1 holes in the log: e1:2 again"


def test_a_message_that_the_log_does_not_have_is_told() -> None:
    history = good_history()
    history.log[3] = replace(history.log[3], kind="turn.started", message=None)
    assert problem(history) == "1 accepted that the log does not have: m2"


def test_a_message_that_the_log_has_twice_is_told() -> None:
    history = good_history()
    history.log[4] = replace(history.log[3], offset=5)
    assert problem(history) == "1 accepted more than once in the log: m2"


def test_an_answer_that_the_log_does_not_have_is_told() -> None:
    history = good_history()
    history.log[-1] = replace(history.log[-1], state="handed")
    assert problem(history) == "1 answered that the log does not know: m3"


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([Seen("e1", 1), Seen("e1", 3)], "reader: e1:3 came after e1:1"),
        ([Seen("e1", 1), Seen("e1", 1)], "reader: e1:1 came after e1:1"),
        ([Seen("e1", 1), Seen("e2", 2)], "reader: e2:2 came after e1:1"),
        ([Seen("e1", 1), Seen("e1", 3), Seen("e1", 2)], "reader: e1:3 came after e1:1 (and 1 more)"),
    ],
)
def test_a_reader_that_missed_or_had_something_twice_is_told(items: list[Followed], said: str) -> None:
    history = good_history()
    history.readers = {"reader": items}
    assert problem(history) == said


def test_a_reader_that_was_told_may_go_on_elsewhere() -> None:
    history = good_history()
    history.readers = {"reader": [Seen("e1", 1), ToldReset(), Seen("e2", 1), Seen("e2", 2)]}
    assert judge(history).is_clean


def test_one_number_for_two_events_is_told() -> None:
    history = good_history()
    history.readers = {"early": [Seen("e1", 7, body=1)], "late": [Seen("e1", 7, body=2)]}
    assert problem(history) == "1 numbers stand for more than one event: e1:7"


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        ({"wins": 2}, "2 answers to the question k1 were told that they had won"),
        ({"heard": 2}, "the agent got 2 answers to the question k1"),
        ({"heard": 0}, "the question k1 is called allowed and the agent was never told"),
        ({"status": "pending", "wins": 0, "heard": 0}, "the question k1 is still open"),
    ],
)
def test_a_question_that_was_not_answered_once_is_told(approval: dict[str, int | str], said: str) -> None:
    history = good_history()
    history.approvals = [replace(history.approvals[0], **approval)]  # type: ignore[arg-type]  # a table of fields
    assert problem(history) == said


def test_a_process_that_died_need_not_hear_the_answer() -> None:
    history = good_history()
    history.approvals = [replace(history.approvals[0], heard=0, lived_on=False)]
    assert judge(history).is_clean


def test_a_question_that_was_withdrawn_with_its_process_is_no_fault() -> None:
    history = good_history()
    history.approvals = [Approval(key="k1", wins=0, status="withdrawn", heard=0)]
    assert judge(history).is_clean


def test_refusals_ends_orphans_and_remarks_are_told() -> None:
    history = good_history()
    history.refusals = [Refusal(phase="redis-full", status=500, code="INTERNAL")] * 3
    history.ends = [UnexpectedEnd(phase="hostile-agent", process="machine-2", status=3)]
    history.orphans = ["4711 sleep"]
    history.remarks = ["two-stalled: no answer on /healthz"]
    assert judge(history).problems == (
        "redis-full: a good request was refused for good: 3 times 500 INTERNAL",
        "hostile-agent: machine-2 ended by itself with 3",
        "left running: 4711 sleep",
        "two-stalled: no answer on /healthz",
    )
