"""Runs of workflows that hooks start: with the rights of who has applied the hooks, as they are now, and once.

The workflow's run has the id of the hook's run, and a session of its own, which says by what hooks it was caused: what
happens in it sets none of these off again, whichever agent or workflow it happens to there.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.domain.errors import NotPermitted
from broker.domain.hooks.definitions import Hook, WorkflowAction
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.runs import HookRunId
from broker.domain.hooks.templates import fill_text
from broker.domain.ids import WorkflowRunId
from broker.domain.people.access import Permission
from broker.services.agents.sessions import Sessions
from broker.services.hooks.scene import Scene, values_of
from broker.services.people.access import Access
from broker.services.ports import HookRecords, WorkflowStarter

_LONGEST_NAME = 48


class HookStarts:
    """Starts them."""

    def __init__(self, records: HookRecords, *, access: Access, sessions: Sessions, workflows: WorkflowStarter) -> None:
        self._records = records
        self._access = access
        self._sessions = sessions
        self._workflows = workflows

    async def start(
        self,
        scene: Scene,
        hook: Hook,
        action: WorkflowAction,
        happening: Happening,
        *,
        run: HookRunId,
        files: Sequence[str],
        causes: Sequence[str],
    ) -> str:
        """Start one, however often this is asked for; what that was, in words. Raises what the start does."""
        author = (await self._records.load(scene.workspace)).author
        if author is None:
            raise NotPermitted("nobody knows who has applied these hooks: apply them anew")
        principal = await self._access.present(author)
        principal.require(Permission.ADMINISTER)
        session = await self._sessions.get_or_make(principal, f"{hook.id[:_LONGEST_NAME]}-{run[:8]}")
        await self._records.mark_caused(scene.workspace, session.id, (*causes, hook.id))
        values = values_of(scene, happening, files)
        await self._workflows.start_given(
            principal,
            text=action.text,
            workflow=action.workflow,
            texts={name: fill_text(template, values) for name, template in action.vars},
            machine=action.machine or (scene.proxy.id if scene.proxy else None),
            folder=None if action.machine else scene.cwd,
            session=session.id,
            run=WorkflowRunId(run),
        )
        return f"started the workflow's run {run} in session {session.name}"
