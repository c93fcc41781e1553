"""What faults happen to: two gateways, two workers, three machines with two agents each, one Valkey, one log store.

Machines reach the gateways through a faulty proxy each. Every process is a `Managed` place, so that it can be killed
and filled again; `Stage.mend` brings back whatever is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from broker.adapters.embedded import server_binary
from broker.app import build_adapters
from broker.domain.ids import WorkspaceId
from tests.faults import processes
from tests.faults.facts import History, UnexpectedEnd
from tests.faults.processes import Managed
from tests.faults.proxy import FaultyProxy
from tests.fixtures.gateway import make_workspace
from tests.fixtures.process_family import children

GATEWAYS, WORKERS, MACHINES, AGENTS_EACH = 2, 2, 3, 2
SESSION = "main"
_AGENT = Path(__file__).with_name("agent.py")
_ROOT = Path(__file__).parents[2]
_WORKSPACE = WorkspaceId("faults")
_STORE_START_S = 60.0
_GONE_S = 15.0
"""Stopped processes have ended by then, and with them what they had started."""


def free_port() -> int:
    """A port where nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True, kw_only=True)
class Stage:
    """One life of the topology, and everything that is found out about it."""

    folder: Path
    mark: str
    key: str = ""
    phase: str = "start"
    history: History = field(default_factory=History)
    store: Managed = field(init=False)
    replica: Managed | None = None
    store_port: int = field(default_factory=free_port)
    replica_port: int = field(default_factory=free_port)
    store_door: FaultyProxy = field(init=False)
    """What gateways and workers know as Redis."""
    replica_door: FaultyProxy = field(init=False)
    """What the replica knows as its primary."""
    logs: Managed = field(init=False)
    gateways: list[Managed] = field(default_factory=list)
    workers: list[Managed] = field(default_factory=list)
    machines: list[Managed] = field(default_factory=list)
    doors: list[FaultyProxy] = field(default_factory=list)
    """One in front of each machine's way to the gateways."""
    gateway_ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(GATEWAYS)])

    @property
    def records(self) -> Path:
        """What the agents write."""
        return self.folder / "records.jsonl"

    @property
    def urls(self) -> list[str]:
        """Of the gateways."""
        return [f"http://127.0.0.1:{port}" for port in self.gateway_ports]

    @property
    def headers(self) -> dict[str, str]:
        """Of requests."""
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def agents(self) -> list[str]:
        """Their names, by machine: A1 and A2 are on the first."""
        return [f"A{number}" for number in range(1, MACHINES * AGENTS_EACH + 1)]

    @property
    def all(self) -> Iterator[Managed]:
        """Every process, in the order in which they are started."""
        yield self.store
        if self.replica is not None:
            yield self.replica
        yield self.logs
        yield from self.gateways
        yield from self.workers
        yield from self.machines

    def agent_pids(self) -> list[int]:
        """The agents' processes, the one that lives longest first: faults take turns by it."""
        found = [
            pid
            for machine in self.machines
            if machine.runs
            for pid in _tree(machine.pid)
            if str(_AGENT) in _command_line(pid)
        ]
        return sorted(found, key=_started)

    async def mend(self) -> None:
        """Make everything whole: calm the proxies, let go on what is frozen, start what is away."""
        for door in (*self.doors, self.store_door, self.replica_door):
            door.calm()
        for process in self.all:
            process.thaw()
        if not self.store.runs:
            await self.start_store()
        await asyncio.gather(*(process.start() for process in self.all))

    async def start_store(self) -> None:
        """Start Valkey on what it has on disk, and wait until it answers."""
        await self.store.start()
        await until_answers(self.store_port)

    def promote(self) -> None:
        """The replica is the store from now on, behind the same address; the old one is never heard of again."""
        assert self.replica is not None
        self.store, self.replica = self.replica, None
        self.store_port = self.replica_port
        self.store_door.targets = [self.store_port]
        self.store_door.reset()

    def remark(self, text: str) -> None:
        """Keep what a fault found wrong."""
        self.history.remarks.append(f"{self.phase}: {text}")

    def on_end(self, name: str, status: int) -> None:
        """A process ended that nobody had ended."""
        self.history.ends.append(UnexpectedEnd(phase=self.phase, process=name, status=status))


@contextlib.asynccontextmanager
async def stage(folder: Path, *, replicated: bool = False) -> AsyncIterator[Stage]:
    """Build it, with all agents idle; at the end stop everything and look for what was left behind."""
    made = Stage(folder=folder, mark=f"FAULTS_RUN={secrets.token_hex(8)}")
    made.store_door = FaultyProxy([made.store_port], name="store")
    made.replica_door = FaultyProxy([made.store_port], name="replica")
    made.doors = [FaultyProxy(made.gateway_ports, name=f"door-{number}") for number in range(MACHINES)]
    async with contextlib.AsyncExitStack() as stack:
        for door in (*made.doors, made.store_door, made.replica_door):
            await stack.enter_async_context(door.running())
        _fill(made, replicated=replicated)
        stack.push_async_callback(_strike, made)
        await _start(made)
        yield made


def _fill(made: Stage, *, replicated: bool) -> None:
    made.store = _valkey(made, "store", made.store_port)
    if replicated:
        made.replica = _valkey(made, "replica", made.replica_port, of=made.replica_door.port)
    logs_port = free_port()
    front = ["tests.contracts.clickhouse_front", str(made.folder / "logs-data"), str(logs_port)]
    made.logs = Managed("logs", _python(*front), folder=made.folder, environment=_environment(made), fed=True)
    # Through the door only where its target is to change: it costs every command a hop.
    redis_port = made.store_door.port if replicated else made.store_port
    stores = ["--redis", f"redis://127.0.0.1:{redis_port}", "--clickhouse", f"http://127.0.0.1:{logs_port}", "--json"]
    made.gateways = [
        _managed(
            made, f"gateway-{n}", "broker.cli", "gateway", "--port", str(port), "--data-dir", f"gateway-{n}", *stores
        )
        for n, port in enumerate(made.gateway_ports)
    ]
    made.workers = [_managed(made, f"worker-{n}", "broker.cli", "worker", *stores) for n in range(WORKERS)]
    made.machines = [_machine(made, number) for number in range(MACHINES)]


def _machine(made: Stage, number: int) -> Managed:
    agent = f"recording={sys.executable} -I -S {_AGENT} {made.records}"
    where = ["--url", f"http://127.0.0.1:{made.doors[number].port}", "--state-dir", f"machine-{number}"]
    named = ["--name", f"machine-{number}", "--session", SESSION, "--agent", agent]
    return _managed(made, f"machine-{number}", "connect.cli", *where, *named, "--headless", "--json")


def _valkey(made: Stage, name: str, port: int, *, of: int | None = None) -> Managed:
    folder = made.folder / name
    folder.mkdir()
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {folder}",
        'save ""',
        "appendonly yes",
        # Every write is with the kernel before it is acknowledged, so a kill loses nothing. `everysec` holds back what
        # it has acknowledged for up to two seconds while an fsync runs; what the store loses, nobody else has.
        "appendfsync no",
        "maxmemory-policy noeviction",
        "repl-diskless-sync-delay 0",
        *([f"replicaof 127.0.0.1 {of}"] if of else []),
    ]
    config = folder / "server.conf"
    config.write_text("\n".join(lines) + "\n")
    command = [server_binary(), str(config)]
    return Managed(name, command, folder=made.folder, environment=_environment(made), speaks=False)


def _managed(made: Stage, name: str, *arguments: str) -> Managed:
    return Managed(name, _python(*arguments), folder=made.folder, environment=_environment(made))


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _environment(made: Stage) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAYCAST_")}
    mark, _, value = made.mark.partition("=")
    return {**kept, "HOME": str(made.folder), "PYTHONPATH": str(_ROOT), mark: value}


async def _start(made: Stage) -> None:
    for process in made.all:
        process.ended = made.on_end
    await made.start_store()
    if made.replica is not None:
        await made.replica.start()
        await until_answers(made.replica_port)
    made.key = await _workspace_key(made.store_port)
    for machine in made.machines:
        machine.environment["RELAYCAST_TOKEN"] = made.key
    await made.logs.start()
    await asyncio.gather(*(process.start() for process in (*made.gateways, *made.workers)))
    async with httpx.AsyncClient(base_url=made.urls[0], headers=made.headers, timeout=60) as http:
        (await http.post("/v1/sessions", json={"name": SESSION})).raise_for_status()
        await asyncio.gather(*(machine.start() for machine in made.machines))
        for number, name in enumerate(made.agents):
            body = {"name": name, "cli": "recording", "on": f"machine-{number // AGENTS_EACH}"}
            (await http.post(f"/v1/sessions/{SESSION}/agents", json=body)).raise_for_status()


async def _workspace_key(port: int) -> str:
    adapters = build_adapters(f"redis://127.0.0.1:{port}")
    try:
        return await make_workspace(adapters, _WORKSPACE)
    finally:
        await adapters.redis.aclose()


async def _strike(made: Stage) -> None:
    """Stop machines first, as people would; then look for what outlived them."""
    await asyncio.gather(*(machine.stop() for machine in made.machines))
    await asyncio.gather(*(process.stop() for process in (*made.workers, *made.gateways)))
    for process in (made.logs, made.replica, made.store):
        if process is not None:
            await process.stop()
    left = await processes.until_gone(made.mark, within_s=_GONE_S)
    made.history.orphans += [f"{pid} {command.strip()}" for pid, command in left.items()]
    processes.kill_all(list(left))


async def until_answers(port: int) -> None:
    """Wait for a Valkey that is being started, and has loaded what it had."""
    async with asyncio.timeout(_STORE_START_S):
        while True:
            with contextlib.suppress(OSError):
                if await say(port, "PING") == "+PONG":
                    return
            await asyncio.sleep(0.02)


async def say(port: int, *words: str) -> str:
    """One inline command to a Valkey; the first line of its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(" ".join(words).encode() + b"\r\n")
        async with asyncio.timeout(10):
            return (await reader.readline()).decode().strip()
    finally:
        writer.close()


def _tree(pid: int) -> list[int]:
    found = children(pid)
    return [*found, *(below for child in found for below in _tree(child))]


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _started(pid: int) -> int:
    """When a process was started, in ticks since the machine was."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return 0
