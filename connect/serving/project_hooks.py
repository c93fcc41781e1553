"""The hooks file that a project brings along: looked for where relay-connect is started, offered, and never applied."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

from broker.domain.errors import RelayError
from broker.protocol.hooks_yaml.project import PROJECT_FILE
from connect.machine.hooks.programs import project_of
from connect.notices import HooksOffered
from connect.sdk import AgentRelay

_MOST_BYTES = 200_000
"""Of a file that is read for people who have not asked for it."""


async def offered_hooks(relay: AgentRelay, folder: Path) -> HooksOffered | None:
    """What to tell the person: None where there is no such file, its hooks hold already, or the person may not know."""
    found = await asyncio.to_thread(_read, folder)
    if found is None:
        return None
    path, text = found
    try:
        holds = await relay.request("GET", "/v1/hooks")
    except RelayError:
        return None
    return None if text == holds["text"] else _offer(path, text, replaces=len(holds["hooks"]), folder=folder)


def _offer(path: Path, text: str, *, replaces: int, folder: Path) -> HooksOffered:
    from broker.domain.hooks.definitions import CommandAction  # noqa: PLC0415 - few folders have such a file
    from broker.protocol.hooks_yaml.reader import read_hooks  # noqa: PLC0415 - as that, and slow to load

    read = read_hooks(text)
    return HooksOffered(
        file=os.path.relpath(path, folder),
        hooks=len(read.hooks),
        commands=sum(isinstance(hook.action, CommandAction) for hook in read.hooks),
        replaces=replaces,
        problem=str(read.problems[0]) if read.problems else "",
    )


def _read(folder: Path) -> tuple[Path, str] | None:
    """The file of the folder, or of the project that it is in."""
    for place in dict.fromkeys(filter(None, (folder, project_of(folder)))):
        path = place / PROJECT_FILE
        try:
            # Agents write here: nothing that is no plain file is opened, and none of another folder is read.
            if not stat.S_ISREG(path.lstat().st_mode) or path.resolve() != place.resolve() / PROJECT_FILE:
                continue
            with path.open(encoding="utf-8") as file:
                text = file.read(_MOST_BYTES + 1)
        except (OSError, ValueError):
            continue
        return (path, text) if len(text) <= _MOST_BYTES else None
    return None
