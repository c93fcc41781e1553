"""Hooks that agents wait for: which of them mean one of this machine's agents, and asking them.

The broker says which there are; each runs here, if this machine's owner has allowed it, and what they answer is known
here first. One that does not run, for whatever reason, counts as its definition says for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from typing_extensions import override

from broker.domain.hooks.answers import HookAnswer, HookSays, Opined, combine, stand_in_answer
from broker.domain.hooks.definitions import CommandAction, Hook
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.matching import About, HookIndex
from broker.domain.hooks.runs import RunState
from broker.domain.logs.events import Cursor
from broker.protocol.proxy import Guards, HookRan, RunHook, Spawn
from connect.machine.commands.queue import RunQueue
from connect.machine.hooks.journal import Journal
from connect.machine.hooks.runner import HookRunner, HookSurroundings

MOST_AT_ONCE = 16
"""Agents stand still for them: more than of those that nobody waits for."""
_GRACE_S = 0.5
"""Beyond a hook's own time: its program may ignore TERM, and its agent does not wait for that."""


class GuardRunner(HookRunner):
    """Runs hooks that somebody waits for."""

    def __init__(self, around: HookSurroundings, *, journal: Journal) -> None:
        super().__init__(around, journal=journal, queue=RunQueue(line=lambda order: order.run, at_once=MOST_AT_ONCE))
        self._awaited: dict[str, asyncio.Future[HookRan]] = {}

    async def ask(self, order: RunHook) -> HookRan:
        """Run it; how it ended. A run that goes on beyond its time is told of as any other, once it has ended."""
        awaited: asyncio.Future[HookRan] = asyncio.get_running_loop().create_future()
        self._awaited[order.run] = awaited
        try:
            self.take(order)
            async with asyncio.timeout(order.timeout_s + _GRACE_S):
                return await awaited
        except TimeoutError:
            return self._report_failed(order, f"it took longer than {order.timeout_s:g} s")
        finally:
            self._awaited.pop(order.run, None)

    @override
    def _end(self, report: HookRan) -> None:
        super()._end(report)
        awaited = self._awaited.get(report.run)
        if awaited is not None and not awaited.done():
            awaited.set_result(report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an agent is about to do."""

    event: HookEvent
    happening: Happening
    told: dict[str, Any]
    """For the hooks' standard input, besides who and where."""
    files: tuple[str, ...] = ()
    """As they stand from the agent's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counsel:
    """What hooks have said to it."""

    opined: Opined | None = None
    """Together; None: no opinion."""
    each: tuple[Opined, ...] = ()
    """By itself, failures among them."""


class GuardBook:
    """The hooks that hold on this machine."""

    def __init__(self, runner: GuardRunner, *, name: str, labels: Iterable[str], now_ms: Callable[[], int]) -> None:
        self._runner = runner
        self._labels = frozenset({name, *labels})
        self._now_ms = now_ms
        self._index = HookIndex(())
        self.version = 0

    def take(self, guards: Guards) -> None:
        """These hold from now on."""
        if guards.version >= self.version:
            self.version = guards.version
            self._index = HookIndex(guards.hooks)

    def consults(self, spawn: Spawn) -> bool:
        """Whether an agent that starts now has to ask before all it does."""
        events = (HookEvent.BEFORE_TOOL, HookEvent.BEFORE_STOP)
        return any(self._index.select(each, name=spawn.name, about=self._about(spawn)) for each in events)

    def matching(self, spawn: Spawn, asked: Asked) -> list[Hook]:
        """The hooks that are to be asked."""
        found = self._index.match(asked.happening, self._about(spawn), files=asked.files)
        return [each.hook for each in found]

    async def ask(self, spawn: Spawn, asked: Asked, hooks: Iterable[Hook]) -> Counsel:
        """Ask all of them at once."""
        each = await asyncio.gather(*(self._ask_one(spawn, asked, hook) for hook in hooks))
        given = tuple(opined for opined in each if opined is not None)
        return Counsel(opined=combine(given), each=given)

    async def _ask_one(self, spawn: Spawn, asked: Asked, hook: Hook) -> Opined | None:
        ran = await self._runner.ask(_order(spawn, asked, hook, at_ms=self._now_ms()))
        if ran.state is not RunState.COMPLETED:
            why = ran.reason or ran.state
            return Opined(hook=hook.id, answer=stand_in_answer(hook.without_answer, why=why), failed=why)
        answer = ran.answer
        if _changes(answer) and asked.event is HookEvent.BEFORE_TOOL and not hook.modifies:
            why = "it changes what is run, and its definition does not say `modifies: true`"
            return Opined(hook=hook.id, answer=stand_in_answer(hook.without_answer, why=why), failed=why)
        if answer is None or (answer.says is HookSays.ALLOW and not hook.may_allow):
            return _context_of(hook, answer)
        return Opined(hook=hook.id, answer=answer, allows=hook.may_allow)

    def _about(self, spawn: Spawn) -> About:
        return About(kind=spawn.cli, session=spawn.session_name or spawn.session, labels=self._labels)


def happening(event: HookEvent, spawn: Spawn, *, values: dict[str, str] | None = None, **given: Any) -> Happening:
    """What an agent is about to do, as hooks look at it."""
    return Happening(
        event=event, at=Cursor("", 0), at_ms=0, agent=spawn.agent, name=spawn.name, values=values or {}, **given
    )


def _changes(answer: HookAnswer | None) -> bool:
    return answer is not None and answer.says is HookSays.MODIFY


def _context_of(hook: Hook, answer: HookAnswer | None) -> Opined | None:
    """No opinion, but perhaps something for the agent to know."""
    if answer is None or not answer.context:
        return None
    return Opined(hook=hook.id, answer=HookAnswer(says=HookSays.ALLOW, context=answer.context))


def _order(spawn: Spawn, asked: Asked, hook: Hook, *, at_ms: int) -> RunHook:
    action = hook.action
    assert isinstance(action, CommandAction), "nothing else is saved for these (`domain.hooks.blocking`)"
    run = str(uuid4())  # vendors may use the id of a request again
    session = spawn.session_name or spawn.session
    return RunHook(
        agent=spawn.agent,
        generation=spawn.generation,
        run=run,
        hook=hook.id,
        command=action.command if isinstance(action.command, str) else list(action.command),
        cwd=action.cwd,
        env=list(action.env),
        timeout_s=action.timeout_s,
        values={"event": asked.event, "agent": spawn.name, "kind": spawn.cli, "session": session},
        event={
            "id": run,
            "type": asked.event,
            "at_ms": at_ms,
            "agent": {"id": spawn.agent, "name": spawn.name, "kind": spawn.cli},
            "session": {"id": spawn.session, "name": session},
            "data": asked.told,
        },
        answers=asked.event,
        begun_here=True,
    )
