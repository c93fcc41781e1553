"""Which hooks a happening sets off. Indexed: definitions for other events, programs and agents cost nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from broker.domain.approvals.effects import Effect
from broker.domain.approvals.patterns import Match, pattern
from broker.domain.approvals.rules import Rule, match
from broker.domain.approvals.tool_kinds import tool_names
from broker.domain.hooks.definitions import Hook, OncePer, Scope, Selector, select_files
from broker.domain.hooks.events import BLOCKING, HookEvent
from broker.domain.hooks.happenings import Happening

MAX_CHAIN = 3
"""Hooks that may set each other off one after the other."""

_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a selector looks at besides the happening."""

    kind: str
    """The agent's program."""
    session: str
    """Its name."""
    labels: frozenset[str] = frozenset()
    """Of the agent's machine, its name among them."""


@dataclass(frozen=True, slots=True)
class Matched:
    """A hook that is set off, and the files it is about."""

    hook: Hook
    files: tuple[str, ...]


class HookIndex:
    """The enabled hooks of a workspace by event, and by what their selectors name outright."""

    def __init__(self, hooks: Iterable[Hook]) -> None:
        self._named: dict[tuple[HookEvent, Scope, str], list[tuple[int, Hook]]] = defaultdict(list)
        self._by_id: dict[str, Hook] = {}
        self._wild: dict[HookEvent, list[tuple[int, Hook]]] = defaultdict(list)
        for place, hook in enumerate(hooks):
            if not hook.enabled:
                continue
            selector = hook.selector
            if selector.scope is Scope.ANY or _WILD.search(selector.pattern):
                self._wild[hook.event].append((place, hook))
            else:
                self._named[hook.event, selector.scope, selector.pattern].append((place, hook))
            self._by_id[hook.id] = hook
        self.decides = any(hook.decides for hook in self._by_id.values())
        """Whether there are hooks that answer what waits for people."""
        self.events = frozenset({*self._wild, *(event for event, _, _ in self._named)}) - BLOCKING
        """What is looked for in logs; what agents wait for happens before it could be there."""

    def hook(self, hook_id: str) -> Hook | None:
        """The enabled hook of that id."""
        return self._by_id.get(hook_id)

    def match(self, happening: Happening, about: About, *, files: tuple[str, ...]) -> Iterator[Matched]:
        """The hooks that a happening sets off, in the order of their file. `files` stand from the agent's folder."""
        for hook in self.select(happening.event, name=happening.name, about=about):
            if not _holds(hook, happening):
                continue
            chosen = select_files(hook.when, files)
            if hook.when.glob and not chosen:
                continue
            yield Matched(hook, chosen)

    def select(self, event: HookEvent, *, name: str, about: About) -> list[Hook]:
        """The hooks whose selectors mean an agent of that name, whatever their conditions are."""
        found = [*self._wild.get(event, ())]
        for scope, names in _names(name, about):
            for each in names:
                found += self._named.get((event, scope, each), ())
        return [hook for _, hook in sorted(found, key=lambda each: each[0]) if _selects(hook.selector, name, about)]


def run_key(hook: Hook, happening: Happening, *, place: int = 0) -> str:
    """What makes two settings-off of a hook one run: the event, or the turn or the session where it says so.

    `place`: of several happenings of one event.
    """
    match hook.when.once_per:
        case OncePer.SESSION:
            return "session"
        case OncePer.TURN if happening.turn:
            return f"turn:{happening.turn}"
        case _:
            return f"{happening.at}#{place}" if place else str(happening.at)


def loops(hook: Hook, causes: Iterable[str]) -> str:
    """Why a hook is not set off once more by what hooks have caused; '' when it may be."""
    chain = tuple(causes)
    if hook.id in chain:
        return f"it was caused by itself: {' > '.join(chain)}"
    return f"{MAX_CHAIN} hooks have set each other off: {' > '.join(chain)}" if len(chain) >= MAX_CHAIN else ""


def _names(name: str, about: About) -> Iterator[tuple[Scope, Iterable[str]]]:
    yield Scope.KIND, (about.kind,)
    yield Scope.AGENT, (name,)
    yield Scope.SESSION, (about.session,)
    yield Scope.MACHINE, about.labels


def _selects(selector: Selector, name: str, about: About) -> bool:
    match selector.scope:
        case Scope.ANY:
            return True
        case Scope.KIND:
            return _fits(selector.pattern, about.kind)
        case Scope.AGENT:
            return _fits(selector.pattern, name)
        case Scope.SESSION:
            return _fits(selector.pattern, about.session)
        case Scope.MACHINE:
            return any(_fits(selector.pattern, label) for label in about.labels)


def _holds(hook: Hook, happening: Happening) -> bool:
    when = hook.when
    if when.exit_code and happening.exit_code not in when.exit_code:
        return False
    if when.tool and not any(_fits(each.lower(), name) for each in when.tool for name in tool_names(happening.tool)):
        return False
    if when.command is not None and not _runs(when.command, happening):
        return False
    if when.agent is not None and not _fits(when.agent, happening.name):
        return False
    if when.sender is not None and not _fits(when.sender, happening.values.get("from", "")):
        return False
    said = [happening.values.get(name, "") for name in ("text", "last_message", "question", "reason")]
    return when.text is None or any(text and _fits(when.text, text) for text in said)


def _runs(wanted: str, happening: Happening) -> bool:
    """Whether a command line is meant: before it runs, whatever of it may be."""
    use = happening.use
    if use is None:
        return _fits(wanted, happening.values.get("command", ""))
    return match(Rule(effect=Effect.DENY, command=wanted), use) is not Match.NO


def _fits(wanted: str, text: str) -> bool:
    return pattern(wanted).match(text.replace("\0", "")) is Match.MUST
