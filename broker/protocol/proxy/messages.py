"""The messages that the two sides of the link exchange, the commands and reports in them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from broker.domain.agents.agents import InstalledCli
from broker.domain.ids import AgentId, ProxyId, SessionId
from broker.domain.machines.load import MachineLoad
from broker.domain.machines.policy import MachinePolicy
from broker.protocol.proxy.commands import NumberedCommand
from broker.protocol.proxy.members import ID_LENGTH, Number, Wire
from broker.protocol.proxy.reports import Reports

PROTOCOL_VERSION = 1
SUBPROTOCOL = "relaycast.proxy.v1"
_REFRESH_TOKEN = 1000


class LiveAgent(Wire):
    """A process the proxy has running."""

    agent: AgentId
    generation: Number


class Hello(Wire):
    """The proxy introduces itself."""

    type: Literal["hello"] = "hello"
    protocol: int = PROTOCOL_VERSION
    version: str
    machine_id: str = Field(max_length=ID_LENGTH)
    """Made once for each state folder; the proxy's identity across restarts."""
    name: str
    """The machine's name as people say it; what `placement` matches."""
    labels: list[str] = Field(default_factory=list)
    clis: list[InstalledCli] = Field(default_factory=list)
    boot_id: str = Field(max_length=ID_LENGTH)
    """New for each process of relay-connect: another one means that the agents of the old are gone.

    In the form `<line>.<number>` the processes of one line held one lock one after the other, so one with a lower
    number is dead; a copy of the state folder begins a line of its own. Other forms say nothing about each other."""
    spool_id: str = Field(max_length=ID_LENGTH)
    epoch: str | None = None
    """The mailbox epoch its `commands_seen` belongs to; None when it never had one."""
    commands_seen: Number = 0
    agents: list[LiveAgent] = Field(default_factory=list)
    session: str | None = None
    """The session to join, by id or name; None for the workspace's default."""
    cuts_fragments: bool = False
    """No secret is split over two of the streamed fragments it reports (`fragments`); an older one passes them on as
    the agent sent them."""
    policy: MachinePolicy | None = None
    """What it lets agents do; None from an older relay-connect, which lets them do everything."""
    runs_hooks: bool = False
    """It takes `run_hook`; an older one does not know the command."""
    runs_commands: bool = False
    """It takes `run_command` and `stop_command`."""
    awaits_files: bool = False
    """It knows the kind `file_awaited` of commands."""
    hashes_paths: bool = False
    """Likewise `paths_hashed`."""
    takes_digests: bool = False
    """It finds what its owner has allowed by `RunCommand.digest`, without the texts."""
    guards: int | None = None
    """The version of the `guards` that it holds, 0 for none; an older one does not know the command."""
    makes_worktrees: bool = False
    """Whether it reads `Spawn.worktree`: an older one would let the agent work in the folder itself."""
    keeps_readonly: bool = False
    """Whether it reads `Spawn.readonly`: an older one would let the agent do what it likes."""
    asks_writes: bool = False
    """The same of `Spawn.asks_writes`."""


class AuthRefresh(Wire):
    """The proxy's short-lived access token is to be renewed. Answered by `Auth`, or by the end of the connection."""

    type: Literal["auth.refresh"] = "auth.refresh"
    refresh_token: str = Field(max_length=_REFRESH_TOKEN, repr=False)


class Load(Wire):
    """How busy the machine is, from time to time, for a broker that wants it (`Welcome.wants_load`). None answers."""

    type: Literal["load"] = "load"
    load: MachineLoad


class Welcome(Wire):
    """The broker takes the proxy."""

    type: Literal["welcome"] = "welcome"
    protocol: int = PROTOCOL_VERSION
    proxy_id: ProxyId
    epoch: str
    reports_seen: int
    """The last report of this spool the broker has stored; resend from the next."""
    commands_acked: int = 0
    """Commands come from the next number on. A new boot starts behind what its predecessor never took: those commands
    were for processes that are gone."""
    session: SessionId
    session_url: str
    broker_version: str
    now_ms: int | None = None
    """What time it is for the broker (Unix time), on the clock of every instant it names; None from an older one."""
    namesake: bool = False
    """Another machine that is here is called the same. Told to a new process of relay-connect."""
    wants_load: bool = False
    """It takes `Load`; an older broker would end the connection for it."""


class Auth(Wire):
    """A fresh access token for the next reconnect; the connection goes on with it."""

    type: Literal["auth"] = "auth"
    token: str = Field(repr=False)
    expires_at_ms: int
    refresh_token: str | None = Field(default=None, repr=False)
    """What renews this one; None from an older broker, which gave tokens out by itself."""


class Ack(Wire):
    """Everything up to `seq` is taken over."""

    type: Literal["ack"] = "ack"
    seq: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownMessage:
    """A message of a type that only the other side's version knows; it is for nobody here."""

    type: str


FromProxy = Hello | Reports | Ack | AuthRefresh | Load
FromBroker = Welcome | NumberedCommand | Auth | Ack
