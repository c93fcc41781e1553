"""Which workspaces are looked at next."""

import asyncio

import pytest

from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from broker.workers import agenda as module
from broker.workers.agenda import Agenda

A, B, C = (WorkspaceId(each) for each in "abc")


async def looked_at(agenda: Agenda, *, failing: WorkspaceId | None = None, count: int) -> list[WorkspaceId]:
    """Work until as many looks were taken; the first at `failing` fails, and the work is taken up again."""
    seen: list[WorkspaceId] = []
    enough = asyncio.Event()

    async def look(workspace: WorkspaceId) -> float | None:
        seen.append(workspace)
        if len(seen) == count:
            enough.set()
        if workspace == failing and seen.count(workspace) == 1:
            raise Unavailable("the store is away")
        return None

    async def work() -> None:
        while True:
            try:
                await agenda.work(look)
            except Unavailable:
                continue

    working = asyncio.create_task(work())
    try:
        async with asyncio.timeout(10):
            await enough.wait()
    finally:
        working.cancel()
    return seen


async def test_what_is_put_on_it_more_than_once_is_looked_at_once_and_in_order() -> None:
    agenda = Agenda()
    for workspace in (A, B, A):
        agenda.put(workspace)
    agenda.put(C, 0.05)
    agenda.put(C, 600)
    assert await looked_at(agenda, count=3) == [A, B, C]


async def test_who_is_put_on_it_meanwhile_does_not_wait_for_the_next() -> None:
    agenda = Agenda()
    agenda.put(A, 600)
    asyncio.get_running_loop().call_later(0.02, agenda.put, B)
    assert await looked_at(agenda, count=1) == [B]


async def test_one_that_fails_and_those_behind_it_are_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    agenda = Agenda()
    for workspace in (A, B, C):
        agenda.put(workspace)
    seen = await looked_at(agenda, failing=B, count=4)
    assert (seen[:2], sorted(seen[2:])) == ([A, B], [B, C])
