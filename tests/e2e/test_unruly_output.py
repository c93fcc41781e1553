"""What an agent writes badly costs what it wrote, never the agent, its machine or the messages behind."""

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from connect.sdk.relay import AgentRelay
from tests.fixtures.processes import Running, agent_named, client, machine, until, up

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    machine: Running
    relay: AgentRelay

    async def turn(self, prompt: str) -> str:
        """How a message that is the only word of its turn ends."""
        sent = await self.relay.send("Unruly", prompt)
        (delivery,) = (await self.relay.wait_for(sent.message_id, timeout_s=60)).deliveries
        return str(delivery.state)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = Path(tmp_path_factory.mktemp("unruly"))
    unruly = f"unruly=env PYTHONPATH={ROOT} {sys.executable} -m tests.fixtures.unruly_acp_agent"
    async with up(folder) as broker:
        given = ["--agent", unruly]
        token_file = Path(broker.ready["token_file"])
        async with machine(folder, broker.url, token_file, *given) as linked, client(broker) as relay:
            await relay.spawn("Unruly", "unruly")
            yield Scene(machine=linked, relay=relay)


@pytest.mark.parametrize(
    "prompt",
    [
        "deep 195",
        "deep 250",
        "deep 1000",
        "meta 1000",
        "number NaN",
        "number 1e400",
        "digits",
        "number 123456789012345678901234567890",
        "long",
        "numbers",
        "log",
        "bytes",
        "osc",
        "spinner",
        "unfinished",
        "ask-deep",
        "ask-long",
    ],
)
async def test_a_turn_ends_whatever_the_agent_wrote_in_it(scene: Scene, prompt: str) -> None:
    assert await scene.turn(prompt) == "answered"
    agent = await agent_named(scene.relay, "Unruly")
    assert (agent.state, agent.generation) == ("idle", 1)
    assert scene.machine.process.returncode is None


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("deep 200", "nested deeper than"),
        ("number NaN", "not finite"),
        ("long", "texts longer than"),
        ("numbers", "could not be read"),
        ("ask-deep", "Denied without asking anybody"),
    ],
)
async def test_what_was_changed_or_lost_stands_in_the_log(scene: Scene, prompt: str, told: str) -> None:
    await scene.turn(prompt)
    await until(scene.relay, lambda event: event.kind == "agent.frame" and told in str(event.data["events"]))
