"""Tokens: whose they are, and when they end."""

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.access import TokenKind
from broker.domain.errors import NotAuthenticated
from broker.domain.ids import ProxyId, WorkspaceId
from broker.domain.plans import Plan
from broker.services.access import Access, new_token, token_hash
from tests.fixtures.desk import Desk


@pytest.fixture
def access(adapters: Adapters) -> Access:
    return Access(adapters.tokens, adapters.registry, adapters.members)


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


async def test_a_changed_plan_holds_for_every_token(access: Access, workspace: WorkspaceId) -> None:
    key = new_token(TokenKind.WORKSPACE)
    await access.adopt_workspace(key, workspace=workspace, name="w", plan=Plan.TEAM)
    _, token = await access.mint(await access.authenticate(key), kind=TokenKind.PROXY, name="p")
    await access.adopt_workspace(key, workspace=workspace, name="w", plan=Plan.FREE)
    assert (await access.authenticate(token)).plan is Plan.FREE


async def test_an_agents_token_is_good_for_its_generation_only(access: Access, desk: Desk) -> None:
    agent = await desk.idle("Worker")
    tokens = [new_token(TokenKind.AGENT) for _ in range(2)]
    for generation, token in enumerate(tokens, start=1):
        await access.register_agent(
            desk.workspace,
            agent.id,
            generation=generation,
            sha256=token_hash(token),
            plan=Plan.TEAM,
            proxy=ProxyId(desk.link),
        )
    principal = await access.authenticate(tokens[0])
    assert (principal.agent, principal.session) == (agent.id, desk.session.id)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(tokens[1])
    await desk.exited(agent)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(tokens[0])
    await access.authenticate(tokens[1])


async def test_the_token_of_a_process_ends_with_that_of_the_next(
    access: Access, adapters: Adapters, desk: Desk
) -> None:
    agent = await desk.idle("Worker")
    tokens = [new_token(TokenKind.AGENT) for _ in range(2)]
    for generation, token in enumerate(tokens, start=1):
        for _ in range(2):  # a report may come again
            await access.register_agent(
                desk.workspace,
                agent.id,
                generation=generation,
                sha256=token_hash(token),
                plan=Plan.TEAM,
                proxy=ProxyId(desk.link),
            )
        await access.authenticate(token)
        if generation == 1:
            await desk.exited(agent)
    kept = [await adapters.redis.get(keys.token(token_hash(token))) is not None for token in tokens]
    assert kept == [False, True]


async def test_a_proxy_cannot_make_a_token_for_anothers_agent(access: Access, desk: Desk) -> None:
    agent = await desk.idle("Worker")
    token = new_token(TokenKind.AGENT)
    await access.register_agent(
        desk.workspace, agent.id, generation=1, sha256=token_hash(token), plan=Plan.TEAM, proxy=ProxyId("another")
    )
    with pytest.raises(NotAuthenticated):
        await access.authenticate(token)
