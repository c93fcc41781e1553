"""The HTTP API of hooks: what holds, replacing it, pausing it, and what became of runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.hooks.definitions import (
    Action,
    CommandAction,
    Hook,
    NotifyAction,
    RelayAction,
    WebhookAction,
    WorkflowAction,
)
from broker.domain.hooks.runs import HookRunId
from broker.domain.people.access import Principal
from broker.gateway.serving.answers import Answer, Body, guard, integer, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.services.container import Services
from broker.services.hooks.definitions import MAX_RUNS, HooksShown, show_problems
from broker.services.hooks.outgoing import show_target

_MAX_TEXT = 1_000_000


class _Text(Body):
    text: str = Field(max_length=_MAX_TEXT)
    version: int | None = None
    """Of the hooks that are replaced; refused (HOOKS_CHANGED) when others hold by now."""


class _Check(Body):
    text: str = Field(max_length=_MAX_TEXT)


class _Paused(Body):
    paused: bool


class _Test(Body):
    text: str | None = Field(default=None, max_length=_MAX_TEXT)
    """Hooks to try; None: those that hold."""
    hook: str | None = None
    """Only this one."""
    days: float = Field(default=7, gt=0, le=366)


class _Fire(Body):
    hook: str
    machine: str
    """Name or id."""


class HooksApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/hooks", self.show),
            ("PUT", "/v1/hooks", self.apply),
            ("DELETE", "/v1/hooks", self.clear),
            ("POST", "/v1/hooks/check", self.check),
            ("PUT", "/v1/hooks/paused", self.pause),
            ("GET", "/v1/hooks/runs", self.runs),
            ("POST", "/v1/hooks/test", self.test),
            ("POST", "/v1/hooks/test/runs", self.fire),
            ("GET", "/v1/hooks/dead-letters", self.dead_letters),
            ("POST", "/v1/hooks/runs/{run}/resend", self.resend),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def show(self, request: Request) -> Response:
        """The hooks that hold: their text, its version, and each hook."""
        return Answer(_show(await self._s.hooks.show(await self._caller(request))))

    async def apply(self, request: Request) -> Response:
        """Replace them all."""
        principal = await self._caller(request)
        body = await read_body(request, _Text)
        return Answer(_show(await self._s.hooks.apply(principal, body.text, version=body.version)))

    async def check(self, request: Request) -> Response:
        """What is wrong in a text, with the places; nothing is saved."""
        principal = await self._caller(request)
        body = await read_body(request, _Check)
        read = await self._s.hooks.check(principal, body.text)
        return Answer({"problems": show_problems(read.problems), "hooks": [each.id for each in read.hooks]})

    async def clear(self, request: Request) -> Response:
        """Remove them all."""
        await self._s.hooks.clear(await self._caller(request))
        return Answer({})

    async def pause(self, request: Request) -> Response:
        """Let none begin, or let them go on."""
        principal = await self._caller(request)
        body = await read_body(request, _Paused)
        return Answer(_show(await self._s.hooks.pause(principal, paused=body.paused)))

    async def runs(self, request: Request) -> Response:
        """The latest runs, the newest first: `?limit=`."""
        principal = await self._caller(request)
        limit = integer(request, "limit", default=100, most=MAX_RUNS)
        return Answer({"runs": await self._s.hooks.history(principal, limit=limit)})

    async def test(self, request: Request) -> Response:
        """What hooks would have done with the log; nothing is done."""
        principal = await self._caller(request)
        body = await read_body(request, _Test)
        return Answer(await self._s.hook_trials.dry_run(principal, text=body.text, hook=body.hook, days=body.days))

    async def fire(self, request: Request) -> Response:
        """Let a hook run now, for an agent on a machine."""
        principal = await self._caller(request)
        body = await read_body(request, _Fire)
        return Answer(await self._s.hook_trials.fire(principal, body.hook, machine=body.machine))

    async def dead_letters(self, request: Request) -> Response:
        """Runs that could not be delivered, the newest first: `?limit=`."""
        principal = await self._caller(request)
        limit = integer(request, "limit", default=100, most=MAX_RUNS)
        return Answer({"runs": await self._s.hooks.dead_letters(principal, limit=limit)})

    async def resend(self, request: Request) -> Response:
        """Deliver a run anew; its receiver knows it by the id it had."""
        await self._s.hooks.resend(await self._caller(request), HookRunId(request.path_params["run"]))
        return Answer({})


def _show(shown: HooksShown) -> dict[str, object]:
    saved = shown.saved
    return {
        "text": saved.text,
        "version": saved.version,
        "by": saved.by,
        "at_ms": saved.at_ms,
        "paused": saved.paused,
        "notes": shown.notes,
        "hooks": [{**_show_hook(hook), "stopped": shown.stopped.get(hook.id)} for hook in shown.hooks],
    }


def _show_hook(hook: Hook) -> dict[str, object]:
    action = hook.action
    return {
        "id": hook.id,
        "for": str(hook.selector),
        "on": hook.event,
        "does": _show_action(action),
        "fingerprint": action.fingerprint if isinstance(action, CommandAction) else None,
        "when": {"from" if name == "sender" else name: value for name, value in asdict(hook.when).items() if value},
        "max_per_minute": hook.max_per_minute,
        "debounce_s": hook.debounce_s,
        "enabled": hook.enabled,
        **(_answering(hook) if hook.answers else {}),
    }


def _answering(hook: Hook) -> dict[str, object]:
    return {
        "on_error": hook.without_answer,
        "modifies": hook.modifies,
        "may_allow": hook.may_allow,
        "decides": hook.decides,
    }


def _show_action(action: Action) -> dict[str, object]:
    match action:
        case CommandAction():
            return {"command": action.command}
        case RelayAction():
            return {"relay": action.to}
        case WebhookAction():
            return {"webhook": action.url, "secret": action.secret}
        case NotifyAction():
            return {"notify": show_target(action)}
        case WorkflowAction():
            return {"start_workflow": action.workflow or "the first of its file"}
