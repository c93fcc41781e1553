"""Loads the Lua scripts. A script names the libraries it needs in its header: `-- uses: log receipts`."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from broker.adapters.redis import keys
from broker.domain import errors
from broker.domain.errors import RelayError
from broker.domain.ids import WorkspaceId

_USES = re.compile(r"^-- uses: (.+)$", re.MULTILINE)
_REFUSAL = re.compile(r"RELAY (?P<kind>\w+) (?P<code>[A-Z_]+) (?P<message>.*)", re.DOTALL)


@cache
def source(name: str) -> str:
    """The whole text of a script: key table, libraries in the order they are needed, then the script itself."""
    folder = files(__package__) / "lua"
    parts: list[str] = [keys.lua_prelude()]
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
    return "\n".join([*parts, main])


def _used(text: str) -> list[str]:
    found = _USES.search(text)
    return found[1].split() if found else []


class Scripts:
    """Runs scripts on one Redis; turns their refusals into `RelayError`s."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._loaded: dict[str, AsyncScript] = {}

    async def run(self, name: str, workspace: WorkspaceId, *arguments: str | int) -> Any:
        """Run one script in one workspace and return what it returns. Raises the refusal it states."""
        try:
            return await self.script(name)(keys=[keys.root(workspace)], args=arguments)
        except ResponseError as error:
            raise refusal(error) from error

    def script(self, name: str) -> AsyncScript:
        """The script, registered; call it with `client=pipeline` to queue it."""
        if name not in self._loaded:
            self._loaded[name] = self._redis.register_script(source(name))
        return self._loaded[name]


def refusal(error: ResponseError) -> RelayError | ResponseError:
    """The `RelayError` that a script stated, or the error itself when it is Redis' own."""
    found = _REFUSAL.search(str(error))
    if not found:
        return error
    kind: type[RelayError] = getattr(errors, found["kind"])
    return kind(found["message"].split(" script: ")[0], code=found["code"])
