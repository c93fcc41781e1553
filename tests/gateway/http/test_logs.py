"""The logs over HTTP and as agents' tools, on a gateway with a log store."""

from typing import Any

import pytest

from tests.fixtures.gateway import Gateway
from tests.gateway.test_mcp import call, lead, refusal, tools

LOG = "/v1/sessions/main/log"


async def problem(gateway: Gateway, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
    answer = await gateway.call("GET", path, **options)
    assert answer.json()["ok"] is False
    return answer.status_code, answer.json()["error"]


async def test_a_search_answers_with_hits_and_the_next_place(logged: Gateway) -> None:
    page = await logged.ok("GET", "/v1/logs/search?q=line&limit=4&session=main")
    assert [hit["text"] for hit in page["hits"]] == ["line 9", "line 8", "line 7", "line 6"]
    assert page["hits"][0]["spans"] == [[0, 4]]
    assert (page["hits"][0]["session_name"], page["hits"][0]["agent"]) == ("main", "Lead")
    rest = await logged.ok("GET", f"/v1/logs/search?q=line&before={page['next']}&context=1")
    assert [hit["text"] for hit in rest["hits"]] == ["line 5", "line 4", "line 3", "line 2", "line 1"]
    assert [[line["text"] for line in rest["hits"][0][side]] for side in ("before", "after")] == [
        ["line 4"],
        ["line 6"],
    ]
    assert rest["next"] is None


async def test_counts_over_time_and_by_value(logged: Gateway) -> None:
    counted = await logged.ok("GET", "/v1/logs/histogram?q=line&buckets=3")
    assert sum(bucket["count"] for bucket in counted["buckets"]) == 9
    assert len({bucket["span_ms"] for bucket in counted["buckets"]}) == 1
    facets = await logged.ok("GET", "/v1/logs/facets?field=kind")
    assert facets["values"] == [
        {"value": "text", "count": 9, "name": ""},
        {"value": "command", "count": 1, "name": ""},
    ]


async def test_a_query_that_cannot_be_read_is_answered_with_the_column(logged: Gateway) -> None:
    for path in ("search?", "histogram?", "facets?field=kind&"):
        status, error = await problem(logged, f"/v1/logs/{path}q=word%20kind:comand")
        assert (status, error["code"], error["details"]["column"]) == (400, "INVALID_QUERY", 11)
        assert error["message"].endswith("\n  word kind:comand\n            ^")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/logs/search?session=nobody", 404, "SESSION_NOT_FOUND"),
        ("/v1/logs/search?q=session:nobody", 404, "SESSION_NOT_FOUND"),
        ("/v1/logs/search?limit=101", 400, "INVALID_ARGUMENT"),
        ("/v1/logs/search?context=-1", 400, "INVALID_ARGUMENT"),
        ("/v1/logs/search?before=here", 400, "INVALID_ARGUMENT"),
        ("/v1/logs/facets?field=body", 400, "INVALID_ARGUMENT"),
        ("/v1/logs/histogram?buckets=0", 400, "INVALID_ARGUMENT"),
        (f"{LOG}?before=1", 400, "INVALID_ARGUMENT"),
        (f"{LOG}?at=noon", 400, "INVALID_ARGUMENT"),
        (f"{LOG}?at=2h&after=0", 400, "INVALID_ARGUMENT"),
        ("/v1/sessions/nobody/log", 404, "SESSION_NOT_FOUND"),
    ],
)
async def test_bad_arguments_are_refused_with_stable_codes(logged: Gateway, path: str, status: int, code: str) -> None:
    got, error = await problem(logged, path)
    assert (got, error["code"]) == (status, code)


async def test_who_may_not_read_is_refused(logged: Gateway) -> None:
    _, machine = await logged.token("proxy")
    for path in ("/v1/logs/search", "/v1/logs/histogram", "/v1/logs/facets?field=kind", LOG):
        assert (await problem(logged, path, token=machine))[0] == 403
        assert (await problem(logged, path, token=None))[0] == 401
    assert (await logged.ok("GET", "/v1/logs/search", token=await logged.another_workspace()))["hits"] == []


async def test_a_log_is_paged_both_ways_and_from_a_time(logged: Gateway) -> None:
    async with logged.machine():
        for name in ("One", "Two", "Three"):
            await logged.ok("POST", "/v1/sessions/main/agents", {"name": name, "cli": "demo"})
    newest = await logged.ok("GET", f"{LOG}?limit=2")
    assert newest["after"] == newest["head"]
    older = await logged.ok("GET", f"{LOG}?limit=2&before={newest['before']}")
    assert older["events"][-1]["offset"] + 1 == newest["events"][0]["offset"]
    assert (await logged.ok("GET", f"{LOG}?limit=2&after={older['after']}"))["events"] == newest["events"]
    first = await logged.ok("GET", f"{LOG}?after=0&limit=1")
    assert (first["events"][0]["offset"], first["before"]) == (1, None)
    assert (await logged.ok("GET", f"{LOG}?at=1s&limit=1000"))["head"] == newest["head"]


async def test_an_agent_searches_its_own_session(logged: Gateway) -> None:
    async with logged.machine() as machine, tools(logged, await lead(logged, machine)) as client:
        found = await call(client, "relay_search_logs", query="kind:command exit:0")
        assert [(hit["command"], hit["exit_code"], hit["ok"]) for hit in found["hits"]] == [("npm test", 0, True)]
        assert found["more"] is False
        assert (await call(client, "relay_search_logs", query="line", limit=3))["more"] is True
        assert "INVALID_QUERY: " in await refusal(client, "relay_search_logs", query="kind:comand")


async def test_without_a_log_store_searches_are_refused_and_pages_are_not(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    status, error = await problem(gateway, "/v1/logs/search?q=x")
    assert (status, error["code"], error["retryable"]) == (501, "LOG_STORE_NOT_CONFIGURED", False)
    assert [event["kind"] for event in (await gateway.ok("GET", LOG))["events"]] == ["session.created"]
    async with gateway.machine() as machine, tools(gateway, await lead(gateway, machine)) as client:
        assert "LOG_STORE_NOT_CONFIGURED: " in await refusal(client, "relay_search_logs", query="x")
        assert (await call(client, "relay_logs"))["events"]
