"""Each process of a broker by itself, to be killed and started again, and what a session's log tells meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from broker.adapters.embedded import embedded_redis
from broker.adapters.redis import keys
from broker.app import build_adapters
from broker.domain.errors import RelayError
from broker.domain.ids import WorkspaceId
from connect.sdk.relay import AgentRelay
from connect.sdk.types import Event
from tests.e2e.test_cluster import gateway, worker, workspace_key
from tests.fixtures.process_family import children
from tests.fixtures.processes import START_S, Running, machine

WORKSPACE = WorkspaceId("w1")


@dataclass(slots=True, kw_only=True)
class Stage:
    """The processes, and ways to stop one, and to kill it and start another in its place."""

    folder: Path
    redis_url: str
    key: str
    pipe: int
    """What a program waits at, as `pipe` in the folder; open for both, so that nobody waits for the other to come."""
    stack: contextlib.AsyncExitStack
    running: dict[str, Running] = field(default_factory=dict)
    port: int = 0

    async def start(self, name: str) -> None:
        """Start what is not there."""
        match name:
            case "gateway":
                begun = gateway(self.folder, self.redis_url, port=self.port)
            case "worker":
                begun = worker(self.folder, self.redis_url)
            case _:
                begun = machine(self.folder, self.running["gateway"].url, self.folder / "workspace.key")
        self.running[name] = await self.stack.enter_async_context(begun)
        self.port = self.port or int(self.running["gateway"].url.rpartition(":")[2])

    async def kill(self, name: str) -> None:
        """With -9, and start another in its place; whoever was stopped goes on."""
        if name == "agent":
            (pid,) = children(self.running["machine"].process.pid)
            os.kill(pid, signal.SIGKILL)
            return
        await self.running[name].kill()
        if name == "worker":
            await self.end_lease()
        if name == "machine":  # it may be the gateway that is stopped, and each needs the other to begin
            self.go_on()
        await self.start(name)
        self.go_on()

    async def end_lease(self) -> None:
        """The lease of the worker that looked after hooks runs out."""
        adapters = build_adapters(self.redis_url)
        await adapters.redis.delete(keys.key(WORKSPACE, "hooks_holder"))
        await adapters.redis.aclose()

    def stop(self, name: str) -> None:
        """Let it stand still where it is."""
        os.kill(self.running[name].process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """All that are stopped."""
        for each in self.running.values():
            if each.process.returncode is None:
                os.kill(each.process.pid, signal.SIGCONT)

    def let_go(self) -> None:
        """The program that waits at the pipe gets its line."""
        os.write(self.pipe, b"go\n")

    def relay(self, session: str) -> AgentRelay:
        """The SDK, in a session."""
        return AgentRelay(self.running["gateway"].url, self.key, session)


@contextlib.asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    """A store, and the processes that are still to be started."""
    async with contextlib.AsyncExitStack() as stack:
        redis_url = await stack.enter_async_context(embedded_redis(folder / "redis"))
        key = await stack.enter_async_context(workspace_key(redis_url, folder))
        os.mkfifo(folder / "pipe")
        pipe = os.open(folder / "pipe", os.O_RDWR)
        stack.callback(os.close, pipe)
        made = Stage(folder=folder, redis_url=redis_url, key=key.read_text(), pipe=pipe, stack=stack)
        yield made
        made.go_on()


@dataclass(slots=True, kw_only=True)
class Course:
    """What a session's log tells, while gateways come and go."""

    stage: Stage
    session: str
    after: str = "0"

    async def until(self, *kinds: str) -> Event:
        """The next event of these kinds."""
        async with asyncio.timeout(START_S):
            while True:
                with contextlib.suppress(ConnectionError, TimeoutError, RelayError):
                    if (found := await self._listen(kinds)) is not None:
                        return found

    async def _listen(self, kinds: tuple[str, ...]) -> Event | None:
        async with self.stage.relay(self.session) as relay, contextlib.aclosing(relay.events(self.after)) as events:
            async for event in events:
                if isinstance(event, Event):
                    self.after = str(event.cursor)
                    if event.kind in kinds:
                        return event
        return None
