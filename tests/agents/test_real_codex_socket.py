"""Codex's app-server as relay-connect drives it over a private unix socket."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.domain.agents.agents import Dialect, InstalledCli, Transport
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.protocol.agents.events import AgentEvent, AgentReady, TurnEnded, TurnOutcome
from broker.protocol.agents.session import AgentSession, Direction, Frame, Prompt
from broker.protocol.proxy import Spawn
from connect.access.endpoint import Endpoint
from connect.machine.agent_programs import FoundCli
from connect.machine.bridges.launch import Launch, LaunchRequest
from connect.machine.bridges.planning import plan_launch
from connect.machine.processes import AgentProcess, end_process
from connect.machine.socket_pipe import start_agent
from connect.system.process_records import ProcessRecords
from tests.agents.cli_environment import CliEnvironment, codex_environment
from tests.agents.model_server import ModelServer
from tests.agents.relay_tools import TOKEN, RelayTools, SentMessage
from tests.agents.script import CallTool, Say, in_order

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]


class Conversation:
    """Carries frames between a codec and its process, and keeps what they mean."""

    def __init__(self, session: AgentSession) -> None:
        self.session = session
        self.events: list[AgentEvent] = []
        self.process: AgentProcess
        self._arrived = asyncio.Event()

    def heard(self, data: bytes) -> None:
        self.carry(self.session.receive(data))

    def carry(self, frames: list[Frame]) -> None:
        for frame in frames:
            self.events += frame.events
            if frame.direction is Direction.TO_AGENT:
                self.process.write(frame.raw + b"\n")
        self._arrived.set()

    async def until(self, kind: type[AgentEvent]) -> AgentEvent:
        while not (found := [event for event in self.events if isinstance(event, kind)]):
            self._arrived.clear()
            await self._arrived.wait()
        return found[0]


def _plan(environment: CliEnvironment, relay: RelayTools, *, private: Path) -> Launch:
    installed = InstalledCli(
        cli="codex", dialect=Dialect.CODEX, version=None, supported=True, transport=Transport.UNIX_SOCKET
    )
    spawn = Spawn(
        agent=AgentId("a1"), generation=1, name="Worker", session=SessionId("s1"), cli="codex", instructions="Be brief."
    )
    return plan_launch(
        LaunchRequest(
            spawn=spawn,
            cli=FoundCli(installed=installed, command=(str(environment.executable), "app-server"), env={}),
            endpoint=Endpoint(url=relay.url.removesuffix("/mcp"), token="nt_live_x"),
            token=TOKEN,
            cwd=environment.project,
            private=private,
            environment=environment.variables,
        )
    )


@pytest.mark.parametrize("folder", ["short", "long" * 25])
async def test_a_prompt_runs_and_a_relay_tool_is_called(
    model: ModelServer, relay: RelayTools, installed: Callable[[str], Path], tmp_path: Path, folder: str
) -> None:
    model.script = in_order(CallTool("relay_send", {"to": "bob", "text": "hi"}), Say("Sent."))
    environment = codex_environment(installed("codex"), folder=tmp_path, model_url=model.url)
    records = ProcessRecords(tmp_path / "records")
    (tmp_path / "records").mkdir()
    launch = _plan(environment, relay, private=tmp_path / folder)
    assert launch.session is not None
    conversation = Conversation(launch.session)

    async with asyncio.timeout(60):
        process = await start_agent(launch.command, records=records, on_output=conversation.heard)
        try:
            conversation.process = process
            conversation.carry(launch.session.start())
            await conversation.until(AgentReady)
            prompt = Prompt(message_id=MessageId("00000000-0000-4000-8000-000000000001"), text="tell bob")
            conversation.carry(launch.session.prompt(prompt))
            ended = await conversation.until(TurnEnded)
        finally:
            await end_process(process, records=records, eof_grace_s=launch.eof_grace_s)

    assert isinstance(ended, TurnEnded)
    assert (ended.outcome, ended.text) == (TurnOutcome.COMPLETED, "Sent.")
    assert relay.sent == [SentMessage(to="bob", text="hi")]
    assert process.complaint == ""
