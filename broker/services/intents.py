"""Acts that no one script carries out: the audit trail says that they begin, and what they came to."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from broker.domain.audit.acts import Act
from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.services.ports import AuditRecords


@asynccontextmanager
async def write_down(records: AuditRecords, workspace: WorkspaceId, act: Act, *, on: str) -> AsyncIterator[None]:
    """Record an act as begun, then as done or failed. One that says neither was cut short by the end of a process."""
    await records.note(workspace, act, on=on, after="begun")
    try:
        yield
    except BaseException:
        with contextlib.suppress(Unavailable):  # what it failed of may be that
            await records.note(workspace, act, on=on, after="failed")
        raise
    await records.note(workspace, act, on=on, after="done")
