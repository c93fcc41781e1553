"""Parked permission requests in Redis."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.agents.registry import read_file_limits
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.approvals.answers import AnswerOption, ApprovalStatus
from broker.domain.approvals.approvals import Approval, ApprovalPlace, WaitingApprovals
from broker.domain.approvals.decision import Requirement
from broker.domain.approvals.questions import QuestionPrompt
from broker.domain.approvals.requirements import Given, Need, OwnYes, need_of
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import KeptRule, Rule
from broker.domain.errors import NotFound
from broker.domain.ids import AgentId, ApprovalId, MemberId, SessionId, WorkflowRunId, WorkspaceId
from broker.domain.machines.policy import MachinePolicy
from broker.domain.people.access import Maker
from broker.services.ports import Assenting, Standing, Surroundings


class _Told(BaseModel):
    """What is wanted of a machine's hello."""

    name: str = ""
    policy: MachinePolicy | None = None


_RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])
_PROMPTS: TypeAdapter[tuple[QuestionPrompt, ...]] = TypeAdapter(tuple[QuestionPrompt, ...])


class RedisApprovals:
    """Implements `Approvals`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def approval(self, workspace: WorkspaceId, approval: ApprovalId) -> Approval:
        """One. Raises `NotFound`."""
        row = await self._redis.hgetall(keys.key(workspace, "approval", approval)) if keys.is_id(approval) else None
        if not row:
            raise NotFound(f"no approval {approval[:80]!r}", code="APPROVAL_NOT_FOUND")
        return _approval(row)

    async def approvals(
        self, workspace: WorkspaceId, session: SessionId, *, status: ApprovalStatus | None, limit: int = 100
    ) -> list[Approval]:
        """The newest first."""
        if status is ApprovalStatus.PENDING:
            places = await self._waiting(workspace, session, None)
            return await self._parse_all(workspace, [place.id for place in reversed(places[-limit:])])
        ids = await self._redis.zrange(keys.key(workspace, "session_approvals", session), 0, -1, desc=True)
        found = await self._parse_all(workspace, ids)
        return [a for a in found if status is None or a.status is status][:limit]

    async def waiting(
        self,
        workspace: WorkspaceId,
        *,
        session: SessionId | None,
        limit: int,
        after: ApprovalPlace | None,
        seen: Callable[[SessionId], bool] | None = None,
    ) -> WaitingApprovals:
        """Those nobody has answered, the longest waiting first; of all sessions that are `seen` when `session` is
        None."""
        places = await self._waiting(workspace, session, seen)
        rest = [place for place in places if after is None or place > after]
        found = await self._parse_all(workspace, [place.id for place in rest[:limit]])
        return WaitingApprovals(
            approvals=[each for each in found if each.status is ApprovalStatus.PENDING],
            next=rest[limit - 1] if len(rest) > limit else None,
            total=len(places),
        )

    async def _waiting(
        self, workspace: WorkspaceId, session: SessionId | None, seen: Callable[[SessionId], bool] | None
    ) -> list[ApprovalPlace]:
        rows = await self._redis.zrangebyscore(
            keys.key(workspace, "pending_approvals"), "-inf", "+inf", withscores=True
        )
        places = [ApprovalPlace(int(asked_ms), ApprovalId(approval)) for approval, asked_ms in rows]
        if not places or (session is None and seen is None):
            return places
        pipe = self._redis.pipeline(transaction=False)
        for place in places:
            pipe.hget(keys.key(workspace, "approval", place.id), "session")
        owners = await pipe.execute()
        return [
            place
            for place, owner in zip(places, owners, strict=True)
            if session in {None, owner} and (seen is None or (owner and seen(SessionId(owner))))
        ]

    async def _parse_all(self, workspace: WorkspaceId, ids: Sequence[str]) -> list[Approval]:
        pipe = self._redis.pipeline(transaction=False)
        for approval in ids:
            pipe.hgetall(keys.key(workspace, "approval", approval))
        return [_approval(row) for row in (await pipe.execute() if ids else []) if row]

    async def pending(self, workspace: WorkspaceId, agent: AgentId) -> dict[str, dict[str, Any] | None]:
        """What an agent waits for: its native request id → the tool's input."""
        asks = await self._redis.hgetall(keys.key(workspace, "asks", agent))
        return {native: await self._read_input(workspace, ApprovalId(approval)) for native, approval in asks.items()}

    async def _read_input(self, workspace: WorkspaceId, approval: ApprovalId) -> dict[str, Any] | None:
        """The tool's input as the agent gave it; what people are shown has secrets masked."""
        text = await self._redis.hget(keys.key(workspace, "approval", approval), "given")
        given: dict[str, Any] | None = orjson.loads(text) if text else (await self.approval(workspace, approval)).input
        return given

    async def answer(
        self,
        workspace: WorkspaceId,
        approval: ApprovalId,
        *,
        status: ApprovalStatus,
        by: str,
        note: str,
        answer: bytes,
        at_deadline: bool = False,
        lasting: Maker | None = None,
        told: str = "",
        option: str | None = None,
        answers: Mapping[str, Sequence[str]] | None = None,
        assenting: Assenting | None = None,
    ) -> None:
        """Resolve one, or keep a yes as long as people are missing. Raises `NotFound`, `NotPermitted`, `Conflict`."""
        await self._scripts.run_once(
            "answer_approval",
            workspace,
            id=approval,
            status=status,
            by=by,
            note=note,
            answer=answer,
            at_deadline="1" if at_deadline else "0",
            lasting="1" if lasting else "0",
            told=told,
            option=option or "",
            answers=b"" if answers is None else orjson.dumps(answers),
            token=(lasting and lasting.token) or "",
            member=(lasting and lasting.member) or "",
            assenting=_write_assenting(assenting) if assenting else b"",
        )

    async def needs(
        self,
        workspace: WorkspaceId,
        asked: Sequence[tuple[ApprovalId, Sequence[Requirement]]],
        *,
        member: MemberId | None,
    ) -> list[tuple[OwnYes, tuple[Need, ...]]]:
        """Whose yes is missing, as people stand by now, and what one of `member` comes to."""
        text = orjson.dumps([{"id": each, "required": _required(requirements)} for each, requirements in asked])
        found = await self._scripts.run("read_missing", workspace, asked=text, member=member or "")
        return [_parse_needs(requirements, said) for (_, requirements), said in zip(asked, found, strict=True)]

    async def ask_gate(
        self,
        workspace: WorkspaceId,
        gate: ApprovalId,
        *,
        run: WorkflowRunId,
        session: SessionId,
        name: str,
        body: bytes,
    ) -> None:
        """Ask people for a run of a workflow, once."""
        await self._scripts.run("ask_gate", workspace, id=gate, run=run, session=session, name=name, body=body)

    async def withdraw_gate(self, workspace: WorkspaceId, gate: ApprovalId, *, why: str) -> None:
        """Ask no more; nothing when somebody has answered."""
        await self._scripts.run("withdraw_gate", workspace, id=gate, why=why)

    async def standing(self, workspace: WorkspaceId, agent: AgentId) -> Standing:
        """What a request of an agent is measured by."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.get(keys.key(workspace, "rules"))
        pipe.hmget(keys.key(workspace, "agent", agent), ["cwd_real", "cwd", "writes"])
        rules, (*folders, writes) = await pipe.execute()
        folder = next((each for each in folders if each), None)
        return Standing(
            rules=_RULES.validate_json(rules) if rules else [],
            folder=folder,
            writes=read_file_limits(writes),
            rules_seen=hashlib.sha1((rules or "").encode(), usedforsecurity=False).hexdigest(),
        )

    async def surroundings(self, workspace: WorkspaceId, agents: Collection[AgentId]) -> dict[AgentId, Surroundings]:
        """Where agents work; those that are forgotten work nowhere."""
        pipe = self._redis.pipeline(transaction=False)
        for agent in agents:
            pipe.hmget(keys.key(workspace, "agent", agent), ["cwd_real", "cwd", "proxy"])
        rows = dict(zip(agents, await pipe.execute() if agents else [], strict=True))
        machines = list({proxy for *_, proxy in rows.values() if proxy})
        for proxy in machines:
            pipe.hget(keys.key(workspace, "link", proxy), "hello")
        hellos = await pipe.execute() if machines else []
        known = {
            proxy: _Told.model_validate_json(hello) for proxy, hello in zip(machines, hellos, strict=True) if hello
        }
        return {agent: _surroundings(real or cwd, known.get(proxy)) for agent, (real, cwd, proxy) in rows.items()}

    async def find_grant(self, workspace: WorkspaceId, agent: AgentId, likeness: str) -> str | None:
        """Who has allowed such requests for as long as the agent lives, and still may."""
        return await self._scripts.run("recall_grant", workspace, agent=agent, likeness=likeness) or None

    async def rules(self, workspace: WorkspaceId) -> list[Rule]:
        """The workspace's rules, in order."""
        text = await self._redis.get(keys.key(workspace, "rules"))
        return _RULES.validate_json(text) if text else []

    async def load_rules(self, workspace: WorkspaceId) -> list[KeptRule]:
        """The same, with who made them."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.get(keys.key(workspace, "rules"))
        pipe.hgetall(keys.key(workspace, "rule_makers"))
        text, makers = await pipe.execute()
        return [
            KeptRule(rule=rule, **orjson.loads(makers.get(_write_rule(rule).decode(), "{}")))
            for rule in (_RULES.validate_json(text) if text else [])
        ]

    async def recent(self, workspace: WorkspaceId, sessions: Sequence[SessionId], *, limit: int) -> list[Approval]:
        """The newest of each of some sessions, answered ones too, up to so many of each."""
        pipe = self._redis.pipeline(transaction=False)
        for session in sessions:
            pipe.zrange(keys.key(workspace, "session_approvals", session), 0, limit - 1, desc=True)
        ids = await pipe.execute() if sessions else []
        return await self._parse_all(workspace, [each for of_session in ids for each in of_session])

    async def find_group(self, workspace: WorkspaceId, name: str) -> str | None:
        """A group's name as it is written, whatever its case here."""
        group = await self._redis.hget(keys.key(workspace, "group_names"), name.casefold())
        text = await self._redis.hget(keys.key(workspace, "groups"), group) if group else None
        return str(orjson.loads(text)["name"]) if text else None

    async def add_rule(self, workspace: WorkspaceId, rule: Rule, *, most: int, by: str) -> None:
        """Put a rule first, unless it is there. Raises `Conflict` (TOO_MANY_RULES), `NotFound` (GROUP_NOT_FOUND)."""
        group = (rule.group or "").casefold()
        await self._scripts.run("add_rule", workspace, rule=_write_rule(rule), most=most, by=by, group=group)

    async def remove_rule(self, workspace: WorkspaceId, rule: Rule) -> bool:
        """Take a rule away; whether it was there."""
        return bool(await self._scripts.run("remove_rule", workspace, rule=_write_rule(rule)))

    async def move_rule(self, workspace: WorkspaceId, rules: Sequence[Rule], rule: Rule, ahead_of: Rule | None) -> bool:
        """Move one of `rules` ahead of another, or to the end; False when the rules are no longer those."""
        others = [_write_rule(each) for each in rules if each != rule]
        place = b"" if ahead_of is None else _write_rule(ahead_of)
        moved = await self._scripts.run("move_rule", workspace, rule=_write_rule(rule), ahead_of=place, others=others)
        return bool(moved)

    async def set_rules(self, workspace: WorkspaceId, rules: Sequence[Rule], *, by: str) -> None:
        """Replace them. One that was there stays its maker's."""
        await self._scripts.run("replace_rules", workspace, by=by, rules=[_write_rule(each) for each in rules])


_PATTERNS = ("effect", "tool", "command", "path")
"""What every rule is written with. The rest is written where it says something: rules of earlier versions stay what
they are, byte for byte, which is how they are found."""


def _write_rule(rule: Rule) -> bytes:
    return orjson.dumps(
        {
            name: value
            for name, value in asdict(rule).items()
            if name in _PATTERNS or value != Rule.__dataclass_fields__[name].default
        }
    )


def _required(requirements: Sequence[Requirement]) -> list[dict[str, Any]]:
    """As scripts read it."""
    return [
        {
            **asdict(each),
            "folded": each.name.casefold(),
            "words": [need_of(each, missing=missing).words for missing in range(1, each.count + 1)],
        }
        for each in requirements
    ]


def _parse_needs(requirements: Sequence[Requirement], said: Sequence[Any]) -> tuple[OwnYes, tuple[Need, ...]]:
    if not said:  # it is gone
        return OwnYes.NOT_NAMED, ()
    own, *counts = said
    needs = (need_of(each, missing=missing) for each, missing in zip(requirements, counts, strict=True) if missing)
    return OwnYes(own), tuple(needs)


def _write_assenting(yes: Assenting) -> bytes:
    return orjson.dumps(
        {
            "rules_seen": yes.rules_seen,
            "required": _required(yes.requirements),
            "signer": yes.signer or "",
            "alone": yes.alone,
        }
    )


def _parse_suggested(body: dict[str, Any]) -> tuple[Rule, ...] | None:
    """As they were found when it was asked."""
    rows = body.get("suggested_rules")
    return None if rows is None else tuple(_RULES.validate_python(rows))


def _surroundings(folder: str | None, told: _Told | None) -> Surroundings:
    if told is None:
        return Surroundings(folder=folder)
    return Surroundings(folder=folder, machine=told.name, policy=told.policy)


def _approval(row: dict[str, str]) -> Approval:
    body = orjson.loads(row["body"])
    return Approval(
        id=ApprovalId(row["id"]),
        agent=row["name"],
        agent_id=AgentId(row["agent"]),
        session_id=SessionId(row["session"]),
        status=ApprovalStatus(row["status"]),
        tool=body["tool"],
        title=body["title"],
        command=body["command"],
        cwd=body["cwd"],
        changes=tuple(body["changes"]),
        paths=tuple(body.get("paths", ())),
        widens=tuple(body.get("widens", ())),
        risk=Risk(body["risk"]) if body.get("risk") else None,
        risk_reasons=tuple(body.get("risk_reasons", ())),
        suggested_rules=_parse_suggested(body),
        lasting=body.get("lasting", False),
        input=body["input"],
        reason="; ".join(filter(None, (body["reason"], row.get("hooks_said")))) or None,
        hook_asks=body.get("hook_asks", ""),
        can_allow_session=body["can_allow_session"],
        masked=body.get("masked", False),
        asked_at_ms=int(row["asked_ms"]),
        deadline_ms=int(row["deadline_ms"]),
        answered_by=row.get("by") or None,
        note=row.get("note") or None,
        detail=body.get("detail", ""),
        options=tuple(AnswerOption(**each) for each in body.get("options", ())),
        option=row.get("option") or None,
        told=row.get("told") or None,
        told_at_ms=int(row["told_ms"]) if row.get("told_ms") else None,
        prompts=_PROMPTS.validate_python(body.get("prompts", ())),
        answers=orjson.loads(row["answers"]) if row.get("answers") else None,
        assents=tuple(
            Given(member=MemberId(each["member"]), by=each["by"], at_ms=int(each["at_ms"]))
            for each in orjson.loads(row.get("assents") or "[]")
        ),
    )
