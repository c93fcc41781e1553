"""Which agent programs this machine has: found on PATH or configured, their versions probed once for each file."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import re
import shutil
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from broker.domain.agents.agents import Dialect, InstalledCli, Transport
from broker.domain.agents.vendors import BRIDGED, VENDORS, Vendor
from connect.settings import AgentSettings, agent_environment
from connect.system.state_folder import write_private

_PROBE_TIMEOUT_S = 10.0
"""For `--version`: node programs measured 1-3 s from a cold disk."""
_KILL_GRACE_S = 1.0
_MAX_PROBE_BYTES = 64 * 1024
_LOOK_EVERY_S = 60.0
"""So soon a program that was installed or mended meanwhile is offered; a look at files costs next to nothing."""
_FAILURE_KEPT_S = 300.0
"""A program that gave no version is not asked again before: one that hangs costs a process for ten seconds."""
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_LAST_SDK_URL = (2, 1, 120)
"""Later versions of Claude Code refuse `--sdk-url` for any host but their vendor's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCli:
    """An agent program and how to start it."""

    installed: InstalledCli
    command: tuple[str, ...]
    """The program's path and the arguments that make it speak its dialect."""
    env: Mapping[str, str]

    def over_stdio(self) -> FoundCli:
        """The same, kept from dialling the broker itself."""
        if self.installed.transport is not Transport.SDK_URL:
            return self
        return dataclasses.replace(self, installed=dataclasses.replace(self.installed, transport=Transport.STDIO))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """What a program said of its version, or why that is not known."""

    number: str | None = None
    trouble: str = ""


_NOT_YET = _Version(trouble="has not answered yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """What a word stands for here, before its version is known."""

    word: str
    settings: AgentSettings
    vendor: Vendor | None

    @property
    def name(self) -> str:
        return self.settings.command[0] if self.settings.command else self.word

    def path(self) -> Path | None:
        found = shutil.which(self.name)
        # Absolute: what PATH names from this folder is another program in the folder of an agent.
        return Path(found).absolute() if found else None


class CliCatalogue:
    """Looks at the machine again on every `find`; only versions are remembered, as long as the file is the same.

    `known` never waits; everything else may wait for programs to tell their versions, `_PROBE_TIMEOUT_S` at most.
    """

    def __init__(self, agents: Mapping[str, AgentSettings], *, cache: Path) -> None:
        self._agents = agents
        self._cache_path = cache
        self._versions: dict[str, str] = _read_cache(cache)
        self._failures: dict[str, tuple[float, _Version]] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def list_known(self) -> list[InstalledCli]:
        """What is known now of the vendors' and the configured programs, missing ones included, and of other agents."""
        return [
            _describe_found(program, program.path(), version=self._find_version(program) or _NOT_YET).installed
            for program in map(self._program, self._words())
        ]

    async def find_all(self) -> list[FoundCli]:
        """All programs, as soon as each has told its version or failed to."""
        return list(await asyncio.gather(*(self._find(self._program(word)) for word in self._words())))

    async def find(self, word: str) -> FoundCli | None:
        """The program for `word`; None when nobody knows the word."""
        known = word in VENDORS or word in self._agents
        return await self._find(self._program(word)) if known else None

    async def watch(
        self, looked: Callable[[], object], *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        """Look again and again, and say so each time that everything is known."""
        while True:
            await self.find_all()
            looked()
            await sleep(_LOOK_EVERY_S)

    def _words(self) -> list[str]:
        """Those that are told to people: what is not configured and has no bridge of its own must be there."""
        return [
            *(word for word in VENDORS if word in BRIDGED or self._is_here(word)),
            *(word for word in self._agents if word not in VENDORS),
        ]

    def _is_here(self, word: str) -> bool:
        return word in self._agents or self._program(word).path() is not None

    def _program(self, word: str) -> _Program:
        return _Program(word=word, settings=self._agents.get(word, AgentSettings()), vendor=VENDORS.get(word))

    async def _find(self, program: _Program) -> FoundCli:
        version = self._find_version(program)
        path = program.path()
        if version is None and path is not None:
            version = await self._determine_version(program, path)
        return _describe_found(program, path, version=version or _NOT_YET)

    def _find_version(self, program: _Program) -> _Version | None:
        path = program.path()
        vendor = program.vendor
        if path is None or vendor is None:
            return _Version()
        try:
            real, key = _identity(path)
        except OSError as error:
            return _Version(trouble=f"cannot be looked at ({error.strerror})")
        if key not in self._versions and (packaged := _read_packaged_version(real, vendor.package)):
            self._remember(key, packaged)
        if key in self._versions:
            return _Version(number=self._versions[key])
        if vendor.oldest is None:
            return _Version()
        failed_at, failure = self._failures.get(key, (0.0, None))
        return failure if failure and time.monotonic() - failed_at < _FAILURE_KEPT_S else None

    async def _determine_version(self, program: _Program, path: Path) -> _Version:
        """Ask the program itself; who wants to know at the same time waits for the one answer."""
        _, key = _identity(path)
        async with self._asking[key]:
            known = self._find_version(program)
            if known is not None:
                return known
            answer = await _ask_version(path)
            if answer.number is None:
                self._failures[key] = (time.monotonic(), answer)
            else:
                self._remember(key, answer.number)
            return answer

    def _remember(self, key: str, version: str) -> None:
        self._versions[key] = version
        with contextlib.suppress(OSError):
            write_private(self._cache_path, orjson.dumps(self._versions))


def _describe_found(program: _Program, path: Path | None, *, version: _Version) -> FoundCli:
    settings, vendor = program.settings, program.vendor
    dialect = settings.dialect or (vendor.dialect if vendor else Dialect.ACP)
    problem = _problem(program, path, version=version)
    installed = InstalledCli(
        cli=program.word,
        dialect=dialect,
        version=version.number,
        supported=problem is None,
        transport=_transport(dialect, version.number, settings=settings),
        problem=problem,
    )
    arguments = settings.command[1:] or (vendor.arguments if vendor else ())
    return FoundCli(installed=installed, command=(str(path or program.name), *arguments), env=settings.env)


def _identity(program: Path) -> tuple[Path, str]:
    real = program.resolve()
    return real, f"{real}:{real.stat().st_mtime_ns}"


def _problem(program: _Program, path: Path | None, *, version: _Version) -> str | None:
    vendor, name = program.vendor, program.name
    if path is None:
        ours = vendor is not None and name == program.word
        how = vendor.how_to_install if vendor and ours else "check its command in the configuration"
        return f"`{name}` was not found; {how}"
    if vendor is None or vendor.oldest is None or program.settings.any_version:
        return None
    if version.number is None:
        return f"`{name} --version` {version.trouble}; run it by hand to see why"
    if version_numbers(version.number) < vendor.oldest:
        oldest = ".".join(map(str, vendor.oldest))
        return f"version {version.number} is older than {oldest}; npm install -g {vendor.package}@latest"
    return None


def _transport(dialect: Dialect, version: str | None, *, settings: AgentSettings) -> Transport:
    old = version is not None and version_numbers(version) <= _LAST_SDK_URL
    if dialect is Dialect.CLAUDE and old and settings.transport == "auto":
        return Transport.SDK_URL
    if dialect is Dialect.CODEX and settings.transport == "unix":
        return Transport.UNIX_SOCKET
    return Transport.STDIO


def version_numbers(version: str) -> tuple[int, ...]:
    """A version as what it is compared by."""
    return tuple(int(part) for part in version.split("."))


def _read_packaged_version(program: Path, package: str) -> str | None:
    """Read it from the npm package the program lies in: a version probe of a node program takes seconds."""
    for folder in list(program.parents)[:4]:
        with contextlib.suppress(OSError, ValueError):
            described = orjson.loads((folder / "package.json").read_bytes())
            if isinstance(described, dict) and described.get("name") == package:
                found = _VERSION.match(str(described.get("version")))
                return found.group() if found else None
    return None


async def _ask_version(program: Path) -> _Version:
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
    except (OSError, ValueError) as error:
        return _Version(trouble=f"cannot be run ({error})")
    output = bytearray()
    trouble = "gave no version"
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            await _read(process, output)
    except TimeoutError:
        trouble = f"did not answer in {_PROBE_TIMEOUT_S:.0f} s"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            # Its end is told only once its output has been read to the end, which something out of reach may hold open.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_KILL_GRACE_S):
                    await process.communicate()
    found = _VERSION.search(output.decode("utf-8", "replace"))
    return _Version(number=found.group()) if found else _Version(trouble=trouble)


async def _read(process: asyncio.subprocess.Process, output: bytearray) -> None:
    """All it prints until it ends, within bounds."""
    assert process.stdout is not None
    while len(output) < _MAX_PROBE_BYTES and (data := await process.stdout.read(_MAX_PROBE_BYTES)):
        output += data
    if len(output) < _MAX_PROBE_BYTES:
        await process.wait()


def _read_cache(path: Path) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError):
        found = orjson.loads(path.read_bytes())
        if isinstance(found, dict):
            return {str(key): str(value) for key, value in found.items()}
    return {}
