"""When an agent that says nothing is asked whether it still works, and when it is taken to have stopped."""

from __future__ import annotations

from enum import StrEnum

from broker.protocol.agents.session import Activity, Standing

LOOK_S = 15.0
"""How often an owner looks."""
QUIET_S = 60.0
"""Vendors stream what their models say: a minute without a word is long, and asking costs nothing."""
UNANSWERED_S = 300.0
"""The vendors that are asked answer within milliseconds, in a turn as well; a busy machine may need longer."""
OVERDUE_S = 1800.0
"""No model thinks for half an hour without a word, whatever stands behind the agent."""
STOP_S = 60.0
"""A turn that was told to stop ends within a second."""


class Step(StrEnum):
    """What is to be done now."""

    ASK = "ask"
    """Ask it (`AgentSession.probe`)."""
    SAY = "say"
    """Tell people that a tool of its runs for long without a word: only they know whether it should."""
    STOP = "stop"
    """Stop the turn: it has not said anything for too long, and no tool of its runs."""
    GIVE_UP = "give_up"
    """It neither answers nor stops: its process is to be ended."""


class Silence:
    """Follows one agent. But for a running tool's, no silence of a turn outlasts `OVERDUE_S + STOP_S`.

    Answers of people are waited for as long as they take; they have a deadline of their own.
    """

    def __init__(self) -> None:
        self._begin(at=0.0, progress=-1)

    def look(self, at: float, standing: Standing) -> Step | None:
        """Take note of how it stands at `at`, seconds of a clock that never goes back."""
        if standing.activity is Activity.IDLE:
            self._begin(at=at, progress=standing.progress)
            return None
        if self._stopped_at is not None:
            return Step.GIVE_UP if at - self._stopped_at >= STOP_S else None
        if standing.activity is Activity.WAITING or standing.progress != self._progress:
            self._begin(at=at, progress=standing.progress)
            return None
        return self._check_unanswered(at, standing) or self._overdue(at, standing) or self._ask(at, standing)

    def _begin(self, *, at: float, progress: int) -> None:
        self._progress = progress
        self._quiet_since = at
        self._asked_at: float | None = None
        self._said = False
        self._stopped_at: float | None = None

    def _check_unanswered(self, at: float, standing: Standing) -> Step | None:
        late = standing.unanswered and self._asked_at is not None and at - self._asked_at >= UNANSWERED_S
        return Step.GIVE_UP if late else None

    def _overdue(self, at: float, standing: Standing) -> Step | None:
        if at - self._quiet_since < OVERDUE_S:
            return None
        if standing.activity is Activity.IN_TOOL:
            said, self._said = self._said, True
            return None if said else Step.SAY
        self._stopped_at = at
        return Step.STOP

    def _ask(self, at: float, standing: Standing) -> Step | None:
        last = self._quiet_since if self._asked_at is None else self._asked_at
        if standing.unanswered or at - last < QUIET_S:
            return None
        self._asked_at = at
        return Step.ASK
