"""Saved views: who sees and changes them, and how many there may be."""

from __future__ import annotations

import pytest

from broker.app import Adapters
from broker.domain.errors import BadRequest, Conflict, NotPermitted
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.token_kinds import TokenKind
from broker.domain.views.views import LONGEST_ADDRESS, LONGEST_NAME, MAX_VIEWS, ViewPage
from broker.services.views.views import Views
from tests.fixtures.desk import a_person

HOME = ViewPage.HOME


@pytest.fixture
def views(adapters: Adapters) -> Views:
    return Views(adapters.views)


async def test_everybody_sees_what_one_has_saved_and_the_last_one_of_a_name_counts(
    views: Views, workspace: WorkspaceId
) -> None:
    ann, bo = a_person(workspace, name="Ann"), a_person(workspace, name="Bo")
    await views.save(ann, page=HOME, name=" needs us ", address="show=needs")
    await views.save(bo, page=HOME, name="API", address="q=api")
    saved = await views.save(bo, page=HOME, name="needs us", address="show=needs&group=machine")
    assert [(each.name, each.address, each.by) for each in saved] == [
        ("API", "q=api", "Bo"),
        ("needs us", "show=needs&group=machine", "Bo"),
    ]
    assert await views.list(ann, HOME) == saved
    assert await views.list(a_person(WorkspaceId(f"{workspace}-other")), HOME) == []
    for _ in range(2):
        left = await views.remove(ann, page=HOME, name="API")
        assert [each.name for each in left] == ["needs us"]


@pytest.mark.parametrize("name", ["", "  ", "x" * (LONGEST_NAME + 1), "two\nlines", "right\u202eleft"])
async def test_a_name_that_cannot_be_read_is_refused(views: Views, workspace: WorkspaceId, name: str) -> None:
    with pytest.raises(BadRequest):
        await views.save(a_person(workspace), page=HOME, name=name, address="")


async def test_an_address_has_an_end(views: Views, workspace: WorkspaceId) -> None:
    with pytest.raises(BadRequest):
        await views.save(a_person(workspace), page=HOME, name="long", address="x" * (LONGEST_ADDRESS + 1))


async def test_a_page_has_so_many_views_and_each_can_still_be_changed(views: Views, workspace: WorkspaceId) -> None:
    person = a_person(workspace)
    for number in range(MAX_VIEWS):
        await views.save(person, page=HOME, name=str(number), address="")
    with pytest.raises(Conflict) as refused:
        await views.save(person, page=HOME, name="one more", address="")
    assert refused.value.code == "TOO_MANY_VIEWS"
    assert len(await views.save(person, page=HOME, name="7", address="q=x")) == MAX_VIEWS


async def test_who_only_looks_sees_views_and_an_agent_changes_none(views: Views, workspace: WorkspaceId) -> None:
    viewer = a_person(workspace, kind=TokenKind.MEMBER, role=MemberRole.VIEWER)
    assert await views.list(viewer, HOME) == []
    for caller in (viewer, a_person(workspace, kind=TokenKind.AGENT)):
        with pytest.raises(NotPermitted):
            await views.save(caller, page=HOME, name="mine", address="")
        with pytest.raises(NotPermitted):
            await views.remove(caller, page=HOME, name="mine")
