"""What happens to agents on a real machine: failures, restarts, revocation. One broker and one machine for all."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from broker.domain.approvals.answers import Verdict
from broker.domain.errors import RelayError
from connect.sdk.relay import AgentRelay
from connect.sdk.types import Event
from tests.fixtures.process_family import descendants
from tests.fixtures.processes import Running, agent_named, client, key_of, machine, until, until_gone, up

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A broker with a machine, and the operator."""

    folder: Path
    broker: Running
    machine: Running
    relay: AgentRelay

    async def again(self, message: str, *, to: str) -> str | None:
        """The answer to a message."""
        sent = await self.relay.send(to, message)
        return (await self.relay.wait_for(sent.message_id, timeout_s=30)).deliveries[0].answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = Path(tmp_path_factory.mktemp("scene"))
    broken = ["--agent", "dies=sh -c 'exit 3'", "--agent", "missing=/nowhere/agent"]
    async with up(folder) as broker:
        token_file = Path(broker.ready["token_file"])
        async with machine(folder, broker.url, token_file, *broken) as linked, client(broker) as relay:
            yield Scene(folder=folder, broker=broker, machine=linked, relay=relay)


@pytest.mark.parametrize(("cli", "code"), [("dies", None), ("missing", "CLI_MISSING"), ("unheard", "CLI_MISSING")])
async def test_an_agent_that_cannot_start_is_refused_in_words(scene: Scene, cli: str, code: str | None) -> None:
    with pytest.raises(RelayError) as refused:
        await scene.relay.spawn("Broken", cli)
    assert refused.value.message
    if code is not None:
        assert refused.value.code == code


async def test_a_name_is_given_once(scene: Scene) -> None:
    await scene.relay.spawn("Twin", "demo")
    with pytest.raises(RelayError) as refused:
        await scene.relay.spawn("tWIN", "demo")
    assert refused.value.code == "NAME_TAKEN"
    await scene.relay.release("Twin")
    await scene.relay.spawn("Twin", "demo")
    await scene.relay.release("Twin")


async def test_a_release_leaves_no_process(scene: Scene) -> None:
    before = set(descendants(scene.machine.process.pid))
    await scene.relay.spawn("Brief", "demo")
    started = [pid for pid in descendants(scene.machine.process.pid) if pid not in before]
    assert started
    assert (await scene.relay.release("Brief")).state == "released"
    await until_gone(started)


async def test_a_released_agent_comes_back_with_what_it_knew(scene: Scene) -> None:
    await scene.relay.spawn("Elder", "demo")
    assert await scene.again("say one", to="Elder") == "one"
    await scene.relay.release("Elder")
    assert (await scene.relay.resume("Elder")).generation == 2
    first = await until(scene.relay, lambda event: event.kind == "agent.ready" and event.name == "Elder")
    second = await until(scene.relay, lambda event: event.kind == "agent.ready" and event.data["generation"] == 2)
    assert second.data["native_id"] == first.data["native_id"]
    assert (first.data["resumed"], second.data["resumed"]) == (False, True)
    assert await scene.again("say two", to="Elder") == "two"
    await scene.relay.release("Elder")


async def test_a_released_agent_that_was_never_spoken_to_comes_back_too(scene: Scene) -> None:
    await scene.relay.spawn("Silent", "demo")
    await scene.relay.release("Silent")
    await scene.relay.resume("Silent")
    assert await scene.again("say one", to="Silent") == "one"
    await scene.relay.release("Silent")


async def test_an_agent_that_dies_in_its_turn_goes_on_where_it_was(scene: Scene) -> None:
    await scene.relay.spawn("Mortal", "demo")
    assert await scene.again("say one", to="Mortal") == "one"
    sent = await scene.relay.send("Mortal", "exit 7")
    following = await scene.relay.send("Mortal", "say two")
    await until(scene.relay, lambda event: event.kind == "agent.restarting" and event.name == "Mortal")
    trace = await scene.relay.wait_for(sent.message_id, timeout_s=30)
    assert trace.deliveries[0].state == "answered"
    trace = await scene.relay.wait_for(following.message_id, timeout_s=30)
    assert trace.deliveries[0].answer == "two"
    assert (await agent_named(scene.relay, "Mortal")).generation == 2
    await scene.relay.release("Mortal")


async def test_an_interrupt_stops_a_long_turn(scene: Scene) -> None:
    await scene.relay.spawn("Sleeper", "demo")
    sent = await scene.relay.send("Sleeper", "sleep 300")
    await until(scene.relay, lambda event: event.kind == "turn.started" and event.name == "Sleeper")
    await scene.relay.interrupt("Sleeper")
    trace = await scene.relay.wait_for(sent.message_id, timeout_s=20)
    assert trace.deliveries[0].state == "answered"
    assert await scene.again("say awake", to="Sleeper") == "awake"
    await scene.relay.release("Sleeper")


async def test_a_deaf_agent_is_noticed_and_restarted(scene: Scene) -> None:
    await scene.relay.spawn("Deaf", "demo")
    await scene.relay.send("Deaf", "ignore")
    await until(scene.relay, lambda event: event.kind == "turn.started" and event.name == "Deaf")
    await scene.relay.interrupt("Deaf")
    await until(scene.relay, lambda event: event.kind == "agent.restarting" and event.name == "Deaf")
    assert (await agent_named(scene.relay, "Deaf")).generation == 2
    await scene.relay.release("Deaf")


async def test_relay_connect_killed_in_a_turn_leaves_no_orphan_and_goes_on(scene: Scene) -> None:
    token_file = Path(scene.broker.ready["token_file"])
    async with machine(scene.folder, scene.broker.url, token_file, name="second") as second:
        await scene.relay.spawn("Worker", "demo", on="second")
        assert await scene.again("say first", to="Worker") == "first"
        sent = await scene.relay.send("Worker", "sleep 1")
        await until(
            scene.relay, lambda event: event.kind == "turn.started" and event.data.get("message") == sent.message_id
        )
        orphans = descendants(second.process.pid)
        await second.kill()
    async with machine(scene.folder, scene.broker.url, token_file, name="second"):
        trace = await scene.relay.wait_for(sent.message_id, timeout_s=30)
        assert trace.deliveries[0].state == "answered"
        assert (await agent_named(scene.relay, "Worker")).generation == 2
        await until_gone(orphans)
        assert await scene.again("say second", to="Worker") == "second"
        await scene.relay.release("Worker")


async def test_a_revoked_token_ends_the_machines_link_at_once(scene: Scene) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key_of(scene.broker)}"}) as http:
        made = (await http.post(f"{scene.broker.url}/v1/tokens", json={"kind": "proxy", "name": "third"})).json()[
            "data"
        ]
        token_file = scene.folder / "third.token"
        token_file.write_text(made["token"])
        async with machine(scene.folder, scene.broker.url, token_file, name="third") as third:
            await http.delete(f"{scene.broker.url}/v1/tokens/{made['id']}")
            async with asyncio.timeout(20):
                await third.process.communicate()
            assert third.process.returncode != 0


async def test_a_question_waits_for_its_answer(scene: Scene) -> None:
    await scene.relay.spawn("Asker", "demo")
    sent = await scene.relay.send("Asker", "ask permission: ls")

    def asked(event: Event) -> bool:
        return event.kind == "approval.requested" and event.name == "Asker"

    await until(scene.relay, asked)
    (approval,) = [each for each in await scene.relay.approvals() if each.agent == "Asker"]
    await scene.relay.answer(approval.id, Verdict.ALLOW)
    trace = await scene.relay.wait_for(sent.message_id, timeout_s=20)
    assert trace.deliveries[0].answer == "I may run: ls"
    await scene.relay.release("Asker")
