"""What hooks say of a request that waits for people, and whether that settles it. Pure; the order of decisions is not
here but in `domain.approvals.decision`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from broker.domain.approvals.decision import Opinion
from broker.domain.approvals.effects import Effect
from broker.domain.hooks.answers import HookAnswer, HookSays, stand_in_answer
from broker.domain.hooks.definitions import Hook
from broker.domain.hooks.runs import HookRunId, RunState

_UNDER_WAY = frozenset({None, RunState.ORDERED, RunState.STARTED})
_EFFECTS = {HookSays.DENY: Effect.DENY, HookSays.ASK: Effect.ASK, HookSays.ALLOW: Effect.ALLOW}


class Voter(BaseModel):
    """A run that is to answer, with what counts of its hook: a definition may change while it runs."""

    model_config = ConfigDict(frozen=True)

    run: HookRunId
    hook: str
    on_error: HookSays
    may_allow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """How far one came."""

    voter: Voter
    state: RunState | None
    """None: it has not begun."""
    answer: HookAnswer | None = None
    reason: str = ""
    """Why it failed, was refused, skipped or expired."""

    @property
    def failed(self) -> bool:
        """Whether it ended without an answer that counts."""
        return self.state not in _UNDER_WAY and self.state is not RunState.COMPLETED


def voter_of(hook: Hook, run: HookRunId) -> Voter:
    """A hook that decides, in one run."""
    return Voter(run=run, hook=hook.id, on_error=hook.without_answer, may_allow=hook.may_allow)


def weigh(votes: Sequence[Vote]) -> tuple[Opinion, ...] | None:
    """What they say; None as long as one of them may still say no. A no does not wait for the others."""
    opinions = tuple(opinion for vote in votes if (opinion := _opinion(vote)) is not None)
    if any(each.effect is Effect.DENY for each in opinions):
        return opinions
    return None if any(vote.state in _UNDER_WAY for vote in votes) else opinions


def describe(votes: Sequence[Vote]) -> str:
    """For the people that are left to answer: who asks them to, and which hooks did not work."""
    said = []
    for vote in votes:
        if vote.failed:
            said.append(f"hook {vote.voter.hook} did not answer ({vote.reason or vote.state}): it is left to people")
        elif vote.answer is not None and vote.answer.says is HookSays.ASK:
            said.append(f"hook {vote.voter.hook}: {vote.answer.reason or 'a person should look at it'}")
    return "; ".join(said)


def _opinion(vote: Vote) -> Opinion | None:
    if vote.state in _UNDER_WAY:
        return None
    answer = stand_in_answer(vote.voter.on_error, why=vote.reason or str(vote.state)) if vote.failed else vote.answer
    if answer is None or answer.says not in _EFFECTS:
        return None
    if answer.says is HookSays.ALLOW and (vote.failed or not vote.voter.may_allow):
        return None  # no objection
    return Opinion(effect=_EFFECTS[answer.says], by=f"hook {vote.voter.hook}", why=answer.reason)
