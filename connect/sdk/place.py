"""Where a program that names no machine runs its agents: on the machine it runs on itself, and in its own folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from broker.domain.errors import RelayError
from connect.control.client import ask_state
from connect.settings import Options, resolve_state_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlace:
    """A linked machine, seen from a program on it."""

    machine: str
    """Its id at the broker."""
    name: str
    folder: Path
    """The program's own."""

    def lead_to(self, folder: str | None) -> str:
        """What `folder` means here; without one the program's own."""
        return folder if folder is not None and folder.startswith("~") else str(self.folder / (folder or ""))


async def local_place(url: str) -> LocalPlace | None:
    """This user's link on this machine, if one runs and is with the broker at `url`."""
    try:
        state = await ask_state(resolve_state_dir(Options()))
    except (RelayError, OSError):  # one that stands still, or a configuration that is not this program's to mend
        return None
    if state is None or state.url != url or state.machine is None:
        return None
    return LocalPlace(machine=state.machine, name=state.name, folder=Path(os.getcwd()))  # noqa: PTH109 - as text
