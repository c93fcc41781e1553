"""A workspace's hooks for the people who write them: saving, showing, pausing, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.errors import BadRequest, NotFound
from broker.domain.hooks.blocking import note_on
from broker.domain.hooks.definitions import Hook, WorkflowAction, secrets_of
from broker.domain.hooks.events import BLOCKING
from broker.domain.hooks.runs import HookRunId
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.plans import BUILT_IN, Feature, PlanTable
from broker.domain.timings import TIMINGS
from broker.protocol.hooks_yaml.fields import Problem
from broker.protocol.hooks_yaml.reader import HooksFile, read_hooks
from broker.services.permissions import requires
from broker.services.ports import DeliveryRecords, HookRecords, HookRun, Registry, SavedHooks, SecretRecords
from broker.services.time_bound import TakesTooLong, within

MAX_RUNS = TIMINGS.hook_runs
_SHOWN_PROBLEMS = 20
_READ_S = 1.0
"""Of the processor; all hooks that a workspace may have take a tenth of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksShown:
    """What was saved, and what it says."""

    saved: SavedHooks
    hooks: tuple[Hook, ...]
    stopped: dict[str, str]
    """Hooks whose deliveries were stopped, and why."""
    notes: tuple[str, ...] = ()
    """What people should know of those that agents wait for."""


class Hooks:
    """Use cases around definitions."""

    def __init__(
        self,
        records: HookRecords,
        deliveries: DeliveryRecords,
        secrets: SecretRecords,
        registry: Registry,
        *,
        plans: PlanTable = BUILT_IN,
    ) -> None:
        self._records = records
        self._deliveries = deliveries
        self._secrets = secrets
        self._registry = registry
        self._plans = plans

    @requires(Permission.READ_WORKSPACE)
    async def show(self, principal: Principal) -> HooksShown:
        """The hooks that hold. Raises `NotPermitted`."""
        saved = await self._records.load(principal.workspace)
        stopped = await self._deliveries.list_stopped(principal.workspace)
        hooks = read_hooks(saved.text).hooks
        return HooksShown(saved=saved, hooks=hooks, stopped=stopped, notes=await self._notes(principal, hooks))

    @requires(Permission.ADMINISTER)
    async def apply(self, principal: Principal, text: str, *, version: int | None = None) -> HooksShown:
        """Replace them all, from the next event on. `version`: of those that the caller has seen.

        Raises `NotPermitted`, `BadRequest` (INVALID_HOOKS, with every problem and its place), `Conflict`,
        `PlanLimitReached`.
        """
        self._plans.require_feature(principal.plan, Feature.HOOKS)
        read = read_anew(text)
        await self._require_secrets(principal, read.hooks)
        if any(isinstance(hook.action, WorkflowAction) for hook in read.hooks):
            self._plans.require_feature(principal.plan, Feature.WORKFLOWS)
            principal.require(Permission.SPAWN)
        guards = [hook for hook in read.hooks if hook.enabled and hook.event in BLOCKING]
        await self._records.save(principal.workspace, text, guards=guards, by=principal, version=version)
        return await self.show(principal)

    @requires(Permission.ADMINISTER)
    async def check(self, principal: Principal, text: str) -> HooksFile:
        """What a text says, or what is wrong with it; nothing is saved. Raises `NotPermitted`, `BadRequest`."""
        return _read(text)

    async def _notes(self, principal: Principal, hooks: tuple[Hook, ...]) -> tuple[str, ...]:
        waited_for = [hook for hook in hooks if hook.enabled and hook.event in BLOCKING]
        if not waited_for:
            return ()
        old = [each.name for each in await self._registry.unguarded_proxies(principal.workspace)]
        too_old = (f"agents on {name} are not held up: its relay-connect is too old for that" for name in old)
        return (*filter(None, map(note_on, waited_for)), *too_old)

    async def _require_secrets(self, principal: Principal, hooks: tuple[Hook, ...]) -> None:
        needed = {name: hook.id for hook in hooks for name in secrets_of(hook.action)}
        known = {each.name for each in await self._secrets.all(principal.workspace)} if needed else set()
        missing = [f"the hook {needed[name]!r} needs the secret {name!r}" for name in sorted(needed.keys() - known)]
        if missing:
            how = "make it with `relaycast secrets set NAME`"
            raise BadRequest(f"{'; '.join(missing)}, which is not there: {how}", code="SECRET_NOT_FOUND")

    @requires(Permission.ADMINISTER)
    async def clear(self, principal: Principal) -> None:
        """Remove them all. Raises `NotPermitted`."""
        await self._records.save(principal.workspace, "", guards=(), by=principal, version=None)

    @requires(Permission.ADMINISTER)
    async def pause(self, principal: Principal, *, paused: bool) -> HooksShown:
        """Let none begin, or let them go on; what happens meanwhile sets nothing off. Raises `NotPermitted`."""
        await self._records.pause(principal.workspace, paused=paused)
        return await self.show(principal)

    @requires(Permission.READ_WORKSPACE)
    async def history(self, principal: Principal, *, limit: int = 100) -> list[HookRun]:
        """The latest runs, the newest first. Raises `NotPermitted`."""
        runs = await self._records.runs(principal.workspace, limit=MAX_RUNS)
        seen = [run for run in runs if principal.sees(run.session)]
        return seen[:limit]

    @requires(Permission.READ_WORKSPACE)
    async def dead_letters(self, principal: Principal, *, limit: int = 100) -> list[HookRun]:
        """Runs that could not be delivered, the newest first. Raises `NotPermitted`."""
        runs = await self._deliveries.dead(principal.workspace, limit=TIMINGS.dead_letters)
        return [run for run in runs if principal.sees(run.session)][:limit]

    @requires(Permission.ADMINISTER)
    async def resend(self, principal: Principal, run: HookRunId) -> None:
        """Deliver one anew that was given up, with the id it had. Raises `NotPermitted`, `NotFound` (RUN_NOT_FOUND)."""
        if not await self._deliveries.resend(principal.workspace, run, by=principal.name):
            raise NotFound(
                "there is no such run that was given up: `relaycast hooks dead-letters` lists them",
                code="RUN_NOT_FOUND",
            )


def read_anew(text: str, *, read_s: float = _READ_S) -> HooksFile:
    """Hooks that somebody has just given. Raises `BadRequest` (INVALID_HOOKS)."""
    read = _read(text, read_s=read_s)
    if read.problems:
        raise invalid(read.problems)
    return read


def _read(text: str, *, read_s: float = _READ_S) -> HooksFile:
    try:
        return within(read_s, lambda: read_hooks(text))
    except TakesTooLong:
        raise BadRequest(f"reading the file takes more than {read_s:g} s", code="INVALID_HOOKS") from None


def invalid(problems: tuple[Problem, ...]) -> BadRequest:
    """The refusal of a text with problems."""
    shown = "; ".join(map(str, problems[:_SHOWN_PROBLEMS]))
    more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
    return BadRequest(
        shown + more,
        code="INVALID_HOOKS",
        details={"problems": show_problems(problems)},
    )


def show_problems(problems: tuple[Problem, ...]) -> list[dict[str, object]]:
    """Problems with their places, as answers have them."""
    return [{"line": each.line, "column": each.column, "message": each.message} for each in problems]
