"""Requests are carried out once, however often they come."""

import asyncio

import pytest

from broker.adapters.redis.requests import RedisRequests
from broker.adapters.redis.scripts import Scripts
from broker.app import Adapters
from broker.domain.errors import BadRequest, Conflict, NotFound, RelayError, Unavailable
from broker.domain.ids import TokenId, WorkspaceId
from broker.services.requests import Requests
from tests.fixtures.desk import a_person


class Deed:
    """Counts how often it is done; fails as often as it is told to."""

    def __init__(self, *errors: RelayError) -> None:
        self.times = 0
        self._errors = list(errors)

    async def __call__(self) -> str:
        self.times += 1
        if self._errors:
            raise self._errors.pop()
        return f"outcome {self.times}"


@pytest.fixture
def requests(adapters: Adapters) -> Requests:
    return Requests(RedisRequests(adapters.redis, Scripts(adapters.redis)))


async def test_a_repeat_is_told_what_came_of_the_first(requests: Requests, workspace: WorkspaceId) -> None:
    deed, person = Deed(), a_person(workspace)
    first = await requests.once(person, "key", about=("what",), act=deed)
    again = await requests.once(person, "key", about=("what",), act=deed)
    assert (first.text, first.repeated, again.text, again.repeated) == ("outcome 1", False, "outcome 1", True)
    assert deed.times == 1


async def test_without_a_key_every_request_is_new(requests: Requests, workspace: WorkspaceId) -> None:
    deed = Deed()
    for _ in range(2):
        await requests.once(a_person(workspace), None, about=("what",), act=deed)
    assert deed.times == 2


async def test_a_key_belongs_to_its_caller(requests: Requests, workspace: WorkspaceId) -> None:
    deed = Deed()
    for token in ("one", "two"):
        await requests.once(a_person(workspace, token_id=TokenId(token)), "key", about=("what",), act=deed)
    assert deed.times == 2


async def test_a_key_is_good_for_one_request_only(requests: Requests, workspace: WorkspaceId) -> None:
    await requests.once(a_person(workspace), "key", about=("what",), act=Deed())
    with pytest.raises(Conflict, match="another request") as refused:
        await requests.once(a_person(workspace), "key", about=("something else",), act=Deed())
    assert refused.value.code == "IDEMPOTENCY_MISMATCH"


async def test_a_refused_request_may_be_tried_again(requests: Requests, workspace: WorkspaceId) -> None:
    deed, person = Deed(NotFound("not there yet")), a_person(workspace)
    with pytest.raises(NotFound):
        await requests.once(person, "key", about=("what",), act=deed)
    assert (await requests.once(person, "key", about=("what",), act=deed)).text == "outcome 2"


async def test_a_request_that_may_have_been_carried_out_is_not_carried_out_again_at_once(
    requests: Requests, workspace: WorkspaceId
) -> None:
    """The store went away in the middle of it: nobody knows how far it came."""
    deed, person = Deed(Unavailable("away")), a_person(workspace)
    with pytest.raises(Unavailable):
        await requests.once(person, "key", about=("what",), act=deed)
    with pytest.raises(Unavailable) as refused:
        await requests.once(person, "key", about=("what",), act=deed)
    assert (refused.value.code, deed.times) == ("IN_PROGRESS", 1)


async def test_who_was_too_slow_takes_nothing_from_who_has_the_request_now(
    adapters: Adapters, workspace: WorkspaceId
) -> None:
    records = RedisRequests(adapters.redis, Scripts(adapters.redis))
    assert await records.begin(workspace, "request", b"first", seconds=60) is None
    await records.drop(workspace, "request", b"first")
    assert await records.begin(workspace, "request", b"second", seconds=60) is None
    await records.drop(workspace, "request", b"first")
    await records.finish(workspace, "request", b"first", b"done by the first", seconds=60)
    assert await records.begin(workspace, "request", b"third", seconds=60) == "second"
    await records.finish(workspace, "request", b"second", b"done", seconds=60)
    assert await records.begin(workspace, "request", b"third", seconds=60) == "done"


async def test_the_same_at_the_same_time_is_asked_to_come_again(requests: Requests, workspace: WorkspaceId) -> None:
    begun, go_on, person = asyncio.Event(), asyncio.Event(), a_person(workspace)

    async def slow() -> str:
        begun.set()
        await go_on.wait()
        return "done"

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(requests.once(person, "key", about=("what",), act=slow))
        await begun.wait()
        with pytest.raises(RelayError) as refused:
            await requests.once(person, "key", about=("what",), act=slow)
        go_on.set()
    assert (refused.value.code, refused.value.retryable) == ("IN_PROGRESS", True)
    assert (await first).text == "done"


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_key_has_a_sensible_length(requests: Requests, workspace: WorkspaceId, key: str) -> None:
    with pytest.raises(BadRequest):
        await requests.once(a_person(workspace), key, about=("what",), act=Deed())
