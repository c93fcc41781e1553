"""What a hook does, as a hooks file has it: exactly one of those in `ACTIONS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from broker.domain.hooks.definitions import (
    DEFAULT_TIMEOUT_S,
    DESKTOP_COMMAND,
    Action,
    CommandAction,
    NotifyAction,
    RelayAction,
    RelayMode,
    WebhookAction,
    WorkflowAction,
)
from broker.domain.hooks.notices import DESKTOP, is_topic
from broker.domain.hooks.templates import OF_MACHINES, BadTemplate, Template, Variable, parse_text
from broker.domain.outbound.urls import url_problem
from broker.domain.secrets.references import find_reference
from broker.protocol.hooks_yaml.fields import Fields
from broker.protocol.yaml_document import Path

ACTIONS = ("command", "relay", "webhook", "notify", "start_workflow")
ONE_ACTION = "`command:`, `relay:`, `webhook:`, `notify:` or `start_workflow:`"
_RELAY = ("to", "text", "mode")
_WEBHOOK = ("url", "secret")
_NOTIFY = ("to", "ntfy", "text", "priority")
_START = ("text", "workflow", "vars", "machine")
_HOW_TO_START = "`start_workflow: {text: |- …, vars: {…}}`, with the whole relay.yaml in `text`"
_HOW_TO_NOTIFY = "`notify: desktop`, `notify: secret:NAME` (a service's URL), or `notify: {ntfy: my-topic}`"
_HOW_TO_CALL = "`webhook: {url: https://…, secret: secret:NAME}`"
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ActionReader:
    """Reads actions; what is wrong is said to `fields`."""

    def __init__(self, fields: Fields, *, default_timeout_s: float | None = None) -> None:
        """`default_timeout_s`: of a command that says none; None: what commands get."""
        self._fields = fields
        self._default_timeout_s = default_timeout_s or DEFAULT_TIMEOUT_S

    def read(self, given: Mapping[str, Any], path: Path) -> Action | None:
        """The action of one hook; None where it has none that can be taken."""
        named = [name for name in ACTIONS if name in given]
        if len(named) != 1:
            self._fields.say(path, f"a hook does exactly one thing: {ONE_ACTION}")
            return None
        if named[0] == "command":
            return self._command(given, path)
        self._fields.not_with(given, ("timeout", "cwd", "env"), named[0], path)
        readers: dict[str, Callable[[Any, Path], Action | None]] = {
            "relay": self._relay,
            "webhook": self._webhook,
            "notify": self._notify,
            "start_workflow": self._start,
        }
        return readers[named[0]](given[named[0]], (*path, named[0]))

    def _command(self, given: Mapping[str, Any], path: Path) -> CommandAction | None:
        command = given["command"]
        where = (*path, "command") if (*path, "command") in self._fields.document.values else path
        if isinstance(command, list) and all(isinstance(word, str) for word in command):
            command = tuple(command)
        elif not isinstance(command, str):
            self._fields.say(where, "a command is a line, or a list of words")
            return None
        env = given.get("env") or []
        if not isinstance(env, list) or not all(isinstance(name, str) and _ENV_NAME.fullmatch(name) for name in env):
            self._fields.say((*path, "env"), "a list of names of environment variables")
            env = []
        cwd = given.get("cwd")
        if cwd is not None and (not isinstance(cwd, str) or cwd.startswith("/") or ".." in cwd.split("/")):
            self._fields.say((*path, "cwd"), "a folder inside the agent's, without `..`")
        action = CommandAction(
            command=command,
            cwd=cwd,
            env=tuple(env),
            timeout_s=self._fields.timeout(given, path, default_s=self._default_timeout_s),
        )
        try:
            _ = action.words
        except BadTemplate as bad:
            self._fields.say(where, str(bad))
            return None
        return action

    def _relay(self, given: Any, path: Path) -> RelayAction | None:
        if isinstance(given, str) and given:
            return RelayAction(to=given)
        if not isinstance(given, Mapping) or not isinstance(given.get("to"), str) or not given["to"]:
            self._fields.say(path, "a relay names whom it is for: `relay: Lead`, or `relay: {to: Lead, text: …}`")
            return None
        self._fields.only(given, _RELAY, path)
        mode = given.get("mode", RelayMode.WAIT)
        if mode not in list(RelayMode):
            self._fields.say((*path, "mode"), f"one of {', '.join(RelayMode)}")
            return None
        before = len(self._fields.problems)
        template = self._template(given.get("text"), (*path, "text"))
        if len(self._fields.problems) > before:
            return None
        return RelayAction(to=given["to"], text=template, mode=RelayMode(mode))

    def _template(self, text: Any, path: Path) -> Template | None:
        """A text of the broker's own, with variables that it knows."""
        if text is None:
            return None
        try:
            template = parse_text(str(text))
        except BadTemplate as bad:
            self._fields.say(path, str(bad))
            return None
        if any(isinstance(part, Variable) and part.name in OF_MACHINES for part in template):
            self._fields.say(path, "only a command knows ${project}: it runs on the agent's machine")
        return template

    def _start(self, given: Any, path: Path) -> WorkflowAction | None:
        if not isinstance(given, Mapping) or not isinstance(given.get("text"), str):
            self._fields.say(path, f"a workflow is written out where it is started: {_HOW_TO_START}")
            return None
        self._fields.only(given, _START, path)
        before = len(self._fields.problems)
        names = {name: self._fields.text(given, name, path) for name in ("workflow", "machine")}
        self._check_workflow(given["text"], names["workflow"], (*path, "text"))
        variables = given.get("vars") or {}
        if not isinstance(variables, Mapping):
            self._fields.say((*path, "vars"), "values by the names of the workflow's variables")
            variables = {}
        filled = [
            (str(name), self._template(_written(each), (*path, "vars", name))) for name, each in variables.items()
        ]
        if len(self._fields.problems) > before:
            return None
        found = tuple((name, template) for name, template in filled if template is not None)
        return WorkflowAction(text=given["text"], vars=found, **names)

    def _check_workflow(self, text: str, name: str | None, path: Path) -> None:
        """What is wrong with a workflow's file is said where it begins, with the place in it."""
        from broker.protocol.relay_yaml.reader import read_workflow_file  # noqa: PLC0415 - slow to load, and of few files

        reading = read_workflow_file(text)
        for problem in reading.errors:
            at = f"line {problem.position.line}, column {problem.position.column} of the workflow"
            self._fields.say(path, f"{at}: {problem.message}")
        if reading.file is not None and not reading.errors and reading.file.workflow(name) is None:
            there = ", ".join(each.name for each in reading.file.workflows) or "none"
            self._fields.say(path, f"it has no workflow {name!r}; it has {there}")

    def _webhook(self, given: Any, path: Path) -> WebhookAction | None:
        if not isinstance(given, Mapping) or "url" not in given or "secret" not in given:
            self._fields.say(path, f"a webhook names where and what signs: {_HOW_TO_CALL}")
            return None
        self._fields.only(given, _WEBHOOK, path)
        url, named = given["url"], self._fields.secret(given["secret"], (*path, "secret"))
        if not isinstance(url, str):
            self._fields.say((*path, "url"), "a URL that begins with https://")
            return None
        problem = "" if find_reference(url) else _not_a_reference(url) or url_problem(url)
        if problem:
            self._fields.say((*path, "url"), problem)
        return WebhookAction(url=url, secret=named) if named and not problem else None

    def _notify(self, given: Any, path: Path) -> CommandAction | NotifyAction | None:
        if given in (DESKTOP, {"to": DESKTOP}):
            return CommandAction(command=DESKTOP_COMMAND)
        if isinstance(given, str):
            given = {"to": given}
        if not isinstance(given, Mapping) or ("to" in given) is ("ntfy" in given):
            self._fields.say(path, f"a notification names whom it reaches: {_HOW_TO_NOTIFY}")
            return None
        self._fields.only(given, _NOTIFY, path)
        before = len(self._fields.problems)
        topic = given.get("ntfy", "")
        if "ntfy" in given and not (isinstance(topic, str) and is_topic(topic)):
            self._fields.say((*path, "ntfy"), "a topic has letters, digits, `_` and `-`, 64 at most")
        if "priority" in given and "to" in given:
            self._fields.say_of_key(
                (*path, "priority"), "a priority is of a topic at ntfy: write it into the secret's URL"
            )
        to = (
            self._fields.secret(given["to"], (*path, "to") if (*path, "to") in self._fields.document.values else path)
            if "to" in given
            else ""
        )
        priority = self._fields.number(given, "priority", path, default=3, most=5)
        text = self._template(given.get("text"), (*path, "text"))
        if len(self._fields.problems) > before:
            return None
        return NotifyAction(to=to or "", topic=topic, text=text, priority=priority)


def _written(value: Any) -> str:
    """A scalar as a workflow's values are typed."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else "" if value is None else str(value)


def _not_a_reference(url: str) -> str:
    scheme = url.partition(":")[0]
    return f"`{scheme}:` reads nothing here: write https://… or secret:NAME" if scheme in {"env", "secret"} else ""
