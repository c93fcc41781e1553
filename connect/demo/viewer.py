"""The demo as a person watches it: two agents play by messages, then the receipts' timings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from statistics import median
from urllib.parse import urlsplit

from broker.domain.errors import RelayError
from broker.domain.ids import MessageId
from broker.domain.messages.steps import ReceiptState
from broker.task_scope import task_scope
from connect.demo.game import Board, draw, outcome, read_board
from connect.demo.script import OPPONENT
from connect.sdk import AgentRelay
from connect.sdk.facts import MessageAccepted, read_fact
from connect.sdk.types import Event, LinkUp, Trace
from connect.terminal.output.tables import table
from connect.terminal.output.view import View, bad, good
from connect.terminal.text.layout import Line, one_line
from connect.terminal.text.painting import measure_width, paint
from connect.terminal.verbosity import Verbosity

LEAD = "Lead"
TASK = "Play tic-tac-toe with a demo agent"
_GAME_S = 120
"""A game takes about a second; this bounds one that got stuck."""
_LAST_TURN_S = 15
_STEPS = (
    ReceiptState.SENT,
    ReceiptState.RECEIVED,
    ReceiptState.HANDED,
    ReceiptState.IN_TURN,
    ReceiptState.ANSWERED,
)


async def run_demo(relay: AgentRelay, *, cli: str = "demo", sign_in: str | None = None) -> int:
    """Have two agents of kind `cli` play a game and show it; the exit status.

    `sign_in` is an address that signs a browser in, to be shown as the way to the dashboard.
    """
    session = await relay.session()
    dashboard = _way_to(one_line(session.url), sign_in)
    paint([good(f"Connected to {relay.endpoint.host}"), good(f"Dashboard: {dashboard}"), ()])
    game = _Game(relay)
    try:
        async with asyncio.timeout(_GAME_S):
            board = await game.watch(cli)
        await _show_result(relay, board, messages=game.messages)
    except TimeoutError:
        paint([bad(f"the game did not end within {_GAME_S} s")])
        return 1
    except RelayError as error:
        paint([bad(f"{one_line(error.message, limit=500)} ({error.code})")])
        return 1
    finally:
        await _release(relay)
    return 0


def _way_to(session_url: str, sign_in: str | None) -> str:
    """The session's address; where there is a link that signs in, that, leading there."""
    if sign_in is None:
        return session_url
    page, _, code = sign_in.partition("#")
    return f"{page}?to={urlsplit(session_url).path}#{code}"


class _Game:
    """One game, from the spawn to the last board."""

    def __init__(self, relay: AgentRelay) -> None:
        self._relay = relay
        self._view = View(Verbosity.NORMAL)
        self._up = asyncio.Event()
        self.messages: list[MessageId] = []

    async def watch(self, cli: str) -> Board:
        """Start the players and show everything until somebody sends a finished board."""
        async with task_scope() as tasks:
            following = tasks.create_task(self._follow())
            await self._up.wait()
            await self._start(cli)
        return following.result()

    async def _follow(self) -> Board:
        async with aclosing(self._relay.feed()) as feed:
            async for item in feed:
                self._view.width = measure_width()
                paint(self._view.show(item))
                if isinstance(item, LinkUp):
                    self._up.set()
                if isinstance(item, Event) and (board := self._find_finished_board(item)) is not None:
                    return board
        raise AssertionError("the feed ends only by raising")

    async def _start(self, cli: str) -> None:
        paint([good(f"Spawning {LEAD} with the task: {TASK}")])
        with self._view.own.sending(LEAD, TASK):
            await self._relay.spawn(LEAD, cli, TASK)

    def _find_finished_board(self, event: Event) -> Board | None:
        match read_fact(event):
            case MessageAccepted() as message:
                self.messages.append(message.id)
                board = read_board(message.text)
                return board if board is not None and board.is_over else None
            case _:
                return None


async def _show_result(relay: AgentRelay, board: Board, *, messages: Sequence[MessageId]) -> None:
    with suppress(TimeoutError):
        await relay.wait_for(messages[-1], timeout_s=_LAST_TURN_S)
    traces = [await relay.trace(message) for message in messages]
    paint(
        [(), good(f"The game is over: {outcome(board)}"), (), *((("", f"  {row}"),) for row in draw(board).split("\n"))]
    )
    paint([(), (("class:strong", "How far each message was, in ms after it was accepted"),), *timings(traces)])


def timings(traces: Sequence[Trace]) -> list[Line]:
    """One row for each message, and the medians."""
    rows = [(f"{trace.message.sender.name} → {trace.message.to}", took_ms(trace)) for trace in traces]
    columns = [[row[1][at] for row in rows] for at in range(len(_STEPS))]
    medians = [_typical(column) for column in columns]
    head = ("MESSAGE", *(step.replace("_", " ").upper() for step in _STEPS))
    return table(head, [(label, *map(_show, values)) for label, values in [*rows, ("p50", medians)]])


def _typical(column: Sequence[float | None]) -> float | None:
    """The median; none when most messages skipped the step: fast ones are handed over before they are acknowledged."""
    known = [ms for ms in column if ms is not None]
    return median(known) if len(known) * 2 > len(column) else None


def took_ms(trace: Trace) -> list[float | None]:
    """When the message's first recipient reached each step, after it was accepted."""
    steps = {step.state: step.at_ms for step in trace.deliveries[0].steps} if trace.deliveries else {}
    return [None if (at := steps.get(step)) is None else at - trace.message.at_ms for step in _STEPS]


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


async def _release(relay: AgentRelay) -> None:
    released = []
    for name in (OPPONENT, LEAD):
        with suppress(RelayError):
            await relay.release(name)
            released.append(name)
    if released:
        paint([(), good(f"Released {' and '.join(released)}")])
