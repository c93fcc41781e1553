"""`relaycast up`: starting, stopping, dying, going on."""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import httpx
import orjson
import pytest

from tests.fixtures.process_family import descendants
from tests.fixtures.processes import agent_named, client, environment, key_of, machine, refused, until, until_gone, up


async def test_it_says_in_one_line_how_to_reach_it_and_keeps_its_key_private(tmp_path: Path) -> None:
    async with up(tmp_path) as broker:
        assert set(broker.ready) == {"url", "graphql", "mcp", "token_file", "version", "dashboard"}
        key = Path(broker.ready["token_file"])
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert key.read_text().startswith("rk_live_")
        assert stat.S_IMODE((tmp_path / "broker" / "secret.key").stat().st_mode) == 0o600
        up_file = tmp_path / "broker" / "up.json"
        assert orjson.loads(up_file.read_bytes())["url"] == broker.url
        private = [
            path for path in (tmp_path / "broker" / "redis").iterdir() if path.name in {"password", "server.conf"}
        ]
        assert [stat.S_IMODE(path.stat().st_mode) for path in private] == [0o600] * 2
        status, said = await asyncio.to_thread(refused, tmp_path, "up", "--data-dir", str(tmp_path / "broker"))
        assert status == 2
        assert "DATA_FOLDER_BUSY" in said
        assert f"pid {broker.process.pid}" in said
        port = broker.url.rpartition(":")[2]
        status, said = await asyncio.to_thread(
            refused, tmp_path, "up", "--data-dir", str(tmp_path / "second"), "--port", port
        )
        assert (status, "PORT_IN_USE" in said) == (2, True)
        started = descendants(broker.process.pid)
        assert started
        async with client(broker) as relay:
            await relay.session()
            assert await broker.stop() == 0
        assert not up_file.exists()
        await until_gone(started)


async def test_where_it_says_that_graphql_is_graphql_answers(tmp_path: Path) -> None:
    async with up(tmp_path) as broker, httpx.AsyncClient() as asking:
        question = {"query": "{ workspace { id } }"}
        bearer = {"Authorization": f"Bearer {key_of(broker)}"}
        answer = await asking.post(broker.ready["graphql"], json=question, headers=bearer)
        assert (answer.status_code, list(answer.json()["data"]["workspace"])) == (200, ["id"])
        assert (await asking.post(broker.ready["graphql"], json=question)).status_code == 401


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
async def test_everything_is_there_again_after_a_stop_and_after_a_kill(tmp_path: Path, ending: signal.Signals) -> None:
    async with up(tmp_path) as broker:
        key = Path(broker.ready["token_file"])
        port = broker.url.rpartition(":")[2]
        kept = key.read_text()
        async with machine(tmp_path, broker.url, key), client(broker) as relay:
            await relay.spawn("Worker", "demo")
            before = await relay.send("Worker", "say before")
            await relay.wait_for(before.message_id, timeout_s=20)
            server = descendants(broker.process.pid)
            broker.process.send_signal(ending)
            await broker.process.wait()
            async with up(tmp_path, "--port", port) as again:
                assert key.read_text() == kept
                await until_gone(server)
                assert (await relay.trace(before.message_id)).deliveries[0].answer == "before"
                sent = await relay.send("Worker", "say after")
                trace = await relay.wait_for(sent.message_id, timeout_s=20)
                assert trace.deliveries[0].answer == "after"
                assert (await agent_named(relay, "Worker")).generation == 1
                assert await again.stop() == 0


async def test_a_store_that_is_killed_is_started_again_with_all_it_had(tmp_path: Path) -> None:
    async with up(tmp_path) as broker, httpx.AsyncClient() as http:
        (server,) = descendants(broker.process.pid)
        headers = {"Authorization": f"Bearer {Path(broker.ready['token_file']).read_text().strip()}"}
        made = await http.post(f"{broker.url}/v1/sessions", headers=headers, json={"name": "kept"})
        os.kill(server, signal.SIGKILL)
        async with asyncio.timeout(30):
            while (answer := await http.get(f"{broker.url}/v1/sessions/kept", headers=headers, timeout=30)).is_error:
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "STORE_UNAVAILABLE")
                assert answer.headers["Retry-After"]
        assert answer.json()["data"]["id"] == made.json()["data"]["id"]
        async with asyncio.timeout(30):  # it is ready once it hears the bus again, too
            while (await http.get(f"{broker.url}/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
        (again,) = descendants(broker.process.pid)
        assert again != server


async def test_its_link_signs_the_owner_in_and_is_written_down_nowhere(tmp_path: Path) -> None:
    async with up(tmp_path, "--owner", "Ada") as broker, httpx.AsyncClient() as http:
        code = broker.ready["dashboard"].removeprefix(f"{broker.url}/sign-in#")
        kept = [file.read_bytes() for file in (tmp_path / "broker").rglob("*") if file.is_file()]
        assert not any(code.encode() in text for text in kept)
        told = (await http.post(f"{broker.url}/v1/sign-in", json={"code": code})).json()["data"]
        assert (told["name"], told["role"]) == ("Ada", "owner")
        assert await broker.stop() == 0
    async with up(tmp_path, "--owner", "Bob") as again, httpx.AsyncClient() as http:
        code = again.ready["dashboard"].partition("#")[2]
        again_told = (await http.post(f"{again.url}/v1/sign-in", json={"code": code})).json()["data"]
        assert (again_told["name"], again_told["member"]) == ("Ada", told["member"])


async def test_the_demo_plays_to_its_end(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "broker.cli",
        "demo",
        "--once",
        env=environment(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(50):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert b"Good game" in out


async def test_the_free_plan_allows_one_agent(tmp_path: Path) -> None:
    async with (
        up(tmp_path, "--plan", "free") as broker,
        machine(tmp_path, broker.url, Path(broker.ready["token_file"])),
        client(broker) as relay,
        httpx.AsyncClient() as http,
    ):
        session = await relay.session()
        await relay.spawn("One", "demo")
        headers = {"Authorization": f"Bearer {Path(broker.ready['token_file']).read_text().strip()}"}
        answer = await http.post(
            f"{broker.url}/v1/sessions/{session.id}/agents", json={"name": "Two", "cli": "demo"}, headers=headers
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (402, "PLAN_LIMIT")
        assert "Retry-After" not in answer.headers
        await relay.release("One")
        await relay.spawn("Two", "demo")
        await until(relay, lambda event: event.kind == "agent.ready" and event.name == "Two")


async def test_a_terminal_that_is_closed_ends_it_in_good_order(tmp_path: Path) -> None:
    async with up(tmp_path) as broker:
        started = descendants(broker.process.pid)
        broker.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(60):
            assert await broker.process.wait() == 0
        await until_gone(started)
        assert not (tmp_path / "broker" / "up.json").exists()
