"""Decisions about agents and their messages, each one Lua script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Argument, Scripts
from broker.domain.agents.agents import RunPart
from broker.domain.errors import NotFound
from broker.domain.ids import AgentId, MessageId, SessionId, WorkspaceId
from broker.domain.machines.ownership import MAX_AGENTS_OF_AGENTS
from broker.domain.messages.messages import (
    Address,
    Channel,
    Delivery,
    Step,
    ToAgent,
    ToAll,
    ToChannel,
    Trace,
    TracedDelivery,
)
from broker.domain.messages.steps import ReceiptState, place_of
from broker.domain.plans.budgets import Gift, count_amount
from broker.domain.plans.plans import Plan
from broker.domain.traces.context import message_context, run_context
from broker.protocol.proxy import AskedBy
from broker.services.ports import NewAgent, OutgoingMessage
from broker.telemetry.correlation import current_cause

_INBOX_PAGE = 100


class RedisMailroom:
    """Implements `Mailroom`."""

    def __init__(self, redis: TextRedis, scripts: Scripts, *, trace_ratio: float = 0) -> None:
        """`trace_ratio`: the part of messages that is traced, see `message_context`; 0: nothing is, or says so."""
        self._redis = redis
        self._scripts = scripts
        self._trace_ratio = trace_ratio

    async def send(self, workspace: WorkspaceId, message: OutgoingMessage, *, plan: Plan) -> list[Delivery]:
        """Accept a message. Raises `NotFound`, `PlanLimitReached`, `Conflict`."""
        kind, target = _address(message.to)
        rows = await self._scripts.run(
            "send_message",
            workspace,
            session=message.session,
            id=message.id,
            digest=message.digest,
            sender=message.sender_id or "",
            sender_name=message.sender_name,
            role=message.role or "",
            kind=kind,
            target=target,
            mode=message.mode,
            body=message.body,
            wire_head=message.wire_head,
            wire_tail=message.wire_tail,
            ttl_ms=message.ttl_s * 1000,
            brief=message.brief,
            plan=plan,
            most=self._scripts.plans.limits(plan).messages_per_day,
            **self._place(message.id),
        )
        return [_delivery(row) for row in rows]

    def _place(self, message: MessageId | None, *, part: RunPart | None = None) -> dict[str, Argument]:
        """In a trace: of its own, and what else it follows from as far as that is known here."""
        if message is None or not self._trace_ratio:
            return {"trace": "", "cause": ""}
        run = run_context(part.run, ratio=self._trace_ratio) if part else None
        cause = current_cause() or run
        return {"trace": str(message_context(message, ratio=self._trace_ratio)), "cause": str(cause or "")}

    async def spawn(self, workspace: WorkspaceId, agent: NewAgent, *, plan: Plan) -> None:
        """Take the name and order the process. Raises `NotFound`, `PlanLimitReached`, `Conflict`, `NoPlacement`."""
        limits = self._scripts.plans.limits(plan)
        await self._scripts.run(
            "spawn_agent",
            workspace,
            session=agent.session,
            id=agent.id,
            digest=agent.digest,
            name=agent.name,
            cli=agent.cli,
            proxy=agent.proxy,
            cwd=agent.cwd or "",
            model=agent.model or "",
            worktree=_flag(agent.worktree),
            readonly=_flag(agent.readonly),
            writes=orjson.dumps(agent.writes) if agent.writes else "",
            instructions=agent.instructions,
            spawner=agent.spawner_id or "",
            spawner_name=agent.spawner_name,
            plan=plan,
            most_agents=limits.agents,
            **_task(agent.task),
            most_messages=limits.messages_per_day,
            asked_by=_describe_asker(agent.asked_by),
            behind=orjson.dumps(agent.behind) if agent.behind else "",
            most_of_agents=MAX_AGENTS_OF_AGENTS,
            part=orjson.dumps(agent.part) if agent.part else "",
            gift=_gift(agent.gift),
            **self._place(agent.task.id if agent.task else None, part=agent.part),
        )

    async def release(self, workspace: WorkspaceId, agent: AgentId, *, by: str, actor: AgentId | None = None) -> None:
        """Order an agent's end. Raises `NotFound`, `NotPermitted`."""
        await self._scripts.run("release_agent", workspace, agent=agent, by=by, actor=actor or "")

    async def resume(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        agent: AgentId,
        *,
        by: str,
        plan: Plan,
        actor: AgentId | None = None,
        asked_by: AskedBy | None = None,
    ) -> None:
        """Order a new process with the conversation of an agent that has ended; nothing when it has not."""
        await self._scripts.run(
            "resume_agent",
            workspace,
            session=session,
            agent=agent,
            by=by,
            plan=plan,
            most=self._scripts.plans.limits(plan).agents,
            actor=actor or "",
            asked_by=_describe_asker(asked_by),
        )

    async def dismiss(self, workspace: WorkspaceId, agent: AgentId, *, by: str, actor: AgentId | None = None) -> None:
        """Take a failed agent from what needs a person. Raises `NotFound`, `NotPermitted`, `Conflict` (AGENT_RUNS)."""
        await self._scripts.run("dismiss_agent", workspace, agent=agent, by=by, actor=actor or "")

    async def interrupt(self, workspace: WorkspaceId, agent: AgentId, *, by: str, actor: AgentId | None = None) -> bool:
        """Stop the running turn; whether one was running. Raises `NotPermitted`."""
        return bool(await self._scripts.run_once("interrupt_agent", workspace, agent=agent, by=by, actor=actor or ""))

    async def messages_on(self, workspace: WorkspaceId, day: date) -> int:
        """How many messages were accepted on a UTC day, as far as plans are concerned."""
        return int(await self._redis.hget(keys.key(workspace, "usage", day.isoformat()), "messages") or 0)

    async def trace(self, workspace: WorkspaceId, message: MessageId, *, seen: Callable[[SessionId], bool]) -> Trace:
        """Every step of a message of a session that is `seen`. Raises `NotFound`."""
        row = await self._redis.hgetall(keys.key(workspace, "message", message)) if keys.is_id(message) else None
        if not row or not seen(SessionId(row["session"])):
            raise NotFound(f"no message {message[:80]!r} in this session", code="MESSAGE_NOT_FOUND")
        recipients = [field.removeprefix("n:") for field in row if field.startswith("n:")]
        body = {**orjson.loads(row["body"]), "at_ms": int(row["at"])}
        return Trace(message=body, deliveries=tuple(_parse_traced(row, AgentId(agent)) for agent in recipients))

    async def session_of(
        self, workspace: WorkspaceId, message: MessageId, *, seen: Callable[[SessionId], bool]
    ) -> SessionId:
        """Where a message was sent, a session that is `seen`. Raises `NotFound`."""
        key = keys.key(workspace, "message", message)
        found = await self._redis.hget(key, "session") if keys.is_id(message) else None
        if found is None or not seen(SessionId(found)):
            raise NotFound(f"no message {message[:80]!r}", code="MESSAGE_NOT_FOUND")
        return SessionId(found)

    async def inbox(
        self, workspace: WorkspaceId, agent: AgentId, *, after: int, limit: int
    ) -> list[tuple[int, dict[str, object]]]:
        """An agent's messages by inbox number."""
        stream = keys.key(workspace, "inbox", agent)
        entries = await self._redis.xrange(stream, min=f"{after + 1}-0", count=min(limit, _INBOX_PAGE))
        pipe = self._redis.pipeline(transaction=False)
        for _, entry in entries:
            pipe.hget(keys.key(workspace, "message", entry["m"]), "body")
        bodies = await pipe.execute() if entries else []
        numbers = [int(entry_id.partition("-")[0]) for entry_id, _ in entries]
        return [(number, orjson.loads(body)) for number, body in zip(numbers, bodies, strict=True) if body]

    async def join_channel(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        *,
        channel: str,
        agent: AgentId,
        by: str,
        actor: AgentId | None = None,
    ) -> None:
        """Make an agent a member. Raises `NotFound`, `NotPermitted`, `Conflict`."""
        await self._scripts.run(
            "join_channel", workspace, session=session, channel=channel, agent=agent, by=by, actor=actor or ""
        )

    async def leave_channel(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        *,
        channel: str,
        agent: AgentId,
        by: str,
        actor: AgentId | None = None,
    ) -> None:
        """End a membership. Raises `NotPermitted`."""
        await self._scripts.run(
            "leave_channel", workspace, session=session, channel=channel, agent=agent, by=by, actor=actor or ""
        )

    async def channels(self, workspace: WorkspaceId, session: SessionId) -> list[Channel]:
        """The channels that living agents are in, by name, each with its members by name."""
        agents = sorted(await self._redis.smembers(keys.key(workspace, "session_live", session)))
        pipe = self._redis.pipeline(transaction=False)
        for agent in agents:
            pipe.hget(keys.key(workspace, "agent", agent), "name")
            pipe.smembers(keys.key(workspace, "agent_channels", agent))
        rows = await pipe.execute() if agents else []
        members: dict[str, list[str]] = {}
        for name, joined in zip(rows[::2], rows[1::2], strict=True):
            for channel in joined if name else ():
                members.setdefault(channel, []).append(name)
        return [Channel(name=each, members=tuple(sorted(members[each], key=str.lower))) for each in sorted(members)]


def _flag(given: bool) -> str:
    return "1" if given else ""


def _describe_asker(asked_by: AskedBy | None) -> str:
    return asked_by.model_dump_json() if asked_by else "null"


def _address(to: Address) -> tuple[str, str]:
    match to:
        case ToAgent(name):
            return "agent", name
        case ToChannel(channel):
            return "channel", channel
        case ToAll():
            return "all", "*"


def _gift(gift: Gift | None) -> bytes:
    return b"" if gift is None else orjson.dumps({"unit": gift.unit, "amount": count_amount(gift.unit, gift.amount)})


def _task(task: OutgoingMessage | None) -> dict[str, Argument]:
    if task is None:
        return {"task": "", "body": "", "wire_head": "", "wire_tail": "", "role": "", "ttl_ms": 0, "brief": ""}
    return {
        "task": task.id,
        "body": task.body,
        "wire_head": task.wire_head,
        "wire_tail": task.wire_tail,
        "role": task.role or "",
        "ttl_ms": task.ttl_s * 1000,
        "brief": task.brief,
    }


def _delivery(row: list[str]) -> Delivery:
    agent, name, state, because = row
    return Delivery(to=name, agent_id=AgentId(agent), state=ReceiptState(state), because=because or None)


def _parse_traced(row: dict[str, str], agent: AgentId) -> TracedDelivery:
    prefix = f"t:{agent}:"
    steps = [Step(state=f.removeprefix(prefix), at_ms=int(at)) for f, at in row.items() if f.startswith(prefix)]
    return TracedDelivery(
        to=row[f"n:{agent}"],
        agent_id=agent,
        state=ReceiptState(row.get(f"r:{agent}", ReceiptState.QUEUED)),
        because=row.get(f"b:{agent}"),
        reason=row.get(f"x:{agent}"),
        turn_id=row.get(f"u:{agent}"),
        outcome=row.get(f"o:{agent}"),
        answer=row.get(f"w:{agent}"),
        attempts=int(row.get(f"k:{agent}", 0)),
        steps=tuple(sorted(steps, key=lambda s: (s.at_ms, place_of(s.state)))),
    )
