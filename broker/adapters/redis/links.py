"""Mailboxes of connected peers, and their reports."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import assert_never

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Argument, Call, Scripts
from broker.domain.errors import Fenced
from broker.domain.ids import AgentId, LinkId, SessionId, WorkspaceId
from broker.protocol.agent_events import (
    AgentBroken,
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    PromptAccepted,
    PromptJoinedTurn,
    PromptRefused,
    StateEvent,
    TurnEnded,
    TurnStarted,
)
from broker.protocol.proxy import Exited, FrameRecorded, Handed, Hello, SpoolOverflowed, Started, StateChanged
from broker.services.ports import Attached, DecidedApproval, NumberedFact, Unfinished

_GRACE_MS = 30_000
"""A laptop that changes networks is back within seconds; after this its agents are shown as lost."""
_COMMANDS_PAGE = 500
_FRAMES_AT_ONCE = 100
"""For one script: it takes 1-2 ms, in which nobody else is served."""


class RedisLinks:
    """Implements `Links`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def attach(
        self, workspace: WorkspaceId, link: LinkId, hello: Hello, *, gateway: str, session: SessionId | None, epoch: str
    ) -> Attached:
        """Take a connection over, fencing the one before it."""
        running: list[Argument] = []
        for live in hello.agents:
            running += [live.agent, live.generation]
        fence, found_epoch, reports, acked = await self._scripts.run(
            "attach_link",
            workspace,
            link,
            gateway,
            epoch,
            hello.boot_id,
            hello.spool_id,
            hello.epoch or "",
            hello.commands_seen,
            hello.model_dump_json(exclude={"agents"}),
            session or "",
            hello.name,
            *running,
        )
        await self._redis.sadd(keys.gateway_links(gateway), f"{workspace} {link} {fence}")
        return Attached(link=link, fence=fence, epoch=found_epoch, reports_seen=reports, commands_acked=acked)

    async def detach(self, workspace: WorkspaceId, link: LinkId, *, fence: int, gateway: str) -> None:
        """The connection is gone."""
        await self._scripts.run("detach_link", workspace, link, fence, _GRACE_MS)
        await self._redis.srem(keys.gateway_links(gateway), f"{workspace} {link} {fence}")

    async def acknowledge(self, workspace: WorkspaceId, link: LinkId, *, fence: int, seq: int) -> bool:
        """The peer has all commands up to `seq`; False when this connection is fenced."""
        return bool(await self._scripts.run("acknowledge_commands", workspace, link, fence, seq))

    async def commands(self, workspace: WorkspaceId, link: LinkId, *, after: int) -> list[tuple[int, str]]:
        """Commands after a number, each as JSON text."""
        stream = keys.key(workspace, "outbox", link)
        entries = await self._redis.xrange(stream, min=f"{after + 1}-0", count=_COMMANDS_PAGE)
        return [(int(entry_id.partition("-")[0]), entry["c"]) for entry_id, entry in entries]

    async def apply(
        self, workspace: WorkspaceId, link: LinkId, facts: Sequence[NumberedFact], *, fence: int, spool: str
    ) -> None:
        """Apply reports in order, each once. Raises `Fenced`."""
        await self._scripts.run_in_order(workspace, list(_calls(facts, link, fence=fence, spool=spool)))

    async def unfinished(self, workspace: WorkspaceId, agent: AgentId) -> Unfinished:
        """What the connections before have left; to be asked after `attach` has fenced them."""
        turn, messages, frames = await self._scripts.run("unfinished_of", workspace, agent)
        return Unfinished(turn_id=turn or None, messages=tuple(messages), frames=tuple(frames))

    async def beat(self, gateway: str) -> bool:
        """This gateway lives. False when it was not known: it is new, or its links were taken over meanwhile."""
        added = await self._redis.hset(keys.GATEWAYS, gateway, str(int(time.time() * 1000)))
        return added == 0

    async def reap(self, *, older_than_ms: int) -> int:
        """Detach what gateways held that no longer beat; how many links that were."""
        limit = int(time.time() * 1000) - older_than_ms
        dead = [g for g, beat in (await self._redis.hgetall(keys.GATEWAYS)).items() if int(beat) < limit]
        reaped = 0
        for gateway in dead:
            for row in await self._redis.smembers(keys.gateway_links(gateway)):
                workspace, link, fence = row.split(" ")
                await self.detach(WorkspaceId(workspace), LinkId(link), fence=int(fence), gateway=gateway)
                reaped += 1
            await self._redis.hdel(keys.GATEWAYS, gateway)
        return reaped


_Head = tuple[str, int, str, int]
_AboutAgent = FrameRecorded | StateChanged | DecidedApproval | Handed | Started | Exited


def _calls(facts: Sequence[NumberedFact], link: LinkId, *, fence: int, spool: str) -> Iterator[Call]:
    """One script for each report, but one for as many neighbouring frames of an agent as there are."""
    for _, run in groupby(enumerate(facts), key=_run):
        neighbours = [fact for _, fact in run]
        while neighbours:
            head = (link, fence, spool, neighbours[0].seq)
            yield _call(neighbours[:_FRAMES_AT_ONCE], head)
            del neighbours[:_FRAMES_AT_ONCE]


def _run(placed: tuple[int, NumberedFact]) -> tuple[object, ...]:
    """The same for frames of one agent whose numbers are consecutive."""
    index, numbered = placed
    fact = numbered.fact
    return (fact.agent, fact.generation, numbered.seq - index) if isinstance(fact, FrameRecorded) else (index,)


def _frames(run: Sequence[NumberedFact]) -> Iterator[Argument]:
    for numbered in run:
        if isinstance(numbered.fact, FrameRecorded):  # they all are: see `_run`
            yield numbered.fact.model_dump_json(exclude={"type", "agent", "generation"})
            yield numbered.frame_id


def _call(run: Sequence[NumberedFact], head: _Head) -> Call:
    fact = run[0].fact
    match fact:
        case SpoolOverflowed():
            return Call("report_overflow", [*head, fact.dropped_frames])
        case FrameRecorded():
            return Call("report_frames", [*_about(head, fact), *_frames(run)])
        case StateChanged():
            return _state_call(fact.event, _about(head, fact))
        case DecidedApproval():
            return _approval_call(fact, _about(head, fact))
        case Handed():
            return Call("report_handed", [*_about(head, fact), fact.message_id])
        case Started():
            return Call("report_started", [*_about(head, fact), fact.version or "", fact.transport, fact.cwd])
        case Exited():
            return Call("report_exit", [*_about(head, fact), _flag(fact.expected), fact.reason, fact.detail])
        case _ as other:
            assert_never(other)


def _about(
    head: _Head, fact: FrameRecorded | StateChanged | DecidedApproval | Handed | Started | Exited
) -> list[Argument]:
    return [*head, fact.agent, fact.generation]


def _state_call(event: StateEvent, about: list[Argument]) -> Call:
    match event:
        case AgentReady():
            steer = _flag(event.can_steer)
            rest = [event.native_id, _flag(event.resumed), event.model or "", event.version or "", steer]
            return Call("report_ready", [*about, *rest])
        case PromptAccepted():
            return Call("report_prompt", [*about, event.message_id, "accepted", "", _flag(event.already_seen)])
        case PromptJoinedTurn():
            return Call("report_prompt", [*about, event.message_id, "joined", event.turn_id, ""])
        case PromptRefused():
            return Call("report_prompt", [*about, event.message_id, "refused", event.reason, ""])
        case TurnStarted():
            prompts = [event.message_id] if event.message_id else []
            data = orjson.dumps({"turn": event.turn_id, "message": event.message_id})
            return Call("report_turn", [*about, "started", event.turn_id, data, *prompts])
        case TurnEnded():
            return Call("report_turn", [*about, "ended", event.turn_id, _closing(event), *event.message_ids])
        case ApprovalWithdrawn():
            return Call("report_withdrawn", [*about, event.native_id])
        case AgentBroken():
            return Call("report_broken", [*about, event.code, event.detail])
        case ApprovalRequested():
            raise Fenced("an approval request must be decided before it is applied")
        case _ as other:
            assert_never(other)


def _closing(event: TurnEnded) -> bytes:
    return orjson.dumps(
        {
            "turn": event.turn_id,
            "outcome": event.outcome,
            "messages": event.message_ids,
            "text": event.text,
            "reason": event.reason,
        }
    )


def _approval_call(fact: DecidedApproval, about: list[Argument]) -> Call:
    event = fact.event
    body = orjson.dumps(
        {
            "tool": event.tool,
            "title": event.title,
            "command": event.command,
            "cwd": event.cwd,
            "changes": event.changes,
            "input": event.input,
            "reason": event.reason,
            "can_allow_session": event.can_allow_session,
        }
    )
    status, by, answer = fact.decided or ("", "", b"")
    return Call("report_approval", [*about, fact.id, event.native_id, body, fact.deadline_s * 1000, status, by, answer])


def _flag(value: bool) -> str:
    return "1" if value else "0"
