"""Links: whose machine it is, whose token, and who still has a connection."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from broker.adapters.embedded import embedded_redis
from broker.app import Adapters, build_adapters
from broker.domain.errors import BadRequest, Fenced, NotAuthenticated, NotFound, NotPermitted, Unavailable
from broker.domain.ids import ProxyId, TokenId, WorkspaceId
from broker.domain.machines.load import MachineLoad, ToldLoad
from broker.domain.people.access import MemberRole, Principal
from broker.domain.people.members import Member
from broker.domain.people.token_families import Purpose
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.protocol.proxy import NumberedReport, Started
from broker.services.agents.sessions import Sessions
from broker.services.approvals.desk import ApprovalDesk
from broker.services.deadlines import LinkLeases
from broker.services.machines.linking import Linking
from broker.services.people.access import Access, new_token, token_hash
from broker.services.people.members import Members
from broker.services.people.short_lived_tokens import ShortLivedTokens
from broker.services.people.sign_in import SignIn
from broker.services.redaction import Redaction
from tests.fixtures.accounts import accounts_of
from tests.fixtures.desk import Desk, a_hello


def linking_of(adapters: Adapters) -> Linking:
    redaction = Redaction(adapters.redaction_rules)
    return Linking(
        adapters.links,
        adapters.registry,
        Sessions(adapters.registry, adapters.log),
        access=access_of(adapters),
        short_lived=ShortLivedTokens(adapters.token_families, adapters.sign_in_codes, accounts=accounts_of(adapters)),
        desk=ApprovalDesk(adapters.approvals, redaction),
        redaction=redaction,
    )


def access_of(adapters: Adapters) -> Access:
    return Access(adapters.tokens, adapters.registry, adapters.members, adapters.workspaces, adapters.accounts)


async def minted(adapters: Adapters, key: Principal) -> Principal:
    """The holder of a machine's own token."""
    _, token = await access_of(adapters).mint(key, kind=TokenKind.PROXY, name="machine")
    return await access_of(adapters).authenticate(token)


@pytest.fixture
async def key(adapters: Adapters, workspace: WorkspaceId) -> Principal:
    token = new_token(TokenKind.WORKSPACE)
    await access_of(adapters).adopt_workspace(token, workspace=workspace, name="w", plan=Plan.TEAM)
    key = await access_of(adapters).authenticate(token)
    await linking_of(adapters).attach(key, a_hello(machine_id="somebody's"))  # makes the session
    return key


async def test_a_machine_stays_the_same_with_a_new_token_once_the_old_one_is_revoked(
    adapters: Adapters, key: Principal
) -> None:
    linking = linking_of(adapters)
    old, new = await minted(adapters, key), await minted(adapters, key)
    before, _ = await linking.attach(old, a_hello(session="main"))
    with pytest.raises(NotPermitted, match="linked with another token"):
        await linking.attach(new, a_hello(session="main"))
    await adapters.tokens.revoke(key.workspace, old.token_id, owns=True)
    after, _ = await linking.attach(new, a_hello(session="main"))
    assert after.link == before.link
    await linking.attach(new, a_hello(session="main"))


async def test_a_token_that_an_earlier_version_gave_in_band_links_its_machine_until_it_ends(
    adapters: Adapters, key: Principal
) -> None:
    linking, access = linking_of(adapters), access_of(adapters)
    proxy = await minted(adapters, key)
    attached, _ = await linking.attach(proxy, a_hello(session="main"))
    token = new_token(TokenKind.PROXY)
    given = replace(proxy, proxy=ProxyId(attached.link))
    in_a_day = int((time.time() + 24 * 3600) * 1000)
    await adapters.tokens.add(given, sha256=token_hash(token), expires_at_ms=in_a_day, listed=False)
    again, _ = await linking.attach(await access.authenticate(token), a_hello(session="main"))
    assert again.link == attached.link
    with pytest.raises(NotPermitted, match="another machine"):
        await linking.attach(await access.authenticate(token), a_hello(session="main", machine_id="another"))
    await access.revoke(key, proxy.token_id)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(token)


async def test_a_machine_is_its_members_with_every_sign_in_and_nobody_elses(adapters: Adapters, key: Principal) -> None:
    linking = linking_of(adapters)
    people = Members(adapters.members, adapters.tokens, accounts_of(adapters))
    ada, bob = [await people.add(key, name=name, role=MemberRole.MEMBER) for name in ("Ada", "Bob")]
    first, second, other = [await exchanged(adapters, key.workspace, each) for each in (ada, ada, bob)]
    before, _ = await linking.attach(first, a_hello(session="main"))
    with pytest.raises(NotPermitted, match="of somebody else"):
        await linking.attach(other, a_hello(session="main"))
    after, _ = await linking.attach(second, a_hello(session="main"))
    assert (before.link, before.fence) < (after.link, after.fence)
    await adapters.members.end_sign_ins(key.workspace, ada.id)
    with pytest.raises(NotPermitted, match="of somebody else"):
        await linking.attach(other, a_hello(session="main"))


async def exchanged(adapters: Adapters, workspace: WorkspaceId, member: Member) -> Principal:
    """A machine of a member, with a sign-in of its own."""
    access, codes = access_of(adapters), adapters.sign_in_codes
    sign_in = SignIn(
        adapters.members,
        codes,
        tokens=adapters.tokens,
        families=adapters.token_families,
        accounts=accounts_of(adapters),
    )
    token = await sign_in.redeem((await sign_in.issue(workspace, member)).code, address="a")
    short_lived = ShortLivedTokens(adapters.token_families, codes, accounts=accounts_of(adapters))
    signed_in = await access.authenticate(token)
    return (await short_lived.exchange(signed_in, Purpose.MACHINE, machine="machine-1", name="m")).principal


async def test_a_hello_that_is_too_large_to_keep_is_refused(adapters: Adapters, key: Principal) -> None:
    with pytest.raises(BadRequest, match="hello"):
        await linking_of(adapters).attach(key, a_hello(version="x" * 70_000))


async def test_a_machine_that_is_called_like_an_id_is_refused_in_words(adapters: Adapters, key: Principal) -> None:
    with pytest.raises(BadRequest, match="--name"):
        await linking_of(adapters).attach(key, a_hello(name="f" * 32))


async def test_a_machine_that_names_a_session_that_is_gone_makes_none_of_its_id(
    adapters: Adapters, key: Principal
) -> None:
    with pytest.raises(NotFound):
        await linking_of(adapters).attach(key, a_hello(session="f" * 32))


async def test_an_older_connection_registers_no_tokens(desk: Desk) -> None:
    linking = linking_of(desk.adapters)
    older = desk.attached
    agent = await desk.spawn("Worker")
    await desk.attach()
    about = {"agent": agent.id, "generation": 1, "version": "1", "transport": "stdio", "cwd": "/"}
    stolen = Started.model_validate({**about, "token_sha256": "a" * 64})
    with pytest.raises(Fenced):
        await linking.report(desk.person(), older, [NumberedReport(seq=1, report=stolen)], spool="spool-1")
    with pytest.raises(NotAuthenticated):
        await desk.adapters.tokens.owner("a" * 64)
    await linking.report(desk.person(), desk.attached, [NumberedReport(seq=1, report=stolen)], spool="spool-1")
    assert await desk.adapters.tokens.owner("a" * 64) is not None


async def test_what_ends_while_the_store_is_away_is_found_when_it_is_back(tmp_path: Path) -> None:
    workspace = WorkspaceId("w")
    async with embedded_redis(tmp_path) as url:
        adapters = build_adapters(url)
        await adapters.workspaces.create(workspace, name="w", plan=Plan.TEAM)
        linking = linking_of(adapters)
        key = Principal(
            workspace=workspace, kind=TokenKind.WORKSPACE, token_id=TokenId("workspace"), name="o", plan=Plan.TEAM
        )
        stays, _ = await linking.attach(key, a_hello(machine_id="stays"))
        dies, _ = await linking.attach(key, a_hello(machine_id="dies"))
    with pytest.raises(Unavailable):
        await linking.detach(key, dies)
    async with embedded_redis(tmp_path) as url:
        await adapters.redis.aclose()
        again = build_adapters(url)
        survivor = linking_of(again)
        survivor._held = linking._held
        leases = LinkLeases(again.links, life_s=15, patience_s=10)
        detached = 0
        for at in range(0, 25, 5):
            await survivor.renew(workspace)
            detached += await leases.look(workspace, at=at)
        online = {proxy.id for proxy in await again.registry.proxies(workspace) if proxy.online}
        assert (detached, online) == (1, {ProxyId(stays.link)})
        await again.redis.aclose()


async def test_a_newer_connection_of_the_same_gateway_keeps_its_lease_when_the_older_ends(
    adapters: Adapters, key: Principal
) -> None:
    linking = linking_of(adapters)
    older, _ = await linking.attach(key, a_hello())
    newer, _ = await linking.attach(key, a_hello())
    await linking.detach(key, older)
    before = (await adapters.links.leases(key.workspace))[newer.link]
    await linking.renew(key.workspace)
    assert (await adapters.links.leases(key.workspace))[newer.link] != before
    await linking.detach(key, newer)
    await linking.renew(key.workspace)
    assert newer.link not in await adapters.links.leases(key.workspace)


async def test_a_gateway_that_has_no_connections_has_nothing_to_renew(adapters: Adapters) -> None:
    linking = linking_of(adapters)
    async with asyncio.timeout(5):
        assert linking.workspaces() == []


async def test_a_new_process_is_told_once_that_another_machine_that_is_there_is_called_the_same(
    adapters: Adapters, key: Principal
) -> None:
    linking = linking_of(adapters)
    first, _ = await linking.attach(key, a_hello(machine_id="one", name="box"))
    second, _ = await linking.attach(key, a_hello(machine_id="two", name="box"))
    again, _ = await linking.attach(key, a_hello(machine_id="two", name="box"))
    for each in (first, again):
        await linking.detach(key, each)
    alone, _ = await linking.attach(key, a_hello(machine_id="two", name="box", boot_id="later"))
    assert [each.namesake for each in (first, second, again, alone)] == [False, True, False, False]


async def told_load(adapters: Adapters, key: Principal) -> ToldLoad | None:
    """How busy the machine of `a_hello` was when it told that last."""
    proxies = await adapters.registry.proxies(key.workspace)
    return next(proxy.load for proxy in proxies if proxy.name == "busy")


async def test_a_machines_load_is_kept_until_another_connection_takes_over(adapters: Adapters, key: Principal) -> None:
    linking, hello = linking_of(adapters), a_hello(name="busy", session="main")
    load = MachineLoad(processors=2, load_1=0.5, disk_bytes=10**15)
    before, _ = await linking.attach(key, hello)
    assert await told_load(adapters, key) is None
    await linking.note_load(key, before, load)
    told = await told_load(adapters, key)
    assert told is not None and told.load == load and told.at_ms >= before.now_ms
    await linking.detach(key, before)
    assert await told_load(adapters, key) == told
    # Another relay-connect, perhaps one that does not tell: what the one before told is no news of it.
    await linking.attach(key, hello)
    assert await told_load(adapters, key) is None
    await linking.note_load(key, before, load)
    assert await told_load(adapters, key) is None
