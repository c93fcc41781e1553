"""One person in two workspaces of one broker, as browsers and programs meet it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import pytest_asyncio

from tests.fixtures.callers import elsewhere
from tests.fixtures.gateway import Gateway
from tests.gateway.test_who_may_what import in_both

GRAPHQL = {"content-type": "application/json"}


@dataclass(slots=True, kw_only=True)
class Both:
    one: Gateway
    two: Gateway
    token: str


@pytest_asyncio.fixture(loop_scope="session")
async def both(gateway: Gateway) -> Both:
    other = await elsewhere(gateway)
    return Both(one=gateway, two=other, token=await in_both(gateway, other))


async def test_a_person_in_two_workspaces_names_one_or_is_told_so(both: Both) -> None:
    missing = await both.one.call("GET", "/v1/whoami", token=both.token)
    assert (missing.status_code, missing.json()["error"]["code"]) == (400, "WORKSPACE_REQUIRED")
    query = {"query": "{ viewer { workspace { key } } }"}
    asked = await both.one.call("POST", "/graphql", query, token=both.token, **GRAPHQL)
    assert (asked.status_code, asked.json()["errors"][0]["extensions"]["code"]) == (400, "WORKSPACE_REQUIRED")
    for each in (both.one, both.two):
        whoami = await each.ok("GET", f"/w/{each.workspace}/v1/whoami", token=both.token)
        assert whoami["workspace"]["id"] == each.workspace
        slug = whoami["workspace"]["slug"]
        named = await each.ok("GET", "/v1/whoami", token=both.token, **{"Relaycast-Workspace": slug})
        assert named["workspace"]["id"] == each.workspace
        told = await each.call("POST", f"/w/{slug}/graphql", query, token=both.token, **GRAPHQL)
        assert told.json()["data"]["viewer"]["workspace"]["key"] == each.workspace
    listed = (await both.one.ok("GET", "/v1/workspaces", token=both.token))["workspaces"]
    assert {each["id"] for each in listed} == {both.one.workspace, both.two.workspace}


async def test_a_browser_says_who_is_signed_in_whatever_workspace_they_look_at(both: Both) -> None:
    name = f"relaycast-{both.one.url.rpartition(':')[2]}"
    headers = {"Cookie": f"{name}={both.token}"}
    for path, workspace in (("", None), (f"/w/{both.two.workspace}", both.two.workspace)):
        found = (await both.one.ok("GET", f"{path}/v1/sign-in", token=None, **headers))["caller"]
        assert found["name"] == "Ada"
        assert (found["workspace"] or {}).get("id") == workspace
    assert (await both.one.ok("GET", "/w/nobodys/v1/sign-in", token=None, **headers))["caller"] is None


async def test_sign_ins_are_listed_and_ended_one_by_one(both: Both) -> None:
    [first] = (await both.one.ok("GET", "/v1/sign-ins", token=both.token))["sign_ins"]
    assert first["this"] is True
    link = (await both.two.ok("POST", "/v1/members/Ada/link"))["url"].partition("#")[2]
    agent = {"User-Agent": "A phone"}
    answer = await both.two.call("POST", "/v1/sign-in", {"code": link}, token=None, **agent)
    both.two.client.cookies.clear()
    phone = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    listed = (await both.one.ok("GET", "/v1/sign-ins", token=both.token))["sign_ins"]
    [other] = [each for each in listed if not each["this"]]
    assert (other["device"], len(listed)) == ("A phone", 2)
    await both.one.ok("DELETE", f"/v1/sign-ins/{other['id']}", token=both.token)
    ended = await both.two.call("GET", f"/w/{both.two.workspace}/v1/whoami", token=phone)
    assert ended.status_code == 401
    missing = await both.one.call("DELETE", f"/v1/sign-ins/{other['id']}", token=both.token)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "SIGN_IN_NOT_FOUND")


async def test_signing_out_names_no_workspace_and_ends_what_is_open_in_each(both: Both) -> None:
    for each in (both.one, both.two):
        await each.ok("POST", "/v1/sessions", {"name": "main"})
    pair = await both.two.ok("POST", f"/w/{both.two.workspace}/v1/auth/exchange", {"for": "terminal"}, token=both.token)
    assert (await both.two.ok("GET", "/v1/whoami", token=pair["token"]))["workspace"]["id"] == both.two.workspace
    await both.one.ok("POST", "/v1/sign-out", {}, token=both.token)
    for token in (both.token, pair["token"]):
        for path in ("", f"/w/{both.one.workspace}", f"/w/{both.two.workspace}"):
            assert (await both.one.call("GET", f"{path}/v1/whoami", token=token)).status_code == 401


async def test_a_token_has_no_sign_ins_and_joins_nothing(both: Both) -> None:
    refused = await both.one.call("GET", "/v1/sign-ins")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "NOT_PERMITTED")
    made = await both.two.ok("POST", "/v1/members", {"name": uuid4().hex[:8], "role": "viewer"})
    code = made["url"].partition("#")[2]
    refused = await both.one.call("POST", "/v1/sign-in", {"code": code, "join": True})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "NOT_PERMITTED")
    used = await both.two.call("POST", "/v1/sign-in", {"code": code}, token=None)
    both.two.client.cookies.clear()
    assert used.status_code == 200  # it was not used up


async def test_whoever_looks_at_one_workspace_is_offered_all_of_theirs(both: Both) -> None:
    query = {"query": "{ viewer { workspaces { key slug } } workspace { key slug } }"}
    pair = await both.two.ok("POST", f"/w/{both.two.workspace}/v1/auth/exchange", {"for": "terminal"}, token=both.token)
    for token, seen in ((both.token, {both.one.workspace, both.two.workspace}), (pair["token"], {both.two.workspace})):
        path = f"/w/{both.two.workspace}/graphql"
        told = (await both.two.call("POST", path, query, token=token, **GRAPHQL)).json()["data"]
        assert {each["key"] for each in told["viewer"]["workspaces"]} == seen
        assert told["workspace"] in told["viewer"]["workspaces"]
