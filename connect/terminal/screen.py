"""The session on a real terminal: events above, the prompt below."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.application.current import get_app, get_app_session
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from broker.domain.errors import RelayError, SpawnFailed, Unavailable
from connect.endpoint import data_folder
from connect.sdk import AgentRelay
from connect.sdk.event_feed import FeedItem
from connect.sdk.facts import ApprovalRequested, ProxyConnected, read_fact
from connect.sdk.types import Event, LinkUp, Reset
from connect.task_scope import task_scope
from connect.terminal.actions import Actions, LeadAgent
from connect.terminal.commands import WELCOME, Command, Exit
from connect.terminal.completion import WordCompleter
from connect.terminal.consents import Consents
from connect.terminal.farewell import Farewell, leave_agents_alone
from connect.terminal.grammar import read_command
from connect.terminal.painting import STYLE, measured_width, paint
from connect.terminal.text import Line, harmless, one_line
from connect.terminal.view import View, bad, good


class Screen:
    """Owns the prompt and everything printed above it; what arrives together is painted together."""

    def __init__(
        self,
        relay: AgentRelay,
        view: View,
        *,
        lead: LeadAgent,
        consents: Consents,
        farewell: Farewell = leave_agents_alone,
    ) -> None:
        self._relay = relay
        self._view = view
        self._lead = lead
        self._farewell = farewell
        self._consents = consents
        self._actions = Actions(relay, view, lead=lead, consents=consents)
        self._completer = WordCompleter(view, self._actions.places)
        self._unpainted: list[Line] = []
        self._painting = asyncio.Lock()
        self._up = asyncio.Event()

    async def run(self) -> int:
        """Until the user leaves; raises `RelayError` when the broker ends it."""
        prompt: PromptSession[str] = PromptSession(
            history=_history(), completer=self._completer, complete_while_typing=False, style=STYLE
        )
        session = await self._relay.session()
        with patch_stdout(raw=True):
            async with task_scope() as tasks:
                following = tasks.create_task(self._follow())
                await self._up.wait()
                await self._greet(session.url)
                asking = tasks.create_task(self._show_questions())
                await self._read_lines(prompt, tasks)
                asking.cancel()
                following.cancel()
        return 0

    async def _follow(self) -> None:
        async with aclosing(self._relay.feed()) as feed:
            async for item in feed:
                await self._take(item)

    async def _show_questions(self) -> None:
        while True:
            await self._consents.changed.wait()
            self._consents.changed.clear()
            lines = self._consents.changes(width=measured_width())
            if lines:
                get_app_session().output.bell()
            await self._print(lines)

    async def _take(self, item: FeedItem) -> None:
        self._view.width = measured_width()
        lines = self._view.show(item)
        if isinstance(item, LinkUp | Reset):
            lines += await self._catch_up()
            self._up.set()
        if isinstance(item, Event):
            await self._on_event(item)
        await self._print(lines)

    async def _on_event(self, event: Event) -> None:
        match read_fact(event):
            case ApprovalRequested():
                get_app_session().output.bell()
            case ProxyConnected():
                await self._actions.learn_machines()
            case _:
                pass

    async def _catch_up(self) -> list[Line]:
        """What events of the time before, or of a gap, would have told."""
        await self._actions.learn_machines()
        try:
            self._view.roster.learn(await self._relay.agents())
            return self._view.catch_up(await self._relay.waiting())
        except Unavailable:
            # Away again: the next connection catches up.
            return []

    async def _greet(self, url: str) -> None:
        living = self._view.roster.living()
        here = [good(f"Here already: {', '.join(map(self._view.roster.title, living))}")] if living else []
        await self._print(
            [
                good(f"Connected to {self._relay.endpoint.host}"),
                good(f"Dashboard: {one_line(url)}"),
                *here,
                (),
                *((("", text),) for text in WELCOME.format(lead=self._lead.title).splitlines()),
                (),
            ]
        )

    async def _read_lines(self, prompt: PromptSession[str], tasks: asyncio.TaskGroup) -> None:
        running: set[asyncio.Task[None]] = set()
        while True:
            try:
                line = await prompt.prompt_async(self._prompt)
            except KeyboardInterrupt:
                continue
            except EOFError:
                break
            command = read_command(line, self._actions.known())
            if isinstance(command, Exit):
                break
            if command is not None:
                task = tasks.create_task(self._perform(command))
                running.add(task)
                task.add_done_callback(running.discard)
        for task in running:
            task.cancel()
        await self._say_goodbye()

    async def _say_goodbye(self) -> None:
        outcome = await self._farewell(_ask)
        await self._print([good(f"Disconnected{outcome}")])

    def _prompt(self) -> FormattedText:
        if self._view.connected:
            return FormattedText([("class:strong", "relay> ")])
        return FormattedText([("class:warn", "relay (reconnecting)> ")])

    async def _perform(self, command: Command) -> None:
        await self._print(self._actions.announce(command))
        try:
            reply = await self._actions.run(command)
        except SpawnFailed as error:
            # The agent's own last words come as an event; this is for when the event is lost with the link.
            await self._print([] if self._view.connected else [bad(one_line(error.message))])
        except RelayError as error:
            await self._print(_refusal(error))
        else:
            await self._print(reply.lines)

    async def _print(self, lines: Iterable[Line]) -> None:
        self._unpainted += lines
        async with self._painting:
            if self._unpainted:
                lines, self._unpainted = self._unpainted, []
                await run_in_terminal(lambda: paint(lines))
        get_app().invalidate()


async def _ask(question: str, default: bool) -> bool:
    """A question of yes or no below the screen. Ctrl-C and Ctrl-D are Enter."""
    choice = "[Y/n]" if default else "[y/N]"
    prompt: PromptSession[str] = PromptSession(history=InMemoryHistory())
    try:
        answer = (await prompt.prompt_async(f"{one_line(question)} {choice} ")).strip().lower()
    except (EOFError, KeyboardInterrupt):
        answer = ""
    return answer.startswith("y") if answer else default


def _refusal(error: RelayError) -> list[Line]:
    """What went wrong; for a search that cannot be read, with a caret under the place."""
    lines = error.message.split("\n") if error.code == "INVALID_QUERY" else [error.message]
    problem, *pointer = lines
    return [bad(f"{one_line(problem, limit=500)} ({error.code})"), *((("", harmless(line)),) for line in pointer)]


def _history() -> History:
    """What was typed before, readable by nobody else; only in memory where it cannot be kept."""
    path: Path = data_folder() / "terminal_history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))
