"""This version against an earlier one: the same measures of both in turns, over public wire only.

A round starts a version's broker on that version's folder, measures everything, and stops it. The lines to search in
are laid there once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import orjson

from tests.bench import machine
from tests.bench.figures import p50, p99
from tests.bench.pairing import Pair, paired
from tests.bench.stage import Started, discard_output, running
from tests.bench.versions import SESSION, Broker, Version, broker_of, machine_of, this_version, version_in
from tests.bench.wire import plain_link
from tests.fixtures.process_family import descendants

_MESSAGES = 200
_AGENTS, _SENDERS, _LOAD_S = 20, 8, 6.0
_FRAMES, _FRAME_BYTES, _BATCH = 30_000, 1000, 100
_AGENT_FRAMES, _AGENT_FRAME_BYTES = 20_000, 300
_SUBSCRIBERS, _FAN_OUT_EVENTS, _FAN_OUT_BATCH = 100, 2_000, 50
_SHIPPED = 200_000
_SEARCHES = 15
_STARTS = 3
_IDLE_S = 8.0
_SETTLE_S = 1.0
_QUIET_S = 20.0
"""After a start the log engine goes on with the merges that its stop has interrupted: that is work, not idling."""
_MOST_WAITS = 15
_CALM = 0.05
"""Of a core."""
_PAUSE_S = 0.02
_HALF_MS = 0.5
"""Of the broker's milliseconds, which are rounded down."""
_SEARCHED = "searched"
_RARE_EVERY, _PHRASE_EVERY = 50_021, 5_003
_WORDS = ("test", "build", "error", "file", "import", "return", "config", "server", "check", "value", "route", "layout")
_TEXT_BYTES = 900
_QUESTIONS = {
    "newest 50": "",
    "common word": "build",
    "rare word": "zanzibar",
    "phrase": '"connection refused"',
    "part of a word": "*nzib*",
}
_FOLLOW = """subscription($session: ID!) { sessionEvents(session: $session) {
  __typename ... on FrameEvent { cursor at agentName contents { ... on TextContent { text } } } } }"""

HIGHER_IS_BETTER = frozenset(
    {
        "accepted / s",
        "answered / s",
        "frames link -> log / s",
        "frames agent -> log / s",
        "deliveries to 100 subscribers / s",
        "shipped rows / s",
    }
)
Figures = dict[str, float]


async def compare(
    wheel: Path, folder: Path, *, rounds: int, rows: int, only: Collection[str] = ()
) -> tuple[list[Pair], tuple[str, str]]:
    """Measure both in turns, everything or `only` some of `MEASURES`; their pairs of figures, and their names."""
    versions = (version_in(wheel, folder / "before"), this_version(folder / "after"))
    wanted = frozenset(only or MEASURES)
    for version in versions:
        async with broker_of(version) as broker:
            await _set_up(broker, rows if "search" in wanted else 0)
    found: tuple[list[Figures], list[Figures]] = ([], [])
    for number, (figures, version) in itertools.product(range(rounds), zip(found, versions, strict=True)):
        _say(f"round {number + 1} of {rounds}: {version.name}")
        figures.append(await _round(version, number, wanted=wanted))
    pairs = paired(*found, higher_is_better=HIGHER_IS_BETTER)
    return pairs, (versions[0].name, versions[1].name)


async def _round(version: Version, number: int, *, wanted: frozenset[str]) -> Figures:
    figures: Figures = {}
    async with broker_of(version) as broker, _client(broker) as http:
        if "idle" in wanted:
            figures |= await _idle(broker)
        if wanted & _OF_A_MACHINE.keys():
            figures |= await _with_machine(broker, http, f"real-{number}", wanted=wanted)
        for name, measure in _OF_A_BROKER.items():
            if name in wanted:
                figures |= await _counted(name, {"broker": broker.pid}, measure(broker, http, number))
    return figures


async def _with_machine(broker: Broker, http: httpx.AsyncClient, on: str, *, wanted: frozenset[str]) -> Figures:
    figures: Figures = {}
    async with machine_of(broker, on) as proxy:
        draining = asyncio.create_task(discard_output(proxy))
        of = {"broker": broker.pid, "relay-connect": proxy.pid}
        for name, measure in _OF_A_MACHINE.items():
            if name in wanted:
                figures |= await _counted(name, of, measure(http, on))
        draining.cancel()
    return figures


async def _counted(name: str, of: Mapping[str, int], measured: Awaitable[Figures]) -> Figures:
    """The figures of a measure, and the processor time that a fixed work took: on a shared machine it tells more."""
    if name not in _FIXED_WORK:
        return await measured
    await _calm(of["broker"])
    before = {who: _cpu_s(pid) for who, pid in of.items()}
    figures = await measured
    return figures | {f"{name}, CPU of {who}, s": _cpu_s(pid) - before[who] for who, pid in of.items()}


async def _calm(pid: int) -> None:
    """Return once a broker does next to nothing: what the measure before has left to ship is not this one's work."""
    for _ in range(_MOST_WAITS):
        before = _cpu_s(pid)
        await asyncio.sleep(_SETTLE_S)
        if _cpu_s(pid) - before < _CALM * _SETTLE_S:
            return


def _cpu_s(pid: int) -> float:
    """Of a process and those that it has started, as far as they still run."""
    return sum(map(machine.cpu_s, [pid, *descendants(pid)]))


def _client(broker: Broker) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=broker.url, headers=broker.headers, timeout=120, trust_env=False)


async def _idle(broker: Broker) -> Figures:
    """Of the broker and all that it started, before anybody came."""
    await asyncio.sleep(_QUIET_S)
    cpu = _cpu_s(broker.pid)
    await asyncio.sleep(_IDLE_S)
    return {
        "broker idle, PSS MiB": sum(map(machine.pss_mib, [broker.pid, *descendants(broker.pid)])),
        "broker idle, CPU %": max(0.01, 100 * (_cpu_s(broker.pid) - cpu) / _IDLE_S),
    }


async def _latency(http: httpx.AsyncClient, on: str) -> Figures:
    """One message at a time to an idle agent, which answers with the time at which it had read it."""
    await _spawn(http, SESSION, f"Reader-{on}", on=on)
    called_to_read, accepted_to_read, sends = [], [], []
    for _ in range(_MESSAGES):
        called = time.time_ns()
        message = await _send(http, f"Reader-{on}", "What do you think is wrong with the test in tests/test_router.py?")
        sends.append((time.time_ns() - called) / 1e6)
        trace = await _answered(http, message)
        read = int(trace["deliveries"][0]["answer"])
        called_to_read.append((read - called) / 1e6)
        accepted_to_read.append(read / 1e6 - trace["message"]["at_ms"] - _HALF_MS)
        await asyncio.sleep(_PAUSE_S)
    await _release(http, SESSION, f"Reader-{on}")
    return {
        "accepted -> read, p50 ms": p50(accepted_to_read),
        "accepted -> read, p99 ms": p99(accepted_to_read),
        "called -> read, p50 ms": p50(called_to_read),
        "called -> read, p99 ms": p99(called_to_read),
        "send over HTTP, p50 ms": p50(sends),
    }


async def _throughput(http: httpx.AsyncClient, on: str) -> Figures:
    """Senders in a closed loop to agents of one real machine; then until the last message is answered."""
    names = [f"Busy{number}-{on}" for number in range(_AGENTS)]
    for name in names:
        await _spawn(http, SESSION, name, on=on)
    began = time.perf_counter()

    async def sender(number: int) -> list[str]:
        sent = []
        for name in itertools.cycle(names[number:] + names[:number]):
            if time.perf_counter() - began > _LOAD_S:
                break
            sent.append(await _send(http, name, "note"))
        return sent

    sent = await asyncio.gather(*(sender(number) for number in range(_SENDERS)))
    accepted_s = time.perf_counter() - began
    # The last message to each agent is answered last: agents take their messages in order.
    for message in [message for each in sent for message in each[-_AGENTS:]]:
        await _answered(http, message)
    answered_s = time.perf_counter() - began
    for name in names:
        await _release(http, SESSION, name)
    count = sum(map(len, sent))
    return {"accepted / s": count / accepted_s, "answered / s": count / answered_s}


async def _from_agent(http: httpx.AsyncClient, on: str) -> Figures:
    """A process that prints fragments, through a real relay-connect with its spool on disk."""
    await _spawn(http, SESSION, f"Chatty-{on}", on=on)
    await _answered(http, await _send(http, f"Chatty-{on}", f"bench-flood 100 {_AGENT_FRAME_BYTES};"))
    began = time.perf_counter()
    flood = await _send(http, f"Chatty-{on}", f"bench-flood {_AGENT_FRAMES} {_AGENT_FRAME_BYTES};")
    await _answered(http, flood)
    took_s = time.perf_counter() - began
    await _release(http, SESSION, f"Chatty-{on}")
    return {"frames agent -> log / s": _AGENT_FRAMES / took_s}


async def _from_link(broker: Broker, _http: httpx.AsyncClient, number: int) -> Figures:
    """A link that reports fragments as fast as the broker takes them."""
    async with plain_link(broker, f"flood-{number}", session=f"flood-{number}") as link:
        await link.fragments(_BATCH, _FRAME_BYTES)
        await link.drained()
        began = time.perf_counter()
        for _ in range(_FRAMES // _BATCH):
            await link.fragments(_BATCH, _FRAME_BYTES)
        await link.drained()
        return {"frames link -> log / s": _FRAMES / (time.perf_counter() - began)}


async def _fan_out(broker: Broker, _http: httpx.AsyncClient, number: int) -> Figures:
    """Events of one session, as fast as they go, to GraphQL subscribers of one other process."""
    session = f"fan-out-{number}"
    async with (
        plain_link(broker, f"teller-{number}", session=session) as link,
        subscribers(broker, session, count=_SUBSCRIBERS) as client,
    ):
        await _order(client, frames=_FAN_OUT_EVENTS * _SUBSCRIBERS, timed=False)
        for _ in range(_FAN_OUT_EVENTS // _FAN_OUT_BATCH):
            await link.lines([_marked() for _ in range(_FAN_OUT_BATCH)])
        found = await _line(client)
    return {"deliveries to 100 subscribers / s": found["rate"]}


def subscribers(broker: Broker, session: str, *, count: int) -> contextlib.AbstractAsyncContextManager[Started]:
    """`tests.bench.subscribers`, connected: it is this checkout's in every round."""
    init = {"type": "connection_init", "payload": {"authorization": broker.headers["Authorization"]}}
    ask = {"id": "1", "type": "subscribe", "payload": {"query": _FOLLOW, "variables": {"session": session}}}
    plan = {
        "path": "/graphql",
        "protocol": "Sec-WebSocket-Protocol: graphql-transport-ws\r\n",
        "awaits": '"CaughtUp"',
        "says": [[[orjson.dumps(init).decode()], [orjson.dumps(ask).decode()]]],
        "ports": [broker.port],
        "subscribers": count,
    }
    command = [sys.executable, "-m", "tests.bench.subscribers"]
    return running(command, folder=broker.version.folder, says=orjson.dumps(plan) + b"\n")


async def _order(client: Started, **asked: Any) -> None:
    assert client.process.stdin is not None
    assert client.process.stdout is not None
    client.process.stdin.write(orjson.dumps(asked) + b"\n")
    await client.process.stdin.drain()
    assert await client.process.stdout.readline() == b"begun\n"


async def _line(client: Started) -> dict[str, float]:
    assert client.process.stdout is not None
    found: dict[str, float] = orjson.loads(await client.process.stdout.readline())
    return found


def _marked() -> str:
    return f"t={time.time_ns()}; ".ljust(_TEXT_BYTES, "x")


async def _shipped(broker: Broker, http: httpx.AsyncClient, number: int) -> Figures:
    """Whole lines through a link, from the first until all of them can be searched."""
    session = f"shipped-{number}"
    async with plain_link(broker, f"shipper-{number}", session=session) as link:
        began = time.perf_counter()
        async for batch in _lines(_SHIPPED, seed=number):
            await link.lines(batch)
        await link.drained()
        await _until_searchable(http, session)
        return {"shipped rows / s": _SHIPPED / (time.perf_counter() - began)}


async def _search(_broker: Broker, http: httpx.AsyncClient, _number: int) -> Figures:
    """The newest 50 lines for each question, over HTTP."""
    figures = {}
    for name, question in _QUESTIONS.items():
        times = []
        for _ in range(_SEARCHES):
            began = time.perf_counter()
            query: dict[str, str | int] = {"q": question, "session": _SEARCHED, "limit": 50}
            found = (await http.get("/v1/logs/search", params=query)).raise_for_status().json()["data"]["hits"]
            assert found, question
            times.append(1000 * (time.perf_counter() - began))
        figures[f"search {name}, p50 ms"] = p50(times)
    return figures


async def _starts(broker: Broker, _http: httpx.AsyncClient, number: int) -> Figures:
    """Fresh relay-connects: until they are welcome, and what they take then."""
    found = []
    for start in range(_STARTS):
        async with machine_of(broker, f"start-{number}-{start}") as started:
            await asyncio.sleep(_SETTLE_S)
            found.append((1000 * started.start_s, machine.rss_mib(started.pid)))
    start_ms, rss = (median(column) for column in zip(*found, strict=True))
    return {"relay-connect start, ms": start_ms, "relay-connect RSS, MiB": rss}


async def _set_up(broker: Broker, rows: int) -> None:
    """The session of all messages, and one whose lines every search of every round looks in."""
    async with _client(broker) as http:
        (await http.post("/v1/sessions", json={"name": SESSION})).raise_for_status()
        if not rows:
            return
        _say(f"{broker.version.name}: laying {rows:,} lines to search in")
        async with plain_link(broker, "layer", session=_SEARCHED) as link:
            async for batch in _lines(rows, seed=0):
                await link.lines(batch)
            await link.drained()
        await _until_searchable(http, _SEARCHED)


async def _lines(count: int, *, seed: int) -> AsyncIterator[list[str]]:
    """The same lines for the same numbers, in batches."""
    dice = random.Random(seed)
    for first in range(0, count, _BATCH):
        yield [_text(number, dice) for number in range(first, min(count, first + _BATCH))]


def _text(number: int, dice: random.Random) -> str:
    words = [*dice.choices(_WORDS, k=12), f"id-{dice.getrandbits(48):x}"]
    if number % _RARE_EVERY == 17:
        words.append("zanzibar")
    if number % _PHRASE_EVERY == 17:
        words.append("connection refused")
    return " ".join(words)


async def _until_searchable(http: httpx.AsyncClient, session: str) -> None:
    while True:
        found = (await http.get(f"/v1/sessions/{session}")).raise_for_status().json()["data"]
        if found["searchable"] == found["offset"]:
            return
        await asyncio.sleep(_PAUSE_S)


async def _spawn(http: httpx.AsyncClient, session: str, name: str, *, on: str) -> None:
    body = {"name": name, "cli": "bench", "on": on}
    (await http.post(f"/v1/sessions/{session}/agents", json=body)).raise_for_status()


async def _release(http: httpx.AsyncClient, session: str, name: str) -> None:
    (await http.delete(f"/v1/sessions/{session}/agents/{name}")).raise_for_status()


async def _send(http: httpx.AsyncClient, to: str, text: str) -> str:
    answer = await http.post(f"/v1/sessions/{SESSION}/messages", json={"to": to, "text": text})
    return str(answer.raise_for_status().json()["data"]["message_id"])


async def _answered(http: httpx.AsyncClient, message: str) -> Any:
    """The trace of a message, once its turn has ended."""
    async with asyncio.timeout(300):
        while True:
            trace = (await http.get(f"/v1/sessions/{SESSION}/messages/{message}")).raise_for_status().json()["data"]
            if trace["deliveries"][0]["state"] == "answered":
                return trace
            await asyncio.sleep(_PAUSE_S)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


_OF_A_MACHINE: dict[str, Callable[[httpx.AsyncClient, str], Awaitable[Figures]]] = {
    "latency": _latency,
    "throughput": _throughput,
    "agent": _from_agent,
}
_OF_A_BROKER: dict[str, Callable[[Broker, httpx.AsyncClient, int], Awaitable[Figures]]] = {
    "appends": _from_link,
    "fanout": _fan_out,
    "shipping": _shipped,
    "search": _search,
    "footprint": _starts,
}
_FIXED_WORK = frozenset({"latency", "agent", "appends", "fanout", "shipping", "search"})
MEASURES = ("idle", *_OF_A_MACHINE, *_OF_A_BROKER)
"""What a round measures, in this order."""
