"""Whom a workspace's rules require to say yes, and in which words people are told.

The store decides whether they have said it, in the step that answers (`lib/assents.lua`); `decision.is_met` says the
same of people that are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.approvals.decision import Requirement, Signatories
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import Rule, requiring
from broker.domain.approvals.tool_use import ToolUse
from broker.domain.ids import MemberId

_RISKS = list(Risk)
"""The lowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """People whose yes is still missing."""

    rule: str
    """Which requires it."""
    of: Signatories
    name: str
    """Of the role or the group; '' for any people."""
    missing: int
    """How many of them."""
    words: str
    """As people are told: `1 more person of the group ops`."""


class OwnYes(StrEnum):
    """What a yes of whoever looks at an approval comes to."""

    COUNTS = "counts"
    """It allows it, or it is one of those that are missing."""
    SAID = "said"
    """They have said it; others are missing."""
    NOT_NAMED = "not_named"
    """It is for others to allow: those whom rules require or, for money, who administers. They may deny it."""
    NOT_PERMITTED = "not_permitted"
    """They answer nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A yes that is kept until those that are missing are there, too."""

    member: MemberId
    by: str
    """Their name."""
    at_ms: int


def requirements_on(
    rules: Iterable[Rule], use: ToolUse, risk: Callable[[], Risk], *, relay_tool: bool = False
) -> tuple[Requirement, ...]:
    """What the rules require for one use of a tool. `risk` is asked where a rule depends on it."""
    found = (rule for rule in requiring(rules, use, relay_tool=relay_tool) if _is_risky(rule, risk))
    return tuple(dict.fromkeys(map(_read_requirement, found)))


def need_of(requirement: Requirement, *, missing: int) -> Need:
    """A requirement that so many people are missing of."""
    return Need(
        rule=requirement.by,
        of=requirement.of,
        name=requirement.name,
        missing=missing,
        words=_word(requirement, missing),
    )


def _is_risky(rule: Rule, risk: Callable[[], Risk]) -> bool:
    return rule.risk is None or _RISKS.index(risk()) >= _RISKS.index(rule.risk)


def _read_requirement(rule: Rule) -> Requirement:
    if rule.group is not None:
        return Requirement(by=rule.name, of=Signatories.GROUP, name=rule.group, count=rule.people)
    if rule.role is not None:
        return Requirement(by=rule.name, of=Signatories.ROLE, name=rule.role, count=rule.people)
    return Requirement(by=rule.name, of=Signatories.PEOPLE, count=rule.people)


def _word(requirement: Requirement, missing: int) -> str:
    more = "more " if missing < requirement.count else ""
    people = f"{missing} {more}{'person' if missing == 1 else 'people'}"
    match requirement.of:
        case Signatories.GROUP:
            return f"{people} of the group {requirement.name}"
        case Signatories.ROLE:
            return f"{people} with the role {requirement.name}" + ("" if requirement.name == "owner" else " or above")
        case Signatories.PEOPLE:
            return people
