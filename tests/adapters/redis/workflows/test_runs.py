"""Runs in the store: what is decided is written with what follows from it, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import pytest
from redis.asyncio import Redis

from broker.adapters.redis import keys
from broker.domain.errors import Fenced
from broker.domain.ids import ProxyId, WorkflowRunId
from broker.domain.timings import TIMINGS
from broker.domain.workflows.runs.commands import CommandId, CommandState, command_id
from broker.domain.workflows.runs.journal import AttemptEnded, Entry, Outcome, StartAttempt
from broker.protocol.proxy import CommandRan
from broker.services.ports import ClaimedRun, HandedRun, NewRun, Written
from tests.adapters.redis.workflows.test_commands import ID, an_order, linked, told
from tests.fixtures.desk import Desk, a_person

RUN = WorkflowRunId("00000000-0000-4000-8000-00000000000a")


async def claim(desk: Desk, *, lease_s: float = 60) -> list[ClaimedRun]:
    return list((await desk.adapters.workflows.claim(desk.workspace, most=10, lease_s=lease_s)).runs)


async def begun(desk: Desk, *, lease_s: float = 60, machine: str | None = None, run: WorkflowRunId = RUN) -> ClaimedRun:
    """A run that a worker looks at."""
    new = NewRun(
        id=run,
        digest="digest",
        session=desk.session.id,
        name="file",
        workflow="file",
        text="text",
        definition="definition",
        values={},
        by=a_person(desk.workspace),
        machine=machine,
        folder=None,
        told=b"{}",
    )
    await desk.adapters.workflows.begin(desk.workspace, new)
    (claimed,) = await claim(desk, lease_s=lease_s)
    return claimed


def decided(desk: Desk, *, due_at_ms: int | None = None, knows: bool = True, holder: str = "") -> Written:
    """That a step begins, with its order, and that nothing else follows."""
    start = Entry(at_ms=1, what=StartAttempt(step="build", attempt=1, effect=str(ID)))
    orders = [an_order(desk, run=RUN, knows=knows)]
    return Written(entries=[start], orders=orders, rests=True, due_at_ms=due_at_ms, holder=holder)


async def ordered(desk: Desk) -> list[CommandId]:
    return [each.command for each in await desk.adapters.commands.of(desk.workspace, [ID])]


async def test_a_claim_says_what_the_run_and_its_session_are(desk: Desk) -> None:
    claimed = await begun(desk)
    assert claimed.row == await desk.adapters.workflows.row(desk.workspace, RUN)
    assert claimed.row.entries == 1
    assert claimed.session == await desk.adapters.registry.session(desk.workspace, desk.session.id)


async def test_a_decision_is_written_with_its_order_and_the_run_let_go_of(desk: Desk) -> None:
    await linked(desk)
    claimed = await begun(desk, lease_s=0)
    assert await desk.adapters.workflows.append(desk.workspace, claimed, decided(desk), after=1)
    (command,) = await desk.commands()
    assert command.type == "run_command"
    assert [each.at_ms for each in await desk.adapters.workflows.journal(desk.workspace, RUN, after=1)] == [1]
    assert not await claim(desk)


async def test_nothing_is_ordered_where_something_was_written_meanwhile_or_another_has_the_run(desk: Desk) -> None:
    await linked(desk)
    claimed = await begun(desk, lease_s=0)
    records = desk.adapters.workflows
    assert not await records.append(desk.workspace, claimed, decided(desk), after=0)
    await claim(desk)
    with pytest.raises(Fenced):
        await records.append(desk.workspace, claimed, decided(desk), after=1)
    assert not await ordered(desk)
    assert not await desk.commands()
    assert len(await records.journal(desk.workspace, RUN)) == 1


async def test_an_order_that_is_refused_makes_its_run_due_again(desk: Desk) -> None:
    claimed = await begun(desk)
    assert await desk.adapters.workflows.append(desk.workspace, claimed, decided(desk, knows=False), after=1)
    assert await ordered(desk)
    assert [each.id for each in await claim(desk)] == [RUN]


async def test_a_run_that_is_let_go_of_until_a_time_is_due_then(desk: Desk) -> None:
    await linked(desk)
    claimed = await begun(desk)
    assert await desk.adapters.workflows.append(desk.workspace, claimed, decided(desk, due_at_ms=1), after=1)
    assert [each.id for each in await claim(desk)] == [RUN]


async def test_a_claim_says_whose_rights_the_run_has_as_they_are_now_and_which_machine_is_its(desk: Desk) -> None:
    await linked(desk)
    claimed = await begun(desk, machine=desk.link)
    assert claimed.by == await desk.adapters.tokens.present(a_person(desk.workspace))
    assert claimed.machine == await desk.adapters.registry.proxy(desk.workspace, ProxyId(desk.link))
    assert claimed.machine is not None


async def test_a_claim_tells_of_commands_that_have_ended_until_the_journal_has_their_end(desk: Desk) -> None:
    await linked(desk)
    records = desk.adapters.workflows
    assert await records.append(desk.workspace, await begun(desk), decided(desk), after=1)
    await told(desk, CommandState.STARTED)
    assert await claim(desk) == []
    await told(desk, CommandState.ENDED, exit_code=3)
    (first,) = await claim(desk, lease_s=0)
    assert list(first.ended) == await desk.adapters.commands.of(desk.workspace, [ID])
    (again,) = await claim(desk)
    assert (again.fence, list(again.ended)) == (first.fence + 1, list(first.ended)), "another worker is told as well"
    ended = AttemptEnded(step="build", attempt=1, outcome=Outcome.FAILED)
    written = Written(entries=[Entry(at_ms=2, what=ended)], done=[ID], rests=True, due_at_ms=1)
    assert await records.append(desk.workspace, again, written, after=2)
    (last,) = await claim(desk)
    assert not last.ended


async def commands_of_a_claim(desk: Desk, *, wide: int) -> int:
    """What the store does for a claim of a run of so many open commands, of which one has ended."""
    run = WorkflowRunId(f"00000000-0000-4000-8000-{wide:012}")
    claimed, ids = await begun(desk, run=run), [command_id(run, f"s{n}", 1) for n in range(wide)]
    start = Entry(at_ms=1, what=StartAttempt(step="s0", attempt=1, effect="e"))
    orders = [an_order(desk, run=run, step=f"s{n}", command=each) for n, each in enumerate(ids)]
    written = Written(entries=[start], orders=orders, rests=True, due_at_ms=None)
    assert await desk.adapters.workflows.append(desk.workspace, claimed, written, after=1)
    await desk.report(CommandRan(command=ids[0], state=CommandState.ENDED, exit_code=0))
    redis = cast(Redis, desk.adapters.redis)
    before = await redis.info("commandstats")
    (found,) = await claim(desk)
    after = await redis.info("commandstats")
    assert [each.command for each in found.ended] == ids[:1]
    calls = {name: each["calls"] - before.get(name, {"calls": 0})["calls"] for name, each in after.items()}
    return sum(count for name, count in calls.items() if name.partition("_")[2].startswith(("h", "s", "exists")))


async def test_what_a_claim_costs_does_not_grow_with_how_many_commands_are_open(desk: Desk) -> None:
    await linked(desk)
    few, many = [await commands_of_a_claim(desk, wide=wide) for wide in (10, 200)]
    assert many <= few + 10


async def test_a_claim_says_which_commands_are_kept_no_longer(desk: Desk) -> None:
    await linked(desk)
    assert await desk.adapters.workflows.append(desk.workspace, await begun(desk), decided(desk, due_at_ms=1), after=1)
    await desk.adapters.redis.delete(keys.key(desk.workspace, "command", ID))
    (claimed,) = await claim(desk)
    assert (list(claimed.ended), claimed.forgotten) == ([], {ID})


@contextlib.asynccontextmanager
async def handed_to(desk: Desk, holder: str) -> AsyncIterator[AsyncGenerator[HandedRun | None, None]]:
    """What a worker that listens is handed, once it hears."""
    handed = cast("AsyncGenerator[HandedRun | None, None]", desk.adapters.workflows.handed(holder))
    async with contextlib.aclosing(handed), asyncio.timeout(10):
        assert await anext(handed) is None
        yield handed


async def resting(desk: Desk, *, holder: str = "me") -> ClaimedRun:
    """A run whose command has been ordered, let go of by `holder`."""
    await linked(desk)
    claimed = await begun(desk, machine=desk.link)
    assert await desk.adapters.workflows.append(desk.workspace, claimed, decided(desk, holder=holder), after=1)
    await told(desk, CommandState.STARTED)
    return claimed


async def lease_ends(desk: Desk) -> None:
    await cast(Redis, desk.adapters.redis).zadd(keys.key(desk.workspace, "workflow_due"), {RUN: 1})


async def test_the_end_of_a_command_hands_its_run_to_the_worker_that_let_go_of_it_as_a_claim_would(desk: Desk) -> None:
    before = await resting(desk)
    async with handed_to(desk, "me") as handed:
        await told(desk, CommandState.ENDED, exit_code=3, output="half\n")
        found = await anext(handed)
        assert found is not None
        assert (found.workspace, found.claimed.fence) == (desk.workspace, before.fence + 1)
        assert not await claim(desk), "it is that worker's"
        await lease_ends(desk)
        (claimed,) = await claim(desk)
    assert claimed.fence == found.claimed.fence + 1
    for name in ("session", "by", "machine", "forgotten"):
        assert getattr(found.claimed, name) == getattr(claimed, name), name
    assert list(found.claimed.ended) == list(claimed.ended) == await desk.adapters.commands.of(desk.workspace, [ID])
    assert found.claimed.row == claimed.row
    with pytest.raises(Fenced):
        await desk.adapters.workflows.append(desk.workspace, found.claimed, Written(entries=[]), after=2)


async def test_a_run_whose_worker_is_gone_is_anybodys(desk: Desk) -> None:
    await resting(desk)
    await told(desk, CommandState.ENDED, exit_code=0)
    assert [each.id for each in await claim(desk)] == [RUN]


@pytest.mark.parametrize(
    ("holder", "letters"), [("", 1), ("me", TIMINGS.workflow_handed_bytes + 1)], ids=["asked for none", "much to tell"]
)
async def test_a_run_is_anybodys_that_is_not_handed_over(desk: Desk, holder: str, letters: int) -> None:
    await resting(desk, holder=holder)
    async with handed_to(desk, "me"):
        await told(desk, CommandState.ENDED, exit_code=0, output="x" * letters)
        assert [each.id for each in await claim(desk)] == [RUN]


async def test_a_run_that_is_looked_at_is_handed_to_nobody_and_is_due_again_right_after(desk: Desk) -> None:
    await resting(desk)
    await lease_ends(desk)
    (held,) = await claim(desk)
    async with handed_to(desk, "me"):
        await told(desk, CommandState.ENDED, exit_code=0)
        assert not await claim(desk)
        await desk.adapters.workflows.settle(desk.workspace, held, due_at_ms=None)
        assert [each.id for each in await claim(desk)] == [RUN]


async def test_other_workers_know_when_to_look_at_a_run_whose_worker_died_with_it(desk: Desk) -> None:
    await resting(desk)
    wakeups = cast("AsyncGenerator[tuple[str, float] | None, None]", desk.adapters.workflows.wakeups())
    async with contextlib.aclosing(wakeups), handed_to(desk, "me"):
        assert await anext(wakeups) is None
        await told(desk, CommandState.ENDED, exit_code=0)
        while (word := await anext(wakeups)) is None or word[0] != desk.workspace:
            pass
        lease_s = TIMINGS.workflow_lease_ms / 1000
        assert word[1] == 2 * lease_s
        found = await desk.adapters.workflows.claim(desk.workspace, most=10, lease_s=60)
        assert found.next_in_s is not None
        assert 0 < found.next_in_s <= lease_s
