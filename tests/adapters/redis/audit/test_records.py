"""Audit records in Redis: what scripts say, that each is there once, and what is let go of."""

import re
from importlib.resources import files

import pytest

from broker.adapters.redis.audit.records import RedisAuditRecords
from broker.app import Adapters
from broker.domain.audit.acts import LONGEST_FACT_BYTES, Act
from broker.domain.audit.chain import seals_of
from broker.domain.audit.records import read_record
from broker.domain.ids import WorkspaceId
from broker.domain.plans.plans import Plan
from broker.domain.timings import TIMINGS

_NAMED = re.compile(r"'([a-z_]+\.[a-z_]+)'")
_OUTSIDE = {
    Act.MACHINE_CODE_MADE,
    Act.MACHINE_CODE_REVOKED,
    Act.MEMBER_LINK_MADE,
    Act.EXPORTED,
    Act.IMPORTED,
    Act.LOGS_DELETED,
    Act.REFUSED,
}
"""That no script names: they are given to `note_act`."""


@pytest.fixture
def records(adapters: Adapters) -> RedisAuditRecords:
    return adapters.audit


@pytest.fixture
async def known(adapters: Adapters, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace whose making is its first record."""
    await adapters.workspaces.create(workspace, name="acme", plan=Plan.TEAM)
    return workspace


def acts_in_scripts() -> set[str]:
    """What the scripts that use the library name in a line that records."""
    folder = files("broker.adapters.redis") / "lua"
    texts = [file.read_text() for feature in folder.iterdir() if feature.is_dir() for file in feature.iterdir()]
    lines = [line for text in texts for line in text.splitlines() if "record_act(" in line]
    return {name for line in lines for name in _NAMED.findall(line)}


def test_scripts_name_the_acts_that_the_domain_knows_and_no_others() -> None:
    assert acts_in_scripts() == {act.value for act in Act if act not in _OUTSIDE}


async def test_records_are_numbered_from_one_in_the_order_of_the_acts(
    records: RedisAuditRecords, known: WorkspaceId
) -> None:
    for n in range(3):
        await records.note(known, Act.EXPORTED, on=f"session {n}", after="begun")
    entries = await records.after(known, 0, limit=10)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert [read_record(entry).on for entry in entries][-3:] == ["session 0", "session 1", "session 2"]
    assert [entry.number for entry in await records.before(known, None, limit=2)] == [len(entries), len(entries) - 1]
    assert await records.before(known, 1, limit=2) == []
    assert (await records.head(known)).number == len(entries)


async def test_what_was_there_is_cut_to_a_bound_between_two_characters(
    records: RedisAuditRecords, known: WorkspaceId
) -> None:
    await records.note(known, Act.EXPORTED, on="workspace", after="é" * LONGEST_FACT_BYTES)
    [entry] = await records.before(known, None, limit=1)
    assert read_record(entry).after == "é" * (LONGEST_FACT_BYTES // 2)


async def test_seals_follow_those_that_are_kept_and_no_others(records: RedisAuditRecords, known: WorkspaceId) -> None:
    await records.note(known, Act.EXPORTED, on="workspace")
    head = await records.head(known)
    seals = seals_of(head.seal, [entry.record for entry in await records.after(known, 0, limit=10)])
    assert not await records.seal(known, first=2, seals=seals)
    assert not await records.seal(known, first=1, seals=[*seals, "more"])
    assert await records.seal(known, first=1, seals=seals)
    assert not await records.seal(known, first=1, seals=seals)
    assert [entry.seal for entry in await records.after(known, 0, limit=10)] == seals
    assert (await records.head(known)).seal == seals[-1]


async def test_the_oldest_that_are_sealed_are_let_go_of_and_the_chain_goes_on_from_there(
    adapters: Adapters, records: RedisAuditRecords, known: WorkspaceId
) -> None:
    for n in range(9):
        await records.note(known, Act.EXPORTED, on=f"session {n}")
    entries = await records.after(known, 0, limit=100)
    seals = seals_of((await records.head(known)).seal, [entry.record for entry in entries])
    assert TIMINGS.audit_records > len(entries)
    await records._scripts.run("seal_audit", known, first=1, kept=4, seals=seals)  # with another bound
    head, kept = await records.head(known), await records.after(known, 0, limit=100)
    assert kept == [
        type(e)(number=e.number, record=e.record, seal=s) for e, s in list(zip(entries, seals, strict=True))[-4:]
    ]
    assert (head.first, head.base) == (entries[-4].number, seals[-5])


async def test_a_refusal_is_recorded_once_in_a_while_for_each_operation(
    records: RedisAuditRecords, known: WorkspaceId
) -> None:
    for operation in ("people.members.add", "people.members.add", "people.members.remove"):
        await records.record_refusal(known, operation=operation, why="a viewer may not administer")
    said = [read_record(entry) for entry in await records.after(known, 0, limit=10)]
    refused = [record.on for record in said if record.act == Act.REFUSED]
    assert refused == ["people.members.add", "people.members.remove"]


async def test_a_workspace_that_is_gone_has_no_trail_any_more(
    records: RedisAuditRecords, workspace: WorkspaceId
) -> None:
    await records.note(workspace, Act.EXPORTED, on="workspace")
    assert (await records.head(workspace)).number == 0
