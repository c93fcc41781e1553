"""The socket of relay-connect: /proxy."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter as Tally

from starlette.websockets import WebSocket, WebSocketDisconnect

from broker import __version__
from broker.domain.agents.sessions import Session
from broker.domain.errors import Conflict, Fenced, NotAuthenticated, NotFound, RelayError, Unavailable
from broker.domain.ids import ProxyId
from broker.domain.people.access import Principal
from broker.domain.people.token_families import GRACE_S
from broker.gateway.serving.credentials import in_header
from broker.gateway.sockets.mailbox_pump import Kicked, MailboxPump, Orphaned, Superseded
from broker.gateway.sockets.peers import close, close_when_lost, first_cause, receive_text
from broker.gateway.sockets.steps import count_close, count_connect, tell_command, tell_end
from broker.protocol import close_codes, proxy
from broker.protocol.close_codes import CloseCode
from broker.protocol.errors import ProtocolViolation
from broker.protocol.fragments import ReportedFragments
from broker.protocol.proxy import (
    BROKEN_REPORT,
    Ack,
    AuthRefresh,
    FrameRecorded,
    Hello,
    Load,
    NumberedReport,
    Report,
    Reports,
    SpoolOverflowed,
    UnknownMessage,
    Welcome,
)
from broker.services.container import Services
from broker.services.people.open_connections import OpenConnection, OpenConnections
from broker.services.ports import Attached
from broker.telemetry import COMMANDS, FRAMES_DROPPED, LINKS, REPORTS, UNRECOGNISED

_log = logging.getLogger(__name__)
_HELLO_S = 10.0
"""A socket that says nothing is no proxy."""
_PAGE = 500
"""Reports that are applied at once: a message may hold a hundred thousand, and nobody is to wait behind all of them."""
_LOAD_PAUSE_S = 5.0
"""Between two looks at a machine's load that are stored: relay-connect tells every 30 s."""


class ProxySocket:
    """Serves one proxy: its commands down, its reports up. All state that matters is in the store."""

    def __init__(self, services: Services, connections: OpenConnections) -> None:
        self._s = services
        self._connections = connections

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection. A refusal is a close code, so that the proxy can tell people why."""
        await websocket.accept(subprotocol=_subprotocol(websocket))
        code = await self._serve_link(websocket)
        if code is not None:
            count_close(code)
            close(websocket, code)

    async def _serve_link(self, websocket: WebSocket) -> CloseCode | None:
        try:
            # From here on a revocation closes it, said hello or not.
            with OpenConnection(self._connections, lost=close_when_lost(websocket), grace_s=GRACE_S) as peer:
                await peer.begin(in_header(websocket))
                try:
                    hello = await _hello(websocket)
                except ProtocolViolation as violation:
                    return close_codes.BAD_MESSAGE.because(str(violation))
                await _Connection(self._s, websocket, peer, hello).run()
        except (RelayError, ProtocolViolation, TimeoutError, WebSocketDisconnect, RuntimeError) as error:
            return _close_code(error)
        except ExceptionGroup as group:
            return _close_code(first_cause(group))
        return None


class _Connection:
    """One attached proxy."""

    def __init__(self, services: Services, websocket: WebSocket, peer: OpenConnection, hello: Hello) -> None:
        self._s = services
        self._socket = websocket
        self._peer = peer
        self._hello = hello
        self._acknowledge = asyncio.Event()
        self._seen = 0
        self._told_of_broken = False
        self._load_noted_at = -math.inf
        self._fragments: ReportedFragments | None = None

    @property
    def _principal(self) -> Principal:
        return self._peer.caller

    async def run(self) -> None:
        """Serve until either side ends. Raises what ended it."""
        linking = self._s.linking
        attached, session = await linking.attach(self._principal, self._hello)
        count_connect("proxy", attached, self._principal, session=session.id)
        try:
            await self._serve(attached, session)
        finally:
            tell_end(attached)
            await self._detach(attached)

    async def _serve(self, attached: Attached, session: Session) -> None:
        linking = self._s.linking
        pump = MailboxPump(
            read=lambda after: linking.commands(self._principal, attached, after=after),
            send=lambda seq, command: self._send_command(attached, seq, command),
        )
        stop = await self._s.signals.link(self._principal.workspace, attached.link, pump.notify)
        LINKS.labels("proxy").inc()
        try:
            await self._socket.send_text(proxy.write(self._welcome(attached, session)))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(pump.run(after=attached.commands_acked, fence=attached.fence))
                tasks.create_task(self._acknowledging(attached))
                await self._receiving(attached)
        finally:
            LINKS.labels("proxy").dec()
            await stop()

    async def _detach(self, attached: Attached) -> None:
        try:
            await self._s.linking.detach(self._principal, attached)
        except Unavailable:
            _log.warning("link %s: the store is away; its lease will lapse", attached.link)

    def _welcome(self, attached: Attached, session: Session) -> Welcome:
        return Welcome(
            proxy_id=ProxyId(attached.link),
            epoch=attached.epoch,
            reports_seen=attached.reports_seen,
            commands_acked=attached.commands_acked,
            session=session.id,
            session_url=f"{self._s.public_url}/session/{session.id}",
            broker_version=__version__,
            now_ms=attached.now_ms,
            namesake=attached.namesake,
            wants_load=True,
        )

    async def _send_command(self, attached: Attached, seq: int, command: str) -> None:
        COMMANDS.inc()
        tell_command(attached, seq, command)
        await self._socket.send_text(f'{{"type":"command","seq":{seq},"command":{command}}}')

    async def _receiving(self, attached: Attached) -> None:
        while True:
            message = proxy.read_from_proxy(await receive_text(self._socket))
            match message:
                case UnknownMessage():
                    pass  # of a newer version; it does without an answer
                case Reports():
                    await self._take(attached, message.reports)
                case Ack():
                    self._seen = message.seq
                    self._acknowledge.set()
                case AuthRefresh():
                    await self._renew(message)
                case Load():
                    await self._note_load(attached, message)
                case Hello():
                    raise ProtocolViolation("a second hello", offset=0)

    async def _note_load(self, attached: Attached, told: Load) -> None:
        """What is told more often than people look is not stored."""
        now = asyncio.get_running_loop().time()
        if now - self._load_noted_at >= _LOAD_PAUSE_S:
            self._load_noted_at = now
            await self._s.linking.note_load(self._principal, attached, told.load)

    async def _take(self, attached: Attached, reports: list[NumberedReport]) -> None:
        if not reports:
            return
        _count(reports)
        self._tell_of_broken(attached, reports)
        for first in range(0, len(reports), _PAGE):
            page = reports[first : first + _PAGE]
            if fragments := await self._cutting():
                page = [_with(each, fragments.cut(each.report)) for each in page]
            last = await self._s.linking.report(self._principal, attached, page, spool=self._hello.spool_id)
            await self._socket.send_text(f'{{"type":"ack","seq":{last}}}')

    async def _cutting(self) -> ReportedFragments | None:
        """What cuts streamed fragments for a relay-connect that does not, or knows nothing of the workspace's rules."""
        redactor = await self._s.redaction.redactor(self._principal.workspace)
        if self._hello.cuts_fragments and not redactor.has_rules:
            self._fragments = None
        elif self._fragments is None or self._fragments.redactor is not redactor:
            self._fragments = ReportedFragments(redactor)
        return self._fragments

    def _tell_of_broken(self, attached: Attached, reports: list[NumberedReport]) -> None:
        """Once for each connection: an agent may write the like into every frame, and its readers are told of each."""
        broken = [numbered.seq for numbered in reports if _is_broken(numbered)]
        if broken and not self._told_of_broken:
            self._told_of_broken = True
            _log.warning("link %s: report %d could not be read and was dropped", attached.link, broken[0])

    async def _acknowledging(self, attached: Attached) -> None:
        """Pass cumulative acks on; those that come while one is being stored are covered by the next."""
        while True:
            await self._acknowledge.wait()
            self._acknowledge.clear()
            if not await self._s.linking.acknowledge(self._principal, attached, self._seen):
                raise Superseded

    async def _renew(self, asked: AuthRefresh) -> None:
        """Go on with a fresh short-lived token. A refresh token that is no good ends the connection."""
        renewed, auth = await self._s.linking.refresh(self._principal, asked.refresh_token)
        self._peer.renew(renewed)
        await self._socket.send_text(proxy.write(auth))


async def _hello(websocket: WebSocket) -> Hello:
    async with asyncio.timeout(_HELLO_S):
        message = proxy.read_from_proxy(await receive_text(websocket))
    if not isinstance(message, Hello):
        raise ProtocolViolation("the first message must be a hello", offset=0)
    if message.protocol != proxy.PROTOCOL_VERSION:
        raise _WrongVersion
    return message


class _WrongVersion(RelayError):
    code = "PROTOCOL_VERSION"

    def __init__(self) -> None:
        super().__init__(f"this broker speaks version {proxy.PROTOCOL_VERSION} of the proxy protocol")


def _subprotocol(websocket: WebSocket) -> str | None:
    return proxy.SUBPROTOCOL if proxy.SUBPROTOCOL in websocket.scope.get("subprotocols", []) else None


def _count(reports: list[NumberedReport]) -> None:
    for kind, count in Tally(numbered.report.type for numbered in reports).items():
        REPORTS.labels(kind).inc(count)
    if broken := sum(map(_is_broken, reports)):
        REPORTS.labels("broken").inc(broken)
    for numbered in reports:
        if isinstance(numbered.report, SpoolOverflowed):
            FRAMES_DROPPED.inc(numbered.report.dropped_frames)
        if isinstance(numbered.report, FrameRecorded) and (odd := _unrecognised(numbered.report)):
            UNRECOGNISED.inc(odd)


def _unrecognised(frame: FrameRecorded) -> int:
    return sum(event.get("type") == "unrecognised" for event in frame.events)


def _with(numbered: NumberedReport, report: Report) -> NumberedReport:
    return numbered if report is numbered.report else numbered.model_copy(update={"report": report})


def _is_broken(numbered: NumberedReport) -> bool:
    return isinstance(numbered.report, FrameRecorded) and numbered.report.frame_type == BROKEN_REPORT


def _close_code(error: Exception) -> CloseCode | None:
    match error:
        case WebSocketDisconnect() | RuntimeError():
            return None  # the peer is gone, or we closed the socket ourselves
        case _WrongVersion():
            return close_codes.PROTOCOL_VERSION
        case ProtocolViolation():
            return close_codes.BROKEN_MESSAGE.because(str(error))
        case Conflict(code="ELSEWHERE"):
            return close_codes.ELSEWHERE
        case Conflict():
            return close_codes.BROKEN_MESSAGE.because(error.message)
        case NotAuthenticated():
            return close_codes.UNAUTHENTICATED
        case NotFound():
            return close_codes.UNKNOWN.because(error.message)
        case Orphaned():
            return close_codes.UNAUTHENTICATED.because("the owner of this machine was removed; an admin may adopt it")
        case RelayError(code="OWNER_REMOVED"):
            return close_codes.UNAUTHENTICATED.because(error.message)  # its agents end at once, not after a while
        case Superseded() | Fenced():
            return close_codes.SUPERSEDED
        case Kicked():
            return close_codes.SILENT
        case TimeoutError():
            return close_codes.HELLO_TIMEOUT
        case Unavailable():
            return close_codes.STORE_AWAY
        case RelayError():
            return CloseCode(close_codes.NOT_PERMITTED.code, error.message[:110], None)
        case _:
            raise error
