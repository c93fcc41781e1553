"""Linking a machine by a short code: once, for a while, by nobody who guesses."""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from broker.app import Adapters
from broker.domain.errors import Conflict, NotAuthenticated, NotFound, NotPermitted, RateLimited
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Credential, Principal
from broker.domain.people.enrolment import CODE_LIFE_S, MAX_CODES
from broker.domain.people.token_kinds import TokenKind
from broker.services.people.access import Access
from broker.services.people.attempts import Attempts
from broker.services.people.enrolment import Enrolment
from tests.fixtures.desk import Desk, a_person


@dataclass(slots=True, kw_only=True)
class Door:
    """A workspace with a key, and a clock that can be moved."""

    adapters: Adapters
    workspace: WorkspaceId
    late_s: float = 0
    address: str = field(default_factory=lambda: uuid4().hex)

    @property
    def enrolment(self) -> Enrolment:
        adapters = self.adapters
        return Enrolment(adapters.machine_codes, adapters.tokens, adapters.sign_in_codes, clock=self.now)

    @property
    def access(self) -> Access:
        adapters = self.adapters
        return Access(adapters.tokens, adapters.registry, adapters.members, adapters.workspaces, adapters.accounts)

    def now(self) -> float:
        return time.time() + self.late_s

    async def invite(self, by: Principal | None = None) -> str:
        return (await self.enrolment.invite(by or a_person(self.workspace), name="build box")).code

    async def enrol(self, code: str) -> str:
        return await self.enrolment.enrol(code, address=self.address)


@pytest.fixture
async def door(desk: Desk) -> Door:
    return Door(adapters=desk.adapters, workspace=desk.workspace)


async def test_a_code_gives_a_token_that_links_and_does_nothing_else(door: Door) -> None:
    token = await door.enrol((await door.invite()).lower())
    principal = await door.access.authenticate(Credential(token=token))
    assert (principal.kind, principal.name, principal.workspace) == (TokenKind.PROXY, "build box", door.workspace)


async def test_a_code_is_good_once_even_for_two_at_the_same_moment(door: Door) -> None:
    code = await door.invite()
    told = await asyncio.gather(door.enrol(code), door.enrol(code), return_exceptions=True)
    assert sorted(type(each).__name__ for each in told) == ["NotAuthenticated", "str"]


async def test_a_code_ends_after_a_few_minutes(door: Door) -> None:
    door.late_s = -CODE_LIFE_S  # it was made so long ago
    code = await door.invite()
    with pytest.raises(NotAuthenticated):
        await door.enrol(code)


async def test_a_code_is_no_good_once_the_access_of_who_made_it_has_ended(door: Door) -> None:
    admin, _ = await door.access.mint(a_person(door.workspace), kind=TokenKind.WORKSPACE, name="key")
    code = await door.invite(a_person(door.workspace, token_id=admin.id))
    await door.access.revoke(a_person(door.workspace), admin.id)
    with pytest.raises(NotAuthenticated):
        await door.enrol(code)


async def test_who_only_links_makes_no_codes(door: Door) -> None:
    with pytest.raises(NotPermitted):
        await door.invite(a_person(door.workspace, kind=TokenKind.PROXY))


async def test_who_guesses_is_not_even_heard_after_a_while(door: Door) -> None:
    code = await door.invite()
    attempts = Attempts(door.adapters.sign_in_codes)
    with pytest.raises(RateLimited):
        for _ in range(100):
            await attempts.count_failure(door.address)
    with pytest.raises(RateLimited):
        await door.enrol(code)
    door.address = uuid4().hex
    assert await door.enrol(code)


async def test_open_codes_are_listed_without_the_code_until_they_are_used_or_revoked(door: Door) -> None:
    person = a_person(door.workspace)
    used, revoked, kept = await door.invite(), await door.invite(), await door.invite()
    assert len(listed := await door.enrolment.codes(person)) == 3
    assert {each.name for each in listed} == {"build box"}
    assert not any(code in repr(listed) for code in (used, revoked, kept))
    await door.enrol(used)
    left = await door.enrolment.codes(person)
    assert len(left) == 2
    await door.enrolment.revoke(person, left[0].id)
    assert await door.enrolment.codes(person) == left[1:]
    told = await asyncio.gather(door.enrol(revoked), door.enrol(kept), return_exceptions=True)
    assert sorted(type(each).__name__ for each in told) == ["NotAuthenticated", "str"]
    with pytest.raises(NotFound, match="no such code"):
        await door.enrolment.revoke(person, left[0].id)


async def test_codes_of_another_workspace_are_neither_listed_nor_revoked(door: Door) -> None:
    await door.invite()
    [code] = await door.enrolment.codes(a_person(door.workspace))
    stranger = a_person(WorkspaceId("elsewhere"))
    assert await door.enrolment.codes(stranger) == []
    with pytest.raises(NotFound):
        await door.enrolment.revoke(stranger, code.id)
    assert await door.enrolment.codes(a_person(door.workspace)) == [code]


async def test_so_many_codes_are_open_at_once_and_no_more(door: Door) -> None:
    for _ in range(MAX_CODES):
        await door.invite()
    with pytest.raises(Conflict, match="are open already"):
        await door.invite()
    [first, *_] = await door.enrolment.codes(a_person(door.workspace))
    await door.enrolment.revoke(a_person(door.workspace), first.id)
    await door.invite()
