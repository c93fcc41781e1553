"""The HTTP API around what is kept."""

import csv
import io

from tests.fixtures.gateway import Gateway

RULE = {"name": "ticket", "pattern": r"ACME-[0-9]{8}"}


async def test_redaction_rules_are_set_read_and_used(gateway: Gateway) -> None:
    assert await gateway.ok("GET", "/v1/redaction") == {"rules": []}
    assert await gateway.ok("PUT", "/v1/redaction", {"rules": [RULE]}) == {"rules": [RULE]}
    assert await gateway.ok("GET", "/v1/redaction") == {"rules": [RULE]}
    async with gateway.machine() as machine:
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        sent = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "see ACME-12345678"})
        await machine.until(lambda: [c for c in machine.commands if getattr(c, "message_id", "") == sent["message_id"]])
        page = (await gateway.call("GET", "/v1/sessions/main/events?limit=1000")).text
    assert "ACME-12345678" not in page
    assert "see [redacted:ticket]" in page
    assert "ACME-12345678" in machine.commands[-1].text  # type: ignore[union-attr]


async def test_a_redaction_rule_that_could_run_long_is_refused_with_the_reason(gateway: Gateway) -> None:
    answer = await gateway.call("PUT", "/v1/redaction", {"rules": [{"name": "slow", "pattern": "(a+)+b"}]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_RULE")
    assert "'slow'" in answer.json()["error"]["message"]


async def test_only_administrators_see_redaction_rules(gateway: Gateway) -> None:
    _, observer = await gateway.token("observer")
    for method, body in (("GET", None), ("PUT", {"rules": []})):
        answer = await gateway.call(method, "/v1/redaction", body, token=observer)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "NOT_PERMITTED")


async def test_retention_is_set_within_the_plan(gateway: Gateway) -> None:
    assert await gateway.ok("GET", "/v1/retention") == {"days": 365, "own_days": None, "plan_days": 365}
    assert (await gateway.ok("PUT", "/v1/retention", {"days": 30}))["days"] == 30
    answer = await gateway.call("PUT", "/v1/retention", {"days": 366})
    assert answer.json()["error"]["code"] == "INVALID_ARGUMENT"
    assert (await gateway.ok("PUT", "/v1/retention", {"days": None}))["days"] == 365


async def test_usage_is_told_by_day_session_and_agent(logged: Gateway) -> None:
    (day,) = (await logged.ok("GET", "/v1/usage"))["usage"]
    assert (day["counts"]["frames"], day["session"]) == (10, None)
    month = (await logged.ok("GET", "/v1/usage"))["month"]
    assert (month["month"][-2:], month["cost_usd"]) == ("01", 0)
    assert (await logged.ok("GET", "/v1/plan"))["month"].keys() == month.keys()
    (agent,) = (await logged.ok("GET", "/v1/usage?by=agent"))["usage"]
    assert (agent["agent"], agent["counts"]) == ("Lead", day["counts"])
    for by in ("person", "model"):
        (line,) = (await logged.ok("GET", f"/v1/usage?by={by}"))["usage"]
        assert (line[by], line["counts"]) == ("", day["counts"])
    table = await logged.call("GET", "/v1/usage?by=agent&format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert (row["agent"], int(row["frames"])) == ("Lead", 10)
    for wrong in ("by=hour", "from=yesterday", "from=2026-02-01&to=2026-01-01", "from=2020-01-01&to=2026-01-01"):
        answer = await logged.call("GET", f"/v1/usage?{wrong}")
        assert answer.json()["error"]["code"] == "INVALID_ARGUMENT"


async def test_a_gateway_without_a_log_store_says_so(gateway: Gateway) -> None:
    for path in ("/v1/usage", "/v1/export"):
        answer = await gateway.call("GET", path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (501, "LOG_STORE_NOT_CONFIGURED")


async def test_a_session_is_deleted_with_its_log(logged: Gateway) -> None:
    async with logged.machine():
        await logged.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        refused = await logged.call("DELETE", "/v1/sessions/main")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "SESSION_HAS_AGENTS")
        await logged.ok("DELETE", "/v1/sessions/main/agents/Worker")
    assert await logged.ok("DELETE", "/v1/sessions/main") == {"rows": 10}
    assert (await logged.call("GET", "/v1/sessions/main")).status_code == 404


async def test_a_workspaces_log_is_deleted_and_its_sessions_stay(logged: Gateway) -> None:
    assert await logged.ok("DELETE", "/v1/logs") == {"rows": 10}
    assert [s["name"] for s in (await logged.ok("GET", "/v1/sessions"))["sessions"]] == ["main"]
