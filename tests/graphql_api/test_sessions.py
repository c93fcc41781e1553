"""Sessions and what is in them, through the running gateway."""

from typing import Any

from tests.fixtures.gateway import Gateway
from tests.fixtures.graphql import GraphQL
from tests.gateway.http.test_api import answered, ask

SEND = """
mutation($text: String!) {
  sendMessage(input: {session: "main", to: "Worker", text: $text}) { ... on MessageSent { sent { key } } }
}
"""


async def send(graphql: GraphQL, text: str) -> str:
    return str((await graphql.ok(SEND, text=text))["sendMessage"]["sent"]["key"])


async def spawn(gateway: Gateway, *names: str) -> None:
    for name in names:
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": name, "cli": "demo"})


async def test_agents_know_their_session_and_the_session_its_agents(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "One", "Two")
        query = '{ session(key: "main") { agents { totalCount nodes { name state machine session { name } } } } }'
        found = (await graphql.ok(query))["session"]["agents"]
        assert found["totalCount"] == 2
        assert [(a["name"], a["machine"], a["session"]["name"]) for a in found["nodes"]] == [
            ("One", "laptop", "main"),
            ("Two", "laptop", "main"),
        ]
        named = (await graphql.ok('{ session(key: "main") { agent(name: "two") { name ended } } }'))["session"]
        assert named["agent"] == {"name": "Two", "ended": False}
        assert (await graphql.ok('{ session(key: "main") { agent(name: "Three") { name } } }'))["session"] == {
            "agent": None
        }


async def test_ended_agents_can_be_left_out(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "One", "Two")
        await gateway.ok("DELETE", "/v1/sessions/main/agents/One")
        query = '{ session(key: "main") { agents(ended: false) { nodes { name } } } }'
        assert (await graphql.ok(query))["session"]["agents"]["nodes"] == [{"name": "Two"}]


async def test_a_list_is_paged_without_gap_or_repeat_while_it_grows(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "A", "B", "C")
        query = """query($after: String) { session(key: "main") {
          agents(first: 2, after: $after) { nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
        first = (await graphql.ok(query))["session"]["agents"]
        await spawn(gateway, "D")
        second = (await graphql.ok(query, after=first["pageInfo"]["endCursor"]))["session"]["agents"]
        assert [each["name"] for each in first["nodes"] + second["nodes"]] == ["A", "B", "C", "D"]
        assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
        assert (first["pageInfo"]["hasPreviousPage"], second["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_pages_have_a_largest_size_and_know_their_own_cursors(graphql: GraphQL) -> None:
    assert await graphql.refusal("{ workspace { sessions(first: 101) { totalCount } } }") == "PAGE_TOO_LARGE"
    assert await graphql.refusal('{ workspace { sessions(after: "x") { totalCount } } }') == "INVALID_CURSOR"


async def test_a_message_is_sent_and_told_step_by_step(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "Worker")
        key = await send(graphql, "hello")
        query = """query($key: ID!) { session(key: "main") { message(key: $key) {
          id text mode sender { name role agentKey } deliveries { to state answer steps { state at } } } } }"""
        await answered(gateway, key)
        found = (await graphql.ok(query, key=key))["session"]["message"]
        assert found["sender"] == {"name": "operator", "role": "HUMAN", "agentKey": None}
        (delivery,) = found["deliveries"]
        assert (delivery["to"], delivery["state"], delivery["answer"]) == ("Worker", "ANSWERED", f"re: {key}")
        assert delivery["steps"][0]["state"] == "queued"
        node = await graphql.ok("query($id: ID!) { node(id: $id) { key ... on Message { text } } }", id=found["id"])
        assert node["node"] == {"key": key, "text": "hello"}


async def test_the_log_is_read_forwards_and_backwards(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "Worker")
        await send(graphql, "hello")
        page = (
            "nodes { __typename offset kind } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } head reset"
        )
        whole = await events(graphql, 'after: "0", first: 100', page)
        offsets = [each["offset"] for each in whole["nodes"]]
        assert offsets == list(range(1, len(offsets) + 1))
        assert whole["nodes"][0]["kind"] == "session.created"
        assert whole["pageInfo"]["hasNextPage"] is False
        forwards = await events(graphql, f'after: "{whole["pageInfo"]["startCursor"]}", first: 2', page)
        assert [each["offset"] for each in forwards["nodes"]] == [2, 3]
        backwards = await events(graphql, f'before: "{forwards["pageInfo"]["startCursor"]}"', page)
        assert [each["offset"] for each in backwards["nodes"]] == [1]
        assert backwards["pageInfo"]["hasPreviousPage"] is False


async def events(graphql: GraphQL, arguments: str, page: str) -> dict[str, Any]:
    found = await graphql.ok(f'{{ session(key: "main") {{ events({arguments}) {{ {page} }} }} }}')
    shown: dict[str, Any] = found["session"]["events"]
    return shown


async def test_events_are_filtered_by_kind_and_agent(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "Worker", "Other")
        found = await events(graphql, 'filter: {kinds: ["agent.*"], agents: ["worker"]}', "nodes { kind agentName }")
        assert {each["agentName"] for each in found["nodes"]} == {"Worker"}
        assert all(each["kind"].startswith("agent.") for each in found["nodes"])


async def test_messages_are_the_events_that_accepted_them(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "Worker")
        for text in ("one", "two"):
            await send(graphql, text)
        query = '{ session(key: "main") { messages(last: 1) { nodes { ... on MessageEvent { text } } } } }'
        assert (await graphql.ok(query))["session"]["messages"]["nodes"] == [{"text": "two"}]


async def test_the_log_is_shown_around_a_place_and_from_a_time_on(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "Worker")
    whole = await events(graphql, 'after: "0"', "nodes { cursor offset at }")
    middle = whole["nodes"][2]
    query = 'query($at: Cursor!) { session(key: "main") { eventsAround(cursor: $at, lines: 1) { nodes { offset } } } }'
    around = (await graphql.ok(query, at=middle["cursor"]))["session"]["eventsAround"]["nodes"]
    assert [each["offset"] for each in around] == [2, 3, 4]
    query = 'query($at: DateTime!) { session(key: "main") { eventsAt(at: $at, first: 1) { nodes { at } } } }'
    (found,) = (await graphql.ok(query, at=middle["at"]))["session"]["eventsAt"]["nodes"]
    assert found["at"] == middle["at"]


async def test_both_directions_at_once_are_refused(graphql: GraphQL, gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    query = '{ session(key: "main") { events(first: 1, last: 1) { head } } }'
    assert await graphql.refusal(query) == "INVALID_ARGUMENT"


async def test_what_waits_for_an_answer_is_listed_for_the_whole_workspace(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        approval = await ask(gateway, machine)
        shown = "key tool command status risk suggestedRules { effect command } session { name } input"
        query = f"{{ workspace {{ approvals {{ totalCount nodes {{ {shown} }} }} }} }}"
        found = (await graphql.ok(query))["workspace"]["approvals"]
        assert found["totalCount"] == 1
        assert found["nodes"] == [
            {
                "key": approval,
                "tool": "Bash",
                "command": "ls",
                "status": "PENDING",
                "risk": "LOW",
                "suggestedRules": [{"effect": "ALLOW", "command": "ls"}],
                "session": {"name": "main"},
                "input": {"command": "ls"},
            }
        ]
        query = '{ session(key: "main") { approvals(status: ALLOWED) { totalCount } } }'
        assert (await graphql.ok(query))["session"]["approvals"]["totalCount"] == 0


async def test_machines_tell_what_they_can_run(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        query = "{ workspace { proxies { nodes { id name online clis { cli dialect supported } } } } }"
        (found,) = (await graphql.ok(query))["workspace"]["proxies"]["nodes"]
        assert (found["name"], found["online"]) == ("laptop", True)
        assert found["clis"] == [{"cli": "demo", "dialect": "ACP", "supported": True}]
        node = await graphql.ok("query($id: ID!) { node(id: $id) { ... on Proxy { name } } }", id=found["id"])
        assert node["node"] == {"name": "laptop"}
