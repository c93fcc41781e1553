"""The whole proxy in this process, against a scripted broker and real, scripted agent processes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker.domain.agents.agents import Dialect, Transport
from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.protocol.acp.session import AcpSession
from broker.protocol.agents.events import (
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    PromptAccepted,
    PromptRefused,
    StateEvent,
    TurnEnded,
    TurnOutcome,
    TurnStarted,
)
from broker.protocol.proxy import (
    Answer,
    Deliver,
    Exited,
    Expired,
    Handed,
    Interrupt,
    ReportsLost,
    Spawn,
    Started,
    StateChanged,
    Stop,
)
from connect.access.endpoint import Endpoint, GivenToken, TokenSource
from connect.machine.agent_run import AgentRun, Surroundings
from connect.machine.processes import AgentProcess, Command
from connect.machine.proxy import RelayConnect
from connect.machine.socket_pipe import start_agent
from connect.notices import AgentEnded, AgentStarted, Disconnected, Notice
from connect.policy.consent import Consent, ConsentDesk
from connect.settings import AgentSettings, ConnectSettings
from connect.system import process_tree
from connect.system.process_records import ProcessRecords
from connect.system.state_folder import write_private
from tests.connect.scripted_broker import PERSON, ScriptedBroker, scripted_broker

AGENT = AgentId("a1")
FIXTURES = Path(__file__).parents[2] / "fixtures"
ACP_AGENT = FIXTURES / "scripted_acp_agent.py"
CODEX_LISTENER = FIXTURES / "scripted_codex_listener.py"


@pytest.fixture
async def broker() -> AsyncGenerator[ScriptedBroker]:
    async with scripted_broker() as broker:
        yield broker


def settings(broker: ScriptedBroker, folder: Path, **agents: AgentSettings) -> ConnectSettings:
    scripted = AgentSettings(command=(sys.executable, str(ACP_AGENT)))
    return ConnectSettings(
        endpoint=Endpoint(url=broker.url),
        token=GivenToken(text="nt_live_secret-of-the-proxy", source=TokenSource.ENVIRONMENT),
        state_dir=folder,
        name="test",
        labels=("gpu",),
        session=None,
        agents={"scripted": scripted, **agents},
        spool_bytes=1024 * 1024,
        cwd=Path.cwd(),
    )


@asynccontextmanager
async def running(
    settings: ConnectSettings, notices: list[Notice] | None = None, *, consent: Consent | None = None
) -> AsyncGenerator[RelayConnect]:
    proxy = RelayConnect(settings, notice=(notices if notices is not None else []).append, consent=consent)
    task = asyncio.ensure_future(proxy.run())
    try:
        yield proxy
    finally:
        proxy.stopping.set()
        async with asyncio.timeout(15):
            await task
        proxy.close()


def spawn(cli: str = "scripted", *, generation: int = 1, cwd: str | None = None, resume: str | None = None) -> Spawn:
    return Spawn(
        agent=AGENT,
        generation=generation,
        name="Worker",
        session=SessionId("s1"),
        cli=cli,
        cwd=cwd,
        instructions="",
        resume=resume,
        asked_by=PERSON,
    )


def deliver(
    text: str,
    *,
    message_id: str = "00000000-0000-4000-8000-000000000001",
    generation: int = 1,
    nudge: str | None = None,
) -> Deliver:
    return Deliver(agent=AGENT, generation=generation, message_id=MessageId(message_id), text=text, nudge=nudge)


def stop(*, generation: int = 1) -> Stop:
    return Stop(agent=AGENT, generation=generation)


async def event(broker: ScriptedBroker, kind: type[StateEvent], *, count: int = 1) -> StateEvent:
    def found() -> list[StateEvent]:
        return [report.event for report in broker.of(StateChanged) if isinstance(report.event, kind)]

    await broker.until(lambda: len(found()) >= count)
    return found()[count - 1]


async def spoken(broker: ScriptedBroker, text: str) -> str:
    """What the agent says in a turn of its own."""
    await broker.command(deliver(text))
    ended = await event(broker, TurnEnded)
    assert isinstance(ended, TurnEnded)
    return ended.text


async def test_hello_tells_which_agents_the_machine_has(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.until(lambda: bool(broker.hellos))
    hello = broker.hellos[0]
    assert (hello.name, hello.labels) == ("test", ["gpu"])
    clis = {cli.cli: cli for cli in hello.clis}
    assert clis["scripted"].supported
    assert set(clis) >= {"claude", "codex", "gemini"}


@pytest.mark.parametrize("strict", [True, False])
async def test_whether_somebody_is_at_the_terminal_is_told_where_answers_hang_on_it(
    broker: ScriptedBroker, tmp_path: Path, strict: bool
) -> None:
    desk, state = ConsentDesk(), tmp_path / "s"
    state.mkdir(mode=0o700)
    write_private(state / "policy.toml", b"strict = true" if strict else b"")
    async with running(settings(broker, state), consent=desk) as proxy:
        await broker.until(lambda: len(broker.hellos) == 1)
        desk.attend(person=True)
        proxy.tell_presence()
        if strict:
            await broker.until(lambda: len(broker.hellos) == 2)
        proxy.tell_presence()
        await broker.command(spawn())  # whatever was told before it has come first
        await broker.until(lambda: broker.commands_acked == 1)
    assert [bool(hello.policy and hello.policy.terminal) for hello in broker.hellos] == [False, True][: 1 + strict]


async def test_a_program_that_hangs_when_asked_for_its_version_does_not_delay_the_link_and_is_told_of_later(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.machine.proxy._PROGRAMS_PATIENCE_S", 0.1)
    answer = tmp_path / "answer"
    os.mkfifo(answer)
    shim = tmp_path / "claude"
    shim.write_text(f"#!/bin/sh\nexec cat {answer}\n")
    shim.chmod(0o755)
    notices: list[Notice] = []
    async with running(settings(broker, tmp_path / "s", claude=AgentSettings(command=(str(shim),))), notices):
        await broker.command(spawn())
        assert await spoken(broker, "say while it hangs") == "while it hangs"
        await asyncio.to_thread(answer.write_text, "2.1.330 (Claude Code)")
        await broker.until(lambda: len(broker.hellos) == 2)
    told = [{cli.cli: cli for cli in hello.clis}["claude"] for hello in broker.hellos]
    assert [(cli.version, cli.supported) for cli in told] == [(None, False), ("2.1.330", True)]
    assert "has not answered yet" in (told[0].problem or "")
    assert not [notice for notice in notices if isinstance(notice, Disconnected)]


async def test_an_agent_is_started_prompted_and_answers(broker: ScriptedBroker, tmp_path: Path) -> None:
    notices: list[Notice] = []
    async with running(settings(broker, tmp_path / "s"), notices):
        await broker.command(spawn())
        started = await broker.report(Started)
        assert started.transport is Transport.STDIO
        await event(broker, AgentReady)
        assert await spoken(broker, "say hello there") == "hello there"
        await broker.report(Handed)
        await event(broker, PromptAccepted)
        await event(broker, TurnStarted)
        await broker.command(stop())
        exited = await broker.report(Exited)
    assert (exited.reason, exited.expected, exited.code) == ("stopped", True, 0)
    assert {frame.direction for frame in broker.frames()} == {"in", "out"}
    assert [type(notice) for notice in notices[1:]] == [AgentStarted, AgentEnded]


def timed(not_after_ms: int, text: str) -> Deliver:
    return Deliver(agent=AGENT, generation=1, message_id=MessageId(text), text=f"say {text}", not_after_ms=not_after_ms)


async def test_a_message_its_sender_has_given_up_is_not_handed_over_and_that_is_reported_at_once(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await event(broker, AgentReady)
        await broker.command(timed(999_999, "late"))
        assert (await broker.report(Expired)).message_id == "late"
        assert await spoken(broker, "say in time") == "in time"
    assert [handed.message_id for handed in broker.of(Handed) if handed.message_id == "late"] == []


async def test_the_time_of_a_message_is_the_brokers_however_far_this_machines_clock_is_off(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(timed(1_000_000 + 600_000, "good for ten minutes"))
        ended = await event(broker, TurnEnded)
    assert isinstance(ended, TurnEnded)
    assert ended.text == "good for ten minutes"


async def test_a_broker_that_does_not_say_what_time_it_is_has_its_messages_handed_over(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    broker.now_ms = None
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(timed(1, "from long ago"))
        ended = await event(broker, TurnEnded)
    assert isinstance(ended, TurnEnded)
    assert ended.text == "from long ago"


async def test_a_message_whose_time_ends_while_it_waits_for_the_agent_is_reported_too(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.acknowledging = False  # which holds the start back
    async with running(settings(broker, tmp_path / "s")) as proxy:
        await broker.command(spawn())
        await broker.command(timed(1_000_000 + 600_000, "too slow"))
        await broker.until(lambda: broker.commands_acked == 2)
        proxy._clock.set(1_000_000 + 600_001)
        broker.acknowledging = True
        await broker.acknowledge()
        assert (await broker.report(Expired)).message_id == "too slow"


async def test_a_message_too_many_before_the_start_is_refused_and_not_forgotten(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.machine.agent_run._MAX_WAITING_ORDERS", 1)
    broker.acknowledging = False
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver("say first"))
        await broker.command(deliver("say second", message_id="second"))
        refused = await event(broker, PromptRefused)
        broker.acknowledging = True
        await broker.acknowledge()
    assert isinstance(refused, PromptRefused)
    assert refused.message_id == "second"


async def test_the_process_starts_only_after_the_broker_knows_its_token(broker: ScriptedBroker, tmp_path: Path) -> None:
    broker.acknowledging = False
    notices: list[Notice] = []
    async with running(settings(broker, tmp_path / "s"), notices):
        await broker.command(spawn())
        started = await broker.report(Started)
        await broker.until(lambda: broker.commands_acked == 1)
        assert not [notice for notice in notices if isinstance(notice, AgentStarted)]
        broker.acknowledging = True
        await broker.acknowledge()
        await event(broker, AgentReady)
        assert await spoken(broker, "token-digest") == started.token_sha256


async def test_a_message_that_comes_before_the_agent_is_ready_waits_for_it(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        assert await spoken(broker, "say early") == "early"


async def test_a_message_that_waits_for_the_running_turn_is_handed_over_only_after_it(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver("hang"))
        await event(broker, TurnStarted)
        second = deliver("say second", message_id="00000000-0000-4000-8000-000000000002")
        await broker.command(second)
        await broker.until(lambda: broker.commands_acked == 3)
        await broker.command(Interrupt(agent=AGENT, generation=1))
        await event(broker, TurnEnded, count=2)
    story = [report for report in broker.history() if isinstance(report, TurnEnded | Handed)]
    assert [type(report) for report in story] == [Handed, TurnEnded, Handed, TurnEnded]
    assert isinstance(story[2], Handed)
    assert story[2].message_id == second.message_id


async def test_a_codex_that_listens_on_a_socket_is_driven_like_any_other(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    command = (sys.executable, str(CODEX_LISTENER))
    codex = AgentSettings(command=command, dialect=Dialect.CODEX, any_version=True, transport="unix")
    async with running(settings(broker, tmp_path / "s", codex=codex)):
        await broker.command(spawn("codex"))
        started = await broker.report(Started)
        assert started.transport is Transport.UNIX_SOCKET
        assert await spoken(broker, "say hello there") == "hello there"
        await broker.report(Handed)
        await broker.command(stop())
        exited = await broker.report(Exited)
    assert (exited.reason, exited.expected) == ("stopped", True)
    assert {frame.direction for frame in broker.frames()} == {"in", "out"}
    assert list((tmp_path / "s" / "agents").iterdir()) == []


async def test_a_secret_that_a_person_tells_an_agent_is_in_no_report(broker: ScriptedBroker, tmp_path: Path) -> None:
    command = (sys.executable, str(CODEX_LISTENER))
    codex = AgentSettings(command=command, dialect=Dialect.CODEX, any_version=True, transport="unix")
    secret = 'pass "word" é'
    async with running(settings(broker, tmp_path / "s", codex=codex)):
        await broker.command(spawn("codex"))
        await broker.command(deliver("secret"))
        asked = await event(broker, ApprovalRequested)
        assert isinstance(asked, ApprovalRequested)
        assert asked.prompts[0].secret
        answer = ApprovalAnswer(verdict=Verdict.ALLOW, answers={"key": [secret]})
        await broker.command(Answer(agent=AGENT, generation=1, native_id=asked.native_id, answer=answer))
        ended = await event(broker, TurnEnded)
    assert isinstance(ended, TurnEnded)
    assert "[redacted]" in ended.text
    assert "word" not in str(broker.history())
    assert "word" not in str(broker.frames())


async def test_a_message_that_a_busy_agent_has_refused_is_handed_over_as_often_as_it_comes(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    command = (sys.executable, str(CODEX_LISTENER))
    codex = AgentSettings(command=command, dialect=Dialect.CODEX, any_version=True, transport="unix")
    async with running(settings(broker, tmp_path / "s", codex=codex)):
        await broker.command(spawn("codex"))
        await broker.command(deliver("say busy"))
        for refusals in (1, 2):
            await event(broker, PromptRefused, count=refusals)
            await broker.command(deliver("say busy", nudge="go on"))
        ended = await event(broker, TurnEnded)
    assert isinstance(ended, TurnEnded)
    assert ended.text == "busy"


async def test_a_codex_that_loses_its_connection_is_reported_as_gone(broker: ScriptedBroker, tmp_path: Path) -> None:
    command = (sys.executable, str(CODEX_LISTENER))
    codex = AgentSettings(command=command, dialect=Dialect.CODEX, any_version=True, transport="unix")
    async with running(settings(broker, tmp_path / "s", codex=codex)):
        await broker.command(spawn("codex"))
        await broker.command(deliver("drop"))
        exited = await broker.report(Exited)
    assert (exited.reason, exited.expected) == ("exited", False)
    assert exited.detail.startswith("the connection to its socket was lost")


async def test_a_message_that_comes_twice_runs_once(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver("say once"))
        await broker.command(deliver("say once"))
        await broker.command(deliver("say last", message_id="00000000-0000-4000-8000-000000000002"))
        last = await event(broker, TurnEnded, count=2)
    assert isinstance(last, TurnEnded)
    assert last.text == "last"
    assert len(broker.of(Handed)) == 2


async def test_a_broker_that_has_forgotten_an_answer_hears_that_the_agent_had_the_message(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver("say once"))
        await event(broker, TurnEnded)
        await broker.command(deliver("say once"))
        known = await event(broker, PromptAccepted, count=2)
        await broker.command(deliver("say once", nudge="say again"))
        again = await event(broker, TurnEnded, count=2)
    assert isinstance(known, PromptAccepted)
    assert known.already_seen
    assert isinstance(again, TurnEnded)
    assert again.text == "again"


async def test_a_spawn_that_comes_twice_starts_one_process(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(spawn())
        await event(broker, AgentReady)
        await broker.command(stop())
        await broker.report(Exited)
        await broker.command(spawn())
        await broker.until(lambda: broker.commands_acked == 4)
    assert len(broker.of(Started)) == 1
    assert len(broker.of(Exited)) == 1


async def test_a_newer_generation_replaces_the_old_process_once_that_is_gone(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await event(broker, AgentReady)
        await broker.command(spawn(generation=2))
        await event(broker, AgentReady, count=2)
        await broker.command(deliver("say stale"))
        await broker.command(deliver("say new", generation=2))
        ended = await event(broker, TurnEnded)
    kinds = [(type(n.report), n.report.generation) for n in broker.reports if isinstance(n.report, Started | Exited)]
    assert kinds[:3] == [(Started, 1), (Exited, 1), (Started, 2)]
    assert isinstance(ended, TurnEnded)
    assert ended.text == "new"


async def test_a_stop_of_an_unknown_agent_is_answered(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(stop())
        exited = await broker.report(Exited)
    assert (exited.reason, exited.expected, exited.code) == ("stopped", True, None)


async def test_a_stop_during_the_start_leaves_nothing(broker: ScriptedBroker, tmp_path: Path) -> None:
    broker.acknowledging = False
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.report(Started)
        await broker.command(stop())
        exited = await broker.report(Exited)
        broker.acknowledging = True
        await broker.acknowledge()
    assert (exited.reason, exited.code) == ("stopped", None)


async def test_a_permission_is_asked_for_and_answered(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver("ask"))
        asked = await event(broker, ApprovalRequested)
        assert isinstance(asked, ApprovalRequested)
        answer = ApprovalAnswer(verdict=Verdict.ALLOW)
        await broker.command(Answer(agent=AGENT, generation=1, native_id=asked.native_id, answer=answer))
        ended = await event(broker, TurnEnded)
    assert isinstance(ended, TurnEnded)
    assert '"yes"' in ended.text


async def test_a_broker_that_has_lost_its_last_seconds_hears_who_waits_for_no_answer_any_more(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver("ask"))
        asked = await event(broker, ApprovalRequested)
        assert isinstance(asked, ApprovalRequested)
        answer = ApprovalAnswer(verdict=Verdict.ALLOW)
        await broker.command(Answer(agent=AGENT, generation=1, native_id=asked.native_id, answer=answer))
        ended = await event(broker, TurnEnded)
        # Promoted is a replica that has got all up to the question, and neither its answer nor what came of it.
        del broker.reports[broker.history().index(asked) :]
        await broker.drop()
        told = await broker.report(ReportsLost)
        withdrawn = await event(broker, ApprovalWithdrawn)
    assert (told.lost, told.states) == (0, False)
    again = broker.history()
    assert again.index(asked) < again.index(ended) < again.index(withdrawn)
    assert withdrawn == ApprovalWithdrawn(native_id=asked.native_id)
    assert len(broker.of(ReportsLost)) == 1


async def test_an_interrupt_ends_the_turn(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver("hang"))
        await event(broker, TurnStarted)
        await broker.command(Interrupt(agent=AGENT, generation=1))
        ended = await event(broker, TurnEnded)
    assert isinstance(ended, TurnEnded)
    assert ended.outcome is TurnOutcome.INTERRUPTED


async def test_an_agent_that_dies_is_reported_with_its_last_words(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver("die"))
        exited = await broker.report(Exited)
    assert (exited.reason, exited.expected, exited.code, exited.detail) == ("exited", False, 3, "I was told to")


async def test_the_token_is_never_in_arguments_or_reports(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        assert await spoken(broker, "token") == "[redacted]"
        argv = deliver("argv", message_id="00000000-0000-4000-8000-000000000002")
        await broker.command(argv)
        said = await event(broker, TurnEnded, count=2)
    assert isinstance(said, TurnEnded)
    assert json.loads(said.text) == [str(ACP_AGENT)]
    assert b"at_live_" not in broker.raw
    assert b"secret-of-the-proxy" not in broker.raw


async def test_a_secret_that_is_streamed_in_parts_reaches_no_reader(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "connect.machine.agent_run.RELEASE_S", 60.0
    )  # a slow machine must not let a word's first half go
    secret = "ghp_" + "aB3" * 12
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver(f"stream push with {secret} to it"))
        await event(broker, TurnEnded)
    texts = [each["delta"] for frame in broker.frames() for each in frame.events if each["type"] == "text_delta"]
    assert "".join(texts) == "push with [redacted:github-token] to it"
    streamed = [json.dumps(frame.raw) for frame in broker.frames() if frame.transient]
    assert len(streamed) >= len(texts)  # what begins the turn does not wait for its text
    assert not any(secret[at : at + 3] in frame for at in range(4, len(secret) - 3) for frame in streamed)


async def test_agents_do_not_inherit_what_is_the_relays_own(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAYCAST_TOKEN", "nt_live_x")
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        assert json.loads(await spoken(broker, "env")) == [process_tree.MARK]


async def test_stopping_an_agent_ends_what_it_has_started(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.machine.processes._TERM_GRACE_S", 0.2)
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        child = process_tree.key_of(int(await spoken(broker, "child")))
        assert process_tree.is_running(child)
        await broker.command(stop())
        await broker.report(Exited)
        assert not process_tree.is_running(child)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (spawn("nonsense"), "CLI_MISSING"),
        (spawn("absent"), "CLI_MISSING"),
        (spawn("not-a-program"), "SPAWN_FAILED"),
        (spawn(cwd="/does/not/exist"), "CWD_MISSING"),
        (spawn("babbler"), "exited"),
    ],
    ids=["unknown", "absent", "not-a-program", "no-folder", "babbler"],
)
async def test_an_agent_that_cannot_run_is_reported_with_the_reason(
    broker: ScriptedBroker, tmp_path: Path, command: Spawn, reason: str
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/does/not/exist\n")
    broken.chmod(0o755)
    agents = {
        "absent": AgentSettings(command=("no-such-program",)),
        "not-a-program": AgentSettings(command=(str(broken),)),
        "babbler": AgentSettings(command=(sys.executable, "-c", "print('not json')")),
    }
    async with running(settings(broker, tmp_path / "s", **agents)):
        await broker.command(command)
        exited = await broker.report(Exited)
    assert (exited.reason, exited.expected) == (reason, False)


async def test_a_codec_that_fails_on_an_order_ends_its_own_agent_alone(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError

    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(spawn().model_copy(update={"agent": AgentId("a2")}))
        await event(broker, AgentReady, count=2)
        monkeypatch.setattr(AcpSession, "interrupt", fail)
        await broker.command(Interrupt(agent=AgentId("a2"), generation=1))
        exited = await broker.report(Exited)
        assert await spoken(broker, "say still here") == "still here"
    assert (exited.agent, exited.reason, exited.detail) == ("a2", "INTERNAL", "RecursionError()")


async def test_a_command_that_cannot_be_carried_out_is_answered_and_the_next_ones_are(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(AgentRun):
        def __init__(self, command: Spawn, around: Surroundings) -> None:
            if command.agent == "a2":
                raise OSError(24, "Too many open files")
            super().__init__(command, around)

    monkeypatch.setattr("connect.machine.supervisor.AgentRun", Refusing)
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn().model_copy(update={"agent": AgentId("a2")}))
        exited = await broker.report(Exited)
        await broker.command(spawn())
        assert await spoken(broker, "say hello") == "hello"
    assert (exited.agent, exited.reason, exited.expected) == ("a2", "INTERNAL", False)
    assert "Too many open files" in exited.detail


async def test_what_an_agent_prints_before_its_start_has_returned_is_taken_afterwards(
    broker: ScriptedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start_slowly(
        command: Command, *, records: ProcessRecords, on_output: Callable[[bytes], None]
    ) -> AgentProcess:
        printed = asyncio.Event()

        def hear(data: bytes) -> None:
            on_output(data)
            printed.set()

        process = await start_agent(command, records=records, on_output=hear)
        await printed.wait()
        return process

    monkeypatch.setattr("connect.machine.agent_run.start_agent", start_slowly)
    command = ("sh", "-c", f"echo Loading config...; exec {sys.executable} {ACP_AGENT}")
    async with running(settings(broker, tmp_path / "s", banner=AgentSettings(command=command))):
        await broker.command(spawn("banner"))
        assert await spoken(broker, "say hello") == "hello"
    assert not [exited for exited in broker.of(Exited) if exited.reason != "PROXY_STOPPED"]


async def test_agents_go_on_while_the_broker_is_away(broker: ScriptedBroker, tmp_path: Path) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await broker.command(deliver("hang"))
        await event(broker, TurnStarted)
        await broker.drop()
        await broker.until(lambda: len(broker.hellos) == 2)
        assert [live.agent for live in broker.hellos[1].agents] == [AGENT]
        await broker.command(Interrupt(agent=AGENT, generation=1))
        await event(broker, TurnEnded)


async def test_leaving_ends_the_agents_and_says_so_before_the_link_closes(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    async with running(settings(broker, tmp_path / "s")):
        await broker.command(spawn())
        await event(broker, AgentReady)
    (exited,) = broker.of(Exited)
    assert (exited.reason, exited.expected) == ("PROXY_STOPPED", False)
    assert list((tmp_path / "s" / "agents").iterdir()) == []
    assert list((tmp_path / "s" / "processes").iterdir()) == []


async def test_an_old_claude_is_supervised_while_it_talks_to_the_broker_by_itself(
    broker: ScriptedBroker, tmp_path: Path
) -> None:
    package = tmp_path / "node_modules" / "@anthropic-ai" / "claude-code"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "@anthropic-ai/claude-code", "version": "2.1.120"}')
    program = package / "claude"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    notices: list[Notice] = []
    claude = AgentSettings(command=(str(program),))
    async with running(settings(broker, tmp_path / "s", claude=claude), notices):
        await broker.command(spawn("claude"))
        started = await broker.report(Started)
        assert (started.transport, started.version) == (Transport.SDK_URL, "2.1.120")
        await broker.command(deliver("this goes another way"))
        await broker.command(stop())
        exited = await broker.report(Exited)
    assert exited.expected
    assert broker.of(Handed) == []
    assert broker.frames() == []
