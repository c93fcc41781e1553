"""Hooks over GraphQL: applied, paused, shown, and what became of their runs."""

from __future__ import annotations

from tests.fixtures.gateway import Gateway
from tests.fixtures.graphql import GraphQL
from tests.gateway.http.test_hooks import say, spawn
from tests.gateway.test_hook_kills import dispatcher
from tests.graphql_api.test_mutations import mutate

TEXT = """\
hooks:
  "agent:Worker":
    on_turn_complete:
      - {id: tell, relay: Nobody}
      - {id: told, webhook: {url: "https://example.com/hunter2", secret: "secret:CI"}, enabled: false}
"""
SHOWN = "... on HooksChanged { hooks { version paused by hooks { nodes { key selector event does target enabled } } } }"
ALL = "{ hooks { version text paused } hookRuns { nodes { key hook agentName state event reason argv output } } }"


async def test_hooks_are_applied_shown_paused_and_removed(graphql: GraphQL, gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/secrets", {"name": "CI", "value": "whsec_" + "c2VjcmV0" * 5})
    applied = (await mutate(graphql, "applyHooks", SHOWN, text=TEXT))["hooks"]
    assert (applied["version"], applied["paused"]) == (1, False)
    tell, told = applied["hooks"]["nodes"]
    assert tell == {
        "key": "tell",
        "selector": "agent:Worker",
        "event": "on_turn_complete",
        "does": "relay",
        "target": "Nobody",
        "enabled": True,
    }
    assert (told["target"], told["enabled"]) == ("example.com", False), "of a URL the host alone"
    assert (await mutate(graphql, "pauseHooks", SHOWN, paused=True))["hooks"]["paused"]
    assert (await graphql.ok(ALL))["hooks"] == {"version": 1, "text": TEXT, "paused": True}
    assert (await mutate(graphql, "applyHooks", SHOWN, text=""))["hooks"]["hooks"]["nodes"] == []


async def test_what_is_wrong_with_hooks_is_said_with_its_place_and_an_older_version_replaces_nothing(
    graphql: GraphQL,
) -> None:
    wrong = await mutate(graphql, "applyHooks", SHOWN, text="hooks: {codex: {on_trun_start: say}}")
    assert wrong["__typename"] == "InvalidInput"
    assert "line 1, column 17: there is no event 'on_trun_start'" in wrong["message"]
    late = await mutate(graphql, "applyHooks", SHOWN, text="hooks: {codex: {on_turn_start: say}}", version=7)
    assert (late["__typename"], late["code"]) == ("ConflictRefusal", "HOOKS_CHANGED")
    assert (await graphql.ok(ALL))["hooks"]["version"] == 0


async def test_runs_are_shown_with_what_became_of_them(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await spawn(gateway, "Worker")
        await mutate(graphql, "applyHooks", SHOWN, text='hooks: {"*": {on_turn_complete: {id: tell, relay: Nobody}}}')
        await say(gateway, "Worker")
        while await dispatcher(gateway).look(gateway.workspace):
            pass
        [run] = (await graphql.ok(ALL))["hookRuns"]["nodes"]
    assert (run["hook"], run["agentName"], run["state"]) == ("tell", "Worker", "failed")
    assert "Nobody" in run["reason"]
    assert (run["argv"], run["output"]) == ([], None)
