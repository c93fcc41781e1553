"""Faults that are a story: they bring actors of their own, and look at what the checker cannot see."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from tests.faults.agent import BAD
from tests.faults.facts import ToldReset
from tests.faults.proxy import Weather
from tests.faults.subscribers import crowd
from tests.faults.topology import AGENTS_EACH, SESSION, Stage, say
from tests.faults.traffic import Client, Traffic

_NOTICED_S = 60.0
"""What somebody has to be told, they have been told by then."""
_STRANGE_FOLDERS = ("~nosuchuser/x", "/" + "a" * 300, "/dev/null/x", "/nowhere/at/all")
_SPAWN_S = 20.0
_POLL_S = 0.25
_COMERS, _FEW = 30, 4
_BETWEEN_KILLS_S = 0.7
_AGENTS = f"/v1/sessions/{SESSION}/agents"


async def fail_over(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """The primary dies and a replica that had not heard its last words takes its place behind the same address."""
    assert stage.replica is not None
    traffic.keeps = False
    stage.replica_door.change(Weather(down=False))
    await asyncio.sleep(lasts_s)
    await stage.store.kill()
    stage.replica_door.reset()
    await say(stage.replica_port, "REPLICAOF", "NO", "ONE")
    stage.promote()
    traffic.keeps = True
    for reader in stage.history.readers:
        if not await _until_told(stage, reader):
            stage.remark(f"{reader} was not told that history is gone")


async def fill_disk(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """A machine's disk is full, and its link breaks meanwhile. The limit on file sizes stands for the full disk."""
    del traffic
    pid = stage.machines[0].pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        stage.doors[0].reset()
        await asyncio.sleep(lasts_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


async def print_bad_frames(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """One agent beside the others prints what no agent should; it may suffer for it, the others may not."""
    deadline = time.monotonic() + lasts_s
    async with _extra_agent(stage, "Hostile", on=2), _sender(stage) as client:
        for kind in BAD:
            await traffic.send(client, "Hostile", sender="provoker", order=f"bad {kind}")
        await asyncio.sleep(max(0.0, deadline - time.monotonic()))


async def spawn_nowhere(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """Spawns whose folder cannot even be looked at: each is refused, and nobody else notices."""
    del traffic, lasts_s
    async with _operator(stage) as http:
        for number, folder in enumerate(_STRANGE_FOLDERS):
            name = f"Nowhere{number}-{time.monotonic_ns()}"
            body = {"name": name, "cli": "recording", "on": "machine-1", "cwd": folder, "timeout_s": _SPAWN_S}
            told = await http.post(_AGENTS, json=body)
            if told.status_code in {200, 500}:
                stage.remark(f"a spawn in {folder[:20]!r} was answered {told.status_code}")
            await http.delete(f"{_AGENTS}/{name}", params={"wait": "false"})


async def kill_machine_without_store(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """A machine dies while nobody can write that down: it has to be known as away soon after, and what waits ends."""
    last = len(stage.machines) - 1
    await stage.store.kill()
    await stage.machines[last].kill()
    await asyncio.sleep(lasts_s)
    await stage.start_store()
    async with _operator(stage) as http, _sender(stage) as client:
        if not await _until_offline(http, f"machine-{last}"):
            stage.remark(f"machine-{last} is called online {_NOTICED_S:g} s after it died")
        waits = await traffic.send(client, stage.agents[last * AGENTS_EACH], sender="hasty", ttl_s=2)
        if waits is not None and await _outcome(stage, waits.id) != "undeliverable":
            stage.remark("a message to a dead machine outlived its time and was not reported")


async def sleep_past_lifetimes(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """A laptop sleeps with an idle agent, to which a message on its way runs out of time; then comes another."""
    async with _extra_agent(stage, "Sleeper", on=0), _sender(stage) as client:
        stage.machines[0].freeze()
        first = await traffic.send(client, "Sleeper", sender="hasty", ttl_s=3)
        await asyncio.sleep(lasts_s)
        stage.machines[0].thaw()
        second = await traffic.send(client, "Sleeper", sender="patient")
        if second is not None and await _outcome(stage, second.id) != "answered":
            stage.remark(f"behind a message that had run out of time another waited for {_NOTICED_S:g} s")
        if first is not None and (came_to := await _outcome(stage, first.id)) != "undeliverable":
            stage.remark(f"a message that had run out of time came to this: {came_to or 'nothing'}")


async def answer_while_away(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """People answer a question whose machine is gone: refused, heard by the agent, or withdrawn; never just allowed."""
    async with _sender(stage) as client:
        key = await traffic.ask(client, stage.agents[AGENTS_EACH], left_open=True)
        if not await _until_asked(traffic, client, key):
            stage.remark(f"the question {key} did not arrive")
            return
        await stage.machines[1].kill()
        told = [await traffic.answer(client, approval) for approval in traffic.asked_by(key)]
        await asyncio.sleep(lasts_s)
        await stage.mend()
        if 200 in told and not await _until_heard_or_withdrawn(traffic, client, key):
            stage.remark(f"the answer to {key} counts, and the agent was never told")
        traffic.left_open.discard(key)


async def stall_subscribers(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """On each gateway one subscriber never reads and one reads slowly, while the session gets 500 events a second."""
    async with _extra_agent(stage, "Flooder", on=0), _sender(stage) as client, crowd(stage, comers=_FEW):
        await traffic.send(client, "Flooder", sender="flooder", order=f"stream 500 1000 {lasts_s}")
        await asyncio.sleep(lasts_s)


async def crowd_and_kill_store(stage: Stage, traffic: Traffic, lasts_s: float) -> None:
    """The store is killed again and again, for a moment each time, while subscribers come and go."""
    del traffic
    async with crowd(stage, comers=_COMERS):
        deadline = time.monotonic() + lasts_s
        while time.monotonic() < deadline:
            await asyncio.sleep(_BETWEEN_KILLS_S)
            await stage.store.kill()
            await asyncio.sleep(_BETWEEN_KILLS_S)
            await stage.start_store()


@contextlib.asynccontextmanager
async def _extra_agent(stage: Stage, name: str, *, on: int) -> AsyncIterator[None]:
    """One more agent, released in the end. When its machine is gone by then, nobody waits for it."""
    async with _operator(stage) as http:
        await http.delete(f"{_AGENTS}/{name}", params={"wait": "false"})
        body = {"name": name, "cli": "recording", "on": f"machine-{on}"}
        (await http.post(_AGENTS, json=body)).raise_for_status()
        try:
            yield
        finally:
            with contextlib.suppress(httpx.HTTPError):
                await http.delete(f"{_AGENTS}/{name}", params={"wait": "false"})


async def _until_told(stage: Stage, reader: str) -> bool:
    async def is_told() -> bool:
        return any(isinstance(item, ToldReset) for item in stage.history.readers[reader])

    return await _until(is_told)


async def _until_offline(http: httpx.AsyncClient, machine: str) -> bool:
    async def is_offline() -> bool:
        answer = await http.get("/v1/proxies")
        if answer.status_code != 200:
            return False
        return not any(proxy["online"] for proxy in answer.json()["data"]["proxies"] if proxy["name"] == machine)

    return await _until(is_offline)


async def _outcome(stage: Stage, message: str) -> str | None:
    """What a message came to, if it came to anything in time."""
    states: list[str] = []
    async with _operator(stage) as http:

        async def is_settled() -> bool:
            answer = await http.get(f"/v1/sessions/{SESSION}/messages/{message}")
            if answer.status_code == 200:
                states.append(answer.json()["data"]["deliveries"][0]["state"])
            return bool({"answered", "undeliverable"}.intersection(states))

        return states[-1] if await _until(is_settled) else None


async def _until_asked(traffic: Traffic, client: Client, key: str) -> bool:
    async def is_asked() -> bool:
        await traffic.waiting_approvals(client)
        return bool(traffic.asked_by(key))

    return await _until(is_asked)


async def _until_heard_or_withdrawn(traffic: Traffic, client: Client, key: str) -> bool:
    async def is_over() -> bool:
        statuses = [await traffic.status_of(client, approval) for approval in traffic.asked_by(key)]
        return traffic.heard(key) > 0 or set(statuses) == {"withdrawn"}

    return await _until(is_over)


async def _until(condition: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it comes true in time; a request that fails meanwhile is tried again."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_NOTICED_S):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if await condition():
                        return True
                await asyncio.sleep(_POLL_S)
    return False


@contextlib.asynccontextmanager
async def _operator(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """A person at one gateway, who waits longer than a program does."""
    async with httpx.AsyncClient(
        base_url=stage.urls[0], headers=stage.headers, timeout=_NOTICED_S, trust_env=False
    ) as http:
        yield http


@contextlib.asynccontextmanager
async def _sender(stage: Stage) -> AsyncIterator[Client]:
    client = Client(stage)
    try:
        yield client
    finally:
        await client.aclose()
