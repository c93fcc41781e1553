"""Which hooks were refused on this machine lately: what `relay-connect hooks` offers to allow. Bounded."""

from __future__ import annotations

import contextlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from broker.domain.hooks.definitions import CommandAction
from connect.machine.hooks.consents import Standing
from connect.system.own_file import NotOwn, read_own
from connect.system.state_folder import write_private

NAME = "hooks.refused"
_MOST = 50
"""The newest; more than that nobody goes through."""
_MAX_BYTES = 4 * 1024 * 1024
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


_REFUSALS: TypeAdapter[list[Refusal]] = TypeAdapter(list[Refusal])


class Refusals:
    """The link's side: adds, and writes the file whole."""

    def __init__(self, state: Path) -> None:
        self._file = state / NAME
        self._known = read_refusals(state)

    def add(self, refusal: Refusal) -> None:
        """Keep it in place of an earlier one of the same hook and place. That it cannot be kept costs nothing else."""
        if len(refusal.model_dump_json()) > _LONGEST:
            return
        same = {(refusal.id, refusal.root)}
        kept = [each for each in self._known if (each.id, each.root) not in same]
        self._known = [*kept, refusal][-_MOST:]
        with contextlib.suppress(OSError):
            write_private(self._file, _REFUSALS.dump_json(self._known))


def read_refusals(state: Path) -> list[Refusal]:
    """What was refused, the oldest first; nothing where that cannot be read. Whoever shows it makes it harmless."""
    with contextlib.suppress(NotOwn, ValidationError):
        return _REFUSALS.validate_json(read_own(state / NAME, max_bytes=_MAX_BYTES) or b"[]")
    return []
