"""The worker that looks after retention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.services.logs.retention import RetentionKeeper
from broker.services.ports import Timers
from broker.workers.endurance import Patience
from broker.workers.retention import RetentionWorker

WORKSPACES = [WorkspaceId(name) for name in ("a", "failing", "z")]


class Listed:
    """The one thing that is asked of `Timers`."""

    async def workspaces(self) -> Sequence[WorkspaceId]:
        return WORKSPACES


class Keeper:
    def __init__(self, error: Exception) -> None:
        self.tended: list[str] = []
        self._error = error

    async def tend(self, workspace: WorkspaceId) -> None:
        self.tended.append(workspace)
        if workspace == "failing":
            raise self._error


@pytest.mark.parametrize("error", [Unavailable("too much"), ValueError("unforeseen")])
async def test_a_workspace_that_fails_holds_up_no_other_and_is_left_alone_for_a_while(error: Exception) -> None:
    keeper = Keeper(error)
    worker = RetentionWorker(cast(Timers, Listed()), cast(RetentionKeeper, keeper))
    await worker.tend_all()
    assert keeper.tended == ["a", "failing", "z"]
    await worker.tend_all()
    assert keeper.tended[3:] == ["a", "z"]


def test_pauses_grow_up_to_a_bound_and_end_with_a_success() -> None:
    now = 0.0
    patience: Patience[str] = Patience(longest_s=4.0, clock=lambda: now)
    pauses = []
    for _ in range(4):
        patience.note("a", failed=True)
        began = now
        while not patience.is_over("a"):
            now += 0.5
        pauses.append(now - began)
    assert pauses == [1.0, 2.0, 4.0, 4.0]
    assert patience.is_over("b")
    patience.note("a", failed=True)
    patience.note("a", failed=False)
    assert patience.is_over("a")
