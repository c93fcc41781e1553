"""A workspace's hooks for the people who write them: saving, showing, pausing, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.errors import BadRequest, NotFound
from broker.domain.hooks.definitions import Hook, secrets_of
from broker.domain.hooks.runs import HookRunId
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.plans import BUILT_IN, Feature, PlanTable
from broker.domain.timings import TIMINGS
from broker.protocol.hooks_yaml import Problem, read_hooks
from broker.services.permissions import requires
from broker.services.ports import DeliveryRecords, HookRecords, HookRun, SavedHooks, SecretRecords

MAX_RUNS = TIMINGS.hook_runs
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksShown:
    """What was saved, and what it says."""

    saved: SavedHooks
    hooks: tuple[Hook, ...]
    stopped: dict[str, str]
    """Hooks whose deliveries were stopped, and why."""


class Hooks:
    """Use cases around definitions."""

    def __init__(
        self,
        records: HookRecords,
        deliveries: DeliveryRecords,
        secrets: SecretRecords,
        *,
        plans: PlanTable = BUILT_IN,
    ) -> None:
        self._records = records
        self._deliveries = deliveries
        self._secrets = secrets
        self._plans = plans

    @requires(Permission.READ_WORKSPACE)
    async def show(self, principal: Principal) -> HooksShown:
        """The hooks that hold. Raises `NotPermitted`."""
        saved = await self._records.saved(principal.workspace)
        stopped = await self._deliveries.stopped(principal.workspace)
        return HooksShown(saved=saved, hooks=read_hooks(saved.text).hooks, stopped=stopped)

    @requires(Permission.ADMINISTER)
    async def apply(self, principal: Principal, text: str, *, version: int | None = None) -> HooksShown:
        """Replace them all, from the next event on. `version`: of those that the caller has seen.

        Raises `NotPermitted`, `BadRequest` (INVALID_HOOKS, with every problem and its place), `Conflict`,
        `PlanLimitReached`.
        """
        self._plans.require_feature(principal.plan, Feature.HOOKS)
        read = read_hooks(text)
        if read.problems:
            raise invalid(read.problems)
        await self._require_secrets(principal, read.hooks)
        await self._records.save(principal.workspace, text, by=principal.name, version=version)
        return HooksShown(saved=await self._records.saved(principal.workspace), hooks=read.hooks, stopped={})

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
        await self._records.save(principal.workspace, "", by=principal.name, version=None)

    @requires(Permission.ADMINISTER)
    async def pause(self, principal: Principal, *, paused: bool) -> HooksShown:
        """Let none begin, or let them go on; what happens meanwhile sets nothing off. Raises `NotPermitted`."""
        await self._records.pause(principal.workspace, paused=paused)
        return await self.show(principal)

    @requires(Permission.READ_WORKSPACE)
    async def history(self, principal: Principal, *, limit: int = 100) -> list[HookRun]:
        """The latest runs, the newest first. Raises `NotPermitted`."""
        runs = await self._records.runs(principal.workspace, limit=MAX_RUNS)
        seen = [run for run in runs if principal.session in {None, run.session}]
        return seen[:limit]

    @requires(Permission.READ_WORKSPACE)
    async def dead_letters(self, principal: Principal, *, limit: int = 100) -> list[HookRun]:
        """Runs that could not be delivered, the newest first. Raises `NotPermitted`."""
        runs = await self._deliveries.dead(principal.workspace, limit=TIMINGS.dead_letters)
        return [run for run in runs if principal.session in {None, run.session}][:limit]

    @requires(Permission.ADMINISTER)
    async def resend(self, principal: Principal, run: HookRunId) -> None:
        """Deliver one anew that was given up, with the id it had. Raises `NotPermitted`, `NotFound` (RUN_NOT_FOUND)."""
        if not await self._deliveries.resend(principal.workspace, run, by=principal.name):
            raise NotFound(
                "there is no such run that was given up: `relaycast hooks dead-letters` lists them",
                code="RUN_NOT_FOUND",
            )


def invalid(problems: tuple[Problem, ...]) -> BadRequest:
    """The refusal of a text with problems."""
    shown = "; ".join(map(str, problems[:_SHOWN_PROBLEMS]))
    more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
    return BadRequest(
        shown + more,
        code="INVALID_HOOKS",
        details={"problems": [{"line": p.line, "column": p.column, "message": p.message} for p in problems]},
    )
