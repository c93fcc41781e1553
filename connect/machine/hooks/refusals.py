"""Which hooks were refused on this machine lately: what `relay-connect hooks` offers to allow. Bounded."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from broker.domain.hooks.definitions import CommandAction
from connect.machine.commands import refusals
from connect.machine.hooks.consents import Standing

NAME = "hooks.refused"
_LONGEST = 16 * 1024
"""Of a definition that is kept to be shown."""


class Refusal(BaseModel):
    """A hook that was not run, as it would have been run."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    command: str | tuple[str, ...]
    """As the definition has it."""
    cwd: str | None = None
    env: tuple[str, ...] = ()
    timeout_s: float
    standing: Standing
    why: str
    root: str
    """The folder of this machine's policy in which it would have run."""
    folder: str
    program: str | None = None
    """Where its first word leads there."""
    files: tuple[str, ...] = ()
    """What it consists of that agents could change."""
    at: float = Field(default=0.0)
    """Unix time, to be shown."""

    @property
    def action(self) -> CommandAction:
        """Its definition."""
        return CommandAction(command=self.command, cwd=self.cwd, env=self.env, timeout_s=self.timeout_s)


class Refusals(refusals.Refusals[Refusal]):
    """The link's side."""

    def __init__(self, state: Path) -> None:
        super().__init__(state / NAME, Refusal, same=lambda each: (each.id, each.root), longest=_LONGEST)


def read_refusals(state: Path) -> list[Refusal]:
    """What was refused, the oldest first; nothing where that cannot be read. Whoever shows it makes it harmless."""
    return refusals.read_refusals(state / NAME, Refusal)
