"""Hooks as people write them: a YAML file of selectors, events and actions.

Everything that is wrong is said at once, each thing with its line and column; a file with errors is not taken at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain.hooks.answers import HookSays
from broker.domain.hooks.blocking import DEFAULT_TIMEOUT_S, blocking_problem
from broker.domain.hooks.definitions import DEFAULT_PER_MINUTE, Hook, OncePer, Scope, Selector, When, hook_id, misplaced
from broker.domain.hooks.events import BLOCKING, HookEvent, hook_event, unknown_event
from broker.protocol.hooks_yaml.actions import ACTIONS, ONE_ACTION, ActionReader
from broker.protocol.hooks_yaml.fields import Fields, Problem, as_list, problem_at
from broker.protocol.yaml_document import Path, YamlProblem, read_document

MAX_HOOKS = 2000
"""In one workspace."""
MAX_DECIDING = 100
"""Of these: each that waits for people keeps whom it has asked."""

_COMMON = ("id", "when", "debounce", "timeout", "max_per_minute", "enabled", "cwd", "env")
_ANSWERING = ("on_error", "modifies", "may_allow")
_DECIDES = "decides"
_ON_ERROR = (HookSays.DENY, HookSays.ASK, HookSays.ALLOW)
_WHEN = ("glob", "exit_code", "tool", "command", "agent", "text", "from", "once_per")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SELECTOR = re.compile(r"(agent|session|machine):(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksFile:
    """What a text says: its hooks in their order, or what is wrong with it."""

    hooks: tuple[Hook, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_hooks(text: str) -> HooksFile:
    """Read a file of hooks. Its hooks count only when there is no problem."""
    try:
        document = read_document(text)
    except YamlProblem as problem:
        return HooksFile(problems=(problem_at(problem.position, str(problem)),))
    fields = Fields(document)
    hooks = tuple(_Reader(fields).read(document.value))
    return HooksFile(hooks=() if fields.problems else hooks, problems=tuple(sorted(fields.problems)))


@dataclass(slots=True)
class _Reader:
    fields: Fields
    ids: dict[str, Path] = field(default_factory=dict)
    deciding: int = 0
    """Hooks so far that decide."""

    def read(self, root: Any) -> Iterator[Hook]:
        if not isinstance(root, Mapping) or not isinstance(root.get("hooks"), Mapping):
            self.fields.say(
                (), 'a hooks file begins with `hooks:`, and below it whose hooks they are: `codex:`, `"*":`'
            )
            return
        self.fields.only(root, ("hooks",), ())
        for name, events in root["hooks"].items():
            path: Path = ("hooks", name)
            selector = self.selector(name, path)
            if not isinstance(events, Mapping):
                self.fields.say(path, "here belong events, such as `on_turn_complete:`")
                continue
            for key, actions in events.items():
                event = self.event(key, (*path, key))
                if selector and event:
                    yield from self.hooks(selector, event, actions, (*path, key))

    def hooks(self, selector: Selector, event: HookEvent, actions: Any, path: Path) -> Iterator[Hook]:
        each_of = actions if isinstance(actions, list) else [actions]
        for number, given in enumerate(each_of):
            where = (*path, number) if isinstance(actions, list) else path
            hook = self.hook(selector, event, {"command": given} if isinstance(given, str) else given, where)
            if hook is None:
                continue
            if hook.id in self.ids:
                again = "give one of them an `id`" if "id" not in (given or {}) else "ids are unique"
                self.fields.say(where, f"the hook {hook.id!r} is there twice: {again}")
            self.ids[hook.id] = where
            if len(self.ids) > MAX_HOOKS:
                self.fields.say(where, f"more than {MAX_HOOKS} hooks")
                return
            yield hook

    def hook(self, selector: Selector, event: HookEvent, given: Any, path: Path) -> Hook | None:
        if not isinstance(given, Mapping):
            self.fields.say(path, f"a hook is a command, or a mapping with {ONE_ACTION}")
            return None
        self.fields.only(given, (*ACTIONS, *_COMMON, *_ANSWERING, _DECIDES), path)
        before = len(self.fields.problems)
        action = ActionReader(self.fields, default_timeout_s=DEFAULT_TIMEOUT_S.get(event)).read(given, path)
        when = self.when(given.get("when") or {}, (*path, "when"))
        named = given.get("id")
        if named is not None and not (isinstance(named, str) and _ID.fullmatch(named)):
            self.fields.say((*path, "id"), "an id has letters, digits, `.`, `_` and `-`, 64 at most")
        debounce_s = self.fields.debounce(given, path)
        limit = self.fields.number(given, "max_per_minute", path, default=DEFAULT_PER_MINUTE, most=600)
        enabled = self.fields.flag(given, "enabled", path, default=True)
        answering = self.answering(event, given, path)
        if len(self.fields.problems) > before or action is None:
            return None
        hook = Hook(
            id=named or hook_id(selector, event, given),
            event=event,
            selector=selector,
            action=action,
            when=when,
            max_per_minute=limit,
            debounce_s=debounce_s,
            enabled=enabled,
            **answering,
        )
        if problem := misplaced(hook) or blocking_problem(hook):
            self.fields.say(path, problem)
            return None
        return hook

    def answering(self, event: HookEvent, given: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """What a definition says of its answer; such members mean nothing for a hook that gives none."""
        decides = self.decides(event, given, path)
        names = [name for name in _ANSWERING if name in given and not (decides and name != "modifies")]
        if names and event not in BLOCKING:
            others = ", and on_approval_needed with `decides: true`" if names[0] != "modifies" else ""
            why = f"{names[0]!r} is for hooks that answer: {', '.join(sorted(BLOCKING))}{others}"
            self.fields.say_of_key((*path, names[0]), why)
        on_error = given.get("on_error")
        if on_error is not None and on_error not in _ON_ERROR:
            self.fields.say((*path, "on_error"), f"one of {', '.join(_ON_ERROR)}")
            on_error = None
        return {
            "on_error": HookSays(on_error) if on_error else None,
            "modifies": self.fields.flag(given, "modifies", path, default=False),
            "may_allow": self.fields.flag(given, "may_allow", path, default=False),
            "decides": decides,
        }

    def decides(self, event: HookEvent, given: Mapping[str, Any], path: Path) -> bool:
        """Whether a hook about a request that waits for people answers it."""
        if _DECIDES not in given:
            return False
        if event is not HookEvent.APPROVAL_NEEDED:
            why = f"{_DECIDES!r} is for on_approval_needed; to answer before people are asked, write before_tool"
            self.fields.say_of_key((*path, _DECIDES), why)
        decides = self.fields.flag(given, _DECIDES, path, default=False)
        self.deciding += decides
        if self.deciding > MAX_DECIDING:
            self.fields.say_of_key((*path, _DECIDES), f"{MAX_DECIDING} hooks that decide are the most")
        return decides

    def when(self, given: Any, path: Path) -> When:
        if not isinstance(given, Mapping):
            self.fields.say(path, 'conditions are a mapping, such as `when: {glob: ["**/*.ts"]}`')
            return When()
        self.fields.only(given, _WHEN, path)
        codes = as_list(given.get("exit_code"))
        if not all(isinstance(code, int) and not isinstance(code, bool) for code in codes):
            self.fields.say((*path, "exit_code"), "a number, or a list of numbers")
            codes = []
        once = given.get("once_per")
        if once is not None and once not in list(OncePer):
            self.fields.say((*path, "once_per"), f"one of {', '.join(OncePer)}")
            once = None
        return When(
            glob=self.fields.texts(given, "glob", path),
            exit_code=tuple(codes),
            tool=self.fields.texts(given, "tool", path),
            command=self.fields.text(given, "command", path),
            agent=self.fields.text(given, "agent", path),
            text=self.fields.text(given, "text", path),
            sender=self.fields.text(given, "from", path),
            once_per=OncePer(once) if once else None,
        )

    def selector(self, name: str, path: Path) -> Selector | None:
        if name == "*":
            return Selector(Scope.ANY)
        if found := _SELECTOR.fullmatch(name):
            return Selector(Scope(found[1]), found[2])
        if ":" in name or not name:
            self.fields.say_of_key(
                path, f'{name!r} selects nothing: write a kind of agent, "*", agent:, session: or machine:'
            )
            return None
        return Selector(Scope.KIND, name)

    def event(self, key: str, path: Path) -> HookEvent | None:
        event = hook_event(key)
        if event is None:
            self.fields.say_of_key(path, unknown_event(key))
        return event
