"""Service accounts and personal tokens: what their scopes let them do, where, and until when."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters, build_services
from broker.domain.agents.sessions import Session
from broker.domain.audit.acts import Act
from broker.domain.audit.records import AuditFilter
from broker.domain.errors import BadRequest, Conflict, NotAuthenticated, NotFound, NotPermitted
from broker.domain.ids import TokenId, WorkspaceId
from broker.domain.people.access import MAX_PERSONAL_TOKENS, Credential, MemberRole, Permission, Principal, TokenScope
from broker.domain.people.members import Member
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.container import Services
from broker.services.people.access import new_token, token_hash
from broker.services.people.scoped_tokens import ScopedTokens
from broker.services.ports import TokenRecord
from broker.settings import Settings
from tests.fixtures.desk import Desk


@dataclass(slots=True, kw_only=True)
class Scene:
    """A workspace with a session, an agent in it, and what makes tokens; its clock is set by tests."""

    services: Services
    adapters: Adapters
    desk: Desk
    key: Principal
    ahead_s: float = 0
    tokens: ScopedTokens = field(init=False)

    def __post_init__(self) -> None:
        accounts, tokens = self.adapters.service_accounts, self.adapters.tokens
        self.tokens = ScopedTokens(accounts, tokens, clock=lambda: time.time() + self.ahead_s)

    @property
    def session(self) -> Session:
        return self.desk.session

    async def member(self, name: str, role: MemberRole) -> tuple[Member, Principal]:
        member = await self.services.members.add(self.key, name=name, role=role)
        code = await self.services.sign_in.invite(self.key, member)
        return member, await self.caller(await self.services.sign_in.redeem(code.code, address="192.0.2.7"))

    async def caller(self, token: str) -> Principal:
        return await self.services.access.authenticate(Credential(token=token, workspace=self.key.workspace))

    async def service(
        self, *scopes: TokenScope, only: tuple[Session, ...] = (), name: str = "ci"
    ) -> tuple[TokenRecord, str]:
        accounts = await self.tokens.accounts(self.key)
        if name not in {each.name for each in accounts}:
            await self.tokens.create(self.key, name)
        return await self.tokens.mint(self.key, name, scopes=scopes, only=only)

    async def send(self, principal: Principal) -> None:
        await self.services.router.send(principal, self.session, to="Bob", text="hello")

    async def told(self, act: Act) -> list[tuple[str | None, str | None]]:
        page = await self.services.audit.page(self.key, AuditFilter(act=act))
        return [(each.on, each.after) for each in page.records]


@pytest.fixture
async def scene(adapters: Adapters, desk: Desk, workspace: WorkspaceId) -> Scene:
    services = build_services(Settings(), adapters)
    token = new_token(TokenKind.WORKSPACE)
    await services.access.adopt_workspace(token, workspace=workspace, name="acme", plan=Plan.TEAM)
    await desk.idle("Bob")
    key = await services.access.authenticate(token)
    return Scene(services=services, adapters=adapters, desk=desk, key=key)


async def test_a_token_of_a_service_account_does_what_its_scopes_say(scene: Scene) -> None:
    record, token = await scene.service(TokenScope.SEND)
    caller = await scene.caller(token)
    await scene.send(caller)
    assert (caller.kind, caller.service, caller.answerable) == (TokenKind.SERVICE, record.service, None)
    with pytest.raises(NotPermitted, match="a service token with the scopes send may not approve"):
        caller.require(Permission.APPROVE)


async def test_a_token_of_some_sessions_meets_no_other(scene: Scene) -> None:
    other = await scene.services.sessions.create(scene.key, "other")
    _, token = await scene.service(TokenScope.READ, TokenScope.SEND, TokenScope.SPAWN, only=(scene.session,))
    caller = await scene.caller(token)
    sessions = scene.services.sessions
    assert [each.id for each in await sessions.visible(caller)] == [scene.session.id]
    with pytest.raises(NotFound):
        await sessions.look_up(caller, other.name)
    with pytest.raises(NotPermitted):
        await sessions.proxies(caller)
    with pytest.raises(NotFound):
        await sessions.create(caller, "new")
    assert "new" not in {each.name for each in await sessions.visible(scene.key)}
    bob = (await sessions.agents(caller, scene.session))[0]
    await scene.desk.ask(bob, "1")
    assert (await scene.services.desk.waiting(caller)).total == 1
    _, elsewhere = await scene.service(TokenScope.READ, only=(other,))
    assert (await scene.services.desk.waiting(await scene.caller(elsewhere))).total == 0


async def test_a_private_session_is_open_to_a_service_account_that_was_let_in(scene: Scene) -> None:
    await scene.services.groups.set_access(scene.key, scene.session, people={}, groups={})
    _, let_in = await scene.service(TokenScope.SEND, only=(scene.session,))
    _, other = await scene.service(TokenScope.SEND)
    await scene.send(await scene.caller(let_in))
    with pytest.raises(NotFound):
        await scene.services.sessions.look_up(await scene.caller(other), scene.session.name)


async def test_a_personal_token_sees_and_does_no_more_than_its_person_by_now(scene: Scene) -> None:
    ada, signed_in = await scene.member("Ada", MemberRole.MEMBER)
    _, token = await scene.tokens.mint_personal(signed_in, scopes=[TokenScope.SEND], name="script")
    remembered = await scene.caller(token)
    await scene.send(remembered)
    await scene.services.members.set_role(scene.key, ada.id, MemberRole.VIEWER)
    with pytest.raises(NotPermitted):
        await scene.send(remembered)
    await scene.services.members.set_role(scene.key, ada.id, MemberRole.MEMBER)
    await scene.services.groups.set_access(scene.key, scene.session, people={}, groups={})
    with pytest.raises(NotFound):
        await scene.services.sessions.look_up(await scene.caller(token), scene.session.name)
    await scene.services.members.remove(scene.key, ada.id)
    with pytest.raises(NotAuthenticated):
        await scene.caller(token)


async def test_a_personal_token_of_an_owner_is_no_owner(scene: Scene) -> None:
    _, olga = await scene.member("Olga", MemberRole.OWNER)
    _, token = await scene.tokens.mint_personal(olga, scopes=list(TokenScope), name="all of it")
    caller = await scene.caller(token)
    assert not caller.owns
    with pytest.raises(NotPermitted):
        await scene.services.members.add(caller, name="Eve", role=MemberRole.OWNER)
    await scene.services.members.add(caller, name="Mallory", role=MemberRole.ADMIN)
    with pytest.raises(NotPermitted):
        await scene.services.access.mint(caller, kind=TokenKind.WORKSPACE, name="k")
    with pytest.raises(NotPermitted):
        await scene.tokens.mint_personal(caller, scopes=[TokenScope.READ], name="another")
    me = await scene.services.members.get(caller, (await scene.services.members.page(scene.key)).found[0].id)
    with pytest.raises(NotPermitted, match="only an owner"):
        await scene.services.sign_in.invite(caller, me)


async def test_nobody_gives_what_they_have_not(scene: Scene) -> None:
    _, token = await scene.service(TokenScope.ADMINISTER)
    caller = await scene.caller(token)
    with pytest.raises(NotPermitted):
        await scene.tokens.mint(caller, "ci", scopes=[TokenScope.SPAWN])
    _, viewer = await scene.member("Vi", MemberRole.VIEWER)
    with pytest.raises(NotPermitted):
        await scene.tokens.mint_personal(viewer, scopes=[TokenScope.SEND], name="x")
    with pytest.raises(BadRequest):
        await scene.tokens.mint(scene.key, "ci", scopes=[])
    with pytest.raises(BadRequest, match="administer is of the whole workspace"):
        await scene.tokens.mint(scene.key, "ci", scopes=[TokenScope.ADMINISTER], only=[scene.session])
    with pytest.raises(NotPermitted):
        await scene.tokens.mint_personal(scene.key, scopes=[TokenScope.READ], name="x")


async def test_a_rotated_token_works_on_until_its_time_and_not_longer(scene: Scene) -> None:
    old, secret = await scene.service(TokenScope.SEND)
    remembered = await scene.caller(secret)
    new, fresh = await scene.tokens.rotate(scene.key, old.id, overlap_s=3600)
    await scene.send(await scene.caller(fresh))
    await scene.send(remembered)
    now = await scene.caller(secret)
    assert now.expires_at_ms is not None
    assert abs(now.expires_at_ms - time.time() * 1000 - 3_600_000) < 60_000
    assert (new.scopes, new.service, new.name) == (old.scopes, old.service, old.name)
    with pytest.raises(Conflict, match=f"rotate token {new.id}"):
        await scene.tokens.rotate(scene.key, old.id)
    life = 60 + await scene.adapters.redis.pttl(keys.token(token_hash(secret)))  # type: ignore[attr-defined]
    assert 0 < life <= 3_600_060


async def test_without_overlap_the_old_one_ends_at_once_for_what_was_read_before(scene: Scene) -> None:
    old, secret = await scene.service(TokenScope.SEND)
    remembered = await scene.caller(secret)
    _, fresh = await scene.tokens.rotate(scene.key, old.id, overlap_s=0)
    with pytest.raises(NotAuthenticated):
        await scene.send(remembered)
    with pytest.raises(NotAuthenticated):
        await scene.caller(secret)
    await scene.send(await scene.caller(fresh))
    assert await scene.told(Act.CREDENTIAL_ROTATED) != []


async def test_what_was_made_with_a_token_goes_on_with_the_one_in_its_place_and_ends_with_that(scene: Scene) -> None:
    old, secret = await scene.service(TokenScope.ADMINISTER)
    _, watcher = await scene.services.access.mint(await scene.caller(secret), kind=TokenKind.OBSERVER, name="o")
    new, _ = await scene.tokens.rotate(scene.key, old.id, overlap_s=0)
    await scene.services.access.revoke(scene.key, old.id)
    await scene.caller(watcher)
    ended = await scene.services.access.revoke(scene.key, new.id)
    assert ended.tokens == 1
    with pytest.raises(NotAuthenticated):
        await scene.caller(watcher)


async def test_nobody_rotates_what_would_act_as_somebody_else(scene: Scene) -> None:
    _, ada = await scene.member("Ada", MemberRole.MEMBER)
    _, eve = await scene.member("Eve", MemberRole.MEMBER)
    personal, token = await scene.tokens.mint_personal(ada, scopes=[TokenScope.READ], name="script")
    with pytest.raises(NotPermitted):
        await scene.tokens.rotate(scene.key, personal.id)
    said = []
    for asked in (personal.id, TokenId("0" * 16)):
        with pytest.raises(NotPermitted) as caught:
            await scene.tokens.rotate(eve, asked)
        with pytest.raises(NotPermitted) as revoked:
            await scene.services.access.revoke(eve, asked)
        said.append((caught.value.message, revoked.value.message))
    assert said[0] == said[1]
    _, fresh = await scene.tokens.rotate(ada, personal.id)
    assert (await scene.caller(fresh)).answerable == (await scene.caller(token)).answerable == ada.member
    [first, second] = await scene.tokens.personal(ada)
    assert first.rotated_to == second.id
    await scene.services.access.revoke(ada, second.id)
    with pytest.raises(NotAuthenticated):
        await scene.caller(fresh)


async def test_a_service_account_outlasts_whoever_made_it_and_ends_with_all_its_tokens(scene: Scene) -> None:
    ada, admin = await scene.member("Ada", MemberRole.ADMIN)
    account = await scene.tokens.create(admin, "deploy")
    _, first = await scene.tokens.mint(admin, "Deploy", scopes=[TokenScope.READ])
    _, second = await scene.tokens.mint(admin, account.id, scopes=[TokenScope.SEND], expires_in_s=None)
    await scene.services.members.remove(scene.key, ada.id)
    remembered = await scene.caller(second)
    await scene.caller(first)
    assert (await scene.tokens.remove(scene.key, "deploy")).tokens == 2
    with pytest.raises(NotAuthenticated):
        await scene.send(remembered)
    with pytest.raises(NotFound):
        await scene.tokens.mint(scene.key, "deploy", scopes=[TokenScope.READ])
    assert await scene.told(Act.SERVICE_ACCOUNT_CREATED) == [(f"service_account {account.id}", "deploy")]


async def test_names_of_accounts_are_unique_whatever_their_case(scene: Scene) -> None:
    await scene.tokens.create(scene.key, "Deploy")
    with pytest.raises(Conflict):
        await scene.tokens.create(scene.key, "deploy")
    await scene.tokens.remove(scene.key, "DEPLOY")
    await scene.tokens.create(scene.key, "deploy")


async def test_one_person_does_not_use_up_the_tokens_of_all(scene: Scene) -> None:
    _, ada = await scene.member("Ada", MemberRole.MEMBER)
    for number in range(MAX_PERSONAL_TOKENS):
        await scene.tokens.mint_personal(ada, scopes=[TokenScope.READ], name=f"t{number}")
    with pytest.raises(Conflict) as caught:
        await scene.tokens.mint_personal(ada, scopes=[TokenScope.READ], name="one more")
    assert caught.value.code == "TOO_MANY_TOKENS"
    await scene.service(TokenScope.READ)


async def test_the_last_use_of_a_token_is_known(scene: Scene) -> None:
    record, token = await scene.service(TokenScope.READ)
    assert {each.id: each.last_used_at_ms for each in await scene.adapters.tokens.tokens(scene.key.workspace)}[
        record.id
    ] is None
    await scene.caller(token)
    used = {each.id: each.last_used_at_ms for each in await scene.adapters.tokens.tokens(scene.key.workspace)}
    assert abs((used[record.id] or 0) - time.time() * 1000) < 60_000
    await scene.services.access.revoke(scene.key, record.id)
    assert record.id not in await scene.adapters.redis.hgetall(keys.key(scene.key.workspace, "token_uses"))


async def test_the_trail_says_which_service_account_acted(scene: Scene) -> None:
    record, token = await scene.service(TokenScope.ADMINISTER)
    await scene.services.access.mint(await scene.caller(token), kind=TokenKind.OBSERVER, name="o")
    newest = (await scene.services.audit.page(scene.key, AuditFilter(act=Act.CREDENTIAL_MADE))).records[0]
    assert (newest.by.kind, newest.by.service, newest.by.member) == ("service", record.service, None)
    assert (await scene.services.audit.names(scene.key, [newest]))[record.service or ""] == "ci"
