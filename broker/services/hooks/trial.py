"""Trying hooks: what they would have done with the log, and letting one run now on a machine of one's choice."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from broker.domain.agents.agents import Agent, AgentState
from broker.domain.agents.sessions import Session
from broker.domain.errors import Conflict, NotFound
from broker.domain.hooks.definitions import CommandAction, Hook, RelayAction, WorkflowAction
from broker.domain.hooks.events import OF_RUNS
from broker.domain.hooks.happenings import Happening, events_for, happenings, relative_files
from broker.domain.hooks.matching import HookIndex, Matched
from broker.domain.hooks.runs import HookRunId, run_id
from broker.domain.hooks.templates import OF_MACHINES, fill_command, fill_text
from broker.domain.hooks.trial import Tally
from broker.domain.ids import AgentId, ProxyId, WorkspaceId
from broker.domain.logs.events import Cursor
from broker.domain.machines.placement import Proxy
from broker.domain.people.access import Permission, Principal
from broker.protocol.hooks_yaml.reader import read_hooks
from broker.services.hooks.definitions import read_anew
from broker.services.hooks.dispatch import HookDispatcher
from broker.services.hooks.orders import render_relay_text
from broker.services.hooks.outgoing import show_target
from broker.services.hooks.scene import Scene, values_of
from broker.services.permissions import requires
from broker.services.ports import EventLog, HookRecords, Registry

_BATCH = 500
_MOST_EVENTS = 100_000
"""Of each session, the latest; and of all that are wanted."""
_LONGEST_S = 10.0
"""Of one trial; what it has not looked at then is said."""
_EXAMPLES = 20
_AT_ONCE = 2
"""Trials of one gateway; others wait."""
_ENDED = frozenset({AgentState.RELEASED, AgentState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One run that there would have been."""

    session: str
    agent: str
    at_ms: int
    cursor: str
    files: list[str]
    does: dict[str, object]
    """`argv` of each call, `text` and `to`, or why there would have been nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What one hook would have done."""

    hook: str
    on: str
    runs: int
    examples: list[Example]
    """The latest, the newest last."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """What hooks would have done."""

    since_ms: int
    sessions: int = 0
    """That were looked at."""
    events: int = 0
    complete: bool = True
    """Whether everything since then was looked at that the log has."""
    hooks: list[Tried] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A run that was begun to try a hook."""

    run: HookRunId
    session: str
    agent: str
    does: dict[str, object]
    from_log: bool
    """Whether it is about something that has happened; else about an example."""


class HookTrials:
    """Use cases around trying hooks."""

    def __init__(
        self,
        records: HookRecords,
        log: EventLog,
        registry: Registry,
        *,
        dispatcher: HookDispatcher,
        public_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: Unix time."""
        self._records = records
        self._log = log
        self._registry = registry
        self._dispatcher = dispatcher
        self._public_url = public_url
        self._clock = clock
        self._places = asyncio.Semaphore(_AT_ONCE)

    @requires(Permission.ADMINISTER)
    async def dry_run(
        self, principal: Principal, *, text: str | None = None, hook: str | None = None, days: float = 7
    ) -> Trial:
        """What the hooks of a text, or those that hold, would have done in the last days. Nothing is done.

        Raises `NotPermitted`, `BadRequest` (INVALID_HOOKS), `NotFound` (HOOK_NOT_FOUND).
        """
        hooks = await self._hooks(principal.workspace, text, only=hook)
        trial = Trial(since_ms=int((self._clock() - days * 86400) * 1000))
        index, tally = HookIndex(hooks), Tally()
        examples: dict[str, deque[Example]] = defaultdict(lambda: deque(maxlen=_EXAMPLES))
        async with self._places:
            async for scene, matched, happening, place in self._matches(principal.workspace, index, trial):
                if tally.add(matched.hook, happening, scene.session.id, place=place):
                    examples[matched.hook.id].append(_example(scene, matched, happening))
        trial.hooks = [
            Tried(hook=each.id, on=each.event, runs=tally.runs[each.id], examples=list(examples[each.id]))
            for each in hooks
        ]
        return trial

    @requires(Permission.ADMINISTER)
    async def fire(self, principal: Principal, hook: str, *, machine: str) -> Fired:
        """Let a hook run now, for an agent on a machine; the machine's owner must have allowed a command as ever.

        It is about the latest that would have set it off there, else about an example.
        Raises `NotPermitted`, `NotFound` (HOOK_NOT_FOUND, MACHINE_NOT_FOUND), `Conflict` (NO_AGENT_THERE).
        """
        workspace = principal.workspace
        (chosen,) = await self._hooks(workspace, None, only=hook)
        proxy = await self._machine(workspace, machine)
        session, agent = await self._agent_on(workspace, proxy)
        scene = self._scene(workspace, session, None if chosen.event in OF_RUNS else agent, proxy)
        latest = await self._latest(scene, chosen)
        happening, files = latest or _make_up(chosen, scene, now_ms=int(self._clock() * 1000))
        matched = Matched(chosen, files)
        run = run_id(session.id, f"test:{uuid4().hex}", chosen.id)
        await self._dispatcher.set_off(scene, matched, happening, run=run, causes=(), test_by=principal.name)
        does = _does(scene, matched, happening)
        return Fired(run=run, session=session.name, agent=agent.name, does=does, from_log=latest is not None)

    async def _hooks(self, workspace: WorkspaceId, text: str | None, *, only: str | None) -> list[Hook]:
        read = read_hooks((await self._records.load(workspace)).text) if text is None else read_anew(text)
        found = [each for each in read.hooks if only in {None, each.id}]
        if only is not None and not found:
            raise NotFound(f"there is no hook {only!r}: `relaycast hooks list` names them", code="HOOK_NOT_FOUND")
        return found

    async def _matches(
        self, workspace: WorkspaceId, index: HookIndex, trial: Trial
    ) -> AsyncIterator[tuple[Scene, Matched, Happening, int]]:
        agents: dict[AgentId, Agent | None] = {}
        proxies: dict[ProxyId, Proxy | None] = {}
        ends_at = time.monotonic() + _LONGEST_S
        for session in reversed(await self._registry.sessions(workspace)) if index.events else ():
            if trial.events >= _MOST_EVENTS or time.monotonic() > ends_at:
                trial.complete = False
                return
            trial.sessions += 1
            async for happening, place in self._happenings(workspace, session, index, trial=trial, ends_at=ends_at):
                if happening.agent not in agents:
                    agents[happening.agent] = (
                        await self._registry.agent(workspace, happening.agent) if happening.agent else None
                    )
                agent = agents[happening.agent]
                if agent is None and happening.agent:  # forgotten: nobody knows any more what it was
                    trial.complete = False
                    continue
                if agent is not None and agent.proxy not in proxies:
                    proxies[agent.proxy] = await self._registry.proxy(workspace, agent.proxy)
                scene = self._scene(workspace, session, agent, proxies[agent.proxy] if agent else None)
                for matched in index.match(happening, scene.about, files=relative_files(happening.files, scene.cwd)):
                    yield scene, matched, happening, place

    async def _happenings(
        self, workspace: WorkspaceId, session: Session, index: HookIndex, *, trial: Trial, ends_at: float
    ) -> AsyncIterator[tuple[Happening, int]]:
        only = events_for(index.events)
        after = Cursor(session.epoch, max(0, session.offset - _MOST_EVENTS))
        trial.complete = trial.complete and not after.offset
        while True:
            try:
                page = await self._log.read(workspace, session.id, after=after, limit=_BATCH, only=only)
            except NotFound:  # deleted meanwhile
                return
            trial.complete = trial.complete and not (page.reset and after.offset)
            for text in page.events:
                trial.events += 1
                for place, happening in enumerate(happenings(orjson.loads(text))):
                    if happening.event in index.events and happening.at_ms >= trial.since_ms:
                        yield happening, place
            if page.next.offset >= page.head.offset or page.next == after:
                return
            after = page.next
            if trial.events >= _MOST_EVENTS or time.monotonic() > ends_at:
                trial.complete = False
                return

    def _scene(self, workspace: WorkspaceId, session: Session, agent: Agent | None, proxy: Proxy | None) -> Scene:
        return Scene(workspace=workspace, session=session, agent=agent, proxy=proxy, public_url=self._public_url)

    async def _machine(self, workspace: WorkspaceId, machine: str) -> Proxy:
        found = await self._registry.proxies_called(workspace, machine)
        if not found:
            raise NotFound(f"there is no machine {machine!r}", code="MACHINE_NOT_FOUND")
        return max(found, key=lambda each: (each.id == machine, each.online))

    async def _agent_on(self, workspace: WorkspaceId, proxy: Proxy) -> tuple[Session, Agent]:
        sessions = await self._registry.sessions(workspace)
        known = await self._registry.agents_of(workspace, [each.id for each in sessions])
        there = [
            (session, agent)
            for session in sessions
            for agent in known.get(session.id, ())
            if agent.proxy == proxy.id and agent.state not in _ENDED
        ]
        if not there:
            raise Conflict(
                f"no agent runs on {proxy.name}: a hook runs for an agent, in its folder", code="NO_AGENT_THERE"
            )
        return max(there, key=lambda each: each[1].spawned_at_ms)

    async def _latest(self, scene: Scene, hook: Hook) -> tuple[Happening, tuple[str, ...]] | None:
        """What set the hook off last, or would have, of this agent."""
        index, found = HookIndex([hook]), None
        trial = Trial(since_ms=0)
        walk = self._happenings(
            scene.workspace, scene.session, index, trial=trial, ends_at=time.monotonic() + _LONGEST_S
        )
        async for happening, _ in walk:
            if happening.agent == (scene.agent.id if scene.agent else ""):
                files = relative_files(happening.files, scene.cwd)
                for matched in index.match(happening, scene.about, files=files):
                    found = happening, matched.files
        return found


def _make_up(hook: Hook, scene: Scene, *, now_ms: int) -> tuple[Happening, tuple[str, ...]]:
    said = f"This is a test of the hook {hook.id}."
    values = dict.fromkeys(("text", "last_message", "question", "reason"), said)
    values |= {"command": "true", "exit_code": "1", "tool": "shell", "approval_id": "test", "message_id": "test"}
    values |= {"from": "somebody", "percent": "80", "reset_at": "2026-01-01T00:00:00Z", "run": "test", "step": "test"}
    happening = Happening(
        event=hook.event,
        at=Cursor(scene.session.epoch, scene.session.offset),
        at_ms=now_ms,
        agent=scene.agent.id if scene.agent else AgentId(""),
        name=scene.agent_name,
        values=values,
        exit_code=1,
        tool="shell",
    )
    return happening, ("example.txt",)


def _example(scene: Scene, matched: Matched, happening: Happening) -> Example:
    return Example(
        session=scene.session.name,
        agent=scene.agent_name,
        at_ms=happening.at_ms,
        cursor=str(happening.at),
        files=list(matched.files[:_EXAMPLES]),
        does=_does(scene, matched, happening),
    )


def _does(scene: Scene, matched: Matched, happening: Happening) -> dict[str, Any]:
    """Exactly what would be done, but for what only the machine knows: that stays a variable."""
    action, values = matched.hook.action, values_of(scene, happening, matched.files)
    match action:
        case CommandAction():
            unknown = {name: f"${{{name}}}" for name in OF_MACHINES}
            calls = fill_command(action.words, {**values, **unknown}, files=matched.files)
            return {"skipped": calls} if isinstance(calls, str) else {"argv": [list(call) for call in calls]}
        case RelayAction():
            text = render_relay_text(scene, matched.hook, action, happening, matched.files)
            return {"relay": action.to, "text": text}
        case WorkflowAction():
            return {"starts": {name: fill_text(template, values) for name, template in action.vars}}
        case _:
            return {"to": show_target(action)}
