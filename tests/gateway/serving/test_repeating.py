"""Requests that are sent again."""

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


async def test_what_is_shown_with_its_secret_is_made_once_and_shown_once(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    member = (await gateway.ok("POST", "/v1/members", {"name": "Bea", "role": "viewer"}))["member"]["id"]
    for path, body, listed in (
        ("/v1/tokens", {"kind": "proxy", "name": "box"}, "tokens"),
        ("/v1/members", {"name": "Ada", "role": "viewer"}, "members"),
        (f"/v1/members/{member}/link", None, "members"),
        ("/v1/sessions/main/share", {}, "tokens"),
    ):
        key = {"Idempotency-Key": uuid4().hex}
        first = await gateway.ok("POST", path, body, **key)
        count = len((await gateway.ok("GET", f"/v1/{listed}"))[listed])
        again = await gateway.call("POST", path, body, **key)
        assert (again.status_code, again.json()["error"]["code"]) == (409, "ALREADY_MADE")
        secret = first.get("token") or first["url"]
        assert secret not in again.text
        kept = {name: value for name, value in first.items() if value != secret}
        assert again.json()["error"]["details"] == kept
        assert len((await gateway.ok("GET", f"/v1/{listed}"))[listed]) == count


async def test_a_key_is_for_one_thing_that_is_made(gateway: Gateway) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    await gateway.ok("POST", "/v1/tokens", {"kind": "proxy", "name": "one"}, **key)
    refused = await gateway.call("POST", "/v1/tokens", {"kind": "proxy", "name": "two"}, **key)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "IDEMPOTENCY_MISMATCH")
