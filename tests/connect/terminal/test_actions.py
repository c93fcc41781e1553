import pytest

from broker.domain.errors import BadRequest
from connect.sdk import AgentRelay
from connect.terminal.actions import Actions, LeadAgent
from connect.terminal.commands import Search
from connect.terminal.text import plain
from connect.terminal.verbosity import Verbosity
from connect.terminal.view import View
from tests.connect.api_double import SESSION, ApiDouble, granted, refusal


@pytest.fixture
async def actions(relay: AgentRelay) -> Actions:
    await relay.session()
    return Actions(relay, View(Verbosity.NORMAL), lead=LeadAgent())


async def test_a_search_shows_hits_and_that_there_are_more(actions: Actions, broker: ApiDouble) -> None:
    hits = [
        {"session": SESSION, "epoch": "e1", "offset": n, "at_ms": 1, "kind": "text", "text": f"word {n}"}
        for n in range(30, 10, -1)
    ]
    broker.broken_answers = [granted({"hits": hits, "next": "cursor"})]
    reply = await actions.run(Search(query="word"))
    lines = plain(reply.lines).split("\n")
    assert len(lines) == 21
    assert lines[0].endswith("text      word 30")
    assert "the newest 20" in lines[-1]
    assert isinstance(reply.result, dict)
    assert reply.result["next"] == "cursor"


async def test_a_search_that_cannot_be_read_is_refused(actions: Actions, broker: ApiDouble) -> None:
    broker.broken_answers = [refusal(400, "INVALID_QUERY", "there is no field knid (column 1)\n  knid:x\n  ^")]
    with pytest.raises(BadRequest):
        await actions.run(Search(query="knid:x"))
