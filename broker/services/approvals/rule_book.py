"""The workspace's rules, and what one would have answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from broker.domain.approvals.approvals import Approval
from broker.domain.approvals.risk.assessment import assess
from broker.domain.approvals.rule_trial import TriedRequest, try_rules
from broker.domain.approvals.rules import KeptRule, Rule, check_rule
from broker.domain.errors import BadRequest, Conflict, NotFound
from broker.domain.ids import SessionId
from broker.domain.people.access import Permission, Principal
from broker.services.permissions import requires
from broker.services.ports import Approvals, Registry

MAX_RULES = 200
MAX_TRIED_DAYS = 30
"""As long as requests are kept."""
_MOST_OF_SESSION, _MOST_SESSIONS, _MOST_TRIED = 200, 200, 2000
MAX_SHOWN = 100
_GATE = "workflow"
"""The tool of what a run's step asks for: no rule answers it."""
_DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrial:
    """What a rule would have done."""

    looked_at: int
    """Requests of that time, as far as they are kept."""
    whole: bool
    """Whether those were all; else the newest."""
    matched: int
    shown: tuple[TriedRequest, ...]
    """The newest of those that it matches."""


class RuleBook:
    """Reads and changes rules."""

    def __init__(self, approvals: Approvals) -> None:
        self._approvals = approvals

    @requires(Permission.READ_WORKSPACE)
    async def rules(self, principal: Principal) -> list[KeptRule]:
        """The workspace's rules, in their order."""
        return await self._approvals.load_rules(principal.workspace)

    @requires(Permission.ADMINISTER)
    async def add(self, principal: Principal, rule: Rule) -> None:
        """Put a rule ahead of the others, unless it is there.

        Raises `NotPermitted`, `BadRequest` (BAD_RULE), `NotFound` (GROUP_NOT_FOUND), `Conflict` (TOO_MANY_RULES).
        """
        wanted = await self._check(principal, rule)
        await self._approvals.add_rule(principal.workspace, wanted, most=MAX_RULES, by=principal.name)

    async def _check(self, principal: Principal, rule: Rule) -> Rule:
        """A rule that means something, with its group's name as that is written."""
        check_rule(rule)
        if rule.group is None:
            return rule
        name = await self._approvals.find_group(principal.workspace, rule.group)
        if name is None:
            raise NotFound(f"no group {rule.group[:80]!r}", code="GROUP_NOT_FOUND")
        return replace(rule, group=name)

    @requires(Permission.ADMINISTER)
    async def remove(self, principal: Principal, rule: Rule) -> bool:
        """Take a rule away; whether it was there. Raises `NotPermitted`."""
        return await self._approvals.remove_rule(principal.workspace, rule)

    @requires(Permission.ADMINISTER)
    async def move(self, principal: Principal, rule: Rule, *, ahead_of: Rule | None) -> None:
        """Move a rule ahead of another, or to the end. Raises `NotPermitted`, `Conflict` (RULES_CHANGED)."""
        rules = await self._approvals.rules(principal.workspace)
        known = rule in rules and (ahead_of is None or (ahead_of in rules and ahead_of != rule))
        if not known or not await self._approvals.move_rule(principal.workspace, rules, rule, ahead_of):
            raise Conflict("somebody has changed the rules meanwhile; look at them again", code="RULES_CHANGED")

    @requires(Permission.ADMINISTER)
    async def replace(self, principal: Principal, rules: Sequence[Rule]) -> list[KeptRule]:
        """Replace the workspace's rules. Raises `NotPermitted`, `BadRequest`, `NotFound` (GROUP_NOT_FOUND)."""
        if len(rules) > MAX_RULES:
            raise BadRequest(f"{MAX_RULES} rules at most")
        wanted = [await self._check(principal, each) for each in rules]
        await self._approvals.set_rules(principal.workspace, wanted, by=principal.name)
        return await self._approvals.load_rules(principal.workspace)


class RuleTrials:
    """Tries rules on what was asked for lately. Nothing is changed."""

    def __init__(self, approvals: Approvals, registry: Registry, *, clock: Callable[[], float] = time.time) -> None:
        self._approvals = approvals
        self._registry = registry
        self._clock = clock

    @requires(Permission.READ_WORKSPACE)
    async def try_rule(self, principal: Principal, rule: Rule, *, days: int) -> RuleTrial:
        """What the rule, put first, would have done in the last days, beside those that there are."""
        check_rule(rule)
        since_ms = int(self._clock() * 1000) - days * _DAY_MS
        rules = await self._approvals.rules(principal.workspace)
        asked, whole = await self._find_asked(principal, since_ms)
        around = await self._approvals.surroundings(principal.workspace, {each.agent_id for each in asked})
        folders = {agent: place.folder for agent, place in around.items()}
        found = try_rules(rule, rules, asked, folders)
        shown = tuple(_weigh(each, folders.get(each.approval.agent_id)) for each in found[:MAX_SHOWN])
        return RuleTrial(looked_at=len(asked), whole=whole, matched=len(found), shown=shown)

    async def _find_asked(self, principal: Principal, since_ms: int) -> tuple[list[Approval], bool]:
        sessions: list[SessionId] = [each.id for each in await self._registry.sessions(principal.workspace)]
        newest = sessions[-_MOST_SESSIONS:]
        kept = await self._approvals.recent(principal.workspace, newest, limit=_MOST_OF_SESSION)
        counts: dict[SessionId, int] = {}
        for each in kept:
            counts[each.session_id] = counts.get(each.session_id, 0) + 1
        found = sorted(
            (each for each in kept if each.asked_at_ms >= since_ms and not each.is_question and each.tool != _GATE),
            key=lambda each: (-each.asked_at_ms, each.id),
        )
        whole = len(newest) == len(sessions) and max(counts.values(), default=0) < _MOST_OF_SESSION
        return found[:_MOST_TRIED], whole and len(found) <= _MOST_TRIED


def _weigh(found: TriedRequest, folder: str | None) -> TriedRequest:
    """With its risk: what a rule answered was not weighed then."""
    if found.approval.risk is not None:
        return found
    weighed = assess(found.approval, cwd=folder)
    return replace(found, approval=replace(found.approval, risk=weighed.risk, risk_reasons=weighed.reasons))
