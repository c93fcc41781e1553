"""What a budget or a limit of the plan has made wait."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.ids import AgentId, SessionId
from broker.domain.plans.budgets import BudgetPlace, BudgetScope
from broker.domain.plans.plans import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """From a moment on no turn began that a budget pays for, or there was no more of what a limit is for."""

    at_ms: int
    text: str
    """For people: what is spent or reached."""
    budget: BudgetPlace | None = None
    limit: Limit | None = None
    """One of the two."""
    session: SessionId | None = None
    """Where it was noticed."""
    agent: AgentId | None = None
    """Whose turn has spent the rest."""
    agent_name: str = ""
    until_ms: int | None = None
    """When it is over at the latest; None when that takes somebody: who raises the budget, or releases agents."""

    def is_over(self, *, spent: Collection[BudgetPlace], now_ms: int) -> bool | None:
        """`spent`: the budgets that are so now. None for a limit of what lives at a time: it comes and goes."""
        if self.until_ms is not None and now_ms >= self.until_ms:
            return True
        if self.budget is not None:
            return self.budget not in spent
        return None if self.until_ms is None else False

    def was_in(self, session: Session) -> bool:
        """Whether it was noticed there, or has been over the whole workspace since the session was made."""
        if self.session == session.id:
            return True
        is_wide = self.budget is None or (self.budget.scope is BudgetScope.WORKSPACE and self.budget.run is None)
        return is_wide and self.at_ms >= session.created_at_ms

    def was_over(self, agent: Agent, *, paid_from: Collection[BudgetPlace]) -> bool:
        """Whether the agent waited for it: it has spent the rest, or is paid from the budget, or its messages were too
        many, while it was there. `paid_from`: the budgets that are its payers now."""
        if self.agent == agent.id:
            return True
        ended_at_ms = agent.since_ms if agent.state.ended else None
        if self.at_ms < agent.spawned_at_ms or (ended_at_ms is not None and self.at_ms > ended_at_ms):
            return False
        return self.budget in paid_from if self.budget is not None else self.limit is Limit.MESSAGES
