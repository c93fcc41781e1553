"""What hooks say of a request that waits for people, and when that settles it."""

import pytest

from broker.domain.approvals.effects import Effect
from broker.domain.hooks.answers import HookAnswer, HookSays
from broker.domain.hooks.runs import HookRunId, RunState
from broker.domain.hooks.votes import Vote, Voter, describe, weigh

DONE = RunState.COMPLETED


def vote(
    says: HookSays | None,
    state: RunState | None = DONE,
    *,
    hook: str = "guard",
    on_error: HookSays = HookSays.ASK,
    may_allow: bool = True,
    reason: str = "",
) -> Vote:
    voter = Voter(run=HookRunId("r1"), hook=hook, on_error=on_error, may_allow=may_allow)
    answer = HookAnswer(says=says, reason=reason) if says else None
    return Vote(voter=voter, state=state, answer=answer, reason="" if says else reason)


def effects(*votes: Vote) -> list[Effect] | None:
    found = weigh(votes)
    return None if found is None else [each.effect for each in found]


@pytest.mark.parametrize("state", [None, RunState.ORDERED, RunState.STARTED])
def test_a_yes_waits_for_all_that_may_still_say_no_and_a_no_for_nobody(state: RunState | None) -> None:
    assert effects(vote(HookSays.ALLOW), vote(None, state)) is None
    assert effects(vote(HookSays.DENY), vote(None, state)) == [Effect.DENY]
    assert effects(vote(None, state), vote(HookSays.ASK), vote(HookSays.DENY)) == [Effect.ASK, Effect.DENY]


def test_a_yes_counts_only_where_the_definition_says_so() -> None:
    assert effects(vote(HookSays.ALLOW)) == [Effect.ALLOW]
    assert effects(vote(HookSays.ALLOW, may_allow=False)) == []
    assert effects(vote(None)) == []


@pytest.mark.parametrize(
    "state", [RunState.FAILED, RunState.REFUSED, RunState.SKIPPED, RunState.EXPIRED, RunState.INTERRUPTED]
)
def test_one_that_did_not_answer_counts_as_its_definition_says_and_never_as_a_yes(state: RunState) -> None:
    assert effects(vote(None, state)) == [Effect.ASK]
    assert effects(vote(None, state, on_error=HookSays.DENY)) == [Effect.DENY]
    assert effects(vote(None, state, on_error=HookSays.ALLOW)) == []


def test_people_read_who_asks_them_and_what_did_not_work() -> None:
    said = describe(
        [
            vote(HookSays.ASK, hook="a", reason="it is a release branch"),
            vote(None, RunState.FAILED, hook="b", reason="exit code 1"),
            vote(HookSays.ALLOW, hook="c"),
        ]
    )
    assert said == "hook a: it is a release branch; hook b did not answer (exit code 1): it is left to people"
