"""When an agent that says nothing is asked, told to stop, and given up."""

from __future__ import annotations

import pytest

from broker.protocol.agents.session import Activity, Standing
from connect.machine.silence import LOOK_S, OVERDUE_S, QUIET_S, STOP_S, UNANSWERED_S, Silence, Step


def steps(*, until: float, activity: Activity = Activity.WORKING, answers: bool = True) -> list[tuple[float, Step]]:
    """What is done about an agent without a word, and when; `answers` says whether it answers probes."""
    silence, made, at, asked = Silence(), [], 0.0, False
    while at <= until:
        if (step := silence.look(at, Standing(activity, 7, unanswered=asked and not answers))) is not None:
            made.append((at, step))
            asked = asked or step is Step.ASK
        at += LOOK_S
    return made


def test_an_agent_at_work_that_is_silent_is_asked_every_minute_and_stopped_after_half_an_hour() -> None:
    made = steps(until=OVERDUE_S + STOP_S)
    assert made[0] == (QUIET_S, Step.ASK)
    assert {step for at, step in made if at < OVERDUE_S} == {Step.ASK}
    last = [each for each in made if each[0] >= OVERDUE_S]
    assert last == [(OVERDUE_S, Step.STOP), (OVERDUE_S + STOP_S, Step.GIVE_UP)]


def test_one_that_does_not_answer_the_question_is_given_up_earlier() -> None:
    assert steps(until=QUIET_S + UNANSWERED_S, answers=False) == [
        (QUIET_S, Step.ASK),
        (QUIET_S + UNANSWERED_S, Step.GIVE_UP),
    ]


def test_a_tool_that_runs_for_long_is_told_of_once_and_never_stopped() -> None:
    made = steps(until=4 * OVERDUE_S, activity=Activity.IN_TOOL)
    assert [each for each in made if each[1] is not Step.ASK] == [(OVERDUE_S, Step.SAY)]


@pytest.mark.parametrize("activity", [Activity.IDLE, Activity.WAITING])
def test_neither_an_idle_agent_nor_one_that_waits_for_a_person_is_asked(activity: Activity) -> None:
    assert steps(until=4 * OVERDUE_S, activity=activity) == []


def test_every_word_begins_the_time_anew() -> None:
    silence = Silence()
    for number in range(20):
        assert silence.look(number * (QUIET_S - 1), Standing(Activity.WORKING, number)) is None


def test_one_that_was_told_to_stop_and_has_stopped_is_left_alone() -> None:
    silence = Silence()
    silence.look(0, Standing(Activity.WORKING, 1))
    assert silence.look(OVERDUE_S, Standing(Activity.WORKING, 1)) is Step.STOP
    assert silence.look(OVERDUE_S + LOOK_S, Standing(Activity.IDLE, 2)) is None
    assert silence.look(OVERDUE_S + STOP_S, Standing(Activity.WORKING, 3)) is None
