"""Hooks as people write them: a YAML file of selectors, events and actions.

Everything that is wrong is said at once, each thing with its line and column; a file with errors is not taken at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from broker.domain.hooks.definitions import (
    DEFAULT_PER_MINUTE,
    DEFAULT_TIMEOUT_S,
    DESKTOP_COMMAND,
    MAX_TIMEOUT_S,
    Action,
    CommandAction,
    Hook,
    NotifyAction,
    OncePer,
    RelayAction,
    RelayMode,
    Scope,
    Selector,
    WebhookAction,
    When,
    hook_id,
)
from broker.domain.hooks.events import BLOCKING, HookEvent, hook_event, unknown_event
from broker.domain.hooks.notices import DESKTOP, is_topic
from broker.domain.hooks.templates import OF_MACHINES, BadTemplate, Template, Variable, parse_text
from broker.domain.outbound.urls import url_problem
from broker.domain.secrets.references import referred
from broker.protocol.yaml_document import Document, Path, Position, YamlProblem, read_document

MAX_HOOKS = 2000
"""In one workspace."""

MAX_DEBOUNCE_S = 600.0
_ACTIONS = ("command", "relay", "webhook", "notify")
_COMMON = ("id", "when", "debounce", "timeout", "max_per_minute", "enabled", "cwd", "env")
_WHEN = ("glob", "exit_code", "tool", "agent", "text", "once_per")
_RELAY = ("to", "text", "mode")
_WEBHOOK = ("url", "secret")
_NOTIFY = ("to", "ntfy", "text", "priority")
_HOW_TO_NOTIFY = "`notify: desktop`, `notify: secret:NAME` (a service's URL), or `notify: {ntfy: my-topic}`"
_ONE_ACTION = "`command:`, `relay:`, `webhook:` or `notify:`"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SELECTOR = re.compile(r"(agent|session|machine):(.+)")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something that is wrong in a file, both numbers from 1."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


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
        return HooksFile(problems=(_problem(problem.position, str(problem)),))
    reader = _Reader(document)
    hooks = tuple(reader.read())
    return HooksFile(hooks=() if reader.problems else hooks, problems=tuple(sorted(reader.problems)))


def duration_s(value: object) -> float:
    """Seconds of `5s`, `500ms`, `2m`; a bare number is refused, as vendors mean different units by one."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError(f"{value!r} is no time: write a number with its unit, as in 5s, 500ms or 2m")
    return float(found[1]) * _UNITS_S[found[2]]


@dataclass(slots=True)
class _Reader:
    document: Document
    problems: list[Problem] = field(default_factory=list)
    ids: dict[str, Path] = field(default_factory=dict)

    def read(self) -> Iterator[Hook]:
        root = self.document.value
        if not isinstance(root, Mapping) or not isinstance(root.get("hooks"), Mapping):
            self.say((), 'a hooks file begins with `hooks:`, and below it whose hooks they are: `codex:`, `"*":`')
            return
        self.only(root, ("hooks",), ())
        for name, events in root["hooks"].items():
            path: Path = ("hooks", name)
            selector = self.selector(name, path)
            if not isinstance(events, Mapping):
                self.say(path, "here belong events, such as `on_turn_complete:`")
                continue
            for key, actions in events.items():
                event = self.event(key, (*path, key))
                if selector and event:
                    yield from self.hooks(selector, event, actions, (*path, key))

    def hooks(self, selector: Selector, event: HookEvent, actions: Any, path: Path) -> Iterator[Hook]:
        listed = actions if isinstance(actions, list) else [actions]
        for number, given in enumerate(listed):
            where = (*path, number) if isinstance(actions, list) else path
            hook = self.hook(selector, event, {"command": given} if isinstance(given, str) else given, where)
            if hook is None:
                continue
            if hook.id in self.ids:
                again = "give one of them an `id`" if "id" not in (given or {}) else "ids are unique"
                self.say(where, f"the hook {hook.id!r} is there twice: {again}")
            self.ids[hook.id] = where
            if len(self.ids) > MAX_HOOKS:
                self.say(where, f"more than {MAX_HOOKS} hooks")
                return
            yield hook

    def hook(self, selector: Selector, event: HookEvent, given: Any, path: Path) -> Hook | None:
        if not isinstance(given, Mapping):
            self.say(path, f"a hook is a command, or a mapping with {_ONE_ACTION}")
            return None
        self.only(given, (*_ACTIONS, *_COMMON), path)
        before = len(self.problems)
        action = self.action(given, path)
        when = self.when(given.get("when") or {}, (*path, "when"))
        named = given.get("id")
        if named is not None and not (isinstance(named, str) and _ID.fullmatch(named)):
            self.say((*path, "id"), "an id has letters, digits, `.`, `_` and `-`, 64 at most")
        debounce_s = self.debounce(given, path)
        limit = self.number(given, "max_per_minute", path, default=DEFAULT_PER_MINUTE, most=600)
        enabled = given.get("enabled", True)
        if not isinstance(enabled, bool):
            self.say((*path, "enabled"), "true or false")
        if len(self.problems) > before or action is None:
            return None
        return Hook(
            id=named or hook_id(selector, event, given),
            event=event,
            selector=selector,
            action=action,
            when=when,
            max_per_minute=limit,
            debounce_s=debounce_s,
            enabled=bool(enabled),
        )

    def action(self, given: Mapping[str, Any], path: Path) -> Action | None:
        named = [name for name in _ACTIONS if name in given]
        if len(named) != 1:
            self.say(path, f"a hook does exactly one thing: {_ONE_ACTION}")
            return None
        if named[0] == "command":
            return self.command(given, path)
        self.not_with(given, ("timeout", "cwd", "env"), named[0], path)
        readers: dict[str, Callable[[Any, Path], Action | None]] = {
            "relay": self.relay,
            "webhook": self.webhook,
            "notify": self.notify,
        }
        return readers[named[0]](given[named[0]], (*path, named[0]))

    def command(self, given: Mapping[str, Any], path: Path) -> CommandAction | None:
        command = given["command"]
        where = (*path, "command") if (*path, "command") in self.document.values else path
        if isinstance(command, list) and all(isinstance(word, str) for word in command):
            command = tuple(command)
        elif not isinstance(command, str):
            self.say(where, "a command is a line, or a list of words")
            return None
        env = given.get("env") or []
        if not isinstance(env, list) or not all(isinstance(name, str) and _ENV_NAME.fullmatch(name) for name in env):
            self.say((*path, "env"), "a list of names of environment variables")
            env = []
        cwd = given.get("cwd")
        if cwd is not None and (not isinstance(cwd, str) or cwd.startswith("/") or ".." in cwd.split("/")):
            self.say((*path, "cwd"), "a folder inside the agent's, without `..`")
        action = CommandAction(command=command, cwd=cwd, env=tuple(env), timeout_s=self.timeout(given, path))
        try:
            _ = action.words
        except BadTemplate as bad:
            self.say(where, str(bad))
            return None
        return action

    def relay(self, given: Any, path: Path) -> RelayAction | None:
        if isinstance(given, str) and given:
            return RelayAction(to=given)
        if not isinstance(given, Mapping) or not isinstance(given.get("to"), str) or not given["to"]:
            self.say(path, "a relay names whom it is for: `relay: Lead`, or `relay: {to: Lead, text: …}`")
            return None
        self.only(given, _RELAY, path)
        mode = given.get("mode", RelayMode.WAIT)
        if mode not in set(RelayMode):
            self.say((*path, "mode"), f"one of {', '.join(RelayMode)}")
            return None
        before = len(self.problems)
        template = self.template(given.get("text"), (*path, "text"))
        if len(self.problems) > before:
            return None
        return RelayAction(to=given["to"], text=template, mode=RelayMode(mode))

    def template(self, text: Any, path: Path) -> Template | None:
        """A text of the broker's own, with variables that it knows."""
        if text is None:
            return None
        try:
            template = parse_text(str(text))
        except BadTemplate as bad:
            self.say(path, str(bad))
            return None
        if any(isinstance(part, Variable) and part.name in OF_MACHINES for part in template):
            self.say(path, "only a command knows ${project}: it runs on the agent's machine")
        return template

    def webhook(self, given: Any, path: Path) -> WebhookAction | None:
        if not isinstance(given, Mapping) or "url" not in given or "secret" not in given:
            self.say(path, "a webhook names where and what signs: `webhook: {url: https://…, secret: secret:NAME}`")
            return None
        self.only(given, _WEBHOOK, path)
        url, named = given["url"], self.secret(given["secret"], (*path, "secret"))
        if not isinstance(url, str):
            self.say((*path, "url"), "a URL that begins with https://")
            return None
        problem = "" if referred(url) else _not_a_reference(url) or url_problem(url)
        if problem:
            self.say((*path, "url"), problem)
        return WebhookAction(url=url, secret=named) if named and not problem else None

    def notify(self, given: Any, path: Path) -> CommandAction | NotifyAction | None:
        if given in (DESKTOP, {"to": DESKTOP}):
            return CommandAction(command=DESKTOP_COMMAND)
        if isinstance(given, str):
            given = {"to": given}
        if not isinstance(given, Mapping) or ("to" in given) is ("ntfy" in given):
            self.say(path, f"a notification names whom it reaches: {_HOW_TO_NOTIFY}")
            return None
        self.only(given, _NOTIFY, path)
        before = len(self.problems)
        topic = given.get("ntfy", "")
        if "ntfy" in given and not (isinstance(topic, str) and is_topic(topic)):
            self.say((*path, "ntfy"), "a topic has letters, digits, `_` and `-`, 64 at most")
        if "priority" in given and "to" in given:
            self.say_of_key((*path, "priority"), "a priority is of a topic at ntfy: write it into the secret's URL")
        to = (
            self.secret(given["to"], (*path, "to") if (*path, "to") in self.document.values else path)
            if "to" in given
            else ""
        )
        priority = self.number(given, "priority", path, default=3, most=5)
        text = self.template(given.get("text"), (*path, "text"))
        if len(self.problems) > before:
            return None
        return NotifyAction(to=to or "", topic=topic, text=text, priority=priority)

    def secret(self, given: Any, path: Path) -> str | None:
        """The name that a reference has."""
        name = referred(given) if isinstance(given, str) else None
        if name is None:
            hint = "`relaycast secrets set NAME --generate` makes one, and here it is `secret:NAME`"
            self.say(path, f"no value stands in a hooks file: {hint}")
        return name

    def when(self, given: Any, path: Path) -> When:
        if not isinstance(given, Mapping):
            self.say(path, 'conditions are a mapping, such as `when: {glob: ["**/*.ts"]}`')
            return When()
        self.only(given, _WHEN, path)
        codes = _listed(given.get("exit_code"))
        if not all(isinstance(code, int) and not isinstance(code, bool) for code in codes):
            self.say((*path, "exit_code"), "a number, or a list of numbers")
            codes = []
        once = given.get("once_per")
        if once is not None and once not in set(OncePer):
            self.say((*path, "once_per"), f"one of {', '.join(OncePer)}")
            once = None
        return When(
            glob=self.texts(given, "glob", path),
            exit_code=tuple(codes),
            tool=self.texts(given, "tool", path),
            agent=self.text(given, "agent", path),
            text=self.text(given, "text", path),
            once_per=OncePer(once) if once else None,
        )

    def selector(self, name: str, path: Path) -> Selector | None:
        if name == "*":
            return Selector(Scope.ANY)
        if found := _SELECTOR.fullmatch(name):
            return Selector(Scope(found[1]), found[2])
        if ":" in name or not name:
            self.say_of_key(path, f'{name!r} selects nothing: write a kind of agent, "*", agent:, session: or machine:')
            return None
        return Selector(Scope.KIND, name)

    def event(self, key: str, path: Path) -> HookEvent | None:
        event = hook_event(key)
        if event is None:
            self.say_of_key(path, unknown_event(key))
        elif event in BLOCKING:
            self.say_of_key(path, f"{event} is not available yet: hooks cannot hold an agent up")
            return None
        return event

    def timeout(self, given: Mapping[str, Any], path: Path) -> float:
        if "timeout" not in given:
            return DEFAULT_TIMEOUT_S
        try:
            seconds = duration_s(given["timeout"])
        except ValueError as bad:
            self.say((*path, "timeout"), str(bad))
            return DEFAULT_TIMEOUT_S
        if not 0 < seconds <= MAX_TIMEOUT_S:
            self.say((*path, "timeout"), f"more than nothing, and {MAX_TIMEOUT_S / 60:.0f} minutes at most")
        return seconds

    def debounce(self, given: Mapping[str, Any], path: Path) -> float:
        if "debounce" not in given:
            return 0
        where = (*path, "debounce")
        try:
            seconds = duration_s(given["debounce"])
        except ValueError as bad:
            self.say(where, str(bad))
            return 0
        if not 0 < seconds <= MAX_DEBOUNCE_S:
            self.say(where, f"more than nothing, and {MAX_DEBOUNCE_S / 60:.0f} minutes at most")
        return seconds

    def number(self, given: Mapping[str, Any], name: str, path: Path, *, default: int, most: int) -> int:
        value = given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            self.say((*path, name), f"a number from 1 to {most}")
            return default
        return value

    def texts(self, given: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...]:
        found = _listed(given.get(name))
        if not all(isinstance(each, str) and each for each in found):
            self.say((*path, name), "a pattern, or a list of patterns")
            return ()
        return tuple(found)

    def text(self, given: Mapping[str, Any], name: str, path: Path) -> str | None:
        value = given.get(name)
        if value is not None and not isinstance(value, str):
            self.say((*path, name), 'a pattern, such as "Worker-*"')
            return None
        return value

    def only(self, given: Mapping[str, Any], known: tuple[str, ...], path: Path) -> None:
        for name in given:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
                self.say_of_key((*path, name), f"{name!r} is not known here{hint}")

    def not_with(self, given: Mapping[str, Any], names: tuple[str, ...], action: str, path: Path) -> None:
        for name in names:
            if name in given:
                self.say_of_key((*path, name), f"{name!r} means nothing with `{action}`")

    def say(self, path: Path, message: str) -> None:
        self.problems.append(_problem(self.document.position(path), message))

    def say_of_key(self, path: Path, message: str) -> None:
        self.problems.append(_problem(self.document.key_position(path), message))


def _not_a_reference(url: str) -> str:
    scheme = url.partition(":")[0]
    return f"`{scheme}:` reads nothing here: write https://… or secret:NAME" if scheme in {"env", "secret"} else ""


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _problem(position: Position, message: str) -> Problem:
    return Problem(position.line, position.column, message)
