"""What a workspace has that its plan does not allow any more: it stays, and what becomes of it is listed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.plans.plans import Feature, Limits, Plan, PlanTable
from broker.domain.plans.retention import Retention
from broker.domain.timings import TIMINGS


class Beyond(StrEnum):
    """Of what."""

    AGENTS = "agents"
    MEMBERS = "members"
    HOOKS = "hooks"
    LOGS = "logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeyondPlan:
    """One thing that a smaller plan leaves as it is."""

    what: Beyond
    count: int | None
    """How many there are too many; None for logs."""
    until_ms: int | None
    """By then it has come to its end by itself; None: it stays."""
    safe_until_ms: int | None = None
    """Nothing of it ends before this."""
    text: str
    """What becomes of it, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a workspace has."""

    agents: int
    members: int
    hooks: int
    retention: Retention


def list_beyond(table: PlanTable, plan: Plan, held: Held, *, now_ms: int) -> tuple[BeyondPlan, ...]:
    """All of it, in the order of `Beyond`."""
    logs = _logs(held.retention, now_ms=now_ms)
    return (*_over(table.limits(plan), held), *_hooks(table, plan, held.hooks), *logs)


def _over(limits: Limits, held: Held) -> list[BeyondPlan]:
    found = []
    if limits.agents and held.agents > limits.agents:
        text = "they go on until they are released; none can be started or resumed until then"
        found.append(BeyondPlan(what=Beyond.AGENTS, count=held.agents - limits.agents, until_ms=None, text=text))
    if limits.members and held.members > limits.members:
        text = "they keep their access until somebody removes them; nobody can be added until then"
        found.append(BeyondPlan(what=Beyond.MEMBERS, count=held.members - limits.members, until_ms=None, text=text))
    return found


def _hooks(table: PlanTable, plan: Plan, count: int) -> list[BeyondPlan]:
    if not count or table.has(plan, Feature.HOOKS):
        return []
    text = "they are kept and run again with a plan that has hooks; until then none begins"
    return [BeyondPlan(what=Beyond.HOOKS, count=count, until_ms=None, text=text)]


def _logs(retention: Retention, *, now_ms: int) -> list[BeyondPlan]:
    shortened = retention.shortened
    if shortened is None or not retention.is_of_plan or now_ms >= shortened.last_expires_ms:
        return []
    text = (
        f"what was written before the change of plan keeps its expiry, or {TIMINGS.log_announced_days} days from then, "
        "whichever is later; `relaycast export` saves it"
    )
    return [
        BeyondPlan(
            what=Beyond.LOGS,
            count=None,
            until_ms=shortened.last_expires_ms,
            safe_until_ms=shortened.announced_until_ms,
            text=text,
        )
    ]
