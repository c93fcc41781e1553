"""What of a run waits for people."""

import shlex

from broker.domain.ids import SessionId, WorkflowRunId
from broker.domain.needs.needs import NeedKind
from broker.domain.needs.run_needs import NOTHING, RunNeed, RunNeeds, join


def a_need(kind: NeedKind = NeedKind.APPROVAL, *, named: bool = False) -> RunNeed:
    return RunNeed(
        kind=kind,
        run=WorkflowRunId("r"),
        session=SessionId("s"),
        step="is it #1? 'x'",
        subject="a1",
        asks="May I?",
        named=named,
    )


def test_a_run_waits_for_people_when_every_step_that_goes_on_does() -> None:
    asks = RunNeeds(needs=(a_need(),), alone=True)
    assert join([asks, asks]) == RunNeeds(needs=(a_need(), a_need()), alone=True)
    assert join([asks, NOTHING]) == RunNeeds(needs=(a_need(),), alone=False)
    assert join([]) == NOTHING


def test_a_command_names_the_step_as_a_shell_takes_it_and_the_question_where_there_are_several() -> None:
    assert [shlex.split(each) for each in a_need(NeedKind.GATE).commands] == [
        ["relaycast", "workflow", word, "r", "is it #1? 'x'"] for word in ("allow", "deny")
    ]
    assert [each.endswith(" --asked a1") for each in a_need(named=True).commands] == [True, True]


def test_a_question_takes_no_yes_and_a_called_run_is_decided_about_where_it_is_shown() -> None:
    assert [each.split()[2] for each in a_need(NeedKind.QUESTION).commands] == ["deny"]
    assert a_need(NeedKind.RUN).commands == ("relaycast workflow show r",)
