"""What the version before this one left behind, and its machines, go on with this one."""

import asyncio
from pathlib import Path

from broker.adapters.embedded import embedded_redis
from broker.adapters.redis import keys
from broker.adapters.redis.connecting.opening import open_redis
from connect.sdk.relay import AgentRelay
from tests.fixtures.previous import VERSION, previous_code
from tests.fixtures.processes import client, key_of, machine, refused, up


async def answer_of(relay: AgentRelay, agent: str, text: str) -> str | None:
    """What an agent answers to a message."""
    sent = await relay.send(agent, f"say {text}")
    trace = await relay.wait_for(sent.message_id, timeout_s=30)
    return trace.deliveries[0].answer


async def test_it_is_the_version_it_is_said_to_be(tmp_path: Path) -> None:
    async with up(tmp_path, code=previous_code()) as broker:
        assert broker.ready["version"] == VERSION


async def test_a_data_folder_of_the_previous_version_goes_on(tmp_path: Path) -> None:
    async with up(tmp_path, code=previous_code()) as before, client(before) as relay:
        async with machine(tmp_path, before.url, Path(before.ready["token_file"]), code=previous_code()):
            await relay.spawn("Elder", "demo")
            assert await answer_of(relay, "Elder", "old") == "old"
            await relay.spawn("Younger", "demo")
        key = key_of(before)
        waiting = await relay.send("Elder", "say late")
        said = await relay.session()
    async with up(tmp_path) as now, client(now) as relay:
        assert key_of(now) == key
        assert (await relay.session()).id == said.id
        assert [agent.name for agent in await relay.agents()] == ["Elder", "Younger"]
        async with machine(tmp_path, now.url, Path(now.ready["token_file"])):
            trace = await relay.wait_for(waiting.message_id, timeout_s=60)
            assert trace.deliveries[0].answer == "late"
            await relay.spawn("Newcomer", "demo")
            assert await answer_of(relay, "Newcomer", "new") == "new"
            assert [agent.name for agent in await relay.agents()] == ["Elder", "Younger", "Newcomer"]
            assert await answer_of(relay, "Elder", "again") == "again"


async def test_a_machine_of_the_previous_version_still_links(tmp_path: Path) -> None:
    async with up(tmp_path) as broker, client(broker) as relay:
        token = Path(broker.ready["token_file"])
        async with machine(tmp_path, broker.url, token, code=previous_code()):
            await relay.spawn("Worker", "demo")
            assert await answer_of(relay, "Worker", "linked") == "linked"
            await relay.release("Worker")


async def test_data_of_a_newer_version_is_refused_in_a_sentence_and_left_as_it_is(tmp_path: Path) -> None:
    newer = {"version": "99", "oldest": "99", "by": "9.9"}
    async with embedded_redis(tmp_path / "broker" / "redis") as url:
        redis = open_redis(url)
        for name, value in newer.items():
            await redis.hset(keys.FORMAT, name, value)
        await redis.aclose()
    status, said = await asyncio.to_thread(
        refused, tmp_path, "up", "--data-dir", str(tmp_path / "broker"), "--port", "0"
    )
    assert (status, said.count("\n")) == (2, 1)
    assert "written by Relaycast 9.9 in format 99" in said
    assert said.endswith("start Relaycast 9.9 or a newer one [STORE_TOO_NEW]\n")
    async with embedded_redis(tmp_path / "broker" / "redis") as url:
        redis = open_redis(url)
        assert await redis.hgetall(keys.FORMAT) == newer
        await redis.aclose()
