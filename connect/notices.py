"""What relay-connect tells its user about itself, apart from what agents do."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from broker.domain.people.token_text import hide_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The broker has taken the proxy."""

    broker: str
    session: str
    session_url: str
    machine: str | None = None
    """This machine's id there."""
    type: Literal["connected"] = "connected"

    @property
    def text(self) -> str:
        """For a terminal."""
        return f"✓ Connected to {self.broker}\n✓ Dashboard: {self.session_url}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """The link is down; it is tried again."""

    reason: str
    retry_in_s: float
    type: Literal["disconnected"] = "disconnected"

    @property
    def text(self) -> str:
        """For a terminal."""
        return f"✗ {self.reason}; trying again"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStarted:
    """An agent's process runs."""

    name: str
    cli: str
    pid: int
    type: Literal["agent_started"] = "agent_started"

    @property
    def text(self) -> str:
        """For a terminal."""
        return f"✓ {self.name} ({self.cli}) started"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEnded:
    """An agent's process and its children are gone, or never came to be."""

    name: str
    reason: str
    detail: str
    type: Literal["agent_ended"] = "agent_ended"

    @property
    def text(self) -> str:
        """For a terminal."""
        if self.reason == "stopped":
            return f"✓ {self.name} ended"
        first_line = self.detail.partition("\n")[0]
        return f"✗ {self.name}: {self.reason} {first_line}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something a person may want to look at."""

    problem: str
    type: Literal["warning"] = "warning"

    @property
    def text(self) -> str:
        """For a terminal."""
        return f"! {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksOffered:
    """The project has hooks of its own, which do not hold."""

    file: str
    hooks: int
    commands: int
    """Those of them that run a command on machines."""
    replaces: int
    """Hooks that hold now, and would not any more."""
    problem: str
    """What is wrong with the file; '' for nothing."""
    type: Literal["hooks_offered"] = "hooks_offered"

    @property
    def text(self) -> str:
        """For a terminal."""
        if self.problem:
            return f"! {self.file} cannot be applied: {self.problem}"
        commands = f" ({self.commands} of them commands)" if self.commands else ""
        instead = f"; they replace the {self.replaces} that hold now" if self.replaces else ""
        return (
            f"· {self.file} proposes {self.hooks} hook{'' if self.hooks == 1 else 's'}{commands}, which do not hold:"
            f" `relaycast hooks apply {self.file}` makes them the workspace's{instead}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """A signal was taken; agents are being ended."""

    type: Literal["stopping"] = "stopping"

    @property
    def text(self) -> str:
        """For a terminal."""
        return "… ending agents; Ctrl-C again kills them at once"


Notice = Connected | Disconnected | AgentStarted | AgentEnded | Warned | HooksOffered | Stopping


def without_tokens(notice: Notice) -> Notice:
    """The same notice without any token in what it quotes: a program's words, an error's."""
    match notice:
        case AgentEnded():
            return dataclasses.replace(notice, detail=hide_tokens(notice.detail))
        case Disconnected():
            return dataclasses.replace(notice, reason=hide_tokens(notice.reason))
        case Warned():
            return dataclasses.replace(notice, problem=hide_tokens(notice.problem))
        case _:
            return notice
