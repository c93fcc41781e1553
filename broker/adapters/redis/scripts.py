"""Loads and runs the Lua scripts. A script names the libraries it needs in its header: `-- uses: log receipts`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from redis.exceptions import NoScriptError, ResponseError

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.domain import errors
from broker.domain.errors import RelayError
from broker.domain.ids import WorkspaceId

_USES = re.compile(r"^-- uses: (.+)$", re.MULTILINE)
_SEPARATOR = "\x1f"
_REFUSAL = re.compile(r"RELAY (?P<kind>\w+) (?P<code>[A-Z_]+) (?P<message>.*)", re.DOTALL)

Argument = str | int | bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One script with its arguments."""

    name: str
    arguments: Sequence[Argument]


@dataclass(frozen=True, slots=True)
class _Script:
    text: str
    sha: str


class Scripts:
    """Runs scripts on one Redis; turns their refusals into `RelayError`s."""

    def __init__(self, redis: TextRedis) -> None:
        self._redis = redis

    async def run(self, name: str, workspace: WorkspaceId, *arguments: Argument) -> Any:
        """Run one script in one workspace and return its answer. Raises the refusal it states, or `Unavailable`."""
        script = _script(name)
        try:
            try:
                return await self._redis.evalsha(script.sha, 1, keys.root(workspace), *arguments)
            except NoScriptError:
                return await self._redis.eval(script.text, 1, keys.root(workspace), *arguments)
        except ResponseError as error:
            raise _refusal(error) from error

    async def run_in_order(self, workspace: WorkspaceId, calls: Sequence[Call]) -> None:
        """Run scripts one after the other in one round trip. Raises the first refusal; the later ones still ran."""
        if len(calls) == 1:
            await self.run(calls[0].name, workspace, *calls[0].arguments)
            return
        for result in await self._pipeline(workspace, calls):
            if isinstance(result, ResponseError):
                raise _refusal(result)

    async def _pipeline(self, workspace: WorkspaceId, calls: Sequence[Call]) -> list[Any]:
        root = keys.root(workspace)
        pipe = self._redis.pipeline(transaction=False)
        for call in calls:
            pipe.evalsha(_script(call.name).sha, 1, root, *call.arguments)
        results: list[Any] = await pipe.execute(raise_on_error=False)
        if any(isinstance(result, NoScriptError) for result in results):
            # A restarted server knows no scripts. Reports are numbered: those that ran are not run again, and those
            # behind one that did not were refused.
            for name in {call.name for call in calls}:
                await self._redis.script_load(_script(name).text)
            return await self._pipeline(workspace, calls)
        return results


@cache
def _script(name: str) -> _Script:
    text = source(name)
    return _Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def source(name: str) -> str:
    """The whole text of a script: key table, libraries in the order they are needed, then the script itself."""
    folder = files("broker.adapters.redis") / "lua"
    parts: list[str] = []
    done: set[str] = set()

    def include(library: str) -> None:
        if library in done:
            return
        done.add(library)
        text = (folder / "lib" / f"{library}.lua").read_text()
        for needed in _used(text):
            include(needed)
        parts.append(text)

    main = (folder / f"{name}.lua").read_text()
    for library in ["core", *_used(main)]:
        include(library)
    text = "\n".join([*parts, main])
    return f"{keys.lua_prelude(text)}\n{text}"


def _used(text: str) -> list[str]:
    found = _USES.search(text)
    return found[1].split() if found else []


def _refusal(error: ResponseError) -> Exception:
    """The `RelayError` that a script stated, or the error itself when it is Redis' own."""
    found = _REFUSAL.search(str(error))
    if not found:
        return error
    kind: type[RelayError] = getattr(errors, found["kind"])
    message, _, details = found["message"].split(" script: ")[0].partition(_SEPARATOR)
    return kind(message, code=found["code"], details=orjson.loads(details) if details else None)
