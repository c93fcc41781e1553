"""A budget over a tree of real agents: it stops within a turn of each, and after a raise nothing is lost."""

import asyncio
from typing import Any

import httpx
import pytest

from broker.domain.ids import MessageId
from connect.sdk import AgentRelay
from tests.agents.eventlog import EventLog
from tests.agents.model_server import ModelServer
from tests.agents.script import Answer, CallTool, CallTools, ModelRequest, Say, by_agent, echo, named_in_text
from tests.agents.stage import Broker, Stage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]

_CHILDREN = ("One", "Two", "Three", "Four")
_TREE = ("Lead", *_CHILDREN)
_EACH = 3
_AGENT_OF = named_in_text(r'You are the agent "([^"]+)"')
_PLACE = {"scope": "tree:main/Lead", "unit": "tokens", "period": "total"}


def _lead(request: ModelRequest) -> Answer:
    """Spawns the others in its first turn."""
    if request.starts_turn and "spawn" in request.prompt:
        return CallTools(tuple(CallTool("relay_spawn", {"name": name, "cli": "codex"}) for name in _CHILDREN))
    return Say("done")


async def _budgets(broker: Broker, method: str, path: str = "/v1/budgets", **body: object) -> Any:
    headers = {"Authorization": f"Bearer {broker.key_file.read_text().strip()}"}
    async with httpx.AsyncClient(base_url=broker.url, headers=headers, trust_env=False) as http:
        answer = await http.request(method, path, json=body or None)
    answer.raise_for_status()
    return answer.json()["data"]


async def _until_all_rest(relay: AgentRelay) -> None:
    while {agent.state for agent in await relay.agents()} != {"idle"}:
        await asyncio.sleep(0.05)


def _answered(log: EventLog, messages: list[MessageId]) -> list[MessageId]:
    """Those of which a turn has ended, once for each time."""
    receipts = log.matching(lambda event: event.kind == "message.receipt" and event.data["state"] == "answered")
    return [event.data["message"] for event in receipts if event.data["message"] in messages]


async def test_a_tree_of_five_stops_within_one_turn_of_each_and_goes_on_after_a_raise(
    model: ModelServer, stage: Stage
) -> None:
    model.script = by_agent({"Lead": _lead, **dict.fromkeys(_CHILDREN, echo)}, agent_of=_AGENT_OF)
    async with asyncio.timeout(220):
        broker, _, relay, log = await stage.desk("claude", "codex")
        await relay.spawn("Lead", "claude", "spawn the others")
        while len(await relay.agents()) < len(_TREE):
            await asyncio.sleep(0.05)
        await _until_all_rest(relay)
        before = len(log.matching(lambda event: event.kind == "turn.started"))
        await _budgets(broker, "PUT", **_PLACE, amount=1)
        sent = [(await relay.send(name, f"task {number}")).message_id for number in range(_EACH) for name in _TREE]
        await log.until(lambda event: event.kind == "budget.spent")
        await _until_all_rest(relay)
        started = len(log.matching(lambda event: event.kind == "turn.started")) - before
        stopped = _answered(log, sent)

        await _budgets(broker, "POST", "/v1/budgets/raise", **_PLACE, amount=10**9)
        for message in sent:
            await log.answered(message)
        [budget] = (await _budgets(broker, "GET"))["budgets"]
        for name in reversed(_TREE):
            await relay.release(name)
        await stage.no_agent_remains()

    assert 1 <= started <= len(_TREE)
    assert len(stopped) == started
    assert sorted(_answered(log, sent)) == sorted(sent)  # each once
    assert budget["is_spent"] is False
    assert budget["running"] == 0
