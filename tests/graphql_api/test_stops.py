"""Stop all over GraphQL: mutations, what shows it, and those who follow."""

from typing import Any

import pytest

from tests.fixtures.gateway import Gateway
from tests.fixtures.graphql import GraphQL
from tests.fixtures.live_graphql import LiveGraphQL, live
from tests.graphql_api.test_mutations import mutate
from tests.graphql_api.test_subscriptions import item, spawned

STOPPED = "... on AllStopped { stop { key scope ofKey name how by note at agents interrupted finished } }"
RESUMED = "... on AllResumed { stopKey }"
SEEN = """{ workspace { stops { key }
  sessions(first: 5) { edges { node { stopped { key scope } agents(first: 5) { edges { node { paused } } } } } }
  proxies { edges { node { stopped { key scope } } } } } }"""
AGENTS = """
subscription { agents { ... on AgentsSnapshot { agents { paused } } ... on AgentChanged { agent { paused } } } }
"""
EVENTS = """
subscription { sessionEvents(session: "main", filter: {kinds: ["stop.*"]}) {
  ... on StopEvent { kind scope by note stopName stopKey } } }
"""


@pytest.mark.parametrize("scope", ["session", "proxy", "workspace"])
async def test_what_is_stopped_is_seen_wherever_it_is_over(graphql: GraphQL, gateway: Gateway, scope: str) -> None:
    async with gateway.machine() as machine:
        await spawned(gateway, machine)
        place: dict[str, Any] = {scope: {"session": "main", "proxy": "laptop", "workspace": True}[scope]}
        made = (await mutate(graphql, "stopAll", STOPPED, note="look first", **place))["stop"]
        assert (made["note"], made["how"], made["agents"], made["finished"]) == ("look first", "PAUSE", 1, True)
        seen = (await graphql.ok(SEEN))["workspace"]
        (session,), (proxy,) = ([edge["node"] for edge in seen[name]["edges"]] for name in ("sessions", "proxies"))
        brief = {"key": made["key"], "scope": made["scope"]}
        assert session["stopped"] == (None if scope == "proxy" else brief)
        assert proxy["stopped"] == (brief if scope == "proxy" else None)
        assert session["agents"]["edges"] == [{"node": {"paused": True}}]
        assert seen["stops"] == [{"key": made["key"]}]
        assert (await mutate(graphql, "resumeAll", RESUMED, **place))["stopKey"] == made["key"]
        assert (await mutate(graphql, "resumeAll", RESUMED, **place))["stopKey"] is None


async def test_a_repeat_stops_nothing_that_was_resumed_since(graphql: GraphQL) -> None:
    asked: dict[str, Any] = {"workspace": True, "clientMutationId": "stop-1"}
    first = (await mutate(graphql, "stopAll", STOPPED, **asked))["stop"]
    assert (await mutate(graphql, "stopAll", STOPPED, **asked))["stop"] == first
    lifting: dict[str, Any] = {"workspace": True, "clientMutationId": "resume-1"}
    for _ in range(2):
        assert (await mutate(graphql, "resumeAll", RESUMED, **lifting))["stopKey"] == first["key"]
    assert (await mutate(graphql, "stopAll", STOPPED, **asked))["stop"] is None


@pytest.mark.parametrize("given", [{}, {"workspace": True, "session": "main"}, {"workspace": True, "note": "x" * 501}])
async def test_what_is_meant_is_named_once(graphql: GraphQL, given: dict[str, Any]) -> None:
    refused = await mutate(graphql, "stopAll", "", **given)
    assert refused["__typename"] == "InvalidInput"


async def test_a_spawn_where_it_is_stopped_is_a_refusal(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await mutate(graphql, "stopAll", STOPPED, session="main")
        refused = await mutate(graphql, "spawnAgent", "", session="main", name="Worker", cli="demo")
        assert (refused["__typename"], refused["code"]) == ("ConflictRefusal", "STOPPED")


async def paused(client: LiveGraphQL, operation: str) -> bool:
    """Whether the one agent is, by the next item."""
    told = await item(client, operation)
    found: bool = (told["agent"] if "agent" in told else told["agents"][0])["paused"]
    return found


async def test_who_follows_agents_or_events_is_told(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine() as machine, live(gateway) as client:
        await spawned(gateway, machine)
        agents = await client.subscribe(AGENTS)
        events = await client.subscribe(EVENTS)
        assert not await paused(client, agents)
        await item(client, events)  # caught up
        made = (await mutate(graphql, "stopAll", STOPPED, workspace=True, note="look first"))["stop"]
        while not await paused(client, agents):
            pass
        told = [await item(client, events) for _ in range(2)]
        assert [each["kind"] for each in told] == ["stop.ordered", "stop.finished"]
        assert told[0] == {
            "kind": "stop.ordered",
            "scope": "WORKSPACE",
            "by": made["by"],
            "note": "look first",
            "stopName": "",
            "stopKey": made["key"],
        }
        await mutate(graphql, "resumeAll", RESUMED, workspace=True)
        while await paused(client, agents):
            pass
        assert (await item(client, events))["kind"] == "stop.lifted"
