"""Commands of workflows' runs on machines: ordered once each, and how each ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from broker.domain.ids import LinkId, SessionId, WorkspaceId
from broker.domain.workflows.runs.commands import CommandEnd, CommandId, CommandKind, CommandState


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOrder:
    """A command that a machine is to be given."""

    command: CommandId
    run: str
    step: str
    attempt: int
    kind: CommandKind
    session: SessionId
    """Whose log tells of it."""
    link: LinkId
    order: str
    """For the machine, as JSON (`RunCommand`)."""
    patience_s: float
    """After this it is not begun any more; likewise, how long a machine may be away that has begun it."""
    lasts_ms: int | None = None
    """What it may take; None: as long as it likes."""
    refused: str = ""
    """Why it is not given to the machine at all."""
    patient: bool = False
    """Whether it is not given before the machine has begun enough of what it was given: `TIMINGS.command_room`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """A command as far as it has come."""

    command: CommandId
    run: str
    step: str
    attempt: int
    kind: CommandKind
    session: SessionId
    at_ms: int
    """When it came to its state."""
    told: CommandEnd
    """What was told of that; before its end only the state."""


class CommandRecords(Protocol):
    """How the engine has machines do things.

    The engine writes its decision down, then orders (again, after a crash: it is one command). Whatever happens on the
    way, each command ends once: the session's log says so (`command.ended`, which wakes the session's runs), and `of`
    has the end until the run's journal has it, and for `TIMINGS.command_kept_s` more. So a run that is looked at asks
    for the commands of its open attempts, whose ids it can work out (`domain.workflows.commands.command_id`).
    """

    async def order(self, workspace: WorkspaceId, order: CommandOrder) -> CommandState | None:
        """Order it, once; how far it is now. None: there is no room for it yet."""

    async def stop(self, workspace: WorkspaceId, command: CommandId, *, reason: str) -> CommandState | None:
        """Tell its machine to end it or not to begin it; how far it is. None: nobody knows it.

        It ends as `stopped`, if it does not end otherwise first; while the machine is away, nothing follows.
        """

    async def of(self, workspace: WorkspaceId, commands: Iterable[CommandId]) -> list[CommandRecord]:
        """Those of these that are known, as far as each has come."""
