"""A real gateway process with its watchdog on, and a healthy machine beside whoever is at it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from broker.domain.ids import WorkspaceId
from tests.fixtures.gateway import SECRET_KEY, Gateway, Machine, gateway_for
from tests.fixtures.processes import Running, command

_MOST_GROWTH_KB = 250 * 1024
"""Of a gateway's memory in a run: syntax trees, buffers of sockets that are being closed, and the heap's slack."""
_ANSWER_S = 30.0
"""For anything at all; nothing takes a hundredth of it on a quiet machine."""


@dataclass(slots=True, kw_only=True)
class LiveBroker:
    """What a fuzzer attacks, and what has to be well afterwards."""

    running: Running
    gateway: Gateway
    """Of the workspace that is attacked."""
    machine: Machine
    """Its own, which may do what it is told by those who have its key."""
    neighbour: Gateway
    """Whose machine has to be well, whatever is said to the other."""
    healthy: Machine
    rss_before_kb: int
    strays: list[socket.socket] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        """Of the gateway."""
        url = httpx.URL(self.gateway.url)
        assert url.port
        return url.host, url.port

    async def must_be_well(self) -> None:
        """It answers, the healthy machine's link carries a message both ways, and memory is bounded."""
        async with asyncio.timeout(_ANSWER_S):
            assert self.running.process.returncode is None
            assert (await self.gateway.client.get(f"{self.gateway.url}/healthz")).status_code == 200
            before = len(self.healthy.commands)
            sent = await self.neighbour.ok(
                "POST", "/v1/sessions/main/messages", {"to": "Healthy", "text": "still there?"}
            )
        try:
            await self.healthy.until(lambda: len(self.healthy.commands) > before)
        except TimeoutError:
            told = await self.neighbour.ok("GET", f"/v1/sessions/main/messages/{sent['message_id']}")
            machines = await self.neighbour.ok("GET", "/v1/proxies")
            raise AssertionError(
                f"not delivered to a healthy machine ({self.healthy.close_code}): {told} {machines}"
            ) from None
        assert self.healthy.close_code is None
        grown_kb = rss_kb(self.running.process.pid) - self.rss_before_kb
        assert grown_kb < _MOST_GROWTH_KB, f"{grown_kb:,} kB more than at the start"

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection that is cut at the end."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def leave_half_done(self, said: bytes, *, most: int = 200) -> None:
        """Say half of something and stay; the oldest of those who stay are cut."""
        stray = socket.create_connection(self.address)
        stray.setblocking(False)
        self.strays.append(stray)
        with contextlib.suppress(OSError):  # it may be refused while it speaks
            await asyncio.get_running_loop().sock_sendall(stray, said)
        if len(self.strays) > most:
            self.strays.pop(0).close()


@contextlib.asynccontextmanager
async def live_broker(folder: Path, redis_url: str, name: str, *, apart: bool = False) -> AsyncIterator[LiveBroker]:
    """Until the block ends; the process has to end as one that was well.

    Who has to be well is in the workspace that is attacked; `apart`: in another, for a fuzzer that has the key and may
    stop, pause or remove whatever is its own.
    """
    key_file = folder / "secret.key"
    key_file.write_text(SECRET_KEY)
    key_file.chmod(0o600)
    given = ["gateway", "--data-dir", str(folder), "--port", "0", "--json", "--redis", redis_url]
    given += ["--secret-key-file", str(key_file)]
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(command("broker.cli", given, folder=folder))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=_ANSWER_S))

        async def workspace(name: str) -> tuple[Gateway, Machine]:
            made = gateway_for(WorkspaceId(name), url=running.url, redis_url=redis_url, client=client)
            gateway = await stack.enter_async_context(made)
            return gateway, await stack.enter_async_context(gateway.machine())

        gateway, machine = await workspace(name)
        neighbour, healthy = await workspace(f"{name}-beside") if apart else (gateway, machine)
        await neighbour.ok("POST", "/v1/sessions/main/agents", {"name": "Healthy", "cli": "demo"})
        broker = LiveBroker(
            running=running,
            gateway=gateway,
            machine=machine,
            neighbour=neighbour,
            healthy=healthy,
            rss_before_kb=rss_kb(running.process.pid),
        )
        try:
            yield broker
            await broker.must_be_well()
        finally:
            for stray in broker.strays:
                stray.close()
    assert running.process.returncode == 0


def rss_kb(pid: int) -> int:
    """What a process holds in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(pid)
