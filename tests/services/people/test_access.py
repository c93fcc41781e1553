"""Tokens: whose they are, and when they end."""

import time

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.agents.agents import Agent
from broker.domain.errors import NotAuthenticated
from broker.domain.ids import ProxyId, WorkspaceId
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.protocol.proxy import Started
from broker.services.people.access import Access, OfferedToken, new_token, token_hash
from tests.fixtures.desk import Desk


@pytest.fixture
def access(adapters: Adapters) -> Access:
    return Access(adapters.tokens, adapters.registry, adapters.members, adapters.workspaces, adapters.accounts)


async def test_a_token_is_known_by_its_hash_and_never_kept(
    access: Access, adapters: Adapters, workspace: WorkspaceId
) -> None:
    key = new_token(TokenKind.WORKSPACE)
    await access.adopt_workspace(key, workspace=workspace, name="w", plan=Plan.FREE)
    assert (await access.authenticate(key)).workspace == workspace
    rows = await adapters.redis.hvals(f"rc:{{{workspace}}}:tokens")
    assert all(key not in row for row in rows)
    for wrong in (None, "", key[:-1], key + "x"):
        with pytest.raises(NotAuthenticated):
            await access.authenticate(wrong)


async def test_a_replaced_workspace_key_is_good_no_longer(access: Access, workspace: WorkspaceId) -> None:
    old, new = new_token(TokenKind.WORKSPACE), new_token(TokenKind.WORKSPACE)
    for key in (old, new, new):
        await access.adopt_workspace(key, workspace=workspace, name="w", plan=Plan.TEAM)
    await access.authenticate(new)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(old)


async def test_a_changed_plan_holds_for_every_token_and_outlasts_the_next_start(
    access: Access, adapters: Adapters, workspace: WorkspaceId
) -> None:
    key = new_token(TokenKind.WORKSPACE)
    await access.adopt_workspace(key, workspace=workspace, name="w", plan=Plan.TEAM)
    _, token = await access.mint(await access.authenticate(key), kind=TokenKind.PROXY, name="p")
    await adapters.workspaces.set_plan(workspace, Plan.FREE)
    await access.adopt_workspace(key, workspace=workspace, name="w", plan=Plan.TEAM)
    assert (await access.authenticate(token)).plan is Plan.FREE


async def test_what_is_made_with_a_token_ends_no_later_than_that(access: Access, workspace: WorkspaceId) -> None:
    """Else what hangs on it could not be found once it is over, and would outlive whoever made both."""
    key = new_token(TokenKind.WORKSPACE)
    await access.adopt_workspace(key, workspace=workspace, name="w", plan=Plan.TEAM)
    in_an_hour = int(time.time() * 1000) + 3_600_000
    own = await access.authenticate(key)
    _, short = await access.mint(own, kind=TokenKind.WORKSPACE, name="k", expires_at_ms=in_an_hour)
    by = await access.authenticate(short)
    for asked, given in ((None, in_an_hour), (in_an_hour + 1, in_an_hour), (in_an_hour - 1, in_an_hour - 1)):
        record, token = await access.mint(by, kind=TokenKind.PROXY, name="p", expires_at_ms=asked)
        assert (record.expires_at_ms, (await access.authenticate(token)).expires_at_ms) == (given, given)
    record, _ = await access.mint(own, kind=TokenKind.PROXY, name="p")
    assert record.expires_at_ms is None


async def test_a_long_chain_of_tokens_ends_with_its_first(access: Access, workspace: WorkspaceId) -> None:
    key = new_token(TokenKind.WORKSPACE)
    await access.adopt_workspace(key, workspace=workspace, name="w", plan=Plan.TEAM)
    own = by = await access.authenticate(key)
    chain = []
    for number in range(40):
        record, token = await access.mint(by, kind=TokenKind.WORKSPACE, name=f"k{number}")
        by = await access.authenticate(token)
        chain.append(record.id)
    about = await access.about_tokens(own)
    assert [about[each].ends.tokens for each in chain] == list(range(39, -1, -1))
    assert (await access.revoke(own, chain[10])).tokens == 29
    assert [each.id for each in await access.tokens(own)] == [own.token_id, *chain[:10]]


async def offered(access: Access, desk: Desk, agent: Agent, token: str, *, by: str = "") -> OfferedToken | None:
    return await access.offer_agent(
        desk.workspace,
        agent.id,
        generation=agent.generation,
        sha256=token_hash(token),
        plan=Plan.TEAM,
        proxy=ProxyId(by or desk.link),
    )


async def started(access: Access, desk: Desk, agent: Agent, token: str) -> None:
    """Its machine reports a process with that token."""
    offer = await offered(access, desk, agent, token)
    about = {"agent": agent.id, "generation": agent.generation, "version": "1", "transport": "stdio", "cwd": "/"}
    await desk.report(Started.model_validate({**about, "token_sha256": token_hash(token)}))
    assert offer is not None
    await access.keep_agent(offer)


async def test_an_agents_token_is_good_for_its_process_only(access: Access, adapters: Adapters, desk: Desk) -> None:
    agent = await desk.idle("Worker")
    first, second = [new_token(TokenKind.AGENT) for _ in range(2)]
    for _ in range(2):  # a report may come again
        await started(access, desk, agent, first)
    principal = await access.authenticate(first)
    assert (principal.agent, principal.session) == (agent.id, desk.session.id)
    await desk.exited(agent)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(first)
    await started(access, desk, await desk.agent(agent.id), second)
    await access.authenticate(second)
    kept = [await adapters.redis.get(keys.token(token_hash(token))) is not None for token in (first, second)]
    assert kept == [False, True]


async def test_an_agents_token_is_good_from_the_moment_its_process_is_known(access: Access, desk: Desk) -> None:
    agent = await desk.spawn("Worker")
    token = new_token(TokenKind.AGENT)
    assert await offered(access, desk, agent, token)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(token)
    about = {"agent": agent.id, "generation": 1, "version": "1", "transport": "stdio", "cwd": "/"}
    await desk.report(Started.model_validate({**about, "token_sha256": token_hash(token)}))
    assert (await access.authenticate(token)).agent == agent.id


async def test_what_is_offered_for_an_agent_of_an_earlier_version_waits_for_the_report(
    access: Access, adapters: Adapters, desk: Desk
) -> None:
    agent = await desk.spawn("Worker")
    await adapters.redis.hdel(keys.key(desk.workspace, "agent", agent.id), "token")
    token = new_token(TokenKind.AGENT)
    assert await offered(access, desk, agent, token)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(token)
    await started(access, desk, agent, token)
    await access.authenticate(token)


async def test_a_proxy_cannot_make_a_token_for_anothers_agent(access: Access, desk: Desk) -> None:
    agent = await desk.idle("Worker")
    token = new_token(TokenKind.AGENT)
    assert await offered(access, desk, agent, token, by="another") is None
    with pytest.raises(NotAuthenticated):
        await access.authenticate(token)
