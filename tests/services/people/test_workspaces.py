"""Workspaces: their addresses, who may make one, and what becomes of one that is put away or deleted."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from broker.app import Adapters, build_services
from broker.domain.errors import BadRequest, Conflict, NotAuthenticated, NotFound, NotPermitted, RateLimited
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Credential, MemberRole, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.people.workspaces import MAX_FORMER, RESTORABLE_MS, SignUp, WorkspaceState
from broker.domain.plans.plans import Plan
from broker.services.container import Services
from broker.services.people.workspaces import NewWorkspace
from broker.settings import Settings


@pytest.fixture
def services(adapters: Adapters) -> Services:
    return build_services(Settings(), adapters)


def a_name() -> str:
    return f"Acme {uuid4().hex[:10]}"


async def made(services: Services, **about: str | None) -> NewWorkspace:
    given = {"name": a_name(), "slug": None, "owner": None, **about}
    return await services.workspaces.create(**given, plan=Plan.TEAM)  # type: ignore[arg-type]  # names are right


async def caller(services: Services, key: str, **options: bool) -> Principal:
    return await services.access.authenticate(key, **options)


async def test_a_new_workspace_has_an_address_like_its_name_and_a_key_that_is_good_in_it(services: Services) -> None:
    name = a_name()
    new = await made(services, name=name)
    principal = await caller(services, new.key)
    assert (principal.workspace, principal.slug, principal.plan) == (new.workspace.id, new.workspace.slug, Plan.TEAM)
    assert new.workspace.slug == name.lower().replace(" ", "-")
    assert new.workspace.created_at_ms > 0
    assert new.code is None


async def test_two_of_one_name_have_addresses_of_their_own(services: Services) -> None:
    name = a_name()
    slugs = [(await made(services, name=name)).workspace.slug for _ in range(3)]
    assert slugs == [slugs[0], f"{slugs[0]}-2", f"{slugs[0]}-3"]


async def test_an_address_that_is_asked_for_and_taken_is_refused_and_leaves_nothing(
    services: Services, adapters: Adapters
) -> None:
    taken = (await made(services)).workspace.slug
    before = await adapters.workspaces.all()
    with pytest.raises(Conflict) as refused:
        await made(services, slug=taken)
    assert refused.value.code == "SLUG_TAKEN"
    assert set(await adapters.workspaces.all()) <= set(before)


async def test_a_first_owner_can_sign_in_to_a_new_workspace_and_is_its_owner(services: Services) -> None:
    new = await made(services, owner="Ada")
    assert new.code is not None
    ada = await caller(services, await services.sign_in.redeem(new.code.code, address="here"))
    assert (ada.workspace, ada.name, ada.role) == (new.workspace.id, "Ada", MemberRole.OWNER)


async def test_a_token_is_good_in_the_workspace_that_a_request_names_or_nowhere(services: Services) -> None:
    mine, theirs = await made(services), await made(services)
    for named in (mine.workspace.slug, mine.workspace.id):
        assert (await services.access.authenticate(Credential(token=mine.key, workspace=named))).workspace == (
            mine.workspace.id
        )
    for named in (theirs.workspace.slug, theirs.workspace.id, "nobodys"):
        with pytest.raises(NotFound) as refused:
            await services.access.authenticate(Credential(token=mine.key, workspace=named))
        assert (refused.value.code, refused.value.message) == ("WORKSPACE_NOT_FOUND", f"no workspace {named!r}")


async def test_former_addresses_lead_to_a_renamed_workspace_up_to_a_bound(services: Services) -> None:
    new = await made(services)
    principal = await caller(services, new.key)
    slugs = [new.workspace.slug, *(f"{new.workspace.slug}-{n}" for n in "abcdefg")]
    for slug in slugs[1:]:
        renamed = await services.workspaces.rename(principal, name=None, slug=slug)
    assert renamed.slug == slugs[-1]
    assert renamed.former == tuple(reversed(slugs[:-1]))[:MAX_FORMER]
    for slug in renamed.former:
        await services.access.authenticate(Credential(token=new.key, workspace=slug))
        with pytest.raises(Conflict):
            await made(services, slug=slug)
    released = slugs[0]
    assert (await made(services, slug=released)).workspace.slug == released


async def test_a_rename_is_for_administrators_and_keeps_names_apart(services: Services) -> None:
    new = await made(services)
    principal = await caller(services, new.key)
    _, observer = await services.access.mint(principal, kind=TokenKind.OBSERVER, name="o")
    with pytest.raises(NotPermitted):
        await services.workspaces.rename(await caller(services, observer), name="Other", slug=None)
    with pytest.raises(BadRequest):
        await services.workspaces.rename(principal, name=None, slug="0123456789abcdef")
    assert (await services.workspaces.rename(principal, name="Other", slug=None)).name == "Other"


@pytest.mark.parametrize("away", ["archive", "delete"])
async def test_nobody_acts_in_a_workspace_that_was_put_away_until_an_owner_restores_it(
    services: Services, away: str
) -> None:
    new, other = await made(services), await made(services)
    principal = await caller(services, new.key)
    _, machine = await services.access.mint(principal, kind=TokenKind.PROXY, name="m")
    await getattr(services.workspaces, away)(principal)
    for token in (new.key, machine):
        with pytest.raises(NotAuthenticated) as refused:
            await caller(services, token)
        assert refused.value.code == f"WORKSPACE_{'ARCHIVED' if away == 'archive' else 'DELETED'}"
    await caller(services, other.key)
    with pytest.raises(NotPermitted):
        await services.workspaces.restore(await caller(services, machine, away=True))
    restored = await services.workspaces.restore(await caller(services, new.key, away=True))
    assert (restored.state, restored.ends_at_ms) == (WorkspaceState.ACTIVE, None)
    for token in (new.key, machine):
        await caller(services, token)


async def test_only_owners_put_a_workspace_away(services: Services) -> None:
    new = await made(services, owner="Ada")
    principal = await caller(services, new.key)
    admin = await services.members.add(principal, name="Bob", role=MemberRole.ADMIN)
    code = await services.sign_in.invite(principal, admin)
    bob = await caller(services, await services.sign_in.redeem(code.code, address="here"))
    for attempt in (services.workspaces.archive, services.workspaces.delete, services.workspaces.restore):
        with pytest.raises(NotPermitted):
            await attempt(bob)


async def test_a_deleted_workspace_ends_in_thirty_days_or_sooner_but_never_later(
    services: Services, adapters: Adapters
) -> None:
    workspace = (await made(services)).workspace.id
    await adapters.workspaces.move(workspace, WorkspaceState.DELETED, life_ms=RESTORABLE_MS)
    first = await adapters.workspaces.get(workspace)
    await adapters.workspaces.move(workspace, WorkspaceState.DELETED, life_ms=RESTORABLE_MS + 10)
    assert await adapters.workspaces.get(workspace) == first
    await adapters.workspaces.move(workspace, WorkspaceState.DELETED, life_ms=1000)
    sooner = await adapters.workspaces.get(workspace)
    assert first and sooner and first.ends_at_ms and sooner.ends_at_ms
    assert sooner.ends_at_ms < first.ends_at_ms
    with pytest.raises(Conflict) as refused:
        await adapters.workspaces.move(workspace, WorkspaceState.ENDING)
    assert refused.value.code == "WORKSPACE_NOT_OVER"


async def test_what_is_not_there_is_not_put_away(adapters: Adapters, workspace: WorkspaceId) -> None:
    with pytest.raises(NotFound):
        await adapters.workspaces.move(workspace, WorkspaceState.ARCHIVED)
    assert await adapters.workspaces.get(workspace) is None


SignedUp = Callable[[SignUp], Services]


@pytest.fixture
def with_sign_up(adapters: Adapters) -> SignedUp:
    return lambda sign_up: build_services(Settings(sign_up=sign_up), adapters)


async def a_person(services: Services) -> Principal:
    new = await made(services, owner="Ada")
    assert new.code is not None
    return await caller(services, await services.sign_in.redeem(new.code.code, address="here"))


async def sign_up(services: Services, who: Principal | None, address: str = "") -> NewWorkspace:
    about = {"name": a_name(), "slug": None, "owner": None}
    return await services.workspaces.sign_up(who, **about, address=address or uuid4().hex)  # type: ignore[arg-type]


async def test_nobody_makes_a_workspace_where_sign_up_is_closed(with_sign_up: SignedUp) -> None:
    services = with_sign_up(SignUp.CLOSED)
    for who in (None, await a_person(services)):
        with pytest.raises(NotPermitted) as refused:
            await sign_up(services, who)
        assert refused.value.code == "SIGN_UP_CLOSED"


async def test_people_make_workspaces_where_they_are_invited_and_own_them(with_sign_up: SignedUp) -> None:
    services = with_sign_up(SignUp.INVITED)
    with pytest.raises(NotAuthenticated):
        await sign_up(services, None)
    with pytest.raises(NotPermitted):
        await sign_up(services, await caller(services, (await made(services)).key))
    new = await sign_up(services, await a_person(services))
    assert new.workspace.plan is Plan.FREE
    assert new.code is not None


async def test_anybody_makes_some_workspaces_where_sign_up_is_open(with_sign_up: SignedUp) -> None:
    services = with_sign_up(SignUp.OPEN)
    address = uuid4().hex
    for _ in range(5):
        await sign_up(services, None, address)
    with pytest.raises(RateLimited):
        await sign_up(services, None, address)
    await sign_up(services, None)
