"""The order of decisions about one use of a tool, from the strongest:

machine policy denies, the file of its run denies, workspace rule denies, blocking hook denies, `require`, ask, allow.

This is the only place that knows it; whose yes counts for a `require` the store decides, in the step that answers.
What people require only they can give: no rule, hook, machine or earlier answer stands in for them. A hook and a
machine's own setting may narrow what the rules say and never widen it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rules import Ruling
from broker.domain.ids import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one source says, for the log and for people: `by` is `rule deny rm *`, `hook lint`, `machine build-box`."""

    effect: Effect
    by: str
    why: str = ""
    """In words, for the agent and for the person that is asked."""


class Signatories(StrEnum):
    """Whom a requirement names."""

    ROLE = "role"
    GROUP = "group"
    PEOPLE = "people"
    """Any people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Who has to say yes: at least `count` different people, of one role or group where one is named."""

    by: str
    """The rule, hook or setting that requires it."""
    of: Signatories = Signatories.PEOPLE
    name: str = ""
    """Of the role or the group."""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Assent:
    """A yes that a person has given to this very request."""

    member: MemberId
    roles: frozenset[str] = frozenset()
    """All that the person's own role includes."""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Everything a decision rests on."""

    machine: Opinion | None = None
    """The policy on the agent's machine."""
    run: Opinion | None = None
    """What the file of the run says that the agent works in: only a no."""
    ruling: Ruling | None = None
    """The workspace's rules."""
    hooks: tuple[Opinion, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    assents: tuple[Assent, ...] = ()
    relay_tool: bool = False
    """One of the broker's own tools, which check by themselves who may use them."""
    widens: bool = False
    """It asks for more than this use of the tool: people alone allow that."""
    only_people: bool = False
    """Nobody else can answer: it asks in words, or none of the answers that its program offers is a plain yes."""
    remembered: str = ""
    """Who has allowed the same for as long as the agent lives; '' for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The agent is told no, and why."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """It waits for the people that are named."""

    requirements: tuple[Requirement, ...] = field(default_factory=tuple)
    """Those that are not met yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """It waits for anybody who may answer."""

    why: str = ""
    always: bool = False
    """A rule wants to be asked each time: an answer is not remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The agent is told yes."""

    by: str


Decision = Denied | Required | Asked | Allowed


def decide(grounds: Grounds) -> Decision:
    """What happens to one use of a tool."""
    for opinion in (grounds.machine, grounds.run, _of_rule(grounds.ruling), *grounds.hooks):
        if opinion is not None and opinion.effect is Effect.DENY:
            return Denied(by=opinion.by, why=opinion.why)
    if grounds.requirements:
        missing = tuple(each for each in grounds.requirements if not is_met(each, grounds.assents))
        return Required(requirements=missing) if missing else Allowed(by=_name_signers(grounds.assents))
    return _find_ask(grounds) or _find_allow(grounds) or Asked()


def is_met(requirement: Requirement, assents: Iterable[Assent]) -> bool:
    """Whether enough different people of those that are named have said yes."""
    people = {assent.member for assent in assents if assent.member and _is_named(requirement, assent)}
    return len(people) >= max(1, requirement.count)


def _is_named(requirement: Requirement, assent: Assent) -> bool:
    match requirement.of:
        case Signatories.ROLE:
            return requirement.name in assent.roles
        case Signatories.GROUP:
            return requirement.name in assent.groups
        case Signatories.PEOPLE:
            return True


def _find_ask(grounds: Grounds) -> Asked | None:
    """A rule that asks wants each use to be looked at; the others ask where nobody has allowed it before."""
    ruling = grounds.ruling
    if ruling is not None and ruling.effect is Effect.ASK:
        return Asked(why=ruling.why, always=True)
    asking = next((each for each in (grounds.machine, *grounds.hooks) if each and each.effect is Effect.ASK), None)
    return Asked(why=asking.why, always=True) if asking else None


def _find_allow(grounds: Grounds) -> Allowed | None:
    if grounds.only_people:
        return None
    if grounds.relay_tool:
        return Allowed(by="the relay's own tool")
    if grounds.ruling is not None and grounds.ruling.effect is Effect.ALLOW and not grounds.widens:
        return Allowed(by=grounds.ruling.rule.name)
    if grounds.remembered:
        return Allowed(by=grounds.remembered)
    if grounds.widens:
        return None
    allowing = next((each for each in (*grounds.hooks, grounds.machine) if each and each.effect is Effect.ALLOW), None)
    return Allowed(by=allowing.by) if allowing else None


def _of_rule(ruling: Ruling | None) -> Opinion | None:
    return None if ruling is None else Opinion(effect=ruling.effect, by=ruling.rule.name, why=ruling.why)


def _name_signers(assents: Iterable[Assent]) -> str:
    return ", ".join(sorted({assent.member for assent in assents}))
