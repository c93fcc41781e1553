"""The audit trail: who did what is there once, whoever did it and whatever dies meanwhile, and it can be verified."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from broker.adapters.checkpoint_file import CheckpointFile
from broker.adapters.signing import Ed25519Signing
from broker.app import Adapters, build_adapters, build_services
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rules import Rule
from broker.domain.audit.acts import Act
from broker.domain.audit.chain import Checkpoint, Verification, read_checkpoint
from broker.domain.audit.records import AuditFilter, AuditRecord
from broker.domain.errors import NotPermitted, PlanLimitReached, RelayError
from broker.domain.ids import MemberId, TokenId, WorkspaceId
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.acting import Origin, came_from
from broker.services.audit.sealing import AuditSealer
from broker.services.container import Services
from broker.services.workflows.starting import RunRequest
from broker.settings import Settings
from tests.fixtures.desk import Desk, a_person
from tests.fixtures.gateway import A_WORKFLOW, SECRET_KEY

_ACTS = 120
SIGNING = Ed25519Signing((SECRET_KEY,))


@pytest.fixture
async def services(adapters: Adapters, workspace: WorkspaceId) -> Services:
    await adapters.workspaces.create(workspace, name="acme", plan=Plan.TEAM)
    return build_services(Settings(), adapters)


@pytest.fixture
def key(workspace: WorkspaceId) -> Principal:
    return a_person(workspace)


async def recorded(
    services: Services, key: Principal, *, act: str | None = None, by: str | None = None
) -> list[AuditRecord]:
    """The oldest first."""
    return list((await services.audit.page(key, AuditFilter(act=act, by=by))).records)[::-1]


async def problems(
    services: Services, key: Principal, checkpoints: tuple[Checkpoint, ...] = ()
) -> tuple[list[str], Verification]:
    """What is wrong with the trail of a workspace, read as the command does."""
    verification, after = None, 0
    while True:
        chain = await services.audit.chain(key, after=after, limit=50)
        verification = verification or Verification(key.workspace, chain.head, checkpoints)
        verification.feed(chain.entries)
        if not chain.entries:
            return verification.finish(), verification
        after = chain.entries[-1].number


def checkpoints_in(file: Path) -> tuple[Checkpoint, ...]:
    found = (read_checkpoint(line) for line in file.read_text().splitlines())
    return tuple(each for each in found if each)


async def test_a_record_says_who_what_on_what_before_after_and_from_where(
    adapters: Adapters, services: Services, key: Principal
) -> None:
    came_from(Origin(address="192.0.2.7", request="req-1", refusals=adapters.audit))
    ada = await services.members.add(key, name="Ada", role=MemberRole.ADMIN)
    admin = a_person(
        key.workspace, kind=TokenKind.MEMBER, token_id=TokenId("t1"), member=ada.id, role=MemberRole.ADMIN, name="Ada"
    )
    bob = await services.members.add(admin, name="Bob", role=MemberRole.VIEWER)
    await services.members.set_role(admin, bob.id, MemberRole.MEMBER)
    [last] = await recorded(services, key, act=Act.MEMBER_ROLE_CHANGED)
    assert (last.on, last.before, last.after) == (f"member {bob.id}", "viewer", "member")
    assert (last.by.kind, last.by.token, last.by.member) == ("member", "t1", ada.id)
    assert (last.by.address, last.by.request) == ("192.0.2.7", "req-1")
    by_ada = await recorded(services, key, by=ada.id)
    assert [(each.act, each.on) for each in by_ada] == [
        (Act.MEMBER_ADDED, f"member {bob.id}"),
        (Act.MEMBER_ROLE_CHANGED, f"member {bob.id}"),
    ]
    assert "Bob" not in str(await services.audit.chain(key)), "a name may have to be forgotten"


async def test_what_changes_nothing_is_not_recorded(services: Services, key: Principal) -> None:
    ada = await services.members.add(key, name="Ada", role=MemberRole.ADMIN)
    rule = Rule(effect=Effect.ALLOW, command="git status*")
    for _ in range(2):
        await services.members.set_role(key, ada.id, MemberRole.MEMBER)
        await services.rules.add(key, rule)
        await services.retention.set(key, 30)
        await services.redaction.set_rules(key, [("ours", "acme-[0-9]{8}")])
        await services.workspaces.rename(key, name="Acme", slug=None)
    counted = Counter(record.act for record in await recorded(services, key))
    for act in (
        Act.MEMBER_ROLE_CHANGED,
        Act.RULE_ADDED,
        Act.RETENTION_CHANGED,
        Act.REDACTION_CHANGED,
        Act.WORKSPACE_RENAMED,
    ):
        assert counted[act] == 1, act


async def test_a_refusal_for_lack_of_permission_is_recorded_with_who_was_refused(
    adapters: Adapters, services: Services, key: Principal
) -> None:
    came_from(Origin(address="192.0.2.7", request="req-2", refusals=adapters.audit))
    viewer = a_person(
        key.workspace,
        kind=TokenKind.MEMBER,
        token_id=TokenId("t2"),
        member=MemberId("vera"),
        role=MemberRole.VIEWER,
        name="Vera",
    )
    with pytest.raises(NotPermitted):
        await services.audit.page(viewer, AuditFilter())
    with pytest.raises(NotPermitted):
        await services.retention.set(viewer, 3)
    refused = await recorded(services, key, act=Act.REFUSED)
    assert [(each.on, each.by.member) for each in refused] == [
        ("audit.trail.page", "vera"),
        ("logs.retention.set", "vera"),
    ]
    assert "may not administer" in (refused[0].after or "")


async def test_an_act_outside_of_scripts_says_that_it_begins_and_what_it_came_to(
    services: Services, key: Principal
) -> None:
    await services.retention.delete_log(key)
    assert [each.after for each in await recorded(services, key, act=Act.LOGS_DELETED)] == ["begun", "done"]
    with pytest.raises(RelayError):
        await services.transfer.contents(key, None)  # there is no log store
    assert [each.after for each in await recorded(services, key, act=Act.EXPORTED)] == ["begun", "failed"]


async def test_pages_go_on_from_each_other_and_end(services: Services, key: Principal) -> None:
    for n in range(5):
        await services.members.add(key, name=f"Person {n}", role=MemberRole.VIEWER)
    seen, before = [], None
    while True:
        page = await services.audit.page(key, AuditFilter(act="member."), before=before, limit=2)
        seen += [record.number for record in page.records]
        before = page.next
        if before is None:
            break
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)


async def test_a_trail_is_sealed_and_a_checkpoint_is_written_for_what_is_new(
    adapters: Adapters, services: Services, key: Principal, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoints"
    sealer = AuditSealer(adapters.audit, [CheckpointFile(file)], SIGNING)
    for name in ("Ada", "Bob"):
        await services.members.add(key, name=name, role=MemberRole.VIEWER)
        for _ in range(2):
            await sealer.tend(key.workspace)
    written = checkpoints_in(file)
    assert len(written) == 2
    found, verification = await problems(services, key, written)
    assert (found, verification.compared) == ([], 2)


async def test_whoever_writes_to_the_store_is_found_out(
    adapters: Adapters, services: Services, key: Principal, tmp_path: Path
) -> None:
    for n in range(6):
        await services.members.add(key, name=f"Person {n}", role=MemberRole.VIEWER)
    file = tmp_path / "checkpoints"
    await AuditSealer(adapters.audit, [CheckpointFile(file)], SIGNING).tend(key.workspace)
    stream = f"rc:{{{key.workspace}}}:audit"
    entries = (await services.audit.chain(key)).entries
    pipe = adapters.redis.pipeline(transaction=False)
    pipe.xdel(stream, f"{entries[3].number}-0")
    await pipe.execute()
    assert (await problems(services, key))[0]

    pipe = adapters.redis.pipeline(transaction=False)
    pipe.delete(stream, f"{stream}:seals", f"{stream}:state")
    await pipe.execute()
    await services.members.add(key, name="Somebody else", role=MemberRole.OWNER)
    assert (await problems(services, key))[0] == []
    assert (await problems(services, key, checkpoints_in(file)))[0], "all of it was written anew"


async def test_what_is_spawned_and_what_is_done_to_runs_of_workflows_is_recorded(
    services: Services, desk: Desk
) -> None:
    person = desk.person()
    agent = await desk.spawn("Worker")
    run = await services.workflows.start(person, RunRequest(text=A_WORKFLOW, session=desk.session.id, values={}))
    await services.workflows.cancel(person, run.id)
    told = {record.act: record for record in await recorded(services, person)}
    assert (told["agent.spawned"].on, (told["agent.spawned"].after or "").split(",")[0]) == (
        f"agent {agent.id}",
        "Worker",
    )
    assert told["workflow.started"].on == told["workflow.steered"].on == f"run {run.id}"
    assert (told["workflow.steered"].after, told["workflow.steered"].by.token) == ("cancel", person.token_id)


async def test_random_acts_of_several_callers_over_two_gateways_of_which_one_is_killed_are_there_once_each(
    adapters: Adapters, services: Services, key: Principal, redis_url: str
) -> None:
    """What was answered is there once; what was under way when it was killed, as the store says."""
    other_adapters = build_adapters(redis_url)
    there = build_services(Settings(), other_adapters)
    chance, added, answered = random.Random(7), [], set()
    removed: set[str] = set()

    async def act(at: Services, caller: Principal, n: int) -> None:
        name = f"{caller.token_id} {n}"
        added.append(name)
        member = await at.members.add(caller, name=name, role=chance.choice(list(MemberRole)[1:]))
        answered.add(name)
        if chance.random() < 0.5:
            await at.members.remove(caller, member.id)
            removed.add(member.id)

    async def caller_at(at: Services, which: int) -> None:
        caller = a_person(key.workspace, token_id=TokenId(f"caller-{which}"))
        for n in range(_ACTS // 6):
            await act(at, caller, n)

    here = [asyncio.create_task(caller_at(services, n)) for n in range(3)]
    doomed = [asyncio.create_task(caller_at(there, n)) for n in range(3, 6)]
    async with asyncio.timeout(60):
        while len(answered) < _ACTS // 3:
            await asyncio.sleep(0)
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        await other_adapters.redis.aclose()
        await asyncio.gather(*here)

    trail: list[AuditRecord] = []
    before: int | None = None
    while True:
        page = await services.audit.page(key, AuditFilter(), before=before)
        trail += page.records
        before = page.next
        if before is None:
            break
    by_act = {act: Counter(r.on for r in trail if r.act == act) for act in (Act.MEMBER_ADDED, Act.MEMBER_REMOVED)}
    assert all(count == 1 for counted in by_act.values() for count in counted.values())
    present = {f"member {member.id}" for member in (await services.members.page(key)).found}
    assert set(by_act[Act.MEMBER_ADDED]) - set(by_act[Act.MEMBER_REMOVED]) == present, "the store and the trail agree"
    assert {f"member {each}" for each in removed} <= set(by_act[Act.MEMBER_REMOVED])
    assert len(answered) <= len(by_act[Act.MEMBER_ADDED]) <= len(added)
    await AuditSealer(adapters.audit, [], SIGNING).tend(key.workspace)
    assert (await problems(services, key))[0] == []


async def test_a_plan_without_an_audit_log_shows_none_and_the_records_are_there_under_one_that_has_it(
    services: Services, key: Principal
) -> None:
    await services.groups.create(key, "ops")
    for plan in (Plan.FREE, Plan.PRO):
        with pytest.raises(PlanLimitReached, match="has no audit log"):
            await recorded(services, replace(key, plan=plan))
        with pytest.raises(PlanLimitReached):
            await services.audit.chain(replace(key, plan=plan))
    assert [each.act for each in await recorded(services, key)] == ["workspace.created", "group.created"]
