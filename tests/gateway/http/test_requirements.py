"""Rules that require people, over two gateways, and over one that is gone between two answers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Answer, Spawn
from tests.fixtures.gateway import Gateway, Machine, serving

S = "/v1/sessions/main"
TWO_OPS = {"effect": "require", "risk": "high", "group": "ops", "people": 2}
_ANSWER = """
mutation($id: ID!) {
  answerApproval(input: {approval: $id, verdict: ALLOW}) {
    ... on ApprovalAnswered { approval { status answeredBy assents { by } needs { words missing group } } }
    ... on Refusal { code message }
  }
}
"""


async def sign_in(gateway: Gateway, name: str, *, group: str | None = None) -> str:
    """A new member's token."""
    made = await gateway.ok("POST", "/v1/members", {"name": name, "role": "member"})
    if group:
        await gateway.ok("PUT", f"/v1/groups/{group}/members/{made['member']['id']}")
    code = made["url"].partition("#")[2]
    answer = await gateway.call("POST", "/v1/sign-in", {"code": code}, token=None)
    token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    gateway.client.cookies.clear()
    return token


async def ask(gateway: Gateway, machine: Machine) -> str:
    """An agent asks for something risky; its request."""
    await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
    (agent,) = [order for order in machine.commands if isinstance(order, Spawn)]
    await machine.state(
        agent, ApprovalRequested(native_id="1", tool="Bash", title="clean", command="rm -rf build", cwd="/p")
    )
    await machine.until(lambda: machine.acked == machine.sent)
    (asked,) = (await gateway.ok("GET", f"{S}/approvals?status=pending"))["approvals"]
    return str(asked["id"])


async def say_yes(gateway: Gateway, url: str, approval: str, token: str) -> httpx.Response:
    """Over a gateway of the test's choice."""
    answer = await gateway.client.post(
        f"{url}/v1/approvals/{approval}/answer",
        json={"verdict": "allow"},
        headers={"Authorization": f"Bearer {token}", "Relaycast-Workspace": gateway.workspace},
    )
    return answer


async def say_yes_in_graphql(gateway: Gateway, url: str, approval: str, token: str) -> dict[str, Any]:
    answer = await gateway.client.post(
        f"{url}/graphql",
        json={"query": _ANSWER, "variables": {"id": approval}},
        headers={"Authorization": f"Bearer {token}", "Relaycast-Workspace": gateway.workspace},
    )
    found: dict[str, Any] = answer.json()["data"]["answerApproval"]
    return found


def told(machine: Machine) -> list[str]:
    return [str(each.answer.verdict) for each in machine.commands if isinstance(each, Answer)]


@contextlib.asynccontextmanager
async def two_ops(gateway: Gateway) -> AsyncIterator[tuple[Machine, str, dict[str, str]]]:
    """A request that two people of a group have to allow, and people."""
    await gateway.ok("POST", "/v1/groups", {"name": "ops"})
    tokens = {"Ada": await sign_in(gateway, "Ada", group="ops"), "Bob": await sign_in(gateway, "Bob", group="ops")}
    tokens["Eve"] = await sign_in(gateway, "Eve")
    await gateway.ok("POST", "/v1/rules", TWO_OPS)
    async with gateway.machine() as machine:
        yield machine, await ask(gateway, machine), tokens


async def test_the_second_yes_over_another_gateway_allows_it(gateway: Gateway, redis_url: str) -> None:
    async with two_ops(gateway) as (machine, approval, tokens), serving(redis_url) as other:
        first = (await say_yes(gateway, gateway.url, approval, tokens["Ada"])).json()["data"]
        assert (first["status"], [each["by"] for each in first["assents"]]) == ("pending", ["Ada"])
        assert [each["words"] for each in first["needs"]] == ["1 more person of the group ops"]
        assert told(machine) == []
        refused = await say_yes(gateway, other, approval, tokens["Eve"])
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "APPROVAL_REQUIRES")
        assert "1 more person of the group ops" in refused.json()["error"]["message"]
        twice = await say_yes_in_graphql(gateway, other, approval, tokens["Ada"])
        assert twice["code"] == "ALREADY_ASSENTED"
        second = await say_yes_in_graphql(gateway, other, approval, tokens["Bob"])
        assert second["approval"] == {
            "status": "ALLOWED",
            "answeredBy": "Ada, Bob",
            "assents": [{"by": "Ada"}, {"by": "Bob"}],
            "needs": [],
        }
        await machine.until(lambda: told(machine) == ["allow"])
        late = await say_yes(gateway, gateway.url, approval, tokens["Ada"])
        assert late.json()["error"]["code"] == "APPROVAL_ALREADY_ANSWERED"


async def test_the_first_yes_stays_when_its_gateway_is_gone(gateway: Gateway, redis_url: str) -> None:
    async with two_ops(gateway) as (machine, approval, tokens):
        async with serving(redis_url) as first:
            kept = await say_yes_in_graphql(gateway, first, approval, tokens["Ada"])
            assert kept["approval"]["needs"] == [
                {"words": "1 more person of the group ops", "missing": 1, "group": "ops"}
            ]
        async with serving(redis_url) as started_anew:
            listed = (await gateway.ok("GET", f"{S}/approvals?status=pending"))["approvals"]
            assert [each["assents"][0]["by"] for each in listed] == ["Ada"]
            done = (await say_yes(gateway, started_anew, approval, tokens["Bob"])).json()["data"]
        assert (done["status"], done["answered_by"]) == ("allowed", "Ada, Bob")
        await machine.until(lambda: told(machine) == ["allow"])


async def test_the_key_of_the_workspace_may_only_deny(gateway: Gateway) -> None:
    async with two_ops(gateway) as (machine, approval, _):
        refused = await say_yes(gateway, gateway.url, approval, gateway.key)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "APPROVAL_REQUIRES")
        denied = await gateway.ok("POST", f"/v1/approvals/{approval}/answer", {"verdict": "deny"})
        assert denied["status"] == "denied"
        await machine.until(lambda: told(machine) == ["deny"])


async def test_a_rule_that_means_nothing_is_refused_with_a_code(gateway: Gateway) -> None:
    for body, code in (
        ({"effect": "require"}, "BAD_RULE"),
        ({"effect": "allow", "people": 2}, "BAD_RULE"),
        ({"effect": "require", "group": "nobody"}, "GROUP_NOT_FOUND"),
    ):
        answer = await gateway.call("POST", "/v1/rules", body)
        assert answer.json()["error"]["code"] == code
    assert (await gateway.ok("GET", "/v1/rules"))["rules"] == []
