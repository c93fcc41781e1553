"""What a run does next."""

import sys
from types import FrameType
from typing import Any

import pytest

from broker.domain.workflows.runs import engine
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.journal import (
    Aide,
    AideEnded,
    AttemptEnded,
    AttemptInterrupted,
    BudgetRaised,
    CancelAsked,
    CompleteStep,
    EndRun,
    Entry,
    FailedByHand,
    Outcome,
    ResumeAsked,
    RetriedByHand,
    RunState,
    SetTimer,
    SkippedByHand,
    StartAttempt,
    StateSet,
    StopAttempt,
    Timer,
    UsageTold,
    VoteSettled,
)
from broker.domain.workflows.runs.steps import StepState
from tests.domain.workflows.driving import Driven, Steps, file_of


def test_a_step_starts_when_its_own_dependencies_end_and_not_with_its_wave() -> None:
    steps: Steps = [{"name": "a"}, {"name": "slow"}, {"name": "b", "dependsOn": ["a"]}]
    driven = Driven(file_of([*steps, {"name": "c", "dependsOn": ["b", "slow"]}]))
    assert driven.started == ["a", "slow"]
    driven.end("a")
    assert driven.started == ["b"]  # slow goes on meanwhile
    driven.end("b")
    assert driven.started == []
    driven.end("slow")
    assert driven.started == ["c"]
    assert driven.end("c")[-1] == EndRun(state=RunState.COMPLETED)


def test_effects_have_the_same_id_whenever_they_are_worked_out() -> None:
    driven = Driven(file_of([{"name": "a"}]))
    [start] = driven.decided
    assert start == StartAttempt(step="a", attempt=1, effect=effect_id("r", "a", 1))
    assert engine.outstanding(driven.run) == [start]
    assert engine.next(driven.workflow, driven.journal) == []
    assert effect_id("r", "a", 1) != effect_id("r", "a", 2) != effect_id("q", "a", 2)


def test_no_more_goes_on_than_max_concurrency_allows_in_the_order_of_the_file() -> None:
    driven = Driven(file_of([{"name": n} for n in "abcd"], swarm={"maxConcurrency": 2}))
    assert driven.started == ["a", "b"]
    driven.end("b")
    assert driven.started == ["c"]


def test_gates_take_no_place_and_hold_their_branch_alone() -> None:
    gate = {"name": "gate", "type": "approval"}
    steps: Steps = [gate, {"name": "after", "dependsOn": ["gate"]}, {"name": "other"}]
    driven = Driven(file_of(steps, swarm={"maxConcurrency": 1}))
    assert driven.started == ["gate", "other"]
    driven.end("other")
    assert driven.run.state is RunState.RUNNING  # weeks may pass
    driven.end("gate")
    assert driven.started == ["after"]


def test_who_says_no_at_a_gate_is_not_asked_again() -> None:
    driven = Driven(file_of([{"name": "gate", "type": "approval", "retries": 3}]))
    assert driven.end("gate", Outcome.DENIED, reason="not today")[-1] == EndRun(
        state=RunState.FAILED, reason="gate: not today"
    )


def test_retries_wait_longer_each_time_and_then_the_step_has_failed() -> None:
    backoff = {"initialMs": 100, "factor": 3, "maxMs": 250, "jitter": False}
    driven = Driven(file_of([{"name": "a", "retries": 2, "backoff": backoff}]))
    waits = []
    for _ in range(2):
        [timer] = driven.end("a", Outcome.FAILED)
        assert isinstance(timer, SetTimer)
        waits.append(timer.at_ms - driven.now)
        driven.fire(timer.name)
        assert driven.started == ["a"]
    assert waits == [100, 250]
    driven.end("a", Outcome.FAILED, reason="exit code 1")
    assert driven.run.state is RunState.FAILED
    assert driven.run.reason == "a: exit code 1"


def test_nothing_is_done_twice_without_error_handling() -> None:
    driven = Driven(file_of([{"name": "a"}]))
    driven.end("a", Outcome.FAILED)
    assert driven.run.state is RunState.FAILED


def test_a_timeout_stops_the_attempt_and_the_next_starts_only_when_it_has_stopped() -> None:
    driven = Driven(file_of([{"name": "a", "timeoutMs": 500, "retries": 1}]))
    driven.fire("timeout:a:1")
    assert driven.decided == [StopAttempt(step="a", attempt=1, reason="timeout")]
    [timer] = driven.end("a", Outcome.FAILED)
    assert isinstance(timer, SetTimer)
    assert timer.timer is Timer.RETRY
    driven.fire(timer.name)
    assert driven.started == ["a"]


def test_what_an_old_attempt_says_counts_no_more() -> None:
    driven = Driven(file_of([{"name": "a", "retries": 1}]))
    driven.end("a", Outcome.FAILED)
    late = driven.journal[-2].what
    driven.fire("retry:a:1")
    assert driven.tell(late) == []  # type: ignore[arg-type]  # the fact before the timer
    assert driven.states() == {"a": StepState.RUNNING}


def test_out_of_quota_waits_until_the_vendor_says_and_costs_no_retry() -> None:
    driven = Driven(file_of([{"name": "a", "agent": "A"}]))
    [timer] = driven.end("a", Outcome.QUOTA, retry_at_ms=9_000)
    assert (timer, driven.states()["a"]) == (
        SetTimer(name="quota:a:1", timer=Timer.QUOTA, at_ms=9_000, step="a"),
        StepState.WAITING_QUOTA,
    )
    driven.fire("quota:a:1")
    driven.end("a")
    assert driven.run.state is RunState.COMPLETED


@pytest.mark.parametrize(
    ("step", "again"),
    [
        ({"name": "a"}, False),
        ({"name": "a", "idempotent": True}, True),
        ({"name": "a", "agent": "A"}, False),
        ({"name": "a", "agent": "A", "onInterrupt": "retry"}, True),
        ({"name": "a", "type": "worktree", "branch": "b"}, True),
    ],
)
def test_an_interrupted_step_is_done_again_only_where_its_policy_says_so(step: dict[str, Any], again: bool) -> None:
    driven = Driven(file_of([step]))
    driven.tell(AttemptInterrupted(step="a", attempt=1, reason="the machine is gone"))
    if again:
        driven.fire("retry:a:1")
        assert driven.started == ["a"]
    else:
        assert driven.run.state is RunState.NEEDS_HUMAN
        assert driven.run.reason == "a: interrupted: the machine is gone"


@pytest.mark.parametrize(
    ("strategy", "stops", "starts_other"),
    [("fail-fast", True, False), ("retry", False, False), ("continue", False, True)],
)
def test_what_a_failure_does_to_others_is_the_strategys(strategy: str, stops: bool, starts_other: bool) -> None:
    steps: Steps = [{"name": "bad"}, {"name": "long"}, {"name": "other", "dependsOn": ["long"]}]
    steps.append({"name": "needs", "dependsOn": ["bad"]})
    driven = Driven(file_of(steps, errorHandling={"strategy": strategy, "maxRetries": 0}))
    decided = driven.end("bad", Outcome.FAILED)
    assert (StopAttempt(step="long", attempt=1, reason="another step has failed") in decided) is stops
    driven.end("long")
    assert (driven.started == ["other"]) is starts_other
    if starts_other:
        driven.end("other")
    assert driven.run.state is RunState.FAILED
    assert driven.states()["needs"] is StepState.SKIPPED


def test_an_optional_step_may_fail() -> None:
    driven = Driven(file_of([{"name": "a", "optional": True}, {"name": "b", "dependsOn": ["a"]}]))
    driven.end("a", Outcome.FAILED)
    assert driven.started == ["b"]
    driven.end("b")
    assert driven.run.state is RunState.COMPLETED


def test_a_command_may_say_that_nothing_else_needs_to_be_done() -> None:
    driven = Driven(file_of([{"name": "a"}, {"name": "side"}, {"name": "b", "dependsOn": ["a"]}]))
    assert StopAttempt(step="side", attempt=1, reason="the run is completed") in driven.end("a", Outcome.EARLY)
    driven.end("side", Outcome.FAILED)
    assert driven.run.state is RunState.COMPLETED_EARLY
    assert driven.states() == {"a": "completed", "side": "skipped", "b": "skipped"}


def test_a_loop_goes_round_until_the_verification_is_content_or_its_bound_is_reached() -> None:
    condition = {"type": "output_contains", "value": "APPROVED"}
    review = {"name": "review", "agent": "B", "dependsOn": ["build"], "verification": condition}
    steps: Steps = [{"name": "build", "agent": "A"}, {**review, "maxIterations": 2, "repeatFrom": "build"}]
    driven = Driven(file_of(steps))
    driven.end("build")
    driven.end("review", Outcome.REJECTED)
    assert driven.started == ["build"]
    driven.end("build")
    assert driven.started == ["review"]
    assert driven.run.steps["review"].round == 2
    assert driven.end("review", Outcome.REJECTED, reason="still wrong")[-1] == EndRun(
        state=RunState.FAILED, reason="review: still wrong"
    )


def test_a_retry_waits_for_what_a_loop_does_once_more() -> None:
    condition = {"type": "output_contains", "value": "x"}
    loop = {"name": "loop", "agent": "A", "dependsOn": ["a"], "verification": condition}
    side = {"name": "side", "dependsOn": ["a"], "retries": 1, "type": "deterministic", "command": "true"}
    driven = Driven(file_of([{"name": "a"}, side, {**loop, "maxIterations": 2, "repeatFrom": "a"}]))
    driven.end("a")
    driven.end("side", Outcome.FAILED)
    driven.end("loop", Outcome.REJECTED)
    assert driven.started == ["a"]
    driven.fire("retry:side:1")
    assert driven.started == []
    driven.end("a")
    assert driven.started == ["side", "loop"]


def test_a_step_under_review_is_completed_by_its_reviewer() -> None:
    driven = Driven(file_of([{"name": "a", "agent": "A", "review": "B", "retries": 1}]))
    driven.end("a")
    assert driven.started == ["a-review"]
    driven.aide("a", Aide.REVIEW, approved=False)
    driven.fire("retry:a:1")
    driven.end("a")
    assert driven.aide("a", Aide.REVIEW)[0] == CompleteStep(step="a")


def test_repair_agents_start_only_where_the_file_asks_and_a_person_comes_last() -> None:
    handling = {
        "strategy": "retry",
        "maxRetries": 1,
        "repairRetries": 1,
        "repairAgent": "A",
        "onExhaustion": "needs-human",
    }
    driven = Driven(file_of([{"name": "a"}], errorHandling=handling))
    driven.end("a", Outcome.FAILED)
    assert driven.started == ["a-repair"]
    driven.aide("a", Aide.REPAIR, approved=False)  # the next attempt tells
    driven.fire("retry:a:1")
    driven.end("a", Outcome.FAILED, reason="exit code 2")
    assert (driven.run.state, driven.run.reason) == (RunState.NEEDS_HUMAN, "a: exit code 2")


def test_a_repair_that_has_changed_what_is_protected_fails_its_step_whatever_is_left_to_try() -> None:
    handling = {"strategy": "retry", "maxRetries": 3, "repairRetries": 3, "repairAgent": "A"}
    driven = Driven(file_of([{"name": "a"}], errorHandling=handling))
    driven.end("a", Outcome.FAILED)
    ended = AideEnded(step="a", attempt=1, aide=Aide.REPAIR, approved=False, reason="tests/x", trespassed=True)
    driven.tell(ended)
    assert (driven.run.state, driven.run.reason) == (RunState.FAILED, "a: tests/x")
    assert not driven.started


def test_a_diagnosis_comes_between_a_verification_that_is_not_content_and_the_next_attempt() -> None:
    condition = {"type": "output_contains", "value": "x", "diagnosticAgent": "B"}
    driven = Driven(file_of([{"name": "a", "agent": "A", "retries": 1, "verification": condition}]))
    driven.end("a", Outcome.REJECTED)
    assert driven.started == ["a-diagnosis"]
    driven.aide("a", Aide.DIAGNOSIS)
    driven.fire("retry:a:1")
    assert driven.started == ["a"]


def test_a_person_retries_skips_or_gives_up_what_needs_one() -> None:
    handling = {"strategy": "retry", "maxRetries": 0, "onExhaustion": "needs-human"}
    steps: Steps = [{"name": "a"}, {"name": "b", "dependsOn": ["a"]}]
    driven = Driven(file_of(steps, errorHandling=handling))
    driven.end("a", Outcome.FAILED)
    driven.tell(RetriedByHand(step="a", by="ann"))
    assert driven.started == ["a"]
    driven.end("a", Outcome.FAILED)
    driven.tell(SkippedByHand(step="a", by="ann", output="did it myself"))
    assert (driven.started, driven.run.steps["a"].output) == (["b"], "did it myself")
    driven.end("b", Outcome.FAILED)
    driven.tell(FailedByHand(step="b", by="ann"))
    assert (driven.run.state, driven.run.reason) == (RunState.FAILED, "b: given up by ann")


def test_a_cancelled_run_ends_when_what_went_on_has_stopped() -> None:
    driven = Driven(file_of([{"name": "a"}, {"name": "b", "dependsOn": ["a"]}]))
    assert StopAttempt(step="a", attempt=1, reason="cancelled") in driven.tell(CancelAsked(by="ann"))
    assert driven.run.state is RunState.RUNNING
    driven.end("a", Outcome.FAILED)
    assert str(driven.run.state) == "cancelled"


def test_a_resumed_run_keeps_what_is_completed_and_does_the_rest_with_what_was_skipped() -> None:
    steps: Steps = [{"name": "a"}, {"name": "b"}, {"name": "c", "dependsOn": ["b"]}]
    driven = Driven(file_of(steps))
    driven.end("a")
    driven.end("b", Outcome.FAILED)
    assert driven.states()["c"] is StepState.SKIPPED
    driven.tell(ResumeAsked(by="ann"))
    assert (driven.started, driven.run.steps["b"].attempt) == (["b"], 2)
    driven.end("b")
    driven.end("c")
    assert driven.run.state is RunState.COMPLETED
    assert driven.run.steps["a"].attempt == 1


def test_barriers_open_when_enough_of_their_steps_are_completed() -> None:
    steps: Steps = [{"name": n} for n in "abc"] + [{"name": "d", "dependsOn": ["a", "b", "c"]}]
    barrier = {"name": "most", "waitFor": ["a", "b", "c"], "mode": "majority"}
    handling = {"strategy": "continue", "maxRetries": 0}
    driven = Driven(file_of(steps, coordination={"barriers": [barrier]}, errorHandling=handling))
    driven.end("a")
    driven.end("b", Outcome.FAILED)
    assert driven.started == []
    driven.end("c")
    assert driven.started == ["d"]
    driven.end("d")
    assert driven.run.state is RunState.COMPLETED  # b was outvoted


def test_a_barrier_whose_time_is_over_ends_what_it_holds() -> None:
    steps: Steps = [{"name": "a"}, {"name": "b"}, {"name": "c", "dependsOn": ["a", "b"]}]
    barrier = {"name": "both", "waitFor": ["a", "b"], "timeoutMs": 50}
    driven = Driven(file_of(steps, coordination={"barriers": [barrier]}))
    driven.end("a")
    driven.fire("barrier:both")
    driven.end("b")
    assert driven.run.state is RunState.FAILED
    assert driven.run.reason == "c: the barrier both is broken: its time is over"


def test_votes_are_counted_and_a_tie_is_put_to_a_person() -> None:
    voters: Steps = [{"name": n, "agent": "A", "vote": True} for n in ("v1", "v2")]
    driven = Driven(file_of([*voters, {"name": "do", "dependsOn": ["v1", "v2"]}]))
    driven.end("v1", choice="red")
    driven.end("v2", choice="blue")
    assert (driven.run.state, driven.run.reason) == (RunState.NEEDS_HUMAN, "the vote has no winner")
    driven.tell(VoteSettled(choice="red", by="ann"))
    assert driven.started == ["do"]


def test_where_no_voter_was_completed_a_person_decides_too() -> None:
    voter = {"name": "v", "agent": "A", "vote": True, "optional": True}
    driven = Driven(file_of([voter, {"name": "do", "dependsOn": ["v"]}]))
    driven.end("v", Outcome.FAILED)
    assert (driven.run.state, driven.run.reason) == (RunState.NEEDS_HUMAN, "the vote has no winner")


@pytest.mark.parametrize(
    ("coordination", "choices", "wins"),
    [
        ({}, ["x", "x", "y"], "x"),
        ({"votingThreshold": 0.9}, ["x", "x", "y"], None),
        ({"votingThreshold": 2}, ["x", "x", "y"], "x"),
        ({"consensusStrategy": "unanimous"}, ["x", "x", "y"], None),
        ({"consensusStrategy": "unanimous"}, ["x", "x", "x"], "x"),
    ],
)
def test_the_threshold_decides_who_wins(coordination: dict[str, Any], choices: list[str], wins: str | None) -> None:
    voters: Steps = [{"name": f"v{number}", "agent": "A", "vote": True} for number in range(3)]
    driven = Driven(file_of(voters, coordination=coordination))
    for number, choice in enumerate(choices):
        driven.end(f"v{number}", choice=choice)
    assert driven.run.choice == wins
    assert (driven.run.state is RunState.COMPLETED) is (wins is not None)


def test_what_a_budget_does_not_allow_waits_for_a_person_who_raises_it() -> None:
    steps: Steps = [{"name": "a", "agent": "A"}, {"name": "b", "agent": "A", "dependsOn": ["a"]}]
    driven = Driven(file_of(steps, swarm={"tokenBudget": 100}))
    driven.end("a", tokens=120)
    assert (driven.run.state, driven.run.reason) == (RunState.NEEDS_HUMAN, "b: budget: the tokens of the run")
    driven.tell(BudgetRaised(by="ann", tokens=100))
    assert driven.started == ["b"]


def test_tokens_are_set_aside_while_a_step_runs_and_others_wait_for_them() -> None:
    steps: Steps = [{"name": n, "agent": "A", "budget": {"tokens": 60}} for n in "ab"]
    driven = Driven(file_of(steps, swarm={"tokenBudget": 100}))
    assert driven.started == ["a"]
    driven.tell(UsageTold(step="a", attempt=1, tokens=10))
    driven.end("a", tokens=20)
    assert driven.started == ["b"]


def test_money_is_a_budget_too() -> None:
    steps: Steps = [{"name": "a", "agent": "A"}, {"name": "b", "agent": "A", "dependsOn": ["a"]}]
    driven = Driven(file_of(steps, swarm={"budget": {"usd": 0.5}}))
    driven.end("a", micro_usd=500_000)
    assert driven.run.reason == "b: budget: the money of the run"


def test_the_time_of_a_whole_run_is_kept() -> None:
    driven = Driven(file_of([{"name": "a"}], workflow={"timeoutMs": 1000}))
    driven.fire("run")
    assert driven.decided == [StopAttempt(step="a", attempt=1, reason="the run's time is over")]
    driven.end("a", Outcome.FAILED)
    assert driven.run.state is RunState.FAILED


def test_what_a_run_keeps_has_a_life() -> None:
    driven = Driven(file_of([{"name": "a"}]))
    driven.tell(StateSet(key="k", value="v", until_ms=100))
    assert driven.run.value("k", at_ms=99) == "v"
    assert driven.run.value("k", at_ms=100) is None


def test_a_saga_undoes_the_newest_first_and_has_failed_all_the_same() -> None:
    steps: Steps = [{"name": n} for n in ("one", "two", "three")]
    undo = [{"name": f"un{n}", "compensates": n} for n in ("one", "two", "three")]
    driven = Driven(file_of([*steps, *undo], pattern="saga"))
    for each in ("one", "two"):
        driven.end(each)
    driven.end("three", Outcome.FAILED, reason="no")
    assert driven.started == ["untwo"]
    driven.end("untwo")
    assert driven.started == ["unone"]
    assert driven.end("unone")[-1] == EndRun(state=RunState.FAILED, reason="three: no")
    assert driven.states()["unthree"] is StepState.SKIPPED


def test_a_saga_that_succeeds_undoes_nothing() -> None:
    driven = Driven(file_of([{"name": "one"}, {"name": "unone", "compensates": "one"}], pattern="saga"))
    assert driven.end("one")[-1] == EndRun(state=RunState.COMPLETED)


def test_a_cascade_tries_the_next_only_on_failure_and_is_completed_by_any() -> None:
    driven = Driven(file_of([{"name": n} for n in "abc"], pattern="cascade"))
    assert driven.started == ["a"]
    driven.end("a", Outcome.FAILED)
    assert driven.started == ["b"]
    driven.end("b")
    assert (driven.run.state, driven.states()["c"]) == (RunState.COMPLETED, StepState.SKIPPED)


def calls_of_an_end(*, wide: int, joined: bool, times_out: bool) -> int:
    """How many calls of functions it takes to decide on the end of one of so many steps that go on."""
    steps: Steps = [{"name": f"s{n}", **({"timeoutMs": 60_000} if times_out else {})} for n in range(wide)]
    if joined:
        steps.append({"name": "join", "dependsOn": [each["name"] for each in steps]})
    driven = Driven(file_of(steps, swarm={"maxConcurrency": wide}))
    assert len(driven.started) == wide
    driven.end("s0")  # what is worked out once for a workflow is known now
    run, calls = driven.run, 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        run.apply(Entry(at_ms=1, what=AttemptEnded(step="s7", attempt=1, outcome=Outcome.SUCCEEDED)))
        decided = engine.advance(run)
    finally:
        sys.setprofile(None)
    assert decided == [CompleteStep(step="s7")]
    return calls


@pytest.mark.parametrize("times_out", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_what_the_end_of_a_step_costs_does_not_grow_with_how_many_others_go_on(
    *, joined: bool, times_out: bool
) -> None:
    few, many = (calls_of_an_end(wide=wide, joined=joined, times_out=times_out) for wide in (20, 320))
    assert many <= few + 20
