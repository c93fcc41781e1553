"""What can be followed beside the events of a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker.protocol.agents.events import AgentBroken, ApprovalRequested
from broker.protocol.proxy import FrameRecorded, StateChanged
from tests.fixtures.gateway import Gateway, Machine
from tests.fixtures.live_graphql import LiveGraphQL, live

AGENTS = """
subscription($session: ID) { agents(session: $session) {
  ... on AgentsSnapshot { agents { name state } } ... on AgentChanged { agent { name state session { name } } } } }
"""
APPROVALS = """
subscription($session: ID) { approvals(session: $session) {
  ... on ApprovalsSnapshot { approvals { title status } } ... on ApprovalChanged { approval { key title status } } } }
"""
NEEDS = """
subscription { needs {
  ... on NeedsSnapshot { needs { ...Told } }
  ... on NeedsChanged { changed { ...Told } over settled { title status answeredBy } } } }
fragment Told on Need { key kind title name blocks dismissable approval { title } }
"""
RECEIPTS = "subscription($message: ID!) { receipts(message: $message) { text deliveries { to state answer } } }"
ACTIVITY = """
subscription { activity {
  __typename ... on ActivityEvent { session { name } event { __typename kind ... on MessageEvent { text } } } } }
"""


async def spawned(gateway: Gateway, machine: Machine, *, name: str = "Bob") -> Any:
    del machine
    return await gateway.ok("POST", "/v1/sessions/main/agents", {"name": name, "cli": "demo"})


async def item(client: LiveGraphQL, operation: str) -> Any:
    (told,) = (await client.data(operation)).values()
    return told


async def changed_approval(client: LiveGraphQL, operation: str) -> Any:
    told: dict[str, Any] = {}
    while "approval" not in told:
        told = await item(client, operation)
    return told["approval"]


async def until_state(client: LiveGraphQL, operation: str, state: str) -> list[str]:
    """The states that an agent is told to be in, up to one."""
    states: list[str] = []
    while not states or states[-1] != state:
        told = await item(client, operation)
        if "agent" in told:  # else all of them again: the bus may say that some were missed at any time
            states.append(told["agent"]["state"])
    return states


@pytest.mark.parametrize("of_session", [True, False])
async def test_agents_come_whole_first_and_then_as_they_change(gateway: Gateway, of_session: bool) -> None:
    session = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    await gateway.ok("POST", "/v1/sessions", {"name": "idle"})
    async with gateway.machine() as machine, live(gateway) as client:
        operation = await client.subscribe(AGENTS, session=session["id"] if of_session else None)
        assert await item(client, operation) == {"agents": []}
        await spawned(gateway, machine)
        assert await until_state(client, operation, "IDLE") == ["STARTING", "IDLE"]
        again = await client.subscribe(AGENTS, session="main")
        assert await item(client, again) == {"agents": [{"name": "Bob", "state": "IDLE"}]}
        await gateway.ok("DELETE", "/v1/sessions/main/agents/Bob")
        assert (await until_state(client, operation, "RELEASED"))[-2:] == ["RELEASING", "RELEASED"]


async def test_agents_of_another_session_are_not_told(gateway: Gateway) -> None:
    for name in ("main", "other"):
        await gateway.ok("POST", "/v1/sessions", {"name": name})
    async with gateway.machine() as machine, live(gateway) as client:
        main, other = await client.subscribe(AGENTS, session="main"), await client.subscribe(AGENTS, session="other")
        for operation in (main, other):
            assert await item(client, operation) == {"agents": []}
        await spawned(gateway, machine)
        await until_state(client, main, "IDLE")
        while client.waiting(other):
            assert await item(client, other) == {"agents": []}


FLEET = """
subscription { agents {
  ... on AgentsSnapshot { agents { name state } }
  ... on AgentChanged { agent { id name state awaySince task doing said tokens costUsd dismissed } } } }
"""
DISMISS = """
mutation($agent: ID!) { dismissAgent(input: { agent: $agent }) {
  ... on AgentDismissed { agent { dismissed } } ... on Refusal { code } } }
"""


async def until(client: LiveGraphQL, operation: str, **wanted: object) -> Any:
    """The first word of an agent that is as wanted."""
    while True:
        agent = (await item(client, operation)).get("agent", {})
        if wanted.items() <= agent.items():
            return agent


async def test_an_agent_is_told_to_be_away_as_soon_as_its_machine_is_whichever_session_it_is_in(
    gateway: Gateway,
) -> None:
    for name in ("main", "other"):
        await gateway.ok("POST", "/v1/sessions", {"name": name})
    async with live(gateway) as client:
        operation = await client.subscribe(FLEET)
        async with gateway.machine():
            await gateway.ok("POST", "/v1/sessions/other/agents", {"name": "Bob", "cli": "demo", "on": "laptop"})
            assert (await until(client, operation, state="IDLE"))["awaySince"] is None
        away: Any = {"awaySince": None}
        while away["awaySince"] is None:
            away = await until(client, operation, name="Bob")
        assert away["state"] == "IDLE"
        async with gateway.machine():
            assert await until(client, operation, name="Bob", awaySince=None)


async def test_what_an_agent_says_and_uses_is_told_without_its_log(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine() as machine, live(gateway) as client:
        operation = await client.subscribe(FLEET)
        agent = await spawned(gateway, machine)
        await until(client, operation, state="IDLE")
        machine.answering = False
        await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Bob", "text": "build it\nwell"})
        assert (await until(client, operation, state="WORKING"))["task"] == "build it"
        call: dict[str, Any] = {"type": "tool_call", "call_id": "1", "tool": "Bash", "input": {"command": "make"}}
        spent: dict[str, Any] = {"type": "usage", "input_tokens": 3, "output_tokens": 4}
        for events in ([{"type": "text", "text": "On it."}, call], [spent]):
            await machine.report(
                FrameRecorded(agent=agent["id"], generation=1, direction="out", frame_type="x", events=events, raw=None)
            )
        seen = await until(client, operation, doing="Bash: make")
        assert (seen["said"], seen["costUsd"]) == ("On it.", None)


async def test_a_failed_agent_stays_among_those_that_live_until_it_is_dismissed(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine() as machine, live(gateway) as client:
        operation = await client.subscribe(FLEET)
        agent = await spawned(gateway, machine)
        await until(client, operation, state="IDLE")
        broken = AgentBroken(code="PROTOCOL_ERROR", detail="gibberish")
        await machine.report(StateChanged(agent=agent["id"], generation=1, event=broken))
        failed = await until(client, operation, state="FAILED", dismissed=False)
        again = await client.subscribe(AGENTS)
        assert await item(client, again) == {"agents": [{"name": "Bob", "state": "FAILED"}]}
        answer = (await client.data(await client.subscribe(DISMISS, agent=failed["id"])))["dismissAgent"]
        assert answer == {"agent": {"dismissed": True}}
        await until(client, operation, dismissed=True)
        last = await client.subscribe(AGENTS)
        assert await item(client, last) == {"agents": []}


async def test_approvals_come_whole_first_and_then_as_they_are_asked_and_answered(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine() as machine, live(gateway) as client:
        operation = await client.subscribe(APPROVALS)
        assert await item(client, operation) == {"approvals": []}
        agent = await spawned(gateway, machine)
        asked = ApprovalRequested(native_id="1", tool="Bash", title="run the tests", command="make test")
        await machine.report(StateChanged(agent=agent["id"], generation=agent["generation"], event=asked))
        waiting = await changed_approval(client, operation)
        assert (waiting["title"], waiting["status"]) == ("run the tests", "PENDING")
        again = await client.subscribe(APPROVALS, session="main")
        assert await item(client, again) == {"approvals": [{"title": "run the tests", "status": "PENDING"}]}
        await gateway.ok("POST", f"/v1/approvals/{waiting['key']}/answer", {"verdict": "allow"})
        for each in (operation, again):
            assert (await changed_approval(client, each))["status"] == "ALLOWED"


async def test_what_needs_a_person_comes_whole_first_and_then_as_it_changes(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine() as machine, live(gateway) as client:
        operation = await client.subscribe(NEEDS)
        told = await changed_needs(client, operation, {}, lambda needs: needs == {})
        agent = await spawned(gateway, machine)
        asked = ApprovalRequested(native_id="1", tool="Bash", title="run the tests", command="make test")
        await machine.report(StateChanged(agent=agent["id"], generation=agent["generation"], event=asked))
        told = await changed_needs(client, operation, told, lambda needs: len(needs) == 1)
        ((key, need),) = told.items()
        assert (need["kind"], need["approval"]["title"]) == ("APPROVAL", "run the tests")
        query = "{ workspace { needs { totalCount nodes { key } } } }"
        page = await gateway.ok("POST", "/graphql", {"query": query}, **{"content-type": "application/json"})
        assert page["workspace"]["needs"] == {"totalCount": 1, "nodes": [{"key": key}]}
        await gateway.ok("POST", f"/v1/approvals/{key.partition('|')[2]}/answer", {"verdict": "deny"})
        await changed_needs(client, operation, told, lambda needs: needs == {})


async def changed_needs(
    client: LiveGraphQL, operation: str, before: dict[str, Any], done: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """What needs a person, by key, once it is as it is waited for."""
    needs, told = before, None
    while told is None or not done(needs):
        told = await item(client, operation)
        if "needs" in told:
            needs = {each["key"]: each for each in told["needs"]}
        else:
            needs = {key: each for key, each in needs.items() if key not in told["over"]}
            needs |= {each["key"]: each for each in told["changed"]}
    return needs


async def test_receipts_tell_a_message_until_it_is_answered(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine() as machine, live(gateway) as client:
        await spawned(gateway, machine)
        machine.answering = False
        sent = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Bob", "text": "hello"})
        operation = await client.subscribe(RECEIPTS, message=sent["message_id"])
        first = await item(client, operation)
        assert first["text"] == "hello"
        order = next(each for each in machine.commands if getattr(each, "message_id", None) == sent["message_id"])
        await machine.answer(order)  # type: ignore[arg-type]
        message = await client.message(operation)
        last: Any = None
        while message["type"] == "next":
            last, message = message["payload"]["data"]["receipts"], await client.message(operation)
        assert last["deliveries"] == [{"to": "Bob", "state": "ANSWERED", "answer": f"re: {sent['message_id']}"}]
        assert message["type"] == "complete"


async def test_usage_counts_as_messages_are_accepted(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine() as machine, live(gateway) as client:
        operation = await client.subscribe("subscription { usage { count limit } }")
        assert await item(client, operation) == {"count": 0, "limit": None}
        await spawned(gateway, machine)
        for number in range(3):
            await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Bob", "text": str(number)})
        counts = [0]
        while counts[-1] < 3:
            counts.append((await item(client, operation))["count"])
        assert len(counts) <= 3  # not one for each message


async def test_activity_tells_what_happens_in_every_session(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine() as machine, live(gateway) as client:
        operation = await client.subscribe(ACTIVITY)
        assert await item(client, operation) == {"__typename": "Reset"}
        await spawned(gateway, machine)
        await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Bob", "text": "hello"})
        kinds: list[str] = []
        while "turn.ended" not in kinds:
            told = await item(client, operation)
            if told["__typename"] == "Reset":
                continue
            assert told["session"] == {"name": "main"}
            kinds.append(told["event"]["kind"])
        assert "agent.spawning" in kinds
        assert "message.accepted" in kinds
        assert "message.receipt" not in kinds


@pytest.mark.parametrize("query", [AGENTS, APPROVALS, ACTIVITY, "subscription { usage { count } }"])
async def test_a_machines_token_follows_nothing(gateway: Gateway, query: str) -> None:
    _, token = await gateway.token("proxy")
    async with live(gateway, token=token) as client:
        assert await client.refusal(await client.subscribe(query)) == "NOT_PERMITTED"


async def test_a_message_of_another_workspace_is_not_there(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine() as machine, live(gateway, token=await gateway.another_workspace()) as client:
        await spawned(gateway, machine)
        sent = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Bob", "text": "hello"})
        operation = await client.subscribe(RECEIPTS, message=sent["message_id"])
        assert await client.refusal(operation) == "MESSAGE_NOT_FOUND"
