"""Signing in by one-time codes: once, for a while, and out again."""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.errors import BadRequest, NotAuthenticated, NotPermitted, RateLimited
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Maker, MemberRole, Principal
from broker.domain.people.members import Member
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.people.access import Access, new_token, token_hash
from broker.services.people.members import Members
from broker.services.people.sign_in import CODE_LIFE_S, SignIn
from tests.fixtures.accounts import accounts_of
from tests.fixtures.desk import Desk

_DAY_S = 24 * 3600


@dataclass(slots=True, kw_only=True)
class Door:
    """A workspace with an owner, and a clock that can be moved."""

    adapters: Adapters
    workspace: WorkspaceId
    late_s: float = 0
    address: str = field(default_factory=lambda: uuid4().hex)

    @property
    def access(self) -> Access:
        adapters = self.adapters
        return Access(
            adapters.tokens, adapters.registry, adapters.members, adapters.workspaces, adapters.accounts, clock=self.now
        )

    @property
    def sign_in(self) -> SignIn:
        adapters = self.adapters
        return SignIn(
            adapters.members,
            adapters.sign_in_codes,
            tokens=adapters.tokens,
            families=adapters.token_families,
            accounts=accounts_of(adapters),
            clock=self.now,
        )

    @property
    def people(self) -> Members:
        return Members(self.adapters.members, self.adapters.tokens, accounts_of(self.adapters))

    def now(self) -> float:
        return time.time() + self.late_s

    async def key(self) -> Principal:
        token = new_token(TokenKind.WORKSPACE)
        await self.access.adopt_workspace(token, workspace=self.workspace, name="w", plan=Plan.TEAM)
        return await self.access.authenticate(token)

    async def member(self, role: MemberRole, name: str = "Ada") -> Member:
        return await self.people.add(await self.key(), name=name, role=role)

    async def code(self, member: Member) -> str:
        return (await self.sign_in.issue(self.workspace, member)).code

    async def enter(self, member: Member) -> str:
        """A member's token, made at the door's time."""
        late_s, self.late_s = self.late_s, 0
        code = await self.code(member)
        self.late_s = late_s
        return await self.sign_in.redeem(code, address=self.address)

    async def shut(self, token: str) -> None:
        """Assert that a token is good no longer."""
        with pytest.raises(NotAuthenticated):
            await self.access.authenticate(token)


@pytest.fixture
def door(adapters: Adapters, workspace: WorkspaceId) -> Door:
    return Door(adapters=adapters, workspace=workspace)


async def test_a_code_becomes_a_members_token(door: Door) -> None:
    ada = await door.member(MemberRole.MEMBER)
    token = await door.enter(ada)
    assert token.startswith("mt_live_")
    principal = await door.access.authenticate(token)
    assert (principal.kind, principal.member, principal.role) == (TokenKind.MEMBER, ada.id, MemberRole.MEMBER)
    assert (principal.name, principal.person, principal.plan) == ("Ada", True, Plan.TEAM)


async def test_neither_codes_nor_tokens_are_kept_in_the_clear(door: Door) -> None:
    ada = await door.member(MemberRole.MEMBER)
    code = await door.code(ada)
    assert len(code) >= len("oc_live_") + 128 // 6
    assert await door.adapters.redis.get(keys.sign_in_code(code)) is None
    assert code not in (await door.adapters.redis.get(keys.sign_in_code(token_hash(code))) or code)
    token = await door.sign_in.redeem(code, address=door.address)
    assert token not in (await door.adapters.redis.get(keys.token(token_hash(token))) or token)


async def test_a_code_works_once_however_many_try_at_the_same_time(door: Door) -> None:
    code = await door.code(await door.member(MemberRole.MEMBER))
    tries = [door.sign_in.redeem(code, address=door.address) for _ in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, str) for result in results) == 1
    refusals = {result.code for result in results if isinstance(result, NotAuthenticated)}
    assert refusals == {"SIGN_IN_FAILED"}


async def test_a_code_ends_after_ten_minutes(door: Door) -> None:
    ada = await door.member(MemberRole.MEMBER)
    door.late_s = -CODE_LIFE_S + 30
    good = await door.code(ada)
    door.late_s = -CODE_LIFE_S - 1
    over = await door.code(ada)
    await door.sign_in.redeem(good, address=door.address)
    with pytest.raises(NotAuthenticated):
        await door.sign_in.redeem(over, address=door.address)


async def test_a_code_is_worth_nothing_once_its_member_was_removed_or_signed_out_everywhere(door: Door) -> None:
    ada, bob = [await door.member(MemberRole.MEMBER, name) for name in ("Ada", "Bob")]
    codes = [await door.code(member) for member in (ada, bob)]
    token = await door.enter(ada)
    await door.sign_in.sign_out(await door.access.authenticate(token), token, everywhere=True)
    await door.people.remove(await door.key(), bob.id)
    for code in codes:
        with pytest.raises(NotAuthenticated):
            await door.sign_in.redeem(code, address=door.address)


async def test_an_address_that_keeps_failing_has_to_wait_but_a_right_code_always_lets_in(door: Door) -> None:
    ada = await door.member(MemberRole.MEMBER)
    code = await door.code(ada)
    for _ in range(30):
        with pytest.raises(NotAuthenticated):
            await door.sign_in.redeem("oc_live_wrong", address=door.address)
    with pytest.raises(RateLimited) as refusal:
        await door.sign_in.redeem("oc_live_w", address=door.address)
    assert refusal.value.retry_after_s
    await door.sign_in.redeem(code, address=door.address)


async def test_a_changed_role_and_name_hold_with_the_next_request(door: Door) -> None:
    await door.member(MemberRole.OWNER, "Owner")
    ada = await door.member(MemberRole.ADMIN)
    token = await door.enter(ada)
    for role in (MemberRole.VIEWER, MemberRole.MEMBER, MemberRole.OWNER):
        await door.people.set_role(await door.key(), ada.id, role)
        assert (await door.access.authenticate(token)).role is role
    await door.people.remove(await door.key(), ada.id)
    await door.shut(token)


async def test_a_member_who_was_removed_and_added_again_has_to_sign_in_again(door: Door) -> None:
    ada = await door.member(MemberRole.MEMBER)
    token = await door.enter(ada)
    await door.people.remove(await door.key(), ada.id)
    await door.member(MemberRole.MEMBER)
    await door.shut(token)


async def test_a_token_ends_thirty_days_after_its_last_use(door: Door) -> None:
    ada = await door.member(MemberRole.MEMBER)
    door.late_s = -29 * _DAY_S
    used, unused = [await door.enter(ada) for _ in range(2)]
    left = (await door.access.authenticate(unused)).expires_at_ms
    door.late_s = 0
    moved = (await door.access.authenticate(used)).expires_at_ms
    assert left and moved
    assert moved - left == pytest.approx(29 * _DAY_S * 1000, abs=60_000)
    assert (await door.access.authenticate(used)).expires_at_ms == moved  # once a day is enough
    door.late_s = -31 * _DAY_S
    await door.shut(await door.enter(ada))


async def test_a_token_that_was_ended_is_not_brought_back_by_a_use_at_the_same_time(door: Door) -> None:
    door.late_s = -10 * _DAY_S
    token = await door.enter(await door.member(MemberRole.MEMBER))
    principal = await door.access.authenticate(token)
    await door.sign_in.sign_out(principal, token, everywhere=False)
    expires_at_ms = int(time.time() * 1000) + 60_000
    await door.adapters.tokens.prolong(principal, sha256=token_hash(token), expires_at_ms=expires_at_ms)
    await door.shut(token)


async def test_signing_out_ends_this_token_and_everywhere_ends_all(door: Door) -> None:
    ada = await door.member(MemberRole.MEMBER)
    one, two, three = [await door.enter(ada) for _ in range(3)]
    await door.sign_in.sign_out(await door.access.authenticate(one), one, everywhere=False)
    await door.shut(one)
    await door.sign_in.sign_out(await door.access.authenticate(two), two, everywhere=True)
    await door.shut(two)
    await door.shut(three)
    everywhere = await door.people.get(await door.key(), ada.id)
    await door.access.authenticate(await door.enter(everywhere))


async def test_who_may_make_a_link_for_whom(door: Door) -> None:
    roles = {role: await door.member(role, role) for role in MemberRole}
    callers = {role: await door.access.authenticate(await door.enter(member)) for role, member in roles.items()}
    allowed = {
        (by, whom)
        for by, caller in callers.items()
        for whom, member in roles.items()
        if not isinstance(await _tried(door, caller, member), NotPermitted)
    }
    everybody = set(MemberRole)
    own = {(role, role) for role in MemberRole}
    of_owner = {(MemberRole.OWNER, whom) for whom in everybody}
    of_admin = {(MemberRole.ADMIN, whom) for whom in everybody - {MemberRole.OWNER}}
    assert allowed == own | of_owner | of_admin


async def _tried(door: Door, caller: Principal, member: Member) -> object:
    return (await asyncio.gather(door.sign_in.invite(caller, member), return_exceptions=True))[0]


async def test_a_share_is_of_one_session_and_ends(door: Door, desk: Desk) -> None:
    key = await door.key()
    record, token = await door.access.share(key, desk.session, seconds=60)
    principal = await door.access.authenticate(token)
    assert (principal.kind, principal.session) == (TokenKind.OBSERVER, desk.session.id)
    assert (record.session, principal.expires_at_ms) == (desk.session.id, record.expires_at_ms)
    door.late_s = -120
    _, over = await door.access.share(key, desk.session, seconds=60)
    await door.shut(over)
    assert [token.id for token in await door.access.tokens(key) if token.session] == [record.id]
    for seconds in (0, 91 * _DAY_S):
        with pytest.raises(BadRequest):
            await door.access.share(key, desk.session, seconds=seconds)


async def test_what_a_member_makes_has_nothing_of_the_member_and_ends_with_it(door: Door) -> None:
    owner = await door.access.authenticate(await door.enter(await door.member(MemberRole.OWNER, "Owner")))
    ada = await door.member(MemberRole.ADMIN)
    admin = await door.access.authenticate(await door.enter(ada))
    record, token = await door.access.mint(admin, kind=TokenKind.OBSERVER, name="o")
    made = await door.access.authenticate(token)
    assert (made.member, made.role, made.generation, made.person) == (None, None, None, False)
    assert record.made_by == made.made_by == Maker(member=ada.id)
    await door.people.remove(owner, ada.id)
    await door.shut(token)
    assert record.id not in [each.id for each in await door.access.tokens(owner)]


async def test_who_is_an_owner_no_longer_keeps_no_key_of_the_workspace(door: Door) -> None:
    await door.member(MemberRole.OWNER, "Owner")
    ada = await door.member(MemberRole.OWNER)
    key = await door.key()
    owner = await door.access.authenticate(await door.enter(ada))
    _, made = await door.access.mint(owner, kind=TokenKind.WORKSPACE, name="k")
    _, below = await door.access.mint(await door.access.authenticate(made), kind=TokenKind.PROXY, name="p")
    _, proxy = await door.access.mint(owner, kind=TokenKind.PROXY, name="p")
    await door.people.set_role(key, ada.id, MemberRole.ADMIN)
    await door.shut(made)
    await door.shut(below)
    await door.access.authenticate(proxy)


async def test_a_code_is_worth_nothing_once_the_access_of_who_made_it_has_ended(door: Door) -> None:
    """Else who leaves could come back as somebody else."""
    await door.member(MemberRole.OWNER, "Owner")
    ada, bob = await door.member(MemberRole.ADMIN), await door.member(MemberRole.MEMBER, "Bob")
    key = await door.key()
    admin = await door.access.authenticate(await door.enter(ada))
    record, token = await door.access.mint(key, kind=TokenKind.WORKSPACE, name="k")
    callers = [admin, await door.access.authenticate(token)]
    good, over = [[await door.sign_in.invite(caller, bob) for caller in callers] for _ in range(2)]
    for code in good:
        await door.sign_in.redeem(code.code, address=door.address)
    await door.people.remove(key, ada.id)
    await door.access.revoke(key, record.id)
    for code in over:
        with pytest.raises(NotAuthenticated) as refused:
            await door.sign_in.redeem(code.code, address=door.address)
        assert refused.value.code == "SIGN_IN_FAILED"


async def test_who_was_removed_adds_nobody(door: Door) -> None:
    await door.member(MemberRole.OWNER, "Owner")
    ada = await door.member(MemberRole.ADMIN)
    admin = await door.access.authenticate(await door.enter(ada))
    await door.people.remove(await door.key(), ada.id)
    with pytest.raises(NotAuthenticated):
        await door.people.add(admin, name="Eve", role=MemberRole.ADMIN)


async def test_keys_of_the_workspace_are_made_and_ended_by_owners_only(door: Door) -> None:
    owner = await door.access.authenticate(await door.enter(await door.member(MemberRole.OWNER, "Owner")))
    admin = await door.access.authenticate(await door.enter(await door.member(MemberRole.ADMIN)))
    record, token = await door.access.mint(owner, kind=TokenKind.WORKSPACE, name="k")
    for attempt in (
        door.access.mint(admin, kind=TokenKind.WORKSPACE, name="k"),
        door.access.revoke(admin, record.id),
    ):
        with pytest.raises(NotPermitted):
            await attempt
    await door.access.revoke(owner, record.id)
    await door.shut(token)


@pytest.mark.parametrize("kind", [TokenKind.AGENT, TokenKind.MEMBER])
async def test_tokens_of_agents_and_members_cannot_be_minted(door: Door, kind: TokenKind) -> None:
    with pytest.raises(BadRequest):
        await door.access.mint(await door.key(), kind=kind, name="t")


async def test_failures_from_many_addresses_have_to_wait_too_and_a_right_code_still_lets_in(door: Door) -> None:
    code = await door.code(await door.member(MemberRole.MEMBER))
    for _ in range(600):
        await door.adapters.sign_in_codes.count_failure("all", window_s=60)
    with pytest.raises(RateLimited):
        await door.sign_in.redeem("oc_live_wrong", address=f"{door.address}:other")
    await door.sign_in.redeem(code, address=door.address)
    await door.adapters.redis.delete(keys.failed_sign_ins("all"))
