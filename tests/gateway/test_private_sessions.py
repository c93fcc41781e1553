"""Private sessions on every route there is: for who has no access one is like one that is not there.

The routes come from the application itself, by the table of `test_who_may_what`.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from broker.protocol import close_codes
from tests.fixtures.callers import MAY, a_caller
from tests.fixtures.gateway import Gateway
from tests.fixtures.live_graphql import live
from tests.gateway.test_shared_sessions import Served
from tests.gateway.test_who_may_what import BY_LINEAGE, NEEDS, call, furnished, in_order

OF_A_SESSION = ("{session}", "{approval}", "{question}", "{run}")
"""What in a path leads to one."""
WITHOUT = ("member", "viewer", "observer", "member's terminal")
"""Callers who see what is open to the workspace."""
DOES = {"send", "spawn", "release", "approve", "stop"}
"""What only drivers do."""
LISTS = (
    "/v1/sessions",
    "/v1/stops",
    "/v1/workflows/runs",
    "/v1/proxies",
    "/v1/budgets",
    "/v1/pauses",
    "/v1/hooks/runs",
    "/v1/hooks/dead-letters",
    "/v1/logs/search?q=line",
    "/v1/logs/search?q=npm&context=3",
    "/v1/logs/facets?field=session",
    "/v1/logs/facets?field=agent",
    "/v1/logs/histogram",
    "/v1/usage?by=session",
    "/v1/usage?by=agent",
)


def in_a_session() -> list[Served]:
    return [route for route in in_order() if any(each in route[1] for each in OF_A_SESSION)]


def nowhere(ids: dict[str, str]) -> dict[str, str]:
    """Ids of the same form that nothing has."""
    others = {name: str(uuid4()) for name in ("message", "run")}
    return {**ids, **others, **{name: uuid4().hex for name in ("session", "approval", "question")}}


def said(answer: httpx.Response, ids: dict[str, str]) -> tuple[int, str]:
    """An answer, without the ids that were asked for."""
    text = answer.text
    for name in ("session", "approval", "question", "message", "run"):
        text = text.replace(ids[name], name)
    return answer.status_code, text


async def make_private(gateway: Gateway, **open_to: dict[str, str]) -> None:
    await gateway.ok("PUT", "/v1/sessions/main/access", {"private": True, **open_to})


@pytest.mark.parametrize("kind", WITHOUT)
async def test_a_private_session_is_on_every_route_like_one_that_is_not_there(gateway: Gateway, kind: str) -> None:
    async with gateway.machine() as machine:
        caller = await a_caller(gateway, machine, kind)
        ids = await furnished(gateway, machine)
        before = await call(gateway, ("GET", "/v1/sessions/{session}"), ids, caller.token)
        assert before.status_code == 200
        await make_private(gateway)
        none = nowhere(ids)
        for route in in_a_session():
            real, unreal = [await call(gateway, route, each, caller.token) for each in (ids, none)]
            assert said(real, ids) == said(unreal, none), route
            assert real.status_code in {403, 404}, (route, real.text)
            if NEEDS[route] in MAY[kind]:
                assert real.status_code == 404, (route, real.text)


async def test_no_list_or_search_shows_a_private_session(logged: Gateway) -> None:
    async with logged.machine() as machine:
        people = {kind: await a_caller(logged, machine, kind) for kind in WITHOUT}
        ids = await furnished(logged, machine)
        secrets = {ids[name] for name in ("session", "approval", "question", "message", "run")} | {"npm test"}
        await logged.ok("PUT", "/v1/budgets", {"scope": "session:main", "unit": "tokens", "amount": 1})
        await logged.ok("POST", "/v1/sessions/main/stop", {})
        seen = {path: (await logged.call("GET", path, token=people["member"].token)).text for path in LISTS}
        shown = [path for path in LISTS if any(each in seen[path] for each in secrets)]
        assert len(shown) >= 8, f"what shows nothing anyway proves nothing: {shown}"
        await make_private(logged)
        for kind, caller in people.items():
            for path in LISTS:
                answer = await logged.call("GET", path, token=caller.token)
                assert answer.status_code == (200 if kind != "observer" or "usage" not in path else 403), path
                assert not [each for each in secrets if each in answer.text], (kind, path, answer.text)


@dataclass(frozen=True, slots=True)
class Someone:
    token: str
    member: str


async def a_member(gateway: Gateway, name: str) -> Someone:
    made = await gateway.ok("POST", "/v1/members", {"name": name, "role": "member"})
    code = made["url"].partition("#")[2]
    answer = await gateway.call("POST", "/v1/sign-in", {"code": code}, token=None)
    token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    gateway.client.cookies.clear()
    return Someone(token, made["member"]["id"])


@pytest.mark.parametrize("by", ["person", "group"])
@pytest.mark.parametrize("level", ["viewer", "driver"])
async def test_each_level_may_what_it_says_on_every_route(gateway: Gateway, level: str, by: str) -> None:
    async with gateway.machine() as machine:
        ada = await a_member(gateway, "Ada")
        ids = await furnished(gateway, machine)
        if by == "group":
            await gateway.ok("PUT", f"/v1/groups/{ids['group']}/members/{ada.member}")
            await make_private(gateway, groups={ids["group"]: level})
        else:
            await make_private(gateway, people={ada.member: level})
        for route in in_a_session():
            answer = await call(gateway, route, ids, ada.token)
            needed = NEEDS[route]
            changes_access = route == ("PUT", "/v1/sessions/{session}/access")  # a private session's own drivers may
            is_refused = needed not in MAY["member"] and not changes_access
            if is_refused or (level == "viewer" and (needed in DOES or changes_access)):
                assert answer.status_code == 403, (route, answer.text)
            elif route[1] not in BY_LINEAGE and needed != "administer":
                assert answer.status_code in {200, 409}, (route, answer.text)


async def test_what_is_open_ends_when_a_session_is_made_private(gateway: Gateway) -> None:
    main, still_open = [(await gateway.ok("POST", "/v1/sessions", {"name": n}))["id"] for n in ("main", "open")]
    ada = await a_member(gateway, "Ada")
    async with (
        gateway.events("main", token=ada.token) as events,
        live(gateway, token=ada.token) as hers,
        live(gateway) as own,
    ):
        await events.recv()
        following = await hers.subscribe('subscription { sessionEvents(session: "main") { __typename } }')
        assert (await hers.data(following))["sessionEvents"]["__typename"] == "CaughtUp"
        asked = "subscription { activity { __typename ... on ActivityEvent { sessionKey } } }"
        activity, of_own = await hers.subscribe(asked), await own.subscribe(asked)
        for client, operation in ((hers, activity), (own, of_own)):
            assert (await client.data(operation))["activity"]["__typename"] == "Reset"
        await make_private(gateway)
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await events.recv()
            assert events.close_code == close_codes.NOT_PERMITTED.code
            assert await hers.refusal(following) == "SESSION_NOT_FOUND"
            for session in ("main", "open"):
                await gateway.ok("POST", f"/v1/sessions/{session}/stop", {})
            for client, operation, expected in ((own, of_own, {main, still_open}), (hers, activity, {still_open})):
                seen: set[str] = set()
                while still_open not in seen:
                    seen.add((await client.data(operation))["activity"]["sessionKey"])
                assert seen == expected
