"""Steps that wait to be called from outside: whoever has the address of one may end that wait, once."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from broker.app import build_driver
from broker.protocol.proxy import RunCommand
from broker.services.workflows.driver import Driver
from broker.settings import Settings
from tests.fixtures.gateway import SECRET_KEY, Gateway, Machine, gateway_for, serving
from tests.gateway.http.test_api import refusal
from tests.gateway.http.test_workflow_waits import look, make_due, shown
from tests.gateway.http.test_workflows import RUNS, states

CALLED = """\
version: "1.0"
name: called
swarm: { pattern: dag }
workflows:
  - name: called
    steps:
      - { name: call me, type: waitFor, waitFor: { webhook: true, timeoutMs: 60000 } }
      - { name: behind, type: deterministic, command: "echo {{steps.call me.output}}", dependsOn: [call me] }
"""
TOLD_AHEAD = """\
version: "1.0"
name: told
swarm: { pattern: dag }
workflows:
  - name: told
    steps:
      - { name: ask, type: deterministic, command: "start-build --callback {{steps.built.webhook}}" }
      - name: built
        type: waitFor
        waitFor: { webhook: true }
        dependsOn: [ask]
        retries: 1
        retryDelayMs: 0
        verification: { type: json_schema, schema: { required: [ok], properties: { ok: { const: true } } } }
"""


@contextlib.asynccontextmanager
async def a_run(gateway: Gateway, text: str) -> AsyncIterator[tuple[str, Driver, Machine]]:
    """A run whose first steps have begun, who brings it further, and a machine that only notes what it is ordered."""
    driver = build_driver(Settings(secret_keys=(SECRET_KEY,), public_url=gateway.url), gateway.adapters)
    async with gateway.machine(runs_commands=True) as machine:
        machine.answering = False
        run = (await gateway.ok("POST", RUNS, {"text": text, "session": "main"}))["id"]
        await look(gateway, driver)
        yield run, driver, machine


async def address_of(gateway: Gateway, run: str, step: str, **caller: Any) -> str | None:
    found = (await gateway.ok("GET", f"{RUNS}/{run}", **caller))["steps"]
    (address,) = [each["webhook"] for each in found if each["name"] == step]
    return None if address is None else str(address).removeprefix(gateway.url)


@contextlib.asynccontextmanager
async def from_address(gateway: Gateway, address: str) -> AsyncIterator[Gateway]:
    """The same, asked from another address of this machine."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    async with httpx.AsyncClient(transport=transport) as client:
        yield replace(gateway, client=client)


async def call(gateway: Gateway, path: str, body: bytes, kind: str = "application/json") -> tuple[int, str]:
    """The status, and the code of a refusal."""
    headers = {"Content-Type": kind} if kind else {}
    answer = await gateway.client.post(gateway.url + path, content=body, headers=headers)
    return answer.status_code, answer.json().get("error", {}).get("code", "")


async def test_a_call_ends_the_wait_once_and_its_body_is_the_steps_output(gateway: Gateway) -> None:
    async with a_run(gateway, CALLED) as (run, driver, _):
        address = await address_of(gateway, run, "call me")
        assert address is not None
        assert await call(gateway, address, b'{"ref": "v1; rm -rf"}') == (200, "")
        assert await look(gateway, driver) == 1
        assert states(await shown(gateway, run)) == {"call me": "completed", "behind": "running"}
        assert (await gateway.ok("GET", f"{RUNS}/{run}/steps/call me/output"))["output"] == '{"ref": "v1; rm -rf"}'
        assert await address_of(gateway, run, "call me") is None
        assert await call(gateway, address, b'{"ref": "v1; rm -rf"}') == (200, "")  # its sender did not hear of it
        assert await look(gateway, driver) == 0
        assert (await call(gateway, address, b"{}"))[0] == 404


async def test_of_two_that_call_before_the_run_is_looked_at_one_counts(gateway: Gateway) -> None:
    async with a_run(gateway, CALLED) as (run, _, _):
        address = await address_of(gateway, run, "call me")
        assert address is not None
        assert await call(gateway, address, b"first", "text/plain") == (200, "")
        assert await call(gateway, address, b"second", "text/plain") == (409, "WEBHOOK_USED")


async def test_a_step_ahead_is_given_the_address_and_may_be_quicker_than_the_wait(gateway: Gateway) -> None:
    async with a_run(gateway, TOLD_AHEAD) as (run, driver, machine):
        await machine.until(lambda: machine.commands)
        (order,) = machine.commands
        assert isinstance(order, RunCommand)
        (address,) = order.values.values()
        assert address == f"{gateway.url}{await address_of(gateway, run, 'built')}"
        assert await call(gateway, address.removeprefix(gateway.url), b'{"ok": true}') == (200, "")
        assert states(await shown(gateway, run)) == {"ask": "running", "built": "pending"}
        machine.answering = True
        await machine.obey(order)
        async with asyncio.timeout(10):
            while (await shown(gateway, run))["state"] != "completed":
                await look(gateway, driver)


async def test_a_body_that_is_not_as_the_step_wants_it_ends_the_attempt_and_the_next_has_another_address(
    gateway: Gateway,
) -> None:
    text = TOLD_AHEAD.replace('command: "start-build --callback {{steps.built.webhook}}"', "command: make").replace(
        "dependsOn: [ask]", "dependsOn: []"
    )
    async with a_run(gateway, text) as (run, driver, _):
        first = await address_of(gateway, run, "built")
        assert first is not None
        assert await call(gateway, first, b'{"ok": false}') == (200, "")
        while await look(gateway, driver):
            pass
        await make_due(gateway, run)
        await look(gateway, driver, after_ms=1000)
        second = await address_of(gateway, run, "built")
        assert second is not None
        assert second != first
        assert await call(gateway, first, b'{"ok": true}') == (404, "WEBHOOK_NOT_FOUND")
        assert await call(gateway, second, b'{"ok": true}') == (200, "")
        await look(gateway, driver)
        assert states(await shown(gateway, run))["built"] == "completed"


async def test_who_could_not_do_the_step_by_hand_does_not_see_its_address(gateway: Gateway) -> None:
    async with a_run(gateway, CALLED) as (run, _, _):
        _, observer = await gateway.token("observer")
        assert await address_of(gateway, run, "call me", token=observer) is None
        assert await address_of(gateway, run, "call me") is not None


@pytest.mark.parametrize(
    ("body", "kind", "refused"),
    [
        (b"{", "application/json", (400, "INVALID_ARGUMENT")),
        (b"\xff", "text/plain", (400, "INVALID_ARGUMENT")),
        (b"x", "image/png", (400, "INVALID_ARGUMENT")),
        (b"x" * (128 * 1024 + 1), "text/plain", (413, "TOO_LARGE")),
    ],
)
async def test_what_is_no_json_and_no_text_or_too_large_does_not_use_the_address_up(
    gateway: Gateway, body: bytes, kind: str, refused: tuple[int, str]
) -> None:
    async with a_run(gateway, CALLED) as (run, _, _):
        address = await address_of(gateway, run, "call me")
        assert address is not None
        assert await call(gateway, address, body, kind) == refused
        assert await call(gateway, address, b"", "") == (200, "")


async def test_no_part_of_an_address_can_be_another(gateway: Gateway) -> None:
    async with a_run(gateway, CALLED) as (run, _, _):
        address = await address_of(gateway, run, "call me")
        assert address is not None
        parts = address.split("/")
        others = ([*parts[:n], "0" * len(parts[n]), *parts[n + 1 :]] for n in range(len(parts) - 4, len(parts)))
        async with from_address(gateway, f"127.0.2.{secrets.randbelow(250) + 1}") as elsewhere:
            for other in others:
                assert await call(elsewhere, "/".join(other), b"{}") == (404, "WEBHOOK_NOT_FOUND")
        assert await look(gateway, build_driver(Settings(secret_keys=(SECRET_KEY,)), gateway.adapters)) == 0


async def test_who_guesses_is_slowed_down_and_who_knows_is_not(gateway: Gateway) -> None:
    async with (
        a_run(gateway, CALLED) as (run, _, _),
        from_address(gateway, f"127.0.3.{secrets.randbelow(250) + 1}") as elsewhere,
    ):
        address = await address_of(gateway, run, "call me")
        assert address is not None
        guessed = address[:-4] + "0000"
        answers = [await call(elsewhere, guessed, b"{}") for _ in range(31)]
        assert answers[0] == (404, "WEBHOOK_NOT_FOUND")
        assert answers[-1] == (429, "RATE_LIMITED")
        assert await call(elsewhere, address, b"{}") == (200, "")


async def test_without_a_key_for_addresses_nothing_is_begun_that_would_wait_in_vain(
    gateway: Gateway, redis_url: str
) -> None:
    async with (
        serving(redis_url, secret_keys=()) as url,
        gateway_for(gateway.workspace, url=url, redis_url=redis_url, client=gateway.client) as keyless,
    ):
        assert await refusal(keyless, "POST", RUNS, {"text": CALLED}) == (501, "SECRET_KEY_NOT_CONFIGURED")


async def test_nobody_has_called_in_time(gateway: Gateway) -> None:
    async with a_run(gateway, CALLED) as (run, driver, _):
        address = await address_of(gateway, run, "call me")
        assert address is not None
        await make_due(gateway, run)
        await look(gateway, driver, after_ms=61_000)
        found = await shown(gateway, run)
        assert found["state"] == "failed"
        assert "nobody has called" in found["reason"]
        assert (await call(gateway, address, b"{}"))[0] == 404
