"""Machines; the schema calls them proxies."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry import ID

from broker.domain.agents import agents
from broker.domain.ids import MemberId
from broker.domain.machines import load as machine_load
from broker.domain.machines import placement
from broker.domain.machines import policy as machine_policy
from graphql_api.types.node import Node
from graphql_api.types.scalars import BigInt, DateTime
from graphql_api.types.stops import Stop


@strawberry.type(description="An agent program found on a machine.")
class InstalledCli:
    """One program."""

    cli: str = strawberry.field(description="The word to ask for it with: `claude`, `codex`, `gemini`, …")
    dialect: agents.Dialect = strawberry.field(description="The protocol it speaks.")
    version: str | None = strawberry.field(description="Its version; null when it could not be asked.")
    supported: bool = strawberry.field(description="Whether agents can be spawned with it.")
    transport: str = strawberry.field(description="How its frames travel: `stdio`, `unix` or `sdk-url`.")
    problem: str | None = strawberry.field(description="Why it cannot be used.")

    @classmethod
    def of(cls, found: agents.InstalledCli) -> Self:
        """As the domain knows it."""
        return cls(
            cli=found.cli,
            dialect=found.dialect,
            version=found.version,
            supported=found.supported,
            transport=found.transport,
            problem=found.problem,
        )


@strawberry.type(description="Who is to own a machine as soon as it is linked with a token of theirs.")
class Adoption:
    """A change of owners that the machine has not agreed to yet."""

    by_key: ID | None = strawberry.field(description="The member's key; null for the workspace.")


@strawberry.type(description="What a machine lets agents do, as it told. The policy itself lies and holds there.")
class MachinePolicy:
    """A machine's own word."""

    folders: list[str] = strawberry.field(description="Agents may work in these and below.")
    programs: list[str] | None = strawberry.field(description="The programs it starts; null when it is every one.")
    who_may_spawn: str = strawberry.field(description="`owner`, `session` or `workspace`.")
    agents_may_spawn: str = strawberry.field(description="`never`, `here` or `anywhere`.")
    most_agents: int = strawberry.field(description="How many agents it runs at once.")
    asks: list[str] = strawberry.field(description="What is asked at its own terminal: `spawn`, `shell`, `folder`.")
    strict: bool = strawberry.field(description="Whether everything that can be asked there is asked there.")
    terminal: bool = strawberry.field(description="Whether somebody can be asked there now.")
    problem: str | None = strawberry.field(description="Why it starts no agent at all; null when nothing is wrong.")
    hash: str | None = strawberry.field(
        description=(
            "SHA-256, in hex, of the policy that a person has confirmed there; `none` where nothing was ever set; null"
            " from an older relay-connect."
        )
    )
    since: DateTime | None = strawberry.field(
        description="When a person confirmed it, on the machine's clock; null where that is not known."
    )

    @classmethod
    def of(cls, told: machine_policy.MachinePolicy) -> Self:
        """As the domain knows it."""
        return cls(
            folders=list(told.folders),
            programs=None if told.programs is None else list(told.programs),
            who_may_spawn=told.who_may_spawn,
            agents_may_spawn=told.agents_may_spawn,
            most_agents=told.most_agents,
            asks=list(told.asks),
            strict=told.strict,
            terminal=told.terminal,
            problem=told.problem or None,
            hash=told.hash or None,
            since=None if told.since_ms is None else DateTime(told.since_ms),
        )


@strawberry.type(description="How busy a machine is, as it told. Null: its system does not say.")
class MachineLoad:
    """One look at it."""

    at: DateTime = strawberry.field(description="When it told this.")
    processors: int | None = strawberry.field(description="How many processors it has.")
    load1: float | None = strawberry.field(
        description="How many processes ran or wanted to, on average of the last minute."
    )
    load5: float | None = strawberry.field(description="Of the last five minutes.")
    load15: float | None = strawberry.field(description="Of the last fifteen minutes.")
    memory_bytes: BigInt | None = strawberry.field(description="Its memory.")
    memory_free_bytes: BigInt | None = strawberry.field(description="What programs can still have without swapping.")
    disk_bytes: BigInt | None = strawberry.field(
        description="The file system that relay-connect's state folder lies on."
    )
    disk_free_bytes: BigInt | None = strawberry.field(description="What relay-connect's user can still write there.")

    @classmethod
    def of(cls, told: machine_load.ToldLoad) -> Self:
        """As the domain knows it."""
        load = told.load
        return cls(
            at=DateTime(told.at_ms),
            processors=load.processors,
            load1=load.load_1,
            load5=load.load_5,
            load15=load.load_15,
            memory_bytes=_size(load.memory_bytes),
            memory_free_bytes=_size(load.memory_free_bytes),
            disk_bytes=_size(load.disk_bytes),
            disk_free_bytes=_size(load.disk_free_bytes),
        )


def _size(size: int | None) -> BigInt | None:
    return None if size is None else BigInt(size)


@strawberry.type(description="A machine that was ever linked by relay-connect.")
class Proxy(Node):
    """One machine."""

    name: str = strawberry.field(description="The machine's name.")
    labels: list[str] = strawberry.field(description="What it was labelled with, to be asked for when spawning.")
    online: bool = strawberry.field(description="Whether it is connected.")
    since: DateTime = strawberry.field(description="Since when it is connected, or away.")
    version: str = strawberry.field(description="The version of its relay-connect.")
    agents: int = strawberry.field(description="How many agents it has.")
    clis: list[InstalledCli] = strawberry.field(description="The agent programs found on it.")
    owner_key: ID | None = strawberry.field(
        description="The key of the member it belongs to; null for the workspace, whose administrators own it."
    )
    owner_name: str | None = strawberry.field(description="The owner's name; null when it was removed, too.")
    orphaned: bool = strawberry.field(
        description="Whether its owner was removed: it is not linked until somebody has adopted it."
    )
    adoption: Adoption | None = strawberry.field(description="A change of owners it has not agreed to yet.")
    policy: MachinePolicy | None = strawberry.field(
        description="What it lets agents do; null from an older relay-connect, which has no policy."
    )
    stopped: Stop | None = strawberry.field(description="Who has stopped this machine; null when nobody has.")
    load: MachineLoad | None = strawberry.field(
        description="How busy it is, as it told last; null from an older relay-connect, which does not tell."
    )

    @classmethod
    def of(cls, proxy: placement.Proxy) -> Self:
        """As the domain knows it."""
        return cls(
            key=ID(proxy.id),
            name=proxy.name,
            labels=list(proxy.labels),
            online=proxy.online,
            since=DateTime(proxy.since_ms),
            version=proxy.version,
            agents=proxy.agents,
            clis=[InstalledCli.of(each) for each in proxy.clis],
            owner_key=_key(proxy.owner),
            owner_name=proxy.owner_name,
            orphaned=proxy.orphaned,
            adoption=None if proxy.adoption is None else Adoption(by_key=_key(proxy.adoption.by)),
            policy=MachinePolicy.of(proxy.policy) if proxy.policy else None,
            stopped=Stop.of_any(proxy.stopped),
            load=MachineLoad.of(proxy.load) if proxy.load else None,
        )


def _key(member: MemberId | None) -> ID | None:
    return None if member is None else ID(member)
