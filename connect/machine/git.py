"""Runs git without what a repository would have it run of its own accord (hooks, file system monitors)."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path

_GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
_PATIENCE_S = 60.0
"""For one command of git: a checkout of a large repository takes tens of seconds."""
_LONGEST_WORDS = 500


class GitFailed(Exception):
    """It could not be run, or has failed; the message has its words."""


async def run_git(folder: Path, *arguments: str, environment: Mapping[str, str]) -> str:
    """What git prints. `environment`: its own variables, which would lead it elsewhere, are left out.

    Raises `GitFailed`.
    """
    own = {name: value for name, value in environment.items() if not name.startswith("GIT_")}
    try:
        process = await asyncio.create_subprocess_exec(
            *(*_GIT, "-C", str(folder), *arguments),
            env={**own, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
    except (OSError, ValueError) as error:
        raise GitFailed(f"git cannot be run here: {getattr(error, 'strerror', None) or error}") from None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            output, errors = await process.communicate()
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if isinstance(error, TimeoutError):
            raise GitFailed(f"git {arguments[0]} took longer than {_PATIENCE_S:.0f} s") from None
        raise
    if process.returncode:
        said = errors.decode("utf-8", "replace").strip()
        raise GitFailed(said[-_LONGEST_WORDS:] or f"git {arguments[0]} failed")
    return output.decode("utf-8", "replace")
