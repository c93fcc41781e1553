from typing import Any

import pytest

from broker.domain.errors import BadRequest
from connect.sdk import AgentRelay
from tests.connect.api_double import SESSION, ApiDouble, granted, refusal


def hit(offset: int) -> dict[str, Any]:
    return {"session": SESSION, "epoch": "e1", "offset": offset, "at_ms": 1, "kind": "text", "text": "word"}


def page(first: int, last: int, cursor: str | None) -> Any:
    return granted({"hits": [hit(n) for n in range(first, last, -1)], "next": cursor})


async def test_a_long_search_takes_as_many_pages_as_it_needs(relay: AgentRelay, broker: ApiDouble) -> None:
    await relay.session()
    broker.broken_answers = [page(300, 200, "c1"), page(200, 100, "c2")]
    found = await relay.search_logs("word", limit=150)
    assert [each.offset for each in found.hits] == list(range(300, 100, -1))
    assert found.next == "c2"
    assert broker.broken_answers == []


async def test_a_search_ends_where_there_is_no_more(relay: AgentRelay, broker: ApiDouble) -> None:
    await relay.session()
    broker.broken_answers = [page(2, 0, None)]
    found = await relay.search_logs("word", limit=150)
    assert (len(found.hits), found.next) == (2, None)


async def test_a_search_that_cannot_be_read_is_raised_with_its_pointer(relay: AgentRelay, broker: ApiDouble) -> None:
    await relay.session()
    broker.broken_answers = [refusal(400, "INVALID_QUERY", "there is no field knid (column 1)\n  knid:x\n  ^")]
    with pytest.raises(BadRequest, match="knid") as refused:
        await relay.search_logs("knid:x")
    assert refused.value.message.endswith("^")
