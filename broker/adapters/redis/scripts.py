"""Loads and runs the Lua scripts.

A script's header names the libraries it needs (`-- uses: log receipts`) and its arguments, one a line behind `-- ARGV`.
They are local variables of those names in the script, and callers give them by the same names; nobody counts them. A
last one whose name ends in `...` is a list. Numbers of policy are fields of `T`, see `broker.domain.timings`.

Every script begins with `lib/generation`, unless its header says `-- unguarded: ` and why: it carries nothing out for a
caller whose access has changed since it was read. The caller is read again, and the script run once more.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import orjson
from redis.exceptions import NoScriptError, ResponseError

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, raise_first
from broker.adapters.redis.standing import Standing
from broker.adapters.redis.trouble import unavailable
from broker.domain import errors
from broker.domain.errors import (
    AccessChanged,
    NotAuthenticated,
    NotPermitted,
    PlanLimitReached,
    RateLimit,
    RateLimited,
    RelayError,
)
from broker.domain.ids import WorkspaceId
from broker.domain.plans.plans import BUILT_IN, PAYMENT, Limit, Plan, PlanTable
from broker.domain.timings import TIMINGS
from broker.services.acting import Acting, find_guarded_act, present_caller

_LUA = files("broker.adapters.redis") / "lua"
_USES = re.compile(r"^-- uses: (.+)$", re.MULTILINE)
_ARGUMENTS = re.compile(r"^-- ARGV    .*\n(?:--         .*\n)*", re.MULTILINE)
_ARGUMENT = re.compile(r"^--(?: ARGV   |        ) ([a-z]\w*)(\.\.\.)?(?=$|  )", re.MULTILINE)
_UNGUARDED = re.compile(r"^-- unguarded: ", re.MULTILINE)
_GUARD = "generation"
"""The library that every other script begins with."""
_CALLER, _READ_AT = "caller", "read_at"
"""What a script that uses `audit`, and one that is guarded, is told beside what its caller gives."""
_CHANGES_ACCESS = re.compile(r"\b(tell_access_changed|tell_member_changed|end_access|end_family|privacy_changed)\(")
"""What a script calls that changes access, its caller's perhaps."""
_DEFINED = re.compile(r"^local (?:(function) (\w+)|(\w+(?:, \w+)*)( =)?)", re.MULTILINE)
"""What a library has at the beginning of a line: a function; or variables, with what they are or without."""
_MOST_CHANGES = 5
"""How often access may change while one script is tried; then the caller is told to ask again."""
_SEPARATOR = "\x1f"
_REFUSAL = re.compile(r"RELAY (?P<kind>\w+) (?P<code>[A-Z_]+) (?P<message>.*)", re.DOTALL)

_REPEATED_MS = 120_000
"""Longer than a client sends one command again and again."""
_ONCE = """\
-- Carries a script out for the first call of an operation; the others are given the first one's answer, as JSON.
-- KEYS[1] workspace root
-- ARGV    the script's, then the operation's id
{prelude}
local answered_at = K.once(table.remove(ARGV))
local known = redis.call('GET', answered_at)
if known then return known end
local function script()
{script}
end
local answer = script()
if type(answer) == 'table' and answer.err then return answer end
local text = cjson.encode({{answer}})
redis.call('SET', answered_at, text, 'PX', {life_ms})
return text
"""

Argument = str | int | bytes
Given = Argument | Sequence[Argument]
"""What is given for one name: a list for the one that ends in `...`."""


class Call:
    """One script with its arguments, by their names."""

    __slots__ = ("arguments", "name")

    def __init__(self, name: str, /, **arguments: Given) -> None:
        self.name = name
        self.arguments = arguments


@dataclass(frozen=True, slots=True)
class _Script:
    text: str
    sha: str
    names: tuple[str, ...]
    rest: str | None
    """The name of the list that comes last."""
    changes_access: bool

    def place(self, given: Mapping[str, Given]) -> list[Argument]:
        """The arguments in the order in which the script is given them. Raises `TypeError` for another set of names."""
        names = self.names if self.rest is None else (*self.names, self.rest)
        if given.keys() != set(names):
            raise TypeError(f"arguments {sorted(given)} for a script that takes {sorted(names)}")
        values: list[Argument] = [given[name] for name in self.names]  # type: ignore[misc]  # only `rest` is a list
        if self.rest is not None:
            values.extend(given[self.rest])  # type: ignore[arg-type]  # and it is one
        return values


class Scripts:
    """Runs scripts on one Redis; turns their refusals into `RelayError`s.

    A server that was started anew knows no scripts, nor does each node of a cluster: what is missing is sent in full,
    which the server remembers. It is sent once; a server that still does not know it is said to be in trouble.
    """

    def __init__(self, redis: TextRedis, plans: PlanTable = BUILT_IN) -> None:
        self._redis = redis
        self.plans = plans
        """What adapters give to the scripts of it, and what a refusal for it is put into words by."""
        self.standing = Standing(self)
        """Reads callers again when access has changed."""

    async def run(self, name: str, workspace: WorkspaceId, /, **arguments: Given) -> Any:
        """Run one script in one workspace and return its answer. Raises the refusal it states, or `Unavailable`.

        It runs twice when its first answer is lost; for scripts that must not there is `run_once`.
        """
        return await self._run_guarded(_script(name), workspace, arguments)

    async def run_once(self, name: str, workspace: WorkspaceId, /, **arguments: Given) -> Any:
        """The same for a script that would do another thing the second time: it is carried out a single time, and its
        answer is given again to a client that asks again because the first was lost.
        """
        operation = secrets.token_hex(8)
        answer: list[Any] = orjson.loads(await self._run_guarded(_script_once(name), workspace, arguments, operation))
        return answer[0]

    async def _run_guarded(
        self, script: _Script, workspace: WorkspaceId, given: Mapping[str, Given], *behind: Argument
    ) -> Any:
        """Run it for the caller as it is now; a refusal for a change of access has carried nothing out."""
        act = find_guarded_act(workspace)
        for _ in range(_MOST_CHANGES):
            placed = script.place(_with_caller(script, given, act))
            try:
                answer = await self._run(script, workspace, [*placed, *behind])
            except AccessChanged:
                if act is None:
                    raise
                await self._read_again(act)
                continue
            if act is not None and script.changes_access:
                act.has_changed_access = True
            return answer
        raise AccessChanged("your access keeps changing: ask again")

    async def _read_again(self, act: Acting) -> None:
        """Go on with an act for its caller as it is now. Raises what that may no longer do."""
        try:
            act.go_on_as(await self.standing.read_again(act.principal))
        except (NotAuthenticated, NotPermitted, AccessChanged):
            if not act.has_changed_access:
                raise
            act.is_guarded = False

    async def _run(self, script: _Script, workspace: WorkspaceId, arguments: Sequence[Argument]) -> Any:
        root = keys.root(workspace)
        try:
            try:
                return await self._redis.evalsha(script.sha, 1, root, *arguments)
            except NoScriptError:
                return await self._redis.eval(script.text, 1, root, *arguments)
        except ResponseError as error:
            raise self._refusal(error) from error

    async def run_in_order(self, workspace: WorkspaceId, calls: Sequence[Call]) -> None:
        """Run scripts one after the other in one round trip. Raises the first refusal; the later ones still ran."""
        if len(calls) == 1:
            await self.run(calls[0].name, workspace, **calls[0].arguments)
            return
        act = find_guarded_act(workspace)
        results = await self._pipeline(workspace, calls, act, in_full=())
        missing = {call.name for call, result in zip(calls, results, strict=True) if isinstance(result, NoScriptError)}
        if missing:
            # Reports are numbered: those that ran are not run again, and those behind one that did not were refused.
            results = await self._pipeline(workspace, calls, act, in_full=missing)
        refused = [self._refusal(result) for result in results if isinstance(result, ResponseError)]
        if act is not None and refused and isinstance(refused[0], AccessChanged):
            await self._read_again(act)
            begins = next(index for index, result in enumerate(results) if isinstance(result, ResponseError))
            await self.run_in_order(workspace, calls[begins:])
            return
        if refused:
            raise refused[0]
        raise_first(results)

    def _refusal(self, error: ResponseError) -> Exception:
        refused = _refusal(error)
        if isinstance(refused, PlanLimitReached):
            about: dict[str, Any] = refused.details
            if about["what"] == PAYMENT:
                return self.plans.unpaid(Plan(about["plan"]))
            resets_at_ms = about.get("resets_at_ms")
            return self.plans.refusal(Plan(about["plan"]), Limit(about["what"]), resets_at_ms=resets_at_ms)
        return refused

    async def _pipeline(
        self, workspace: WorkspaceId, calls: Sequence[Call], act: Acting | None, *, in_full: Collection[str]
    ) -> list[Any]:
        """What each came to. The first call of a script that is to be sent in full makes it known to the others."""
        root, to_send = keys.root(workspace), set(in_full)
        pipe = self._redis.pipeline(transaction=False)
        for call in calls:
            script = _script(call.name)
            placed = script.place(_with_caller(script, call.arguments, act))
            if call.name in to_send:
                to_send.remove(call.name)
                pipe.execute_command("EVAL", script.text, 1, root, *placed)
            else:
                pipe.execute_command("EVALSHA", script.sha, 1, root, *placed)
        results: list[Any] = await pipe.execute(raise_on_error=False)
        return results


def _with_caller(script: _Script, arguments: Mapping[str, Given], act: Acting | None) -> Mapping[str, Given]:
    """What is given, with who acts for a script that records it, and since when what they may do is known."""
    given = dict(arguments)
    if _CALLER in script.names:
        given[_CALLER] = present_caller()
    if _READ_AT in script.names:
        given[_READ_AT] = "" if act is None or not act.is_guarded else str(act.principal.access)
    return given


@cache
def _script(name: str) -> _Script:
    return _find_by_hash(name, source(name))


@cache
def _script_once(name: str) -> _Script:
    prelude = keys.lua_prelude("K.once()")
    return _find_by_hash(name, _ONCE.format(prelude=prelude, life_ms=_REPEATED_MS, script=source(name)))


def _find_by_hash(name: str, text: str) -> _Script:
    names, rest = arguments(name)
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    changes_access = bool(_CHANGES_ACCESS.search(_files()[name].read_text()))
    return _Script(text=text, sha=sha, names=names, rest=rest, changes_access=changes_access)


def arguments(name: str) -> tuple[tuple[str, ...], str | None]:
    """What a script takes, its libraries' arguments first; and the name of the list that comes last, or None."""
    declared = [found for part in _parts(_files()[name].read_text()) for found in _read_declared(part)]
    rest = next((argument for argument, is_rest in declared if is_rest), None)
    return tuple(argument for argument, is_rest in declared if not is_rest), rest


def source(name: str) -> str:
    """The whole text of a script, as it is sent."""
    return assemble(_files()[name].read_text())


def assemble(main: str) -> str:
    """Key table, numbers, libraries in the order they are needed, then the script itself."""
    *libraries, script = parts = _parts(main)
    used, enclosed = set(_words(script)), [script]
    for library in reversed(libraries):
        enclosed.append(_enclose(library, used=used))
        used |= _words(library)
    taken, lines = 0, []
    for part, block in zip(parts, reversed(enclosed), strict=True):
        declared = _read_declared(part)
        lines += [*_locals(declared, taken), block]
        taken += len(declared)
    text = "\n".join(lines)
    return f"{keys.lua_prelude(text)}\n{_numbers(text)}\n{text}"


@cache
def _words(part: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", part))


def _enclose(library: str, *, used: Set[str]) -> str:
    """A library as a block, out of which come those names alone that are `used` behind it.

    Lua has room for 200 names in one function (`LUAI_MAXVARS`, Lua 5.1), and a script is one function.
    """
    offered: list[str] = []

    def define(found: re.Match[str]) -> str:
        is_function, function, variables, is_given = found.groups()
        names = [function] if is_function else variables.split(", ")
        if used.isdisjoint(names):
            return found[0]
        offered.extend(names)
        if is_function:
            return f"function {function}"
        return f"{variables} =" if is_given else ""

    block = _DEFINED.sub(define, library)
    return f"local {', '.join(offered)} do\n{block}end" if offered else f"do\n{block}end"


def _numbers(text: str) -> str:
    """What a script uses of the numbers of policy, as the table `T`."""
    used = sorted(set(re.findall(r"\bT\.(\w+)", text)))
    return f"local T = {{{', '.join(f'{name} = {getattr(TIMINGS, name)}' for name in used)}}}"


def _parts(main: str) -> list[str]:
    """The libraries in the order they are needed, then the script itself."""
    parts: list[str] = []
    done: set[str] = set()

    def include(library: str) -> None:
        if library in done:
            return
        done.add(library)
        text = (_LUA / "lib" / f"{library}.lua").read_text()
        for needed in _read_used(text):
            include(needed)
        parts.append(text)

    guard = [] if _UNGUARDED.search(main) else [_GUARD]
    for library in ["core", *guard, *_read_used(main)]:
        include(library)
    return [*parts, main]


def _read_declared(text: str) -> list[tuple[str, bool]]:
    """The names in a header, and of each whether it is a list."""
    header = _ARGUMENTS.search(text)
    return [(name, bool(rest)) for name, rest in _ARGUMENT.findall(header[0])] if header else []


def _locals(declared: list[tuple[str, bool]], taken: int) -> Iterator[str]:
    """Lua that gives arguments their names; `taken` are named already."""
    names = [name for name, is_rest in declared if not is_rest]
    if names:
        yield f"local {', '.join(names)} = unpack(ARGV, {taken + 1}, {taken + len(names)})"
    for name in (name for name, is_rest in declared if is_rest):
        before = taken + len(names)
        yield f"local {name} = {{}} for i = {before + 1}, #ARGV do {name}[i - {before}] = ARGV[i] end"


@cache
def _files() -> dict[str, Traversable]:
    """Every script by its name; the folder that it lies in is its feature's."""
    folders = [_LUA, *(folder for folder in _LUA.iterdir() if folder.is_dir() and folder.name != "lib")]
    return {
        file.name.removesuffix(".lua"): file
        for folder in folders
        for file in folder.iterdir()
        if file.name.endswith(".lua")
    }


def _read_used(text: str) -> list[str]:
    found = _USES.search(text)
    return found[1].split() if found else []


def _refusal(error: ResponseError) -> Exception:
    """The `RelayError` that a script stated, or the error itself when it is Redis' own."""
    found = _REFUSAL.search(str(error))
    if not found:
        return unavailable(error) or error
    kind: type[RelayError] = getattr(errors, found["kind"])
    message, _, details = found["message"].split(" script: ")[0].partition(_SEPARATOR)
    told = orjson.loads(details) if details else None
    if kind is RateLimited and told:
        limit = RateLimit(**told)
        return RateLimited(message, code=found["code"], retry_after_s=limit.reset_s, limit=limit)
    return kind(message, code=found["code"], details=told)
