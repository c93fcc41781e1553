"""The direct socket for agents that dial the broker themselves: /agent/{name}.

`claude --sdk-url` up to 2.1.120 connects so; its frames are those of stdio. The gateway runs the same codec that
relay-connect runs, so an agent here is commanded and reported like any other. Its CLI dies without a word on an HTTP
refusal and comes back on most close codes; 4001 and 4003 are the ones it takes as final.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from broker import __version__
from broker.domain.agents.agents import Agent
from broker.domain.errors import Conflict, Fenced, NotAuthenticated, NotPermitted, RelayError, Unavailable
from broker.domain.ids import AgentId
from broker.domain.people.access import Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.gateway.serving.credentials import in_header
from broker.gateway.sockets.mailbox_pump import Kicked, MailboxPump, Superseded
from broker.gateway.sockets.peers import close, close_when_lost, first_cause, receive_text
from broker.gateway.sockets.steps import count_connect, tell_command, tell_end
from broker.protocol import close_codes
from broker.protocol.agents.events import StateEvent
from broker.protocol.agents.session import Direction, Frame, Opening, Prompt
from broker.protocol.claude.session import ClaudeSession, Predecessor
from broker.protocol.errors import ProtocolViolation
from broker.protocol.fragments import RELEASE_S, Fragments
from broker.protocol.proxy import (
    COMMAND,
    Answer,
    Command,
    Deliver,
    FrameRecorded,
    Guards,
    Handed,
    Hello,
    Interrupt,
    LiveAgent,
    NumberedReport,
    Probe,
    Report,
    RunCommand,
    RunHook,
    Spawn,
    StateChanged,
    Stop,
    StopCommand,
)
from broker.services.container import Services
from broker.services.people.open_connections import OpenConnection, OpenConnections
from broker.services.ports import Attached
from broker.telemetry import LINKS

_log = logging.getLogger(__name__)


class DirectSocket:
    """Serves one agent's own connection."""

    def __init__(self, services: Services, connections: OpenConnections) -> None:
        self._s = services
        self._connections = connections

    async def serve(self, websocket: WebSocket) -> None:
        """Serve until either side ends."""
        await websocket.accept()
        try:
            lost = close_when_lost(websocket)
            with OpenConnection(self._connections, lost=lost, requires=Permission.READ) as peer:
                principal = await peer.begin(in_header(websocket))
                agent = await self._agent(websocket, principal)
                await _Connection(self._s, websocket, principal, agent).run()
        except (RelayError, ProtocolViolation, WebSocketDisconnect, RuntimeError) as error:
            _end(websocket, error)
        except ExceptionGroup as group:
            _end(websocket, first_cause(group))

    async def _agent(self, websocket: WebSocket, principal: Principal) -> Agent:
        if principal.kind is not TokenKind.AGENT or principal.session is None:
            raise NotPermitted("this connection is for an agent's own token")
        session = await self._s.sessions.by_id(principal, principal.session)
        agent = await self._s.sessions.agent(principal, session, websocket.path_params["name"])
        if agent.id != principal.agent:
            raise NotPermitted("the token is another agent's")
        return agent


class _Ended(Exception):
    """The broker has told this agent to stop."""


class _Connection:
    """One attached agent: the codec between its socket and its mailbox."""

    def __init__(self, services: Services, websocket: WebSocket, principal: Principal, agent: Agent) -> None:
        self._s = services
        self._socket = websocket
        self._principal = principal
        self._agent = agent
        self._spool = uuid.uuid4().hex
        self._reported = 0
        self._session: ClaudeSession
        self._fragments: Fragments
        self._turn = asyncio.Lock()
        self._held = asyncio.Event()
        """Set while fragments wait for what follows them."""

    async def run(self) -> None:
        """Attach, open the conversation, and carry frames and commands."""
        attached = await self._s.linking.attach_direct(self._principal, self._hello())
        count_connect("direct", attached, self._principal, session=self._principal.session)
        try:
            await self._serve(attached)
        finally:
            tell_end(attached)
            await self._detach(attached)

    async def _serve(self, attached: Attached) -> None:
        self._session = await self._open_session()
        self._fragments = Fragments(await self._s.redaction.redactor(self._principal.workspace))
        pump = MailboxPump(
            read=lambda after: self._s.linking.commands(self._principal, attached, after=after),
            send=lambda seq, command: self._obey(attached, seq, command),
        )
        stop = await self._s.signals.link(self._principal.workspace, attached.link, pump.notify)
        LINKS.labels("direct").inc()
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._carry(attached, self._session.start())
                tasks.create_task(pump.run(after=attached.commands_acked, fence=attached.fence))
                tasks.create_task(self._letting_go(attached))
                await self._receiving(attached)
        finally:
            LINKS.labels("direct").dec()
            await stop()

    async def _open_session(self) -> ClaudeSession:
        """The codec, with what its predecessors knew: the CLI outlives connections, and gateways."""
        unfinished = await self._s.linking.list_unfinished(self._principal, self._agent.id)
        # Its instructions and tools came on its command line.
        opening = Opening(
            cwd=self._agent.cwd or "", instructions="", mcp_url="", mcp_token="", client_version=__version__
        )
        return ClaudeSession(
            opening,
            session_id=self._agent.native_id or self._agent.id,
            predecessor=Predecessor(
                # The CLI never sends a permission request again, not even when another gateway has died with it.
                pending=await self._s.desk.pending_of(self._principal, self._agent.id),
                turn_id=unfinished.turn_id,
                messages=unfinished.messages,
                frames=unfinished.frames,
            ),
        )

    def _hello(self) -> Hello:
        return Hello(
            version=self._agent.version or "",
            machine_id=f"direct:{self._agent.id}",
            name=self._agent.machine,
            boot_id=f"{self._agent.id}.{self._agent.generation}",
            spool_id=self._spool,
            agents=[LiveAgent(agent=self._agent.id, generation=self._agent.generation)],
        )

    async def _detach(self, attached: Attached) -> None:
        try:
            await self._s.linking.detach(self._principal, attached)
        except Unavailable:
            _log.warning("link %s: the store is away; its lease will lapse", attached.link)

    async def _receiving(self, attached: Attached) -> None:
        while True:
            text = await receive_text(self._socket)
            async with self._turn:
                data = text.encode("utf-8", "surrogatepass")
                frames = self._session.receive(data if data.endswith(b"\n") else data + b"\n")
                await self._carry(attached, frames)

    async def _letting_go(self, attached: Attached) -> None:
        """Report what is held back only because it could be the beginning of a secret once it has waited."""
        while True:
            await self._held.wait()
            await asyncio.sleep(RELEASE_S)
            async with self._turn:
                self._held.clear()
                await self._record(attached, self._fragments.release())

    async def _obey(self, attached: Attached, seq: int, text: str) -> None:
        command = COMMAND.validate_json(text)
        tell_command(attached, seq, text)
        async with self._turn:
            await self._carry(attached, self._frames(command))
            if isinstance(command, Deliver):
                handed = Handed(agent=command.agent, generation=command.generation, message_id=command.message_id)
                await self._report(attached, [handed])
        await self._s.linking.acknowledge(self._principal, attached, seq)
        if isinstance(command, Stop):
            raise _Ended

    def _frames(self, command: Command) -> list[Frame]:
        match command:
            case Deliver():
                prompt = Prompt(
                    message_id=command.message_id,
                    text=command.text,
                    steer=command.steer,
                    nudge=command.nudge,
                    trace=command.trace,
                )
                return self._session.prompt(prompt)
            case Interrupt():
                return self._session.interrupt()
            case Answer():
                return self._session.answer(command.native_id, command.answer)
            case Stop():
                return self._session.close()
            case Spawn() | Probe() | RunHook() | Guards() | RunCommand() | StopCommand():
                return []  # processes are its proxy's business; a probe is answered by being taken

    async def _carry(self, attached: Attached, frames: Iterable[Frame]) -> None:
        """Write what goes to the agent, and report everything in order."""
        frames = list(frames)
        for frame in frames:
            if frame.direction is Direction.TO_AGENT:
                await self._socket.send_text(frame.raw.decode() + "\n")
        await self._record(attached, self._fragments.cut(frames))

    async def _record(self, attached: Attached, frames: Iterable[Frame]) -> None:
        agent, generation = self._agent.id, self._agent.generation
        await self._report(attached, [each for frame in frames for each in _reports(frame, agent, generation)])
        if self._fragments.holds:
            self._held.set()

    async def _report(self, attached: Attached, reports: list[Report]) -> None:
        numbered = []
        for report in reports:
            self._reported += 1
            numbered.append(NumberedReport(seq=self._reported, report=report, frame_id=_frame_id(report)))
        if numbered:
            await self._s.linking.report(self._principal, attached, numbered, spool=self._spool)


def _reports(frame: Frame, agent: AgentId, generation: int) -> list[Report]:
    content = [event for event in frame.events if not isinstance(event, StateEvent)]
    recorded: Report = FrameRecorded(
        agent=agent,
        generation=generation,
        direction=frame.direction.value,
        frame_type=frame.type,
        transient=frame.transient,
        events=orjson.loads(orjson.dumps(content)),
        raw=orjson.loads(frame.raw),
    )
    states: list[Report] = [
        StateChanged(agent=agent, generation=generation, event=event)
        for event in frame.events
        if isinstance(event, StateEvent)
    ]
    return [recorded, *states]


def _frame_id(report: Report) -> str:
    """A native build sends every buffered frame again after a reconnect; its uuid tells."""
    if isinstance(report, FrameRecorded) and report.direction == "out" and isinstance(report.raw, dict):
        return str(report.raw.get("uuid") or "")
    return ""


def _end(websocket: WebSocket, error: Exception) -> None:
    match error:
        case WebSocketDisconnect():
            return
        case NotAuthenticated() | NotPermitted():
            close(websocket, close_codes.AGENT_UNAUTHENTICATED)
        case _Ended() | Superseded() | Fenced():
            close(websocket, close_codes.AGENT_ENDED)
        case Unavailable() | Kicked() | RuntimeError() | Conflict(code="REPORT_GAP"):
            # A gap: the store has lost what was reported. The next connection begins anew.
            close(websocket, close_codes.DRAINING.because("reconnect"))
        case ProtocolViolation() | RelayError():
            close(websocket, close_codes.AGENT_ENDED.because(str(error)))
        case _:
            raise error
