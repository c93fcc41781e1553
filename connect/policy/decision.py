"""Decides whether an agent may start here, and whether an answer from afar reaches one. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.ids import SessionId
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import AskedBy, Spawn
from connect.policy.policy import AgentAskers, AlwaysAsked, Askers, Policy, Widening

_UPDATE = "update it, or run `relay-connect policy set {}` here to let it without"


class RefusalCode(StrEnum):
    """Why this machine did not start an agent. Part of the wire: never changed once published."""

    FOLDER_NOT_ALLOWED = "FOLDER_NOT_ALLOWED"
    PROGRAM_NOT_ALLOWED = "PROGRAM_NOT_ALLOWED"
    ASKER_NOT_ALLOWED = "ASKER_NOT_ALLOWED"
    TOO_MANY_AGENTS = "TOO_MANY_AGENTS"
    NOT_CONFIRMED_HERE = "NOT_CONFIRMED_HERE"
    POLICY_CHANGED = "POLICY_CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the machine itself knows of where an agent is to start."""

    folder: Path
    """As the file system has it: absolute, without links."""
    allowed: bool
    """Whether it is one of the policy's folders, or lies in one."""
    fixed: Path | None = None
    """Where this agent worked before, when that is another folder."""
    returning: bool = False
    """Whether this agent was let in here before."""
    started_in: Path | None = None
    """Where relay-connect was started; None where that is no folder any more."""
    asker_folder: Path | None = None
    """Where the asking agent works, when that is on this machine."""
    below_asker: bool = False
    """Whether the folder is the asking agent's own, or lies in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Who is here already, the agent itself left out; those that wait for an answer count."""

    agents: int = 0
    by_agents: int = 0


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It may not; `reason` says what a person can do on this machine."""

    code: RefusalCode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """It may when a person at this machine's terminal says so."""

    why: str
    """What to do about it when nobody is there to be asked."""
    code: RefusalCode
    """What it is refused with otherwise."""
    new_folder: bool = False
    """Whether a yes allows the folder from then on."""


Decision = Allowed | Refused | Ask


def decide_spawn(policy: Policy, spawn: Spawn, *, place: Place, crowd: Crowd) -> Decision:
    """Whether an agent may start: program, asker, folder, number, and what is asked here, in that order."""
    refused = (
        _program(policy, spawn.cli)
        or _asker(policy, spawn.asked_by, session=spawn.session)
        or _agent_asker(policy, spawn.asked_by, place=place)
        or _refuse_other_folder(place)
        or _number(policy, by_agent=is_by_agent(spawn), crowd=crowd)
    )
    return refused or _folder(policy, place) or _decide_asked(policy)


def decide_command(policy: Policy, asked_by: AskedBy | None, *, session: SessionId, place: Place) -> Refused | None:
    """Why a command of a workflow's run does not begin here, whichever file it is of; None when it may."""
    refused = _asker(policy, asked_by, session=session) or _agent_asker(policy, asked_by, place=place)
    if refused is not None or place.allowed:
        return refused
    words = f"nothing may be done in {place.folder} on this machine; {allowing(place.folder)}"
    return Refused(code=RefusalCode.FOLDER_NOT_ALLOWED, reason=words)


def is_by_agent(spawn: Spawn) -> bool:
    """Whether an agent asked, as far as is known: whoever is not named counts as one."""
    return spawn.asked_by is None or spawn.asked_by.kind not in {"person", "program"}


def _program(policy: Policy, cli: str) -> Refused | None:
    if policy.programs is None or cli in policy.programs:
        return None
    known = ", ".join(policy.programs) or "none"
    wanted = ",".join([*policy.programs, cli])
    return Refused(
        code=RefusalCode.PROGRAM_NOT_ALLOWED,
        reason=(
            f"this machine starts {known}, not {cli}; to let it, run `relay-connect policy set programs {wanted}` there"
        ),
    )


def _asker(policy: Policy, asked_by: AskedBy | None, *, session: SessionId) -> Refused | None:
    wanted = policy.who_may_spawn
    if wanted is Askers.WORKSPACE:
        return None
    if asked_by is None:
        advice = _UPDATE.format("who_may_spawn workspace` and `relay-connect policy set agents_may_spawn anywhere")
        return _not_for("the broker does not say who asks, as an older version", advice)
    if asked_by.owner or (wanted is Askers.SESSION and asked_by.session == session):
        return None
    allowed = "its owner" if wanted is Askers.OWNER else "whoever acts in the agent's own session"
    wider = Askers.SESSION if wanted is Askers.OWNER and asked_by.session == session else Askers.WORKSPACE
    who = f"this machine starts agents for {allowed} only, not for {asked_by.name or 'whoever asked'}"
    return _not_for(who, f"to let them, run `relay-connect policy set who_may_spawn {wider}` there")


def _agent_asker(policy: Policy, asked_by: AskedBy | None, *, place: Place) -> Refused | None:
    if asked_by is None:
        if policy.agents_may_spawn is AgentAskers.ANYWHERE:
            return None
        advice = _UPDATE.format("agents_may_spawn anywhere")
        return _not_for("the broker does not say whether an agent asks, as an older version", advice)
    if asked_by.kind in {"person", "program"}:
        return None
    match policy.agents_may_spawn:
        case AgentAskers.NEVER:
            advice = "to let them, run `relay-connect policy set agents_may_spawn here` there"
            return _not_for("agents may not spawn on this machine", advice)
        case AgentAskers.HERE if place.asker_folder is None and not place.returning:
            advice = "to let them, run `relay-connect policy set agents_may_spawn anywhere` there"
            return _not_for("this machine starts agents for its own agents only", advice)
        case _:
            return _below(policy, place)


def _below(policy: Policy, place: Place) -> Refused | None:
    if not policy.agents_below_own_folder or place.asker_folder is None or place.below_asker:
        return None
    return Refused(
        code=RefusalCode.FOLDER_NOT_ALLOWED,
        reason=(
            f"an agent that works in {place.asker_folder} may spawn there and below, not in {place.folder}; to let it,"
            " run `relay-connect policy set agents_below_own_folder false` there"
        ),
    )


def _refuse_other_folder(place: Place) -> Refused | None:
    if place.fixed is None:
        return None
    return Refused(
        code=RefusalCode.FOLDER_NOT_ALLOWED,
        reason=f"it works in {place.fixed} and cannot go on in {place.folder}; spawn another agent there",
    )


def _number(policy: Policy, *, by_agent: bool, crowd: Crowd) -> Refused | None:
    name, most = "most_agents", policy.most_agents
    if crowd.agents < most:
        name, most = "most_agents_by_agents", policy.most_agents_by_agents
        if not by_agent or crowd.by_agents < most:
            return None
    whose = " that agents have spawned" if name == "most_agents_by_agents" else ""
    return Refused(
        code=RefusalCode.TOO_MANY_AGENTS,
        reason=(
            f"this machine runs {most} agents{whose} at most; release one, or run"
            f" `relay-connect policy set {name} {most * 2 or 1}` there"
        ),
    )


def _folder(policy: Policy, place: Place) -> Refused | Ask | None:
    if place.allowed:
        return None
    moved = place.returning and place.started_in is not None
    where = f"it works in {place.folder}, and relay-connect was started in {place.started_in}: " if moved else ""
    reason = f"{where}agents may not work in {place.folder} on this machine; {allowing(place.folder)}"
    if not policy.asks(AlwaysAsked.FOLDER):
        return Refused(code=RefusalCode.FOLDER_NOT_ALLOWED, reason=reason)
    return Ask(why=reason, code=RefusalCode.FOLDER_NOT_ALLOWED, new_folder=True)


def _decide_asked(policy: Policy) -> Allowed | Ask:
    if not policy.asks(AlwaysAsked.SPAWN):
        return Allowed()
    setting = "strict false" if policy.strict else "ask folder"
    return Ask(
        why=(
            "every spawn is confirmed at this machine's terminal; run relay-connect in one there, or"
            f" `relay-connect policy set {setting}`"
        ),
        code=RefusalCode.NOT_CONFIRMED_HERE,
    )


def allowing(folder: Path) -> str:
    """How a person lets agents work in a folder."""
    return f"to let them, run `relay-connect policy allow-folder {shlex.quote(str(folder))}` there"


def _not_for(what: str, advice: str) -> Refused:
    return Refused(code=RefusalCode.ASKER_NOT_ALLOWED, reason=f"{what}; {advice}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """An answer goes to the agent, as it is or as what this machine makes of it."""

    answer: ApprovalAnswer
    note: str = ""
    """For the agent's readers, when it is another answer than they gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAnswer:
    """An answer goes to the agent when a person here says so, else `otherwise` does."""

    answer: ApprovalAnswer
    otherwise: Passed
    why: str


def decide_answer(policy: Policy, asked: ApprovalRequested, answer: ApprovalAnswer) -> Passed | AskAnswer:
    """Whether an answer of the broker reaches the agent. A refusal always does, and one about the relay's own tools."""
    if answer.verdict is Verdict.DENY or asked.relay_tool:
        return Passed(answer=answer)
    if asked.prompts:  # words, not a permission
        return Passed(answer=answer)
    rewrites = _rewrites(asked, answer)
    more = rewrites or asked.lasting or _lasts(asked, answer)
    passed = _DENIED if more and policy.on_widening is Widening.DROP else Passed(answer=answer)
    if policy.strict or (policy.asks(AlwaysAsked.SHELL) and not is_file_change(asked)):
        return passed if passed is _DENIED else AskAnswer(answer=answer, otherwise=_DENIED, why=_EVERY)
    if policy.on_widening is Widening.ASK and more:
        return AskAnswer(answer=answer, otherwise=_DENIED, why=_REWRITES if rewrites else _LASTS)
    return passed


def is_file_change(asked: ApprovalRequested) -> bool:
    """Whether it is about files and nothing else; what is not known to be counts as a command."""
    return bool(asked.changes) and asked.command is None


def _lasts(asked: ApprovalRequested, answer: ApprovalAnswer) -> bool:
    """Whether an answer was chosen that may hold for more than this request."""
    return any(option.lasts for option in asked.options if option.id == answer.option_id)


def _rewrites(asked: ApprovalRequested, answer: ApprovalAnswer) -> bool:
    return answer.updated_input is not None and answer.updated_input != asked.input


_EVERY = "every approval is confirmed at this machine"
_REWRITES = "the answer changes what the agent asked for"
_LASTS = "this yes holds for more than this request"
_DENIED = Passed(
    answer=ApprovalAnswer(
        verdict=Verdict.DENY,
        note=f"{RefusalCode.NOT_CONFIRMED_HERE}: it was not confirmed at the terminal of the agent's machine",
    ),
    note=f"denied ({RefusalCode.NOT_CONFIRMED_HERE}): the answer was not confirmed at the agent's machine",
)
"""What the agent hears when nobody at its machine has said yes."""
