"""Finding things again by their global ids, and nothing of anybody else."""

import base64

import pytest

from graphql_api.node_ids import global_id, key_of, read_id
from tests.fixtures.gateway import Gateway
from tests.fixtures.graphql import GraphQL
from tests.gateway.http.test_api import ask

NODE = "query($id: ID!) { node(id: $id) { __typename id key } }"
IDS = """{
  workspace {
    id
    sessions { nodes { id agents { nodes { id } } approvals { nodes { id } } } }
    proxies { nodes { id } }
    tokens { nodes { id } }
    members { nodes { id } }
  }
}"""
PERSON = 'mutation { addMember(input: {name: "Ada"}) { __typename } }'
SHARE = 'mutation { shareSession(input: {session: "other"}) { ... on SessionShared { url } } }'
MESSAGE = """mutation {
  sendMessage(input: {session: "main", to: "Worker", text: "secret words"}) { ... on MessageSent { sent { id } } }
}"""


async def furnish(graphql: GraphQL, gateway: Gateway) -> dict[str, str]:
    """One of everything: the type's name → its id. A machine must be linked."""
    await graphql.ok(PERSON)
    await gateway.token("observer")
    sent = (await graphql.ok(MESSAGE))["sendMessage"]["sent"]
    found = (await graphql.ok(IDS))["workspace"]
    (session,) = found["sessions"]["nodes"]
    return {
        "Workspace": found["id"],
        "Session": session["id"],
        "Agent": session["agents"]["nodes"][0]["id"],
        "Approval": session["approvals"]["nodes"][0]["id"],
        "Message": sent["id"],
        "Proxy": found["proxies"]["nodes"][0]["id"],
        "Token": found["tokens"]["nodes"][-1]["id"],
        "Member": found["members"]["nodes"][0]["id"],
    }


async def test_each_thing_is_found_by_its_id_and_by_nobody_elses_key(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        await ask(gateway, machine)
        ids = await furnish(graphql, gateway)
        stranger = await gateway.another_workspace()
        _, bound = await gateway.token("proxy")
        for kind, one in ids.items():
            assert (await graphql.ok(NODE, id=one))["node"]["__typename"] == kind
            assert (await graphql.ok(NODE, token=stranger, id=one))["node"] is None, kind
            if kind != "Workspace":
                assert (await graphql.ok(NODE, token=bound, id=one))["node"] is None, kind


async def test_an_observer_of_one_session_finds_nothing_outside_it(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        await ask(gateway, machine)
        ids = await furnish(graphql, gateway)
        await gateway.ok("POST", "/v1/sessions", {"name": "other"})
        shared = await graphql.ok(
            'mutation { shareSession(input: {session: "other"}) { ... on SessionShared { url } } }'
        )
        secret = shared["shareSession"]["url"].partition("#share=")[2]
        for kind, one in ids.items():
            found = (await graphql.ok(NODE, token=secret, id=one))["node"]
            assert (found is None) == (kind != "Workspace"), kind


async def test_a_text_that_is_no_id_is_refused(graphql: GraphQL) -> None:
    for text in ("", "x", global_id("Planet", "1"), base64.b64encode(b"Session:").decode()):
        assert await graphql.refusal(NODE, id=text) == "INVALID_ID"


def test_ids_hold_the_type_and_the_key() -> None:
    assert read_id(global_id("Session", "abc:1")) == ("Session", "abc:1")


@pytest.mark.parametrize("reference", ["main", "0f8fad5bd9cb469fa165708677289a0c", "", "=", "main="])
def test_where_the_type_is_known_a_key_will_do(reference: str) -> None:
    assert key_of("Session", reference) == reference
    assert key_of("Session", global_id("Session", "abc")) == "abc"
