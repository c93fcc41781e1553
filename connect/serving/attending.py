"""The terminal process: a person's short-lived token in memory, a session on the screen, the machine's link beside it.

The link is started when none runs for the state folder, and found again when one does. What the person does goes to the
broker from here; what agents do is the link's.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import click

from broker.domain.errors import Conflict, NotAuthenticated, NotPermitted, RelayError, Unavailable
from broker.domain.people.token_text import hide_tokens
from connect.access.credentials import TerminalCredentials, link_token, machine_purpose
from connect.access.endpoint import GivenToken, no_token
from connect.access.token_calls import CannotExchange
from connect.control.client import LinkConnection, attach
from connect.control.messages import Asked, Ended, Parting, State
from connect.machine.backoff import Backoff
from connect.notices import Connected, Disconnected, Notice, Stopping, Warned
from connect.policy.consent import Question
from connect.sdk import AgentRelay
from connect.serving.exit_status import ExitStatus
from connect.serving.link_order import Order
from connect.serving.project_hooks import offered_hooks
from connect.serving.starting import start_link
from connect.settings import ConnectSettings
from connect.system.state_folder import StateFolder
from connect.terminal import LeadAgent, Terms, Verbosity, run_terminal
from connect.terminal.consents import Consents
from connect.terminal.farewell import Ask

_T = TypeVar("_T")
_FOUND_AGAIN_S = 5.0
"""For a link that is just ending to let go of its state folder."""
_POLL_S = 0.05
_KILL_S = 5.0
"""For a link that was told to kill its agents to be gone."""
_ENDED_AT_ONCE = "the link process ended just after its start; `link.log` in the state folder says why"


class Terminal:
    """One terminal, from start to end. `show` prints a notice; `person`: somebody sits at it."""

    def __init__(
        self,
        settings: ConnectSettings,
        *,
        show: Callable[[Notice], None],
        person: bool,
        verbosity: str,
        json_lines: bool,
        leaving: str | None = None,
        terms: Terms | None = None,
    ) -> None:
        self._settings = settings
        self._terms = terms or Terms()
        self._show = show
        self._person = person
        self._verbosity = Verbosity(verbosity)
        self._json_lines = json_lines
        self._leaving = Parting(leaving) if leaving else None
        """Decided beforehand, so nothing is asked."""
        self._gone = self._leaving or (Parting.KEEP if person else Parting.AS_IT_WAS)
        self._parting = self._leaving or Parting.AS_IT_WAS
        self._welcomed: asyncio.Future[Connected] = asyncio.get_running_loop().create_future()
        self._told_to_leave = asyncio.Event()
        self._told_to_kill = asyncio.Event()
        self._link: LinkConnection | None = None
        self._consents = Consents(self._answer)
        self._started_link = False
        self._screen_is_gone = False

    async def run(self) -> int:
        """Until the person leaves, a signal comes, or the link is over; the exit status."""
        self._heed_signals()
        try:
            given = _persons_token(self._settings)
            machine, tokens = await self._unless_left(self._prepare(given))
        except _Left:
            return 0
        except (NotAuthenticated, NotPermitted) as refusal:
            _complain(refusal.message)
            return ExitStatus.REFUSED
        if tokens.weaker is not None:
            self._show(Warned(problem=tokens.weaker))
        async with machine as link:
            self._link = link
            link.on_notice = self._on_notice
            link.on_questions = self._on_questions
            return await self._at(link, tokens)

    async def _prepare(self, given: GivenToken) -> tuple[LinkConnection, TerminalCredentials]:
        """The link's end here, and what to act with. The given token is not needed any more."""
        tokens = TerminalCredentials(self._settings.endpoint, given)
        await self._persevere(tokens.access)
        link = await self._come_to_link(given)
        _check_same_broker(link, self._settings)
        if tokens.weaker is None:
            given.drop()
        return link, tokens

    async def _come_to_link(self, given: GivenToken) -> LinkConnection:
        """The link that runs, or one that is started. Raises `RelayError` in words when there can be none."""
        clock = asyncio.get_running_loop().time
        give_up = clock() + _FOUND_AGAIN_S
        while (link := await self._attach()) is None:
            try:
                await start_link(await self._order(given))
            except RelayError as error:
                # Another terminal was quicker, or a link is just ending.
                if error.code != "STATE_DIR_IN_USE" or clock() > give_up:
                    raise
                await asyncio.sleep(_POLL_S)
            else:
                return await self._attach() or _raise(Unavailable(_ENDED_AT_ONCE, code="LINK_NOT_STARTED"))
        if self._settings.new_identity:
            raise Conflict("a link of this machine runs: `relay-connect stop` first", code="STATE_DIR_IN_USE")
        return link

    async def _attach(self) -> LinkConnection | None:
        return await attach(self._settings.state_dir, person=self._person, gone=self._gone)

    async def _order(self, given: GivenToken) -> Order:
        """What the link is to do: with a token for this machine alone, wherever the broker can make one."""
        state = StateFolder(self._settings.state_dir, new_identity=self._settings.new_identity)
        machine_id = state.machine_id
        state.close()
        settings = dataclasses.replace(self._settings, new_identity=False)
        purpose = machine_purpose(machine_id, settings.name)
        try:
            pair = await self._persevere(
                lambda: link_token(settings.endpoint, given, purpose=purpose, session=settings.session)
            )
        except CannotExchange:
            return Order(settings=settings)
        return Order(settings=dataclasses.replace(settings, token=None), pair=pair)

    async def _persevere(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """The result of a call to a broker that may not be there yet."""
        backoff = Backoff()
        while True:
            try:
                return await call()
            except Unavailable as away:
                if self._terms.task is not None:  # whoever waits for its end is told now
                    raise
                delay_s = backoff.next_delay_s(away.retry_after_s or 0.0)
                self._show(Disconnected(reason=away.message, retry_in_s=round(delay_s, 3)))
                await asyncio.sleep(delay_s)

    async def _at(self, link: LinkConnection, tokens: TerminalCredentials) -> int:
        """Beside the link, until it is over or this terminal has left it."""
        over = asyncio.ensure_future(link.run())
        acting = asyncio.ensure_future(self._act(link, tokens))
        killing = asyncio.ensure_future(self._told_to_kill.wait())
        try:
            await asyncio.wait([over, acting, killing], return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                return _how_it_ended(over.result())
            if killing.done():
                await asyncio.wait([over], timeout=_KILL_S)
                return ExitStatus.FORCED
            status = acting.result()
            self._screen_is_gone = self._person
            if await self._leave(link):
                await asyncio.wait([over, killing], return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait([over], timeout=_KILL_S)
                return _how_it_ended(over.result()) or status if over.done() else ExitStatus.FORCED
            return status
        finally:
            for task in (over, acting, killing):
                task.cancel()
            await asyncio.gather(over, acting, killing, return_exceptions=True)

    async def _act(self, link: LinkConnection, tokens: TerminalCredentials) -> int:
        """The session, once the machine is linked."""
        try:
            welcome = await self._unless_left(_await(self._welcomed))
            relay = AgentRelay(self._settings.endpoint.url, session=self._session(welcome, link), tokens=tokens)
            async with relay:
                if offered := await self._unless_left(offered_hooks(relay, self._settings.cwd)):
                    self._show(offered)
                return await self._unless_left(
                    run_terminal(
                        relay,
                        verbosity=self._verbosity,
                        json_lines=self._json_lines,
                        terms=self._terms,
                        lead=LeadAgent(
                            name=self._settings.lead.name,
                            cli=self._settings.lead.cli,
                            on=welcome.machine,
                            cwd=str(self._settings.cwd),
                            machine=link.state.name,
                        ),
                        farewell=lambda ask: self._say_farewell(link, ask),
                        consents=self._consents,
                    )
                )
        except _Left:
            return 0

    def _session(self, welcome: Connected, link: LinkConnection) -> str:
        """The link has joined the session it was started with; a terminal that found it may want another."""
        started_here = self._settings.session is None or self._started_link
        return welcome.session if started_here else self._settings.session or welcome.session

    async def _say_farewell(self, link: LinkConnection, ask: Ask) -> str:
        """Ask what is to become of the link, where that is a question; what to tell the person of it."""
        state = await link.refresh()
        if len(state.terminals) > 1:
            self._parting = Parting.AS_IT_WAS
            return ". Another terminal is at this machine's link: its agents go on"
        if state.headless:
            return ". This machine's link goes on by itself"
        if not state.agents and not state.kept and self._leaving is None:
            self._parting = Parting.STOP
            return ""
        keep = await ask(_question(state), state.kept) if self._leaving is None else self._leaving is Parting.KEEP
        self._parting = Parting.KEEP if keep else Parting.STOP
        if keep:
            return (
                ". The link goes on in the background: `relay-connect` comes back to it, `relay-connect stop` ends it"
            )
        return ". Agents on this machine pause until relay-connect runs here again" if state.agents else ""

    async def _leave(self, link: LinkConnection) -> bool:
        with contextlib.suppress(TimeoutError):
            return await link.leave(self._parting)
        return False

    async def _unless_left(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result of `work`; raises `_Left` when this terminal is told to leave first."""
        task = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(self._told_to_leave.wait())
        try:
            await asyncio.wait([task, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise _Left
            return task.result()
        finally:
            for each in (task, leaving):
                each.cancel()
            await asyncio.gather(task, leaving, return_exceptions=True)

    def _on_questions(self, asked: list[Asked]) -> None:
        self._consents.take(
            {each.number: Question(title=each.title, details=tuple(each.details), yes=each.yes) for each in asked}
        )

    def _answer(self, number: int, yes: bool) -> None:
        if self._link is not None:
            self._link.answer(number, yes=yes)

    def _on_notice(self, notice: Notice) -> None:
        """From the welcome on the session tells what happens, by its own events, but for what the machine warns of."""
        if isinstance(notice, Connected) and not self._welcomed.done():
            self._welcomed.set_result(notice)
        beside = isinstance(notice, Warned) or (self._screen_is_gone and isinstance(notice, Stopping))
        if beside or not self._welcomed.done():
            self._show(notice)

    def _heed_signals(self) -> None:
        def interrupt() -> None:
            programs = self._json_lines and self._terms.task is None  # who decide for themselves whom to interrupt
            if self._person or programs or self._link is None or self._terms.interrupt.is_set():
                leave_or_kill()
            else:
                self._terms.interrupt.set()

        def leave_or_kill() -> None:
            if not self._told_to_leave.is_set():
                self._told_to_leave.set()
            elif self._link is not None:
                self._link.stop(now=True)
                self._told_to_kill.set()

        def on_hang_up() -> None:
            # The window is closed. It often comes with another signal, or twice, and never kills.
            if not self._told_to_leave.is_set():
                self._parting = self._gone
                self._told_to_leave.set()

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, interrupt)
        loop.add_signal_handler(signal.SIGTERM, leave_or_kill)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which is what `nohup` asks for
            loop.add_signal_handler(signal.SIGHUP, on_hang_up)


class _Left(Exception):
    """The terminal was told to leave."""


def _persons_token(settings: ConnectSettings) -> GivenToken:
    """Raises `NotAuthenticated`, `NotPermitted`."""
    if settings.token is None:
        raise no_token(settings.endpoint.url)
    if settings.token.links_only:
        raise NotPermitted(
            "this token links a machine and can do nothing else: run with --headless, or give a person's token"
            " (`relaycast token mint --kind workspace --person`)"
        )
    return settings.token


def _check_same_broker(link: LinkConnection, settings: ConnectSettings) -> None:
    if link.state.url != settings.endpoint.url:
        raise Conflict(
            f"the link of {settings.state_dir} is with {link.state.url}: `relay-connect stop` ends it; for two brokers"
            " at a time, give each its own --state-dir",
            code="ANOTHER_BROKER",
        )


def _question(state: State) -> str:
    names = ", ".join(agent.name for agent in state.agents)
    if not names:
        return "This machine is linked in the background. Keep it so?"
    if len(state.agents) == 1:
        return f"{names} runs on this machine. Keep it running in the background?"
    return f"{names} run on this machine. Keep them running in the background?"


def _how_it_ended(ended: Ended) -> int:
    if ended.reason is not None:
        _complain(ended.reason)
    return ended.status


def _complain(reason: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(f"✗ {hide_tokens(reason)}", err=True)


async def _await(future: asyncio.Future[_T]) -> _T:
    return await future


def _raise(error: Exception) -> NoReturn:
    raise error


def serve_terminal(
    settings: ConnectSettings,
    *,
    show: Callable[[Notice], None],
    person: bool,
    verbosity: str,
    json_lines: bool,
    leaving: str | None = None,
    terms: Terms | None = None,
) -> int:
    """Run one terminal; the exit status. Raises `RelayError` when it cannot begin."""

    async def run() -> int:
        terminal = Terminal(
            settings,
            show=show,
            person=person,
            verbosity=verbosity,
            json_lines=json_lines,
            leaving=leaving,
            terms=terms,
        )
        return await terminal.run()

    return asyncio.run(run())
