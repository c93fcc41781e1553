"""A workspace's hooks for the people who write them: saving, showing, pausing, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.errors import BadRequest
from broker.domain.hooks.definitions import Hook
from broker.domain.people.access import Permission, Principal
from broker.domain.timings import TIMINGS
from broker.protocol.hooks_yaml import Problem, read_hooks
from broker.services.permissions import requires
from broker.services.ports import HookRecords, HookRun, SavedHooks

MAX_RUNS = TIMINGS.hook_runs
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksShown:
    """What was saved, and what it says."""

    saved: SavedHooks
    hooks: tuple[Hook, ...]


class Hooks:
    """Use cases around definitions."""

    def __init__(self, records: HookRecords) -> None:
        self._records = records

    @requires(Permission.READ_WORKSPACE)
    async def show(self, principal: Principal) -> HooksShown:
        """The hooks that hold. Raises `NotPermitted`."""
        saved = await self._records.saved(principal.workspace)
        return HooksShown(saved=saved, hooks=read_hooks(saved.text).hooks)

    @requires(Permission.ADMINISTER)
    async def apply(self, principal: Principal, text: str, *, version: int | None = None) -> HooksShown:
        """Replace them all, from the next event on. `version`: of those that the caller has seen.

        Raises `NotPermitted`, `BadRequest` (INVALID_HOOKS, with every problem and its place), `Conflict`.
        """
        read = read_hooks(text)
        if read.problems:
            raise invalid(read.problems)
        await self._records.save(principal.workspace, text, by=principal.name, version=version)
        return HooksShown(saved=await self._records.saved(principal.workspace), hooks=read.hooks)

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


def invalid(problems: tuple[Problem, ...]) -> BadRequest:
    """The refusal of a text with problems."""
    shown = "; ".join(map(str, problems[:_SHOWN_PROBLEMS]))
    more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
    return BadRequest(
        shown + more,
        code="INVALID_HOOKS",
        details={"problems": [{"line": p.line, "column": p.column, "message": p.message} for p in problems]},
    )
