"""Secrets over HTTP."""

from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.gateway.http.test_api import refusal


async def test_no_answer_has_a_value(gateway: Gateway) -> None:
    made = await gateway.call("POST", "/v1/secrets", {"name": "CI", "value": "hunter2"})
    assert made.json()["data"]["name"] == "CI"
    listed = await gateway.call("GET", "/v1/secrets")
    assert [each["name"] for each in listed.json()["data"]["secrets"]] == ["CI"]
    wrong = await gateway.call("POST", "/v1/secrets", {"name": "not a name", "value": "hunter2"})
    missing = await gateway.call("POST", "/v1/secrets", {"named": "CI", "value": "hunter2"})
    assert (wrong.status_code, missing.status_code) == (400, 400)
    for answer in (made, listed, wrong, missing):
        assert "hunter2" not in answer.text


async def test_a_broker_without_a_key_says_what_it_needs(gateway: Gateway, redis_url: str) -> None:
    async with (
        serving(redis_url, secret_keys=()) as url,
        gateway_for(gateway.workspace, url=url, redis_url=redis_url, client=gateway.client) as keyless,
    ):
        answered = await refusal(keyless, "POST", "/v1/secrets", {"name": "CI", "value": "x"})
    assert answered == (501, "SECRET_KEY_NOT_CONFIGURED")
