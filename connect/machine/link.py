"""The one WebSocket to the broker: says hello, carries commands down and reports up, and comes back when it breaks."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, assert_never

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from broker.domain.errors import NotAuthenticated, NotPermitted, Unavailable
from broker.domain.machines.load import MachineLoad
from broker.protocol import close_codes
from broker.protocol.errors import ProtocolViolation
from broker.protocol.proxy import (
    MAX_LINK_MESSAGE_BYTES,
    PROTOCOL_VERSION,
    SUBPROTOCOL,
    Ack,
    Auth,
    Command,
    Deliver,
    Hello,
    Load,
    NumberedCommand,
    UnknownMessage,
    UnreadableCommand,
    Welcome,
    read_from_broker,
    write,
    write_reports,
)
from broker.task_scope import task_scope
from connect.access.broker_clock import BrokerClock
from connect.access.credentials import MachineCredentials
from connect.access.endpoint import Endpoint, words_of
from connect.machine.backoff import Backoff
from connect.machine.refused_head import RefusedHead
from connect.machine.spool import Spool
from connect.notices import Connected, Disconnected, Notice, Warned
from connect.step_log import tell_step
from connect.system.state_folder import Cursor, StateFolder

_OPEN_TIMEOUT_S = 10
"""TCP, TLS and the upgrade; a broker that needs longer is better tried again."""
_WELCOME_TIMEOUT_S = 10
_PING_S = 10
"""A laptop that woke up elsewhere finds its dead socket within twice this."""
_CLOSE_TIMEOUT_S = 1
_STEADY_S = 5.0
"""A connection that lived this long starts the back-off anew."""
_BATCH_BYTES = 1024 * 1024
_REFUSED_GRACE_S = 600.0
"""How long agents go on while their machine is refused: a mistake of an operator must not cost what they are doing."""
_REFUSED_PAUSE_S = 1.0
_MOST_REPLACEMENTS = 2
"""Of tokens that are refused one after the other: what was kept, and what it came from."""
_LOOK_S = 60.0
"""How often a token's age is looked at: a laptop that slept finds it due within this."""
_SHORTEST_LOOK_S = 1.0
_LOAD_S = 30.0
"""How often the broker is told how busy the machine is: some 250 bytes."""
_FINAL_NOW = frozenset({close_codes.UNAUTHENTICATED.code, close_codes.SUPERSEDED.code})
"""The right to run its agents was taken back, or went to another process, as this one gave no sign of life."""
_TOKEN_ENDED = frozenset({close_codes.UNAUTHENTICATED.code, close_codes.NOT_RENEWED.code})
_NEVER_FINAL = frozenset({close_codes.BAD_MESSAGE.code})
"""What one report or one broker got wrong is no reason to leave for good; it is tried again at growing distances."""

_NAMESAKE = (
    "another machine that is connected has this one's name: start this one with --name NAME, so that `--on` and people"
    " can tell them apart"
)

_log = logging.getLogger(__name__)


class LinkRefused(Exception):
    """The broker does not want this proxy back; the message says what a person can do."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final
        """Its right to run agents was taken back: there is nothing to wait for."""


class LinkUser(Protocol):
    """Whose commands and reports the link carries."""

    @property
    def busy(self) -> bool:
        """Whether agents would end if the link gave up."""

    async def hello(self) -> Hello:
        """Introduce the proxy as it is now."""

    def measure_load(self) -> MachineLoad:
        """How busy the machine is; must not block."""

    def note(self, command: Command) -> None:
        """A command is about to count as taken: keep what must not be forgotten. It may have been seen before."""

    def take(self, command: Command) -> None:
        """Act on a command; must not block. It may have been seen before."""

    def settle_answered(self) -> None:
        """The broker may have forgotten that it has answered: tell it who does not wait for it any more."""

    def notice(self, notice: Notice) -> None:
        """Tell the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    reason: str
    retry_after_s: float = 0.0
    wanted: bool = False
    """Ended from here, to say hello anew: nothing a person need know."""


class _SayHelloAgain(Exception):
    """What was said of this proxy is not true any more."""


class Link:
    """Connects until it is cancelled or refused. Owns its socket; reports wait in the spool, not here.

    A refusal is final at once when the token was revoked or no agent runs; otherwise it is asked again for
    `refused_grace_s`, while the agents go on. The token's age is looked at every `look_s`. Whatever else goes wrong in
    a connection ends that connection alone.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        user: LinkUser,
        *,
        state: StateFolder,
        spool: Spool,
        credentials: MachineCredentials,
        clock: BrokerClock,
        refused_grace_s: float = _REFUSED_GRACE_S,
        look_s: float = _LOOK_S,
    ) -> None:
        self._endpoint = endpoint
        self._user = user
        self._state = state
        self._spool = spool
        self._credentials = credentials
        self._clock = clock
        self._backoff = Backoff()
        self._wake = asyncio.Event()
        self._ack_due = False
        self._sent = 0
        self._refused_head = RefusedHead()
        self._welcomed_at = math.inf
        self._replacements = 0
        self._refused_grace_s = refused_grace_s
        self._refused_at = math.inf
        self._warnings: set[str] = set()
        self._hello_changed = asyncio.Event()
        self._look_s = look_s
        self._machine = ""
        """What the broker calls this machine, as of its last welcome."""
        self._presented = ""
        """The token of the present connection."""
        spool.on_added = self._wake.set

    async def run(self, *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Stay connected; raise `LinkRefused` when the broker says not to come back."""
        clock = asyncio.get_running_loop().time
        while True:
            self._welcomed_at = math.inf
            self._sent = 0
            ended = await self._connection()
            if clock() - self._welcomed_at > _STEADY_S:
                self._backoff.failures = 0
            delay_s = self._backoff.next_delay_s(ended.retry_after_s)
            if not ended.wanted:
                self._user.notice(Disconnected(reason=ended.reason, retry_in_s=round(delay_s, 3)))
            await sleep(delay_s)

    def introduce_again(self) -> None:
        """Let the broker know that the hello has changed: by a new connection, which every broker understands."""
        self._hello_changed.set()

    async def _connection(self) -> _Ended:
        try:
            return await self._attempt()
        except LinkRefused as refusal:
            return self._weigh_end(refusal)

    def _weigh_end(self, refusal: LinkRefused) -> _Ended:
        """How to go on for the agents' sake; raises the refusal when there is no reason to, or no more."""
        now = asyncio.get_running_loop().time()
        self._refused_at = min(self._refused_at, now)
        left_s = self._refused_at + self._refused_grace_s - now
        if refusal.final or not self._user.busy or left_s <= 0:
            raise refusal
        reason = f"{refusal}; its agents go on for {left_s / 60:.0f} min meanwhile"
        return _Ended(reason=reason, retry_after_s=_REFUSED_PAUSE_S)

    async def _attempt(self) -> _Ended:
        try:
            self._presented = await self._credentials.access()
            async with self._dial() as socket:
                await self._converse(socket)
        except LinkRefused:
            raise
        except _SayHelloAgain:
            return _Ended(reason="this machine has changed", wanted=True)
        except ConnectionClosed as closed:
            return await self._read_close(closed)
        except InvalidStatus as refused:
            return await self._read_refusal(refused.response.status_code)
        except (NotAuthenticated, NotPermitted) as refused:
            raise LinkRefused(f"{self._endpoint.host}: {refused.message}", final=True) from None
        except Unavailable as away:
            return _Ended(reason=away.message, retry_after_s=away.retry_after_s or 0.0)
        except ProtocolViolation as violation:
            return _Ended(reason=f"{self._endpoint.host} said something this version does not understand: {violation}")
        except (OSError, InvalidHandshake, TimeoutError) as error:
            return _Ended(reason=self._endpoint.unreachable(error))
        except Exception as error:
            _log.error("the link to %s failed: %r", self._endpoint.host, error)
            return _Ended(reason=f"the link to {self._endpoint.host} failed: {words_of(error)}")
        return _Ended(reason="the connection was closed")

    def _dial(self) -> connect:
        return connect(
            f"{self._endpoint.websocket_url}/proxy",
            additional_headers={"Authorization": f"Bearer {self._presented}"},
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            # Deflate halves the throughput and keeps 64 KiB for each connection at the broker.
            compression=None,
            # A company's HTTP proxy, from the environment, has no business between a process and its own machine.
            proxy=None if self._endpoint.local else True,
            open_timeout=_OPEN_TIMEOUT_S,
            ping_interval=_PING_S,
            ping_timeout=_PING_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            max_size=MAX_LINK_MESSAGE_BYTES,
        )

    async def _converse(self, socket: ClientConnection) -> None:
        if socket.subprotocol != SUBPROTOCOL:
            raise LinkRefused(f"{self._endpoint.url} answers, but is not a Relaycast broker")
        welcome = await self._greet(socket)
        if not self._spool.acked <= welcome.reports_seen <= self._spool.last:
            # One side has lost its past: a broker that failed over, or a power cut here. Numbers begin again.
            self._begin_again(welcome)
            return
        self._accept(welcome)
        async with task_scope() as tasks:
            tasks.create_task(self._receive(socket))
            tasks.create_task(self._send(socket))
            tasks.create_task(self._watch_hello())
            tasks.create_task(self._keep_fresh(socket))
            if welcome.wants_load:
                tasks.create_task(self._tell_load(socket))

    async def _watch_hello(self) -> None:
        await self._hello_changed.wait()
        raise _SayHelloAgain

    async def _greet(self, socket: ClientConnection) -> Welcome:
        self._hello_changed.clear()
        hello = await self._user.hello()
        await socket.send(write(hello))
        async with asyncio.timeout(_WELCOME_TIMEOUT_S):
            answer = read_from_broker(await socket.recv(decode=False))
        if not isinstance(answer, Welcome):
            raise ProtocolViolation("expected a welcome, got something else", offset=0)
        if answer.protocol != PROTOCOL_VERSION:
            raise LinkRefused(close_codes.PROTOCOL_VERSION.reason)
        return answer

    def _begin_again(self, welcome: Welcome) -> None:
        """Under a new id of the spool. A broker that has never heard of this machine has not lost what it was told."""
        seen = welcome.reports_seen
        if seen > self._spool.last or (seen == 0 and welcome.proxy_id != self._machine):
            self._spool.renew()
            return
        told = self._spool.recover(seen)
        self._user.settle_answered()
        again = f"{told.sent_again} are sent again"
        lost = f", {told.lost} are lost" if told.lost else ""
        self._user.notice(
            Warned(problem=f"{self._endpoint.host} has lost reports that it had taken over: {again}{lost}")
        )

    def _accept(self, welcome: Welcome) -> None:
        self._welcomed_at = asyncio.get_running_loop().time()
        self._machine = welcome.proxy_id
        self._replacements = 0
        self._refused_at = math.inf
        if welcome.now_ms is not None:
            self._clock.set(welcome.now_ms)
        self._spool.ack(welcome.reports_seen)
        self._sent = welcome.reports_seen
        known = self._state.cursor
        # Within an epoch it only moves on: a command whose acknowledgement was lost comes again, and was taken already.
        seen = max(known.seen, welcome.commands_acked) if welcome.epoch == known.epoch else welcome.commands_acked
        self._move_cursor(Cursor(epoch=welcome.epoch, seen=seen))
        if welcome.namesake:
            self._warn(_NAMESAKE)
        self._user.notice(
            Connected(
                broker=self._endpoint.host,
                session=welcome.session,
                session_url=welcome.session_url,
                machine=welcome.proxy_id,
            )
        )
        self._warn_of_credentials()
        self._wake.set()

    async def _receive(self, socket: ClientConnection) -> None:
        while True:
            message = read_from_broker(await socket.recv(decode=False))
            match message:
                case NumberedCommand():
                    self._take(message)
                case Ack(seq=seq):
                    self._spool.ack(seq)
                case Auth():
                    self._credentials.take(message, life_s=self._clock.measure_left_s(message.expires_at_ms))
                    self._warn_of_credentials()
                case UnreadableCommand():
                    self._pass_over(message)
                case UnknownMessage():
                    pass  # of a newer version; it does without an answer
                case Welcome():
                    raise ProtocolViolation("a second welcome", offset=0)
                case _ as other:
                    assert_never(other)

    def _take(self, numbered: NumberedCommand) -> None:
        if numbered.seq == self._state.cursor.seen + 1:
            self._user.note(numbered.command)
        is_new = self._is_new(numbered.seq)
        self._tell(numbered, is_new=is_new)
        if is_new:
            self._user.take(numbered.command)

    def _tell(self, numbered: NumberedCommand, *, is_new: bool) -> None:
        """Of a message, which the broker has told of with the same link and number."""
        if isinstance(order := numbered.command, Deliver):
            text = "command deliver has come" if is_new else "command deliver has come again"
            tell_step(text, link=self._machine, seq=numbered.seq, agent=order.agent, message=order.message_id)

    def _pass_over(self, command: UnreadableCommand) -> None:
        """Acknowledge what cannot be carried out: it would come again, and everything behind it wait."""
        if self._is_new(command.seq):
            problem = f"a command of {self._endpoint.host} was not understood ({command.reason}); update relay-connect"
            self._user.notice(Warned(problem=problem))

    def _is_new(self, seq: int) -> bool:
        seen = self._state.cursor.seen
        if seq > seen + 1:
            raise ProtocolViolation(f"command {seq} came after {seen}", offset=0)
        if seq == seen + 1:
            self._move_cursor(Cursor(epoch=self._state.cursor.epoch, seen=seq))
        self._ack_due = True
        self._wake.set()
        return seq == seen + 1

    def _move_cursor(self, cursor: Cursor) -> None:
        try:
            self._state.move_cursor(cursor)
        except OSError as error:
            self._warn(f"what was taken from the broker cannot be kept on disk: {error.strerror}")

    async def _keep_fresh(self, socket: ClientConnection) -> None:
        """Ask for the next token before the present one ends, on the link itself. Sleep may pass without our clock."""
        while True:
            order = self._credentials.ask()
            if order is not None:
                await socket.send(write(order))
            due_s = self._credentials.due_in_s()
            await asyncio.sleep(self._look_s if due_s is None else min(self._look_s, max(_SHORTEST_LOOK_S, due_s)))

    async def _tell_load(self, socket: ClientConnection) -> None:
        while True:
            await socket.send(write(Load(load=self._user.measure_load())))
            await asyncio.sleep(_LOAD_S)

    def _warn_of_credentials(self) -> None:
        for problem in (self._credentials.weaker, self._credentials.problem):
            if problem is not None:
                self._warn(problem)

    def _warn(self, problem: str) -> None:
        """Say it once: the same is tried at every command and every welcome."""
        if problem not in self._warnings:
            self._warnings.add(problem)
            self._user.notice(Warned(problem=problem))

    async def _send(self, socket: ClientConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._ack_due:
                self._ack_due = False
                await socket.send(write(Ack(seq=self._state.cursor.seen)))
            # Acknowledgements of an earlier connection's reports may overtake what this one has sent.
            while batch := self._batch():
                self._sent = max(self._sent, self._spool.acked) + len(batch)
                await socket.send(write_reports(batch), text=True)

    def _batch(self) -> list[bytes]:
        alone = self._refused_head.is_suspected(self._spool.acked)
        return self._spool.batch(max(self._sent, self._spool.acked), max_bytes=0 if alone else _BATCH_BYTES)

    async def _read_close(self, closed: ConnectionClosed) -> _Ended:
        frame = closed.rcvd
        if frame is None:
            return _Ended(reason=f"the connection to {self._endpoint.host} broke")
        known = next((code for code in close_codes.ALL if code.code == frame.code), None)
        reason = frame.reason or (known.reason if known else f"closed with code {frame.code}")
        if frame.code in _TOKEN_ENDED:
            if await self._has_another():
                return _Ended(reason=f"{reason}; trying another token")
            raise LinkRefused(f"{self._endpoint.host}: {reason}", final=True)
        if frame.code == close_codes.ELSEWHERE.code:
            self._backoff.failures = 0  # the broker is there and looks whether the other one is: it says when to come
        if self._refused_head.note_closed(frame.code, acked=self._spool.acked, sent=self._sent):
            self._spool.set_head_aside(f"the broker refused it: {reason}")
            self._user.notice(Warned(problem=f"a report that {self._endpoint.host} refuses was set aside ({reason})"))
        if frame.code not in _NEVER_FINAL and not close_codes.may_return(frame.code):
            raise LinkRefused(f"{self._endpoint.host}: {reason}", final=frame.code in _FINAL_NOW)
        return _Ended(reason=reason, retry_after_s=(known.retry_after_s or 0.0) if known else 0.0)

    async def _has_another(self) -> bool:
        """Whether it is worth coming back with another token than the one that was refused.

        A good token may be refused for the machine's sake, and be renewed as often as that is asked for.
        """
        if self._replacements >= _MOST_REPLACEMENTS:
            return False
        try:
            replaced = await self._credentials.replace(self._presented)
        except NotAuthenticated:
            return False
        except Unavailable:
            return True  # that is asked again at the next refusal
        self._replacements += replaced
        return replaced

    async def _read_refusal(self, status: int) -> _Ended:
        if status == HTTPStatus.UNAUTHORIZED and await self._has_another():
            return _Ended(reason="the token was refused; trying another")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            words = f"{self._endpoint.host} refused the token (HTTP {status}); check RELAYCAST_TOKEN"
            raise LinkRefused(words, final=status == HTTPStatus.UNAUTHORIZED)
        return _Ended(reason=f"{self._endpoint.host} answered HTTP {status}", retry_after_s=1.0)
