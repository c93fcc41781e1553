"""A session without a person at it: a task or commands go in, and it ends when all that comes of them is there."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol, TextIO

from broker.domain.agents.agents import AgentState
from broker.domain.errors import RelayError, Unavailable
from broker.protocol.agents.events import TurnOutcome
from broker.task_scope import task_scope
from connect.sdk import AgentRelay
from connect.sdk.event_feed import FeedItem
from connect.sdk.facts import TurnEnded, read_fact
from connect.sdk.types import Event, LinkUp, Reset, Session
from connect.terminal.actions import Actions, LeadAgent, Reply
from connect.terminal.input.commands import Command, Exit, Misused, Tell
from connect.terminal.input.grammar import read_command
from connect.terminal.output.view import View
from connect.terminal.text.layout import Line, one_line

_INTERRUPTED_S = 10.0
"""For agents that were interrupted to end their turns."""


class Ending(IntEnum):
    """How it ended, as the exit status."""

    ANSWERED = 0
    FAILED = 1
    """A command was refused, a message did not arrive, or the last turn of whoever was asked failed."""
    NEEDS_PERSON = 75
    """EX_TEMPFAIL of sysexits.h: somebody has to answer or to decide something, and nobody is here."""
    INTERRUPTED = 130


class Output(Protocol):
    """Where it tells what goes on."""

    takes_commands: bool
    """Whether each line of input is one by itself; else a text that begins with no command is one task as a whole."""

    def begin(self, session: Session) -> None:
        """The session is found."""

    def announce(self, lines: Sequence[Line]) -> None:
        """What is begun."""

    def item(self, item: FeedItem, lines: Sequence[Line], *, results: Sequence[Event]) -> None:
        """An event, what the terminal shows of it, and the turns whose last words are results now."""

    def say_done(self, line: str, command: Command, reply: Reply) -> None:
        """A command was carried out."""

    def say_failed(self, line: str, *, code: str, message: str) -> None:
        """A command was refused."""

    def tell(self, text: str) -> None:
        """A word about itself."""

    def end(self, ending: Ending, *, results: Sequence[Event]) -> None:
        """A task came to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is to be done, and when to give up."""

    task: str | None = None
    """None: what comes from standard input."""
    waits_for_people: bool = True
    """Whether it goes on when a person has to answer something; else that ends it."""
    interrupt: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the agents that work for it are to be stopped, and it with them."""


class Unattended:
    """Commands run one after the other. At the end of input it stays until what was sent, and what agents asked each
    other because of it, is answered; `exit` leaves.

    Input that ends without a single line is a service's: then it stays until it is told to stop.
    """

    def __init__(self, relay: AgentRelay, view: View, *, lead: LeadAgent, output: Output, terms: Terms) -> None:
        self._relay = relay
        self._view = view
        self._output = output
        self._terms = terms
        self._actions = Actions(relay, view, lead=lead)
        self._changed = asyncio.Event()
        self._up = asyncio.Event()
        self._refused = False
        self._outcomes: dict[str, TurnOutcome] = {}
        self._results: list[Event] = []
        self._url = ""

    async def run(self, source: TextIO = sys.stdin) -> int:
        """Until all is settled, or `exit`; the exit status. Raises `RelayError` when the broker ends it."""
        session = await self._relay.session()
        self._url = session.url
        self._output.begin(session)
        async with task_scope() as tasks:
            following = tasks.create_task(self._follow())
            await self._up.wait()
            working = tasks.create_task(self._work(source))
            interrupting = tasks.create_task(self._terms.interrupt.wait())
            await asyncio.wait({working, interrupting}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                ending = working.result()
            else:
                working.cancel()
                ending = await self._interrupt()
            interrupting.cancel()
            following.cancel()
        if self._terms.task is not None:
            self._output.end(ending, results=self._results)
        return ending

    async def _follow(self) -> None:
        async with aclosing(self._relay.feed()) as feed:
            async for item in feed:
                await self._take(item)

    async def _take(self, item: FeedItem) -> None:
        lines = self._view.show(item)
        if isinstance(item, LinkUp | Reset):
            lines += await self._catch_up()
            self._up.set()
        if isinstance(item, Event) and isinstance(fact := read_fact(item), TurnEnded):
            self._outcomes[item.name or ""] = fact.outcome
        results = [event for event in self._view.concluded if self._is_answer(event)]
        self._results += results
        self._output.item(item, lines, results=results)
        self._changed.set()

    def _is_answer(self, event: Event) -> bool:
        """Whether a turn's last words are from somebody who was asked here, and not cut off in the middle."""
        fact = read_fact(event)
        completed = isinstance(fact, TurnEnded) and fact.outcome is TurnOutcome.COMPLETED
        return completed and event.name in self._view.own.addressed

    async def _catch_up(self) -> list[Line]:
        # When the broker is away again, the next connection catches up.
        with suppress(Unavailable):
            await self._actions.learn_machines()
            self._view.learn(await self._relay.agents())
            await self._actions.learn_channels()
            return self._view.catch_up(await self._relay.waiting())
        return []

    async def _work(self, source: TextIO) -> Ending:
        if self._terms.task is not None:
            await self._perform(Tell(text=self._terms.task), self._terms.task)
            return await self._settle()
        lines = _lines(source)
        first = await _first_line(lines)
        if first is None:
            await asyncio.Event().wait()  # a service
            raise AssertionError("nobody sets it")
        if not self._output.takes_commands and isinstance(read_command(first, self._actions.list_known()), Tell):
            text = "\n".join([first, *await _rest(lines)]).strip()
            await self._perform(Tell(text=text), text)
        elif not await self._read_lines(first, lines):
            return Ending.FAILED if self._refused else Ending.ANSWERED
        return await self._settle()

    async def _read_lines(self, first: str, lines: asyncio.Queue[str | None]) -> bool:
        """Run every line; True when input ended without an `exit`."""
        line: str | None = first
        while line is not None:
            command = read_command(line, self._actions.list_known())
            if isinstance(command, Exit):
                return False
            if command is not None:
                await self._perform(command, line)
            line = await lines.get()
        return True

    async def _perform(self, command: Command, line: str) -> None:
        self._output.announce(self._actions.announce(command))
        try:
            reply = await self._actions.run(command)
        except RelayError as error:
            self._fail(line, code=error.code, message=error.message)
        else:
            if isinstance(command, Misused):
                self._fail(line, code="USAGE", message=command.usage)
            else:
                self._output.say_done(line, command, reply)

    def _fail(self, line: str, *, code: str, message: str) -> None:
        self._refused = True
        self._output.say_failed(line, code=code, message=message)

    async def _settle(self) -> Ending:
        while not self._view.at_rest:
            if not self._terms.waits_for_people and (who := self._needs_person()):
                self._output.tell(
                    f"{who}, and nobody is here: a person can do so at {self._url} or in `relay-connect`."
                    " --wait-for-people waits for that"
                )
                return Ending.NEEDS_PERSON
            self._changed.clear()
            await self._changed.wait()
        return Ending.FAILED if self._refused or self._went_wrong() else Ending.ANSWERED

    def _needs_person(self) -> str:
        """Who cannot go on without somebody, in words; '' when nobody."""
        own = self._view.own
        for approval in self._view.asked.pending():
            if self._view.roster.descends(approval.agent, own.addressed):
                asks = "asks a question" if approval.prompts else "asks for permission"
                return f"{one_line(approval.agent)} {asks}"
        stopped = sorted(own.stopped)
        return f"{', '.join(map(one_line, stopped))}: stopped, somebody has to resume it" if stopped else ""

    def _went_wrong(self) -> bool:
        own = self._view.own
        last = [self._outcomes.get(name, TurnOutcome.COMPLETED) for name in own.addressed]
        return bool(own.undelivered) or any(outcome is not TurnOutcome.COMPLETED for outcome in last)

    async def _interrupt(self) -> Ending:
        """Stop whoever works for this, and wait for that; who has not begun is ended."""
        addressed, roster = self._view.own.addressed, self._view.roster
        starting = [name for name in addressed if roster.state_of(name) is AgentState.STARTING]
        working = self._view.own_working()
        for name in [*starting, *working]:
            self._output.tell(f"interrupting {one_line(name)}")
            try:
                await (self._relay.release(name) if name in starting else self._relay.interrupt(name))
            except RelayError as error:
                self._output.tell(one_line(error.message))
        with suppress(TimeoutError):
            async with asyncio.timeout(_INTERRUPTED_S):
                while self._view.own_working():
                    self._changed.clear()
                    await self._changed.wait()
        return Ending.INTERRUPTED


async def _first_line(lines: asyncio.Queue[str | None]) -> str | None:
    """The first that is not empty."""
    while (line := await lines.get()) is not None:
        if line.strip():
            return line
    return None


async def _rest(lines: asyncio.Queue[str | None]) -> list[str]:
    """All lines up to the end of input."""
    found = []
    while (line := await lines.get()) is not None:
        found.append(line)
    return found


def _lines(source: TextIO) -> asyncio.Queue[str | None]:
    """The lines of `source` as they come, then None.

    A thread reads them, for files, pipes and terminals differ in what an event loop can wait for; it is a daemon
    because a blocked read cannot be called off.
    """
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in source:
            loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    return lines
