"""What sets hooks off, and carrying out what the broker does itself.

A dispatcher may be killed between any two lines: events are looked at again, and a run has an id made of its event, so
it begins once; a message that a run sends has the run's id, so it is sent once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

import orjson

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.errors import NotFound, RelayError, Unavailable
from broker.domain.hooks.definitions import Hook, RelayAction, WorkflowAction
from broker.domain.hooks.happenings import Happening, events_for, happenings, relative_files, run_ended
from broker.domain.hooks.matching import HookIndex, Matched, loops, run_key
from broker.domain.hooks.runs import HookRunId, RunState, run_id
from broker.domain.ids import AgentId, ApprovalId, MessageId, ProxyId, SessionId, WorkspaceId
from broker.domain.logs.events import Cursor
from broker.domain.machines.placement import Proxy
from broker.domain.messages.messages import Mode, Role, Sender
from broker.domain.plans.plans import Plan
from broker.domain.timings import TIMINGS
from broker.protocol.hooks_yaml.reader import read_hooks
from broker.services.hooks.bursts import Burst, Due
from broker.services.hooks.deciding import HookDecisions
from broker.services.hooks.orders import order, render_relay_text, run_data
from broker.services.hooks.scene import Scene
from broker.services.hooks.starting import HookStarts
from broker.services.messages.router import prepare
from broker.services.ports import EventLog, HeldHook, HookRecords, Mailroom, Registry, WorkspaceRecords
from broker.services.redaction import Redaction

BATCH = 500
"""Events that are looked at before other sessions have their turn."""
_INDEXES = 1000
_AT_A_STRETCH = 100
"""Happenings that are matched before other tasks have their turn: about a millisecond."""
_PLACES = 1000
"""More than the happenings of any one event; further ones count as the last."""


@dataclass(slots=True)
class _Look:
    """One look at a session: what it has read besides events."""

    workspace: WorkspaceId
    session: Session
    index: HookIndex
    agents: dict[AgentId, Agent | None] = field(default_factory=dict)
    proxies: dict[ProxyId, Proxy | None] = field(default_factory=dict)
    burst: Burst = field(default_factory=Burst)


class HookDispatcher:
    """Looks at sessions and begins runs."""

    def __init__(
        self,
        records: HookRecords,
        log: EventLog,
        registry: Registry,
        *,
        mailroom: Mailroom,
        workspaces: WorkspaceRecords,
        redaction: Redaction,
        decisions: HookDecisions,
        starts: HookStarts,
        public_url: str,
    ) -> None:
        self._records = records
        self._log = log
        self._registry = registry
        self._mailroom = mailroom
        self._workspaces = workspaces
        self._redaction = redaction
        self._decisions = decisions
        self._starts = starts
        self._public_url = public_url
        self._indexes: OrderedDict[WorkspaceId, tuple[int, HookIndex]] = OrderedDict()

    async def look(self, workspace: WorkspaceId) -> bool:
        """Look at what is due in a workspace, some of it; whether more waits. Raises `Unavailable`."""
        due, quiet = await self._records.due(workspace), await self._records.quiet(workspace)
        if not due and not quiet:
            return False
        index = await self._index(workspace)
        for held in quiet:
            await self._let_go(workspace, held, index)
        done = [await self._session(workspace, session, offset, index) for session, offset in due]
        return not all(done)

    async def _index(self, workspace: WorkspaceId) -> HookIndex:
        """Of the hooks that hold; an empty one while they are paused."""
        in_force = await self._records.in_force(workspace)
        if in_force.paused or not in_force.version:
            return HookIndex(())
        known = self._indexes.get(workspace)
        if not known or known[0] != in_force.version:
            saved = await self._records.load(workspace)
            known = saved.version, HookIndex(read_hooks(saved.text).hooks)
            self._indexes[workspace] = known
            if len(self._indexes) > _INDEXES:
                self._indexes.popitem(last=False)
        self._indexes.move_to_end(workspace)
        return known[1]

    async def _session(self, workspace: WorkspaceId, session: SessionId, offset: int, index: HookIndex) -> bool:
        """Whether nothing more waits in a session."""
        try:
            head = await self._log.head(workspace, session)
            if not index.events:
                return await self._records.advance(workspace, session, head.offset)
            after, only = Cursor(head.epoch, offset - 1), events_for(index.events, answers=index.decides)
            page = await self._log.read(workspace, session, after=after, limit=BATCH, only=only)
            events = [orjson.loads(text) for text in page.events]
            for run in filter(None, map(run_ended, events)):
                await self._decisions.take(workspace, run)
            found = [
                (place, happening)
                for event in events
                for place, happening in enumerate(happenings(event))
                if happening.event in index.events
            ]
            if found:
                look = _Look(workspace, await self._registry.session(workspace, session), index)
                await self._dispatch_all(look, found)
        except NotFound:  # deleted since
            return await self._records.advance(workspace, session, offset)
        return await self._records.advance(workspace, session, page.next.offset)

    async def _dispatch_all(self, look: _Look, found: Sequence[tuple[int, Happening]]) -> None:
        for number, (place, happening) in enumerate(found):
            if number % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # others of this process have their turn
            await self._dispatch(look, happening, place=place)
        for held in look.burst.held():
            quiet_s = _quiet_s(look.index, held)
            await self._records.hold(look.workspace, held, quiet_s=quiet_s, most_s=quiet_s * TIMINGS.hook_hold_most)
        for due, times in look.burst.counted():
            await self._begin(due, times=times)

    async def _dispatch(self, look: _Look, happening: Happening, *, place: int) -> None:
        scene = await self._scene(look, happening)
        if scene is None:
            return
        files = relative_files(happening.files, scene.cwd)
        matched = list(look.index.match(happening, scene.about, files=files))
        causes = await self._causes(look, happening, scene) if matched else ()
        approval = ApprovalId(happening.values.get("approval_id", ""))
        deciding = [each.hook for each in matched if each.hook.decides]
        if deciding:
            asked = [(hook, _run(look, hook, happening, place=place)) for hook in deciding]
            await self._decisions.ask(look.workspace, approval, asked)
        for each in matched:
            if each.hook.debounce_s and not loops(each.hook, causes):
                look.burst.hold(_held(look, each, happening, place=place))
                continue
            run = _run(look, each.hook, happening, place=place)
            due = Due(scene=scene, matched=each, happening=happening, run=run, causes=causes)
            if look.burst.counts(due):
                continue
            if await self._begin(due, decides=approval if each.hook.decides else None) is RunState.SKIPPED:
                look.burst.note_skipped(each.hook, happening.agent)

    async def _causes(self, look: _Look, happening: Happening, scene: Scene) -> tuple[str, ...]:
        """The hooks that led to something: by its messages, by the workflow's run that it is of, or by its session."""
        run = happening.values.get("run") or (scene.agent.part.run if scene.agent and scene.agent.part else "")
        return await self._records.causes(
            look.workspace, (*happening.messages, *([run] if run else ())), session=look.session.id
        )

    async def _begin(self, due: Due, *, times: int = 1, decides: ApprovalId | None = None) -> RunState:
        return await self.set_off(
            due.scene, due.matched, due.happening, run=due.run, causes=due.causes, times=times, decides=decides
        )

    async def _let_go(self, workspace: WorkspaceId, held: HeldHook, index: HookIndex) -> None:
        """Set off once what many events would have; nothing where the hook or the session is gone."""
        hook, happening = index.hook(held.hook), held.happening
        with contextlib.suppress(NotFound):
            look = _Look(workspace, await self._registry.session(workspace, held.session), index)
            scene = await self._scene(look, happening) if hook else None
            if hook and scene:
                run = run_id(held.session, run_key(hook, happening, place=held.mark % _PLACES), hook.id)
                causes = await self._causes(look, happening, scene)
                await self.set_off(
                    scene, Matched(hook, held.files), happening, run=run, causes=causes, times=held.count
                )
        await self._records.drop(workspace, held)

    async def _scene(self, look: _Look, happening: Happening) -> Scene | None:
        agent = await self._agent(look, happening.agent) if happening.agent else None
        if happening.agent and agent is None:  # forgotten since
            return None
        return Scene(
            workspace=look.workspace,
            session=look.session,
            agent=agent,
            proxy=await self._proxy(look, agent.proxy) if agent else None,
            public_url=self._public_url,
        )

    async def _agent(self, look: _Look, agent: AgentId) -> Agent | None:
        if agent not in look.agents:
            look.agents[agent] = await self._registry.agent(look.workspace, agent)
        return look.agents[agent]

    async def _proxy(self, look: _Look, proxy: ProxyId) -> Proxy | None:
        if proxy not in look.proxies:
            look.proxies[proxy] = await self._registry.proxy(look.workspace, proxy)
        return look.proxies[proxy]

    async def set_off(
        self,
        scene: Scene,
        matched: Matched,
        happening: Happening,
        *,
        run: HookRunId,
        causes: tuple[str, ...],
        times: int = 1,
        test_by: str = "",
        decides: ApprovalId | None = None,
    ) -> RunState:
        """Begin a run, once, and do what the broker does of it; how far it is.

        `test_by`: who lets it run to try the hook; `decides`: the request that it answers.
        """
        hook = matched.hook
        given = order(
            scene,
            matched,
            happening,
            run=run,
            causes=causes,
            loop=loops(hook, causes),
            times=times,
            test_by=test_by,
            decides=decides,
        )
        state = await self._records.begin(scene.workspace, given)
        if state is RunState.ORDERED and isinstance(hook.action, RelayAction):
            text = render_relay_text(scene, hook, hook.action, happening, matched.files)
            await self._finish(scene, hook, run, self._relay(scene, hook, hook.action, happening, run=run, text=text))
        if state is RunState.ORDERED and isinstance(hook.action, WorkflowAction):
            started = self._starts.start(
                scene, hook, hook.action, happening, run=run, files=matched.files, causes=causes
            )
            await self._finish(scene, hook, run, started)
        return state

    async def _finish(self, scene: Scene, hook: Hook, run: HookRunId, action: Awaitable[str]) -> None:
        """Carry out what the broker does of a run, which answers what that was, and record what became of it."""
        try:
            state, why = RunState.COMPLETED, await action
        except Unavailable:
            raise
        except RelayError as refused:
            state, why = RunState.FAILED, refused.message
        await self._records.finish(scene.workspace, run, state, run_data(run, hook, state, reason=why))

    async def _relay(
        self, scene: Scene, hook: Hook, action: RelayAction, happening: Happening, *, run: HookRunId, text: str
    ) -> str:
        to = await self._recipient(scene, action, happening)
        outgoing = prepare(
            Sender(name=f"hook:{hook.id}", role=Role.EXTERNAL),
            scene.session,
            to=to,
            text=text,
            mode=Mode(action.mode),
            message_id=MessageId(run),
            redactor=await self._redaction.redactor(scene.workspace),
        )
        await self._mailroom.send(scene.workspace, outgoing, plan=await self._plan(scene.workspace))
        return f"sent to {to}"

    async def _plan(self, workspace: WorkspaceId) -> Plan:
        found = await self._workspaces.get(workspace)
        if found is None:
            raise NotFound("the workspace is gone", code="WORKSPACE_NOT_FOUND")
        return found.plan

    async def _recipient(self, scene: Scene, action: RelayAction, happening: Happening) -> str:
        """Whom a message is for; `sender` is who wrote what the turn answers."""
        if action.to != "sender":
            return action.to
        if not happening.messages:
            raise NotFound("the turn answers nobody's message", code="NO_RECIPIENTS")
        message = happening.messages[-1]
        trace = await self._mailroom.trace(scene.workspace, message, seen=scene.session.id.__eq__)
        match trace.message.get("from"):
            case {"name": str(name)}:
                return name
            case _:
                raise NotFound("nobody knows who sent the message", code="NO_RECIPIENTS")


def _run(look: _Look, hook: Hook, happening: Happening, *, place: int) -> HookRunId:
    return run_id(look.session.id, run_key(hook, happening, place=place), hook.id)


def _held(look: _Look, matched: Matched, happening: Happening, *, place: int) -> HeldHook:
    return HeldHook(
        hook=matched.hook.id,
        happening=happening,
        session=look.session.id,
        mark=happening.at.offset * _PLACES + min(place, _PLACES - 1),
        files=matched.files,
    )


def _quiet_s(index: HookIndex, held: HeldHook) -> float:
    hook = index.hook(held.hook)
    return hook.debounce_s if hook else 0
