"""What a bridge is given and what it makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from broker.domain.agents.agents import Transport
from broker.protocol.agents.session import AgentSession, Opening
from broker.protocol.proxy import Spawn
from connect.access.endpoint import Endpoint
from connect.machine.agent_programs import FoundCli
from connect.machine.processes import Command


class NotKept(Exception):
    """An agent would not be kept to what its order says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRequest:
    """One agent to be started."""

    spawn: Spawn
    cli: FoundCli
    endpoint: Endpoint
    token: str = field(repr=False)
    """The agent's own token. It may go into files only the user can read, into the environment, and over stdin, but
    never into the arguments, which every user of the machine can list."""
    cwd: Path
    private: Path
    """A folder for this process' files; deleted when it is gone."""
    environment: Mapping[str, str]
    consults: bool = False
    """Whether hooks are to be asked before what it does."""

    @property
    def mcp_url(self) -> str:
        """Where the agent finds the relay's tools."""
        return f"{self.endpoint.url}/mcp"

    def opening(self, *, version: str) -> Opening:
        """How the codec begins the conversation."""
        return Opening(
            cwd=str(self.cwd),
            instructions=self.spawn.instructions,
            mcp_url=self.mcp_url,
            mcp_token=self.token,
            resume=self.spawn.resume,
            model=self.spawn.model,
            client_version=version,
            consults=self.consults,
        )

    def command(self, *arguments: str, env: Mapping[str, str] | None = None) -> Command:
        """The program with `arguments` after its own, in the user's environment plus what was configured and `env`."""
        return Command(
            argv=(*self.cli.command, *arguments),
            env={**self.environment, **self.cli.env, **(env or {})},
            cwd=self.cwd,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start and drive it."""

    command: Command
    session: AgentSession | None
    """None: the process dials the broker itself, and its frames do not pass here."""
    transport: Transport
    eof_grace_s: float
    """How long it gets to end by itself once its input has ended."""
    delay_s: float = 0.0
    """How long to wait before the start."""
