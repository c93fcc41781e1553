"""A broker and relay-connects as real processes, for the vendors' real CLIs to run under.

Every process carries a mark in its environment, which agents and whatever they start inherit: so a test can prove
that none is left.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from uuid import uuid4

import httpx

from broker.adapters.embedded import embedded_redis
from connect.sdk import AgentRelay
from connect.system.process_tree import MARK as AGENT_MARK
from tests.agents.cli_environment import (
    CliEnvironment,
    claude_environment,
    codex_environment,
    copilot_environment,
    gemini_environment,
    kimi_environment,
    opencode_environment,
    qwen_environment,
)
from tests.agents.eventlog import EventLog
from tests.agents.script import JsonObject
from tests.agents.stdio_agent import StdioAgent, started

SESSION = "main"
_MARK = "RELAY_STAGE"
_STOP_S = 20
"""The proxy's own ladder for an agent that does not end takes up to twelve."""
_GONE_S = 10
ENVIRONMENTS = {
    "claude": claude_environment,
    "codex": codex_environment,
    "copilot": copilot_environment,
    "gemini": gemini_environment,
    "kimi": kimi_environment,
    "opencode": opencode_environment,
    "qwen": qwen_environment,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A gateway that is up: how to reach it, and its process."""

    url: str
    key_file: Path
    process: StdioAgent
    sign_in_link: str
    """Signs its owner in with a browser, once; empty for a gateway, which prints none."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])


class Machine:
    """One relay-connect with a state folder, a home and a project folder of its own; it can be killed and started."""

    def __init__(self, stage: "Stage", environment: CliEnvironment, arguments: list[str]) -> None:
        self._stage = stage
        self._environment = environment
        self._arguments = arguments
        self.process: StdioAgent

    @property
    def project(self) -> Path:
        """Where agents work."""
        return self._environment.project

    @property
    def home(self) -> Path:
        """Where agents keep their conversations."""
        return self._environment.home

    async def start(self) -> None:
        """Start relay-connect, and return when the broker has taken it."""
        self.process = await self._stage.run(self._environment, self._arguments)
        await self.process.receive(lambda notice: notice["type"] == "connected")

    async def crash(self) -> None:
        """End relay-connect as the kernel would when memory is short: SIGKILL, to it alone."""
        self.process.process.kill()
        await self.process.process.wait()

    async def restart(self) -> None:
        """End relay-connect in good order, as `exit` does, and start it again."""
        await _stop(self.process)
        await self.start()

    async def connected_again(self, after: int) -> None:
        """Wait for another `connected` among the notices from index `after` on."""
        await self.process.receive(lambda notice: notice["type"] == "connected", after=after)

    async def made(self, name: str) -> None:
        """Wait until an agent's command has made a file."""
        while not (self.project / name).exists():
            await asyncio.sleep(0.02)

    def agent_process(self, name: str) -> int:
        """The number of the process that an agent runs as now."""
        return [int(each["pid"]) for each in self.notices("agent_started") if each["name"] == name][-1]

    def notices(self, kind: str) -> list[JsonObject]:
        """What it said about itself."""
        return [notice for notice in self.process.frames if notice["type"] == kind]


class Desk(NamedTuple):
    """What most tests begin with: one machine, and both ways to see what its agents do."""

    broker: Broker
    machine: Machine
    relay: AgentRelay
    log: EventLog


class Stage:
    """Starts processes for one test; leaving it stops all of them and checks that none remains."""

    def __init__(self, folder: Path, *, model_url: str, installed: Callable[[str], Path]) -> None:
        self._folder = folder
        self._model_url = model_url
        self._installed = installed
        self._mark = uuid4().hex
        self._stack = contextlib.AsyncExitStack()
        self._logged_out: tuple[str, ...] = ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)
        await self.no_process_remains()

    async def up(self, *options: str, port: int = 0) -> Broker:
        """The whole broker in one process, on an embedded store."""
        return await self._serve(["up", *options, "--port", str(port)], data=self._folder / "broker")

    async def redis(self) -> str:
        """A store that several gateways can share."""
        url = await self._stack.enter_async_context(embedded_redis(self._folder / "redis"))
        # The workspace's key is made by `up`.
        founder = await self.up("--redis", url)
        await _stop(founder.process)
        return url

    async def gateway(self, redis: str, *, port: int = 0) -> Broker:
        """One more gateway."""
        return await self._serve(["gateway", "--redis", redis, "--port", str(port)], data=self._folder / "broker")

    async def worker(self, redis: str) -> None:
        """One more worker."""
        process = await self.run(self._server_environment(), ["-m", "broker.cli", "worker", "--redis", redis, "--json"])
        await process.receive(lambda _: True)

    async def machine(self, name: str, broker: Broker, *clis: str, **programs: str) -> Machine:
        """A relay-connect that has some CLIs: `clis` by word, `programs` word=name of an installed package or path."""
        environment = self._agents_environment(name, {**{cli: cli for cli in clis}, **programs})
        link = ["--url", broker.url, "--token-file", str(broker.key_file), "--session", SESSION]
        own = ["--name", name, "--state-dir", str(self._folder / name / "state"), "--headless", "--json"]
        machine = Machine(self, environment, ["-m", "connect.cli", *link, *own])
        await machine.start()
        return machine

    async def desk(self, *clis: str, **programs: str) -> Desk:
        """The whole broker in one process, and a relay-connect that has some CLIs, given as to `machine`."""
        broker = await self.up()
        machine = await self.machine("desk", broker, *clis, **programs)
        relay = await self.relay(broker)
        return Desk(broker, machine, relay, await self.log(relay))

    def log_out(self, *keys: str) -> None:
        """Take from the agents of machines to come what they log in with: variables, or files in their home."""
        self._logged_out = keys

    async def relay(self, broker: Broker) -> AgentRelay:
        """The SDK, on the session that the machines are in."""
        relay = AgentRelay(broker.url, broker.key_file.read_text().strip(), SESSION)
        return await self._stack.enter_async_context(relay)

    async def set_rules(self, broker: Broker, rules: list[JsonObject]) -> None:
        """Set the workspace's approval rules."""
        headers = {"Authorization": f"Bearer {broker.key_file.read_text().strip()}"}
        async with httpx.AsyncClient(base_url=broker.url, headers=headers, trust_env=False) as http:
            (await http.put("/v1/rules", json={"rules": rules})).raise_for_status()

    async def log(self, relay: AgentRelay) -> EventLog:
        """Follows the session's log from its beginning."""
        return await self._stack.enter_async_context(EventLog(relay))

    async def run(self, environment: CliEnvironment, arguments: list[str]) -> StdioAgent:
        """Run one of our own programs until the test ends; SIGTERM then, and SIGKILL for what does not heed it."""
        process = await self._stack.enter_async_context(started(environment, arguments))
        self._stack.push_async_callback(_stop, process)
        return process

    def agent_processes(self) -> list[int]:
        """Every living process of an agent."""
        return [pid for pid in self._processes() if f"{AGENT_MARK}=".encode() in _environ(pid)]

    def kill_agents(self) -> None:
        """SIGKILL to all processes of agents at once: some are several, and one ends its turn when another is gone."""
        processes = self.agent_processes()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    async def no_agent_remains(self) -> None:
        """Wait until no agent's process is left."""
        await _until_none(self.agent_processes)

    async def no_process_remains(self) -> None:
        """Wait until nothing that was started here is left."""
        await _until_none(self._processes)

    def _processes(self) -> list[int]:
        mark = f"{_MARK}={self._mark}".encode()
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if mark in _environ(int(path.name))]

    async def _serve(self, arguments: list[str], *, data: Path) -> Broker:
        options = ["--data-dir", str(data), "--json"]
        process = await self.run(self._server_environment(), ["-m", "broker.cli", *arguments, *options])
        ready = await process.receive(lambda _: True)
        key_file, link = Path(ready["token_file"]), ready.get("dashboard", "")
        return Broker(url=ready["url"], key_file=key_file, process=process, sign_in_link=link)

    def _server_environment(self) -> CliEnvironment:
        home = self._folder / "broker-home"
        home.mkdir(exist_ok=True)
        variables = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", _MARK: self._mark}
        return CliEnvironment(executable=Path(sys.executable), variables=variables, home=home, project=home)

    def _agents_environment(self, name: str, programs: dict[str, str]) -> CliEnvironment:
        """One home for all of them, as a person has; those without a bridge of their own are found on PATH."""
        folder = self._folder / name
        paths: list[str] = []
        variables = {_MARK: self._mark, "RELAYCAST_CONFIG_DIR": str(folder)}
        for word, program in programs.items():
            executable = Path(program) if "/" in program else self._installed(program)
            environment = ENVIRONMENTS[word](executable, folder=folder, model_url=self._model_url)
            paths.append(environment.variables["PATH"])
            variables |= {**environment.variables, f"RELAYCAST_{word.upper()}_BIN": str(executable)}
        own = str(folder.resolve() / "bin")
        variables["PATH"] = os.pathsep.join(dict.fromkeys([own, *os.pathsep.join(paths).split(os.pathsep)]))
        for key in self._logged_out:
            variables.pop(key, None)
            (folder / "home" / key).unlink(missing_ok=True)
        return CliEnvironment(
            executable=Path(sys.executable), variables=variables, home=folder / "home", project=folder / "project"
        )


async def _stop(process: StdioAgent) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.process.terminate()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_STOP_S):
            await process.process.wait()


async def _until_none(look: Callable[[], list[int]]) -> None:
    async with asyncio.timeout(_GONE_S):
        while left := look():
            await asyncio.sleep(0.05)
    assert not left


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
