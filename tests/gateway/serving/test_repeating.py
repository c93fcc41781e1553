"""Removals that are sent again."""

from __future__ import annotations

from uuid import uuid4

from tests.fixtures.gateway import Gateway


async def test_a_removal_that_is_sent_again_is_answered_as_the_first_time(gateway: Gateway) -> None:
    session = (await gateway.ok("POST", "/v1/sessions", {"name": "old"}))["id"]
    token, _ = await gateway.token("observer")
    for path in (f"/v1/sessions/{session}", f"/v1/tokens/{token}"):
        key = {"Idempotency-Key": uuid4().hex}
        first, again = [await gateway.ok("DELETE", path, **key) for _ in range(2)]
        assert first == again
        assert (await gateway.call("DELETE", path)).status_code == 404


async def test_a_removal_that_was_refused_may_be_tried_again_under_its_key(gateway: Gateway) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    assert (await gateway.call("DELETE", "/v1/sessions/later", **key)).status_code == 404
    await gateway.ok("POST", "/v1/sessions", {"name": "later"})
    await gateway.ok("DELETE", "/v1/sessions/later", **key)


async def test_a_key_is_for_one_removal(gateway: Gateway) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    for name in ("one", "two"):
        await gateway.ok("POST", "/v1/sessions", {"name": name})
    await gateway.ok("DELETE", "/v1/sessions/one", **key)
    refused = await gateway.call("DELETE", "/v1/sessions/two", **key)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "IDEMPOTENCY_MISMATCH")
