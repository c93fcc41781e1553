"""The HTTP API around what is kept."""

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
