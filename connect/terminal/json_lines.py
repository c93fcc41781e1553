"""The session for programs: events as JSON lines on standard output, commands as lines on standard input."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import aclosing, suppress
from typing import TextIO

import orjson

from broker.domain.errors import RelayError, Unavailable
from connect.sdk import AgentRelay
from connect.sdk.event_feed import FeedItem
from connect.sdk.types import Event, LinkLost, LinkUp, Reset
from connect.system.task_scope import task_scope
from connect.terminal.actions import Actions, LeadAgent
from connect.terminal.commands import Exit, Misused
from connect.terminal.grammar import read_command
from connect.terminal.verbosity import Verbosity
from connect.terminal.view import View

OK = 0
COMMAND_FAILED = 1


class JsonLines:
    """Commands run one after the other. At the end of input it stays until what was sent, and what agents
    asked each other because of it, is answered; `exit` leaves.

    Input that ends without a single line is a service's: then it stays until it is told to stop.
    """

    def __init__(self, relay: AgentRelay, view: View, *, lead: LeadAgent) -> None:
        self._relay = relay
        self._view = view
        self._actions = Actions(relay, view, lead=lead)
        self._changed = asyncio.Event()
        self._up = asyncio.Event()
        self._status = OK
        self._told_something = False

    async def run(self, source: TextIO = sys.stdin) -> int:
        """Until `exit`, or until input has ended and everything that was sent is settled."""
        session = await self._relay.session()
        _write({"kind": "session", **session.model_dump(mode="json")})
        async with task_scope() as tasks:
            following = tasks.create_task(self._follow())
            await self._up.wait()
            if await self._read_lines(_lines(source)):
                await (self._settle() if self._told_something else following)
            following.cancel()
        return self._status

    async def _follow(self) -> None:
        async with aclosing(self._relay.feed()) as feed:
            async for item in feed:
                await self._take(item)

    async def _take(self, item: FeedItem) -> None:
        self._view.show(item)
        if isinstance(item, LinkUp | Reset):
            await self._catch_up()
            self._up.set()
        for found in self._wanted(item):
            _write(_as_json(found))
        self._changed.set()

    async def _catch_up(self) -> None:
        # When the broker is away again, the next connection catches up.
        with suppress(Unavailable):
            await self._actions.learn_machines()
            self._view.learn(await self._relay.agents())
            await self._actions.learn_channels()
            self._view.catch_up(await self._relay.waiting())

    def _wanted(self, item: FeedItem) -> list[FeedItem]:
        """Quiet: what the quiet screen would tell. Otherwise all events, of agents' frames only when verbose."""
        if not isinstance(item, Event):
            return [item]
        if self._view.verbosity is Verbosity.QUIET:
            concluded = self._view.concluded
            return [*concluded, *([item] if self._view.told and item not in concluded else [])]
        return [item] if item.kind != "agent.frame" or self._view.verbosity is Verbosity.VERBOSE else []

    async def _read_lines(self, lines: asyncio.Queue[str | None]) -> bool:
        """Run every line; True when input ended without an `exit`."""
        while (line := await lines.get()) is not None:
            self._told_something = True
            command = read_command(line, self._actions.known())
            if isinstance(command, Exit):
                return False
            if command is None:
                continue
            try:
                reply = await self._actions.run(command)
            except RelayError as error:
                self._fail(line, code=error.code, message=error.message)
                continue
            if isinstance(command, Misused):
                self._fail(line, code="USAGE", message=command.usage)
            else:
                _write({"kind": "command.done", "line": line, "result": reply.result})
        return True

    def _fail(self, line: str, *, code: str, message: str) -> None:
        self._status = COMMAND_FAILED
        _write({"kind": "command.failed", "line": line, "code": code, "message": message})

    async def _settle(self) -> None:
        while not self._view.at_rest:
            self._changed.clear()
            await self._changed.wait()


def _as_json(item: FeedItem) -> dict[str, object]:
    body: dict[str, object] = item.model_dump(mode="json")
    match item:
        case LinkUp():
            return {"kind": "link.up", **body}
        case LinkLost():
            return {"kind": "link.lost", **body}
        case Reset():
            return {"kind": "reset", **body}
        case Event():
            return body


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()


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
