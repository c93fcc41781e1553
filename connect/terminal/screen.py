"""The session on a real terminal: events above, the prompt below."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.application.current import get_app, get_app_session
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout

from broker.domain.errors import RelayError, SpawnFailed, Unavailable
from broker.task_scope import TaskScope, task_scope
from connect.access.endpoint import data_folder
from connect.sdk import AgentRelay
from connect.sdk.event_feed import FeedItem
from connect.sdk.facts import ApprovalRequested, ProxyConnected, read_fact
from connect.sdk.types import Event, LinkUp, Reset
from connect.terminal.actions import Actions, LeadAgent
from connect.terminal.completion import WordCompleter
from connect.terminal.consents import Consents
from connect.terminal.farewell import Farewell, leave_agents_alone
from connect.terminal.input.commands import WELCOME, Command, Exit, Interrupt, Logs, Release, Send, Tell, Trace
from connect.terminal.input.grammar import read_command
from connect.terminal.input.interrupting import Interrupting, Pressed
from connect.terminal.output.view import View, bad, dim, good
from connect.terminal.session.activity import status_line, window_title
from connect.terminal.text.layout import Line, harmless, one_line
from connect.terminal.text.painting import STYLE, for_console, measure_columns, measure_width, paint
from connect.terminal.verbosity import Verbosity

_REFRESH_S = 1.0
"""How often the line below the prompt is drawn anew: it counts seconds."""


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
        self._farewell = farewell
        self._consents = consents
        self._actions = Actions(relay, view, lead=lead, consents=consents)
        self._interrupting = Interrupting(time.monotonic)
        self._prompt_session: PromptSession[str] = PromptSession(
            history=_history(),
            completer=WordCompleter(view, self._actions.places),
            complete_while_typing=False,
            style=STYLE,
            key_bindings=self._keys(),
            bottom_toolbar=self._status,
            refresh_interval=_REFRESH_S,
        )
        self._here = ""
        self._title = ""
        self._unpainted: list[Line] = []
        self._painting = asyncio.Lock()
        self._up = asyncio.Event()

    async def run(self) -> int:
        """Until the user leaves; raises `RelayError` when the broker ends it."""
        session = await self._relay.session()
        self._here = f"session {one_line(session.name, limit=40)}"
        with patch_stdout(raw=True):
            async with task_scope() as tasks:
                following = tasks.create_task(self._follow())
                await self._up.wait()
                await self._greet(session.url)
                asking = tasks.create_task(self._show_questions())
                await self._read_lines(tasks)
                asking.cancel()
                following.cancel()
        get_app_session().output.clear_title()
        return 0

    async def _follow(self) -> None:
        async with aclosing(self._relay.feed()) as feed:
            async for item in feed:
                await self._take(item)

    async def _show_questions(self) -> None:
        while True:
            await self._consents.changed.wait()
            self._consents.changed.clear()
            lines = self._consents.changes(width=measure_width())
            if lines:
                get_app_session().output.bell()
            await self._print(lines)

    async def _take(self, item: FeedItem) -> None:
        self._view.width, self._view.columns = measure_width(), measure_columns()
        shown = self._view.show(item)
        lines = shown if not isinstance(item, Event) or self._actions.concern(item) else []
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
            self._view.learn(await self._relay.agents())
            await self._actions.learn_channels()
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
                *((("", text),) for text in WELCOME.format(lead=self._actions.lead.title).splitlines()),
                (),
            ]
        )

    async def _read_lines(self, tasks: TaskScope) -> None:
        running: set[asyncio.Task[None]] = set()
        while True:
            try:
                line = await self._prompt_session.prompt_async(self._prompt)
            except (EOFError, KeyboardInterrupt):
                break
            command = read_command(line, self._actions.list_known())
            if isinstance(command, Exit):
                break
            if command is not None:
                task = tasks.create_task(self._perform(command, line))
                running.add(task)
                task.add_done_callback(running.discard)
        for task in running:
            task.cancel()
        await self._say_goodbye()

    def _keys(self) -> KeyBindings:
        """Ctrl-C, which may come as a signal while something is painted."""
        keys = KeyBindings()

        @keys.add("c-c")
        @keys.add("<sigint>")
        def _(event: KeyPressEvent) -> None:
            if event.current_buffer.text:
                event.current_buffer.reset()
            else:
                self._on_ctrl_c(event.app)

        return keys

    def _on_ctrl_c(self, app: Application[str]) -> None:
        own = self._view.own_working()
        others = [name for name in self._view.activity.working() if name not in own]
        pressed = self._interrupting.press(own=own, others=others)
        if pressed.leave:
            app.exit(exception=EOFError())
        else:
            app.create_background_task(self._interrupt(pressed))

    async def _interrupt(self, pressed: Pressed) -> None:
        await self._print([dim(pressed.text)])
        for name in pressed.interrupt:
            try:
                await self._relay.interrupt(name)
            except RelayError as error:
                await self._print(self._refusal(error))

    def _status(self) -> FormattedText:
        """What is shown below the prompt, computed anew each time it is drawn."""
        view = self._view
        text = status_line(
            view.activity,
            here=self._here,
            idle=view.roster.living(),
            waiting=self._waiting(),
            width=measure_columns(),
        )
        return FormattedText([("", for_console(text))])

    def _waiting(self) -> int:
        return len(self._view.asked.pending()) + len(self._consents.names())

    def _entitle(self) -> None:
        """Let the window's title say who works, where that has changed."""
        title = window_title(self._view.activity, session=self._here.removeprefix("session "), waiting=self._waiting())
        if title != self._title:
            self._title = title
            get_app_session().output.set_title(for_console(title))
            get_app_session().output.flush()

    async def _say_goodbye(self) -> None:
        outcome = await self._farewell(_ask)
        await self._print([good(f"Disconnected{outcome}")])

    def _prompt(self) -> FormattedText:
        if self._view.connected:
            with_whom = f" {one_line(self._actions.attached, limit=40)}" if self._actions.attached else ""
            return FormattedText([("class:strong", f"relay{with_whom}> ")])
        return FormattedText([("class:warn", "relay (reconnecting)> ")])

    async def _perform(self, command: Command, line: str) -> None:
        await self._print(self._actions.announce(command))
        try:
            reply = await self._actions.run(command)
        except SpawnFailed as error:
            # The agent's own last words come as an event; this is for when the event is lost with the link.
            told = [] if self._view.connected else [bad(one_line(error.message))]
            await self._print([*told, *self._give_back(command, line)])
        except RelayError as error:
            await self._print([*self._refusal(error), *self._give_back(command, line)])
        else:
            await self._print(reply.lines)

    def _give_back(self, command: Command, line: str) -> list[Line]:
        """What was typed for somebody who did not get it: it is back at the prompt, if nothing else is typed there."""
        match command:
            case Tell() | Send():
                buffer = self._prompt_session.default_buffer
                if buffer.text:
                    return [dim("· what you typed was not delivered; the arrow up brings it back")]
                buffer.set_document(Document(line))
                return [dim("· what you typed was not delivered; it is back at the prompt")]
            case Release() | Interrupt() | Logs() | Trace() if not line.lstrip().startswith("/"):
                return [dim(f"· to say it to {one_line(self._actions.addressee)}: > {one_line(line, limit=60)}")]
            case _:
                return []

    def _refusal(self, error: RelayError) -> list[Line]:
        """What went wrong; for a search that cannot be read, with a caret under the place."""
        lines = error.message.split("\n") if error.code == "INVALID_QUERY" else [error.message]
        problem, *pointer = lines
        code = f" ({error.code})" if self._view.verbosity is Verbosity.VERBOSE else ""
        return [bad(f"{one_line(problem, limit=500)}{code}"), *((("", harmless(line)),) for line in pointer)]

    async def _print(self, lines: Iterable[Line]) -> None:
        self._unpainted += lines
        async with self._painting:
            if self._unpainted:
                lines, self._unpainted = self._unpainted, []
                await run_in_terminal(lambda: paint(lines))
        self._entitle()
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


def _history() -> History:
    """What was typed before, readable by nobody else; only in memory where it cannot be kept."""
    path: Path = data_folder() / "terminal_history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))
