"""Which agent programs this machine has: found on PATH or configured, their versions probed once for each file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from broker.domain.agents import Dialect, InstalledCli, Transport
from connect.settings import AgentSettings, agent_environment
from connect.state_folder import write_private

_PROBE_TIMEOUT_S = 10.0
"""For `--version`: node programs measured 1-3 s from a cold disk."""
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_LAST_SDK_URL = (2, 1, 120)
"""Later versions of Claude Code refuse `--sdk-url` for any host but their vendor's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vendor:
    dialect: Dialect
    package: str
    oldest: tuple[int, ...]
    """The oldest version the bridges were run with."""
    arguments: tuple[str, ...] = ()
    """What makes it speak its dialect, where that is always the same."""


_VENDORS: Mapping[str, _Vendor] = {
    "claude": _Vendor(dialect=Dialect.CLAUDE, package="@anthropic-ai/claude-code", oldest=(2, 1, 112)),
    "codex": _Vendor(dialect=Dialect.CODEX, package="@openai/codex", oldest=(0, 169, 0), arguments=("app-server",)),
    "gemini": _Vendor(
        dialect=Dialect.ACP, package="@google/gemini-cli", oldest=(0, 61, 0), arguments=("--acp", "--skip-trust")
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCli:
    """An agent program and how to start it."""

    installed: InstalledCli
    command: tuple[str, ...]
    """The program's path and the arguments that make it speak its dialect."""
    env: Mapping[str, str]


class CliCatalogue:
    """Looks at the machine again on every `find`; only versions are remembered, as long as the file is the same."""

    def __init__(self, agents: Mapping[str, AgentSettings], *, cache: Path) -> None:
        self._agents = agents
        self._cache_path = cache
        self._versions: dict[str, str] = _read_cache(cache)

    async def find_all(self) -> list[FoundCli]:
        """The vendors' programs and the configured ones, missing ones included."""
        words = [*_VENDORS, *(word for word in self._agents if word not in _VENDORS)]
        return list(await asyncio.gather(*map(self._find, words)))

    async def find(self, word: str) -> FoundCli | None:
        """The program for `word`; None when nobody knows the word."""
        return await self._find(word) if word in _VENDORS or word in self._agents else None

    async def _find(self, word: str) -> FoundCli:
        settings = self._agents.get(word, AgentSettings())
        vendor = _VENDORS.get(word)
        program = settings.command[0] if settings.command else word
        path = shutil.which(program)
        version = await self._version(Path(path), vendor.package) if path and vendor else None
        dialect = settings.dialect or (vendor.dialect if vendor else Dialect.ACP)
        problem = _problem(word, vendor, program=program, path=path, version=version, any_version=settings.any_version)
        installed = InstalledCli(
            cli=word,
            dialect=dialect,
            version=version,
            supported=problem is None,
            transport=_transport(dialect, version, settings=settings),
            problem=problem,
        )
        arguments = settings.command[1:] or (vendor.arguments if vendor else ())
        return FoundCli(installed=installed, command=(path or program, *arguments), env=settings.env)

    async def _version(self, path: Path, package: str) -> str | None:
        real, key = _identity(path)
        if key not in self._versions:
            found = _packaged_version(real, package) or await _asked_version(path)
            if found is None:
                return None
            self._versions[key] = found
            with contextlib.suppress(OSError):
                write_private(self._cache_path, orjson.dumps(self._versions))
        return self._versions[key]


def _identity(program: Path) -> tuple[Path, str]:
    real = program.resolve()
    return real, f"{real}:{real.stat().st_mtime_ns}"


def _problem(
    word: str, vendor: _Vendor | None, *, program: str, path: str | None, version: str | None, any_version: bool
) -> str | None:
    if path is None:
        how = (
            f"npm install -g {vendor.package}"
            if vendor and program == word
            else "check its command in the configuration"
        )
        return f"`{program}` was not found; {how}"
    if vendor is None or any_version:
        return None
    if version is None:
        return f"`{program} --version` gave no version; run it by hand to see why"
    if _numbers(version) < vendor.oldest:
        oldest = ".".join(map(str, vendor.oldest))
        return f"version {version} is older than {oldest}; npm install -g {vendor.package}@latest"
    return None


def _transport(dialect: Dialect, version: str | None, *, settings: AgentSettings) -> Transport:
    old = version is not None and _numbers(version) <= _LAST_SDK_URL
    if dialect is Dialect.CLAUDE and old and settings.transport == "auto":
        return Transport.SDK_URL
    if dialect is Dialect.CODEX and settings.transport == "unix":
        return Transport.UNIX_SOCKET
    return Transport.STDIO


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _packaged_version(program: Path, package: str) -> str | None:
    """Read it from the npm package the program lies in: a version probe of a node program takes seconds."""
    for folder in list(program.parents)[:4]:
        with contextlib.suppress(OSError, ValueError):
            described = orjson.loads((folder / "package.json").read_bytes())
            if isinstance(described, dict) and described.get("name") == package:
                found = _VERSION.match(str(described.get("version")))
                return found.group() if found else None
    return None


async def _asked_version(program: Path) -> str | None:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=agent_environment(os.environ),
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    found = _VERSION.search(output.decode("utf-8", "replace"))
    return found.group() if found else None


def _read_cache(path: Path) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError):
        found = orjson.loads(path.read_bytes())
        if isinstance(found, dict):
            return {str(key): str(value) for key, value in found.items()}
    return {}
