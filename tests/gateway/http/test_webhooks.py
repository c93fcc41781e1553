"""Webhooks of hooks: to a receiver that verifies them with the unmodified library, and what becomes of each answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from broker.adapters.outbound.client import GuardedClient
from broker.adapters.outbound.notifying import AppriseNotifier
from broker.adapters.redis import keys
from broker.adapters.sealing import AesGcmSealing
from broker.app import build_hooks
from broker.domain.hooks.deliveries import Outcome, Verdict
from broker.domain.outbound.addresses import AddressPolicy
from broker.services.hooks.deliveries import HookDeliveries
from broker.services.redaction import Redaction
from broker.services.secrets.secrets import SecretReader
from broker.settings import Settings
from broker.workers.deliveries import DeliveryWorker
from tests.fixtures.gateway import SECRET_KEY, Gateway
from tests.fixtures.receiver import OK, Receiver, answer, receiving
from tests.gateway.http.test_api import ask, refusal
from tests.gateway.http.test_hooks import apply, events, runs, say, spawn

SECRET = "whsec_" + "c2VjcmV0" * 5
OTHER = "whsec_" + "b3RoZXJz" * 5


def deliveries(
    gateway: Gateway, *opened: str, total_s: float = 15, waits_s: tuple[float, ...] = (0, 0, 0)
) -> HookDeliveries:
    return HookDeliveries(
        gateway.adapters.deliveries,
        SecretReader(gateway.adapters.secrets, AesGcmSealing([SECRET_KEY])),
        GuardedClient(AddressPolicy(opened or ["127.0.0.0/8"]), total_s=total_s),
        AppriseNotifier(opened or ["127.0.0.0/8"]),
        redaction=Redaction(gateway.adapters.redaction_rules),
        waits_s=waits_s,
    )


@contextlib.asynccontextmanager
async def working(gateway: Gateway, *, with_: HookDeliveries | None) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(build_hooks(Settings(), gateway.adapters, alone=False).run())]
    if with_:
        worker = DeliveryWorker(gateway.adapters.timers, gateway.adapters.deliveries, with_)
        tasks.append(asyncio.create_task(worker.run()))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def webhook(receiver: Receiver, *, path: str = "/in", secret: str = "secret:CI", more: str = "") -> str:
    action = f"webhook: {{url: 'http://127.0.0.1:{receiver.port}{path}', secret: '{secret}'}}"
    return f"hooks:\n  demo:\n    on_turn_complete: {{id: out, {action}{more}}}\n"


@pytest_asyncio.fixture(loop_scope="session")
async def worked(gateway: Gateway) -> AsyncIterator[Gateway]:
    """A gateway with an agent and a signing secret, whose hooks and deliveries somebody looks after."""
    async with gateway.machine():
        await spawn(gateway, "Worker")
        await gateway.ok("POST", "/v1/secrets", {"name": "CI", "value": SECRET})
        async with working(gateway, with_=deliveries(gateway)):
            yield gateway


async def ended(gateway: Gateway) -> dict[str, Any]:
    """The one run, once it has ended."""
    (run,) = await runs(
        gateway, lambda all_: [each["state"] in {"completed", "failed", "skipped"} for each in all_] == [True]
    )
    return run


async def test_a_receiver_verifies_it_with_the_unmodified_library(worked: Gateway) -> None:
    async with receiving() as receiver:
        await apply(worked, webhook(receiver))
        await say(worked, "Worker", "build it")
        run = await ended(worked)
    (request,) = receiver.requests
    said = Webhook(SECRET).verify(request.body, request.headers)
    assert (request.path, request.headers["content-type"]) == ("/in", "application/json")
    assert request.headers["webhook-id"] == run["id"] == said["data"]["id"]
    assert said["type"] == "on_turn_complete"
    assert datetime.fromisoformat(said["timestamp"]) <= datetime.now(UTC)
    assert said["data"]["agent"]["name"] == "Worker"
    assert "re: " in said["data"]["data"]["last_message"]
    assert said["data"]["url"].startswith("http")
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(request.body, request.headers)
    assert (run["state"], run["data"]["to"]) == ("completed", "127.0.0.1")
    assert [(each["attempt"], each["status"], each["answer"]) for each in run["data"]["attempts"]] == [(1, 200, "ok")]
    assert await events(worked, "hook.") == ["hook.ordered", "hook.started", "hook.completed"]
    assert SECRET not in str(await worked.ok("GET", "/v1/hooks/runs"))


async def test_while_a_secret_is_being_replaced_both_values_sign(worked: Gateway) -> None:
    await worked.ok("POST", "/v1/secrets", {"name": "CI", "value": OTHER})
    async with receiving() as receiver:
        await apply(worked, webhook(receiver))
        await say(worked, "Worker")
        await ended(worked)
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(receiver.requests[0].body, receiver.requests[0].headers)


async def test_an_error_is_tried_again_with_the_same_id_and_body_and_a_fresh_time(worked: Gateway) -> None:
    async with receiving(answer(500, b"oops"), answer(302, Location="http://127.0.0.1:1/"), OK) as receiver:
        await apply(worked, webhook(receiver))
        await say(worked, "Worker")
        run = await ended(worked)
    assert run["state"] == "completed"
    assert [each["status"] for each in run["data"]["attempts"]] == [500, 302, 200]
    assert {each.headers["webhook-id"] for each in receiver.requests} == {run["id"]}
    assert len({each.body for each in receiver.requests}) == 1
    for request in receiver.requests:
        Webhook(SECRET).verify(request.body, request.headers)
    assert await events(worked, "hook.") == ["hook.ordered", *["hook.started"] * 3, "hook.completed"]


async def test_what_fails_to_the_end_is_a_dead_letter_that_can_be_sent_again(worked: Gateway) -> None:
    async with receiving(*[answer(503)] * 3, OK) as receiver:
        await apply(worked, webhook(receiver))
        await say(worked, "Worker")
        run = await ended(worked)
        assert (run["state"], run["data"]["reason"]) == ("failed", "answered 503, 3 attempts in all")
        assert [each["id"] for each in (await worked.ok("GET", "/v1/hooks/dead-letters"))["runs"]] == [run["id"]]
        await worked.ok("POST", f"/v1/hooks/runs/{run['id']}/resend")
        await receiver.until(4)
        await runs(worked, lambda all_: all_[0]["state"] == "completed")
    assert len({each.headers["webhook-id"] for each in receiver.requests}) == 1
    assert (await worked.ok("GET", "/v1/hooks/dead-letters"))["runs"] == []
    unknown = await refusal(worked, "POST", "/v1/hooks/runs/nothing/resend")
    assert unknown == (404, "RUN_NOT_FOUND")


async def test_one_that_is_gone_stops_its_hook_until_somebody_lets_it_go_on(worked: Gateway) -> None:
    async with receiving(answer(410), OK) as receiver:
        await apply(worked, webhook(receiver))
        await say(worked, "Worker")
        run = await ended(worked)
        assert run["state"] == "failed"
        (hook,) = (await worked.ok("GET", "/v1/hooks"))["hooks"]
        assert "410" in hook["stopped"]
        await say(worked, "Worker")
        (second, _) = await runs(worked, lambda all_: len(all_) == 2 and all_[0]["state"] == "skipped")
        assert "410" in second["data"]["reason"]
        assert len(receiver.requests) == 1
        await apply(worked, webhook(receiver))
        await say(worked, "Worker")
        await runs(worked, lambda all_: all_[0]["state"] == "completed")


async def test_a_receiver_that_is_busy_says_when_to_come_back(gateway: Gateway) -> None:
    async with gateway.machine(), receiving(answer(429, Retry_After="3600")) as receiver:
        await spawn(gateway, "Worker")
        await gateway.ok("POST", "/v1/secrets", {"name": "CI", "value": SECRET})
        async with working(gateway, with_=deliveries(gateway)):
            await apply(gateway, webhook(receiver))
            await say(gateway, "Worker")
            (run,) = await runs(gateway, lambda all_: bool(all_ and all_[0]["data"].get("again_at_ms")))
    assert run["state"] == "started"
    assert run["data"]["again_at_ms"] - run["at_ms"] == 3600_000
    assert len(receiver.requests) == 1


async def test_one_that_never_answers_is_given_up_each_time(gateway: Gateway) -> None:
    async with gateway.machine(), receiving(None) as receiver:
        await spawn(gateway, "Worker")
        await gateway.ok("POST", "/v1/secrets", {"name": "CI", "value": SECRET})
        async with working(gateway, with_=deliveries(gateway, total_s=0.3, waits_s=(0, 0))):
            await apply(gateway, webhook(receiver))
            await say(gateway, "Worker")
            run = await ended(gateway)
    reasons = [each["reason"] for each in run["data"]["attempts"]]
    assert ["did not answer within" in each for each in reasons] == [True, True]


async def test_what_this_broker_does_not_call_fails_at_once_and_says_so(gateway: Gateway) -> None:
    async with gateway.machine(), receiving() as receiver:
        await spawn(gateway, "Worker")
        await gateway.ok("POST", "/v1/secrets", {"name": "CI", "value": SECRET})
        async with working(gateway, with_=deliveries(gateway, "10.0.0.0/8")):
            await apply(gateway, webhook(receiver))
            await say(gateway, "Worker")
            run = await ended(gateway)
    assert (run["state"], receiver.connections) == ("failed", 0)
    assert "a network that this broker does not call" in run["data"]["reason"]
    assert len(run["data"]["attempts"]) == 1


async def test_a_secret_that_cannot_sign_is_said_without_its_value(worked: Gateway) -> None:
    await worked.ok("POST", "/v1/secrets", {"name": "CI", "value": "hunter2", "at_once": True})
    async with receiving() as receiver:
        await apply(worked, webhook(receiver))
        await say(worked, "Worker")
        run = await ended(worked)
    assert run["data"]["reason"].startswith("secret:CI: it is no signing secret")
    assert "hunter2" not in str(run)


async def test_a_file_that_needs_a_secret_which_is_not_there_is_refused(gateway: Gateway) -> None:
    async with receiving() as receiver:
        assert await refusal(gateway, "PUT", "/v1/hooks", {"text": webhook(receiver)}) == (400, "SECRET_NOT_FOUND")
        for env in ("env:CI", "whsec_AAAA"):
            text = webhook(receiver, secret=env)
            assert await refusal(gateway, "PUT", "/v1/hooks", {"text": text}) == (400, "INVALID_HOOKS")


async def test_a_url_that_is_itself_a_secret_is_not_said(worked: Gateway) -> None:
    async with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/T0/B0/hunter2"
        await worked.ok("POST", "/v1/secrets", {"name": "URL", "value": url})
        text = "hooks:\n  demo:\n    on_turn_complete: {webhook: {url: 'secret:URL', secret: 'secret:CI'}}\n"
        await apply(worked, text)
        await say(worked, "Worker")
        run = await ended(worked)
    assert (receiver.requests[0].path, run["data"]["to"]) == ("/T0/B0/hunter2", "secret:URL")
    assert "hunter2" not in str(await worked.ok("GET", "/v1/sessions/main/events?limit=1000"))


async def test_a_worker_that_dies_while_it_sends_leaves_an_attempt_whose_end_nobody_knows(gateway: Gateway) -> None:
    records = gateway.adapters.deliveries
    async with gateway.machine(), receiving() as receiver:
        await spawn(gateway, "Worker")
        await gateway.ok("POST", "/v1/secrets", {"name": "CI", "value": SECRET})
        async with working(gateway, with_=None):
            await apply(gateway, webhook(receiver))
            await say(gateway, "Worker")
            await runs(gateway, bool)
        # It claims one, for no time, and is not seen again.
        ([first], _) = await records.claim(gateway.workspace, limit=10, lease_s=0)
        ([second], _) = await records.claim(gateway.workspace, limit=10, lease_s=60)
        assert (
            (await records.claim(gateway.workspace, limit=10, lease_s=60))[0],
            first.run == second.run,
        ) == ([], True)
        late = Verdict(outcome=Outcome.COMPLETED, reason="answered 200")
        await records.settle(gateway.workspace, first, late, said=orjson.dumps({"attempt": 1, "reason": "late"}))
        await deliveries(gateway).carry_out(gateway.workspace, second)
        run = await ended(gateway)
    assert [each["attempt"] for each in run["data"]["attempts"]] == [1, 2]
    assert "nobody knows whether it arrived" in run["data"]["attempts"][0]["reason"]
    assert await events(gateway, "hook.") == ["hook.ordered", "hook.started", "hook.started", "hook.completed"]


async def test_a_large_event_is_cut_to_what_receivers_take(worked: Gateway) -> None:
    async with receiving() as receiver:
        await apply(worked, webhook(receiver).replace("on_turn_complete", "on_turn_complete"))
        await say(worked, "Worker", "é" * 100_000)
        await ended(worked)
    assert len(receiver.requests[0].body) <= 20_000


async def test_a_notification_about_an_approval_has_what_is_asked_and_a_link(gateway: Gateway) -> None:
    taken = answer(200, b'{"id":"1"}', Content_Type="application/json")
    async with gateway.machine() as machine, receiving(answer(500), taken) as receiver:
        await gateway.ok("POST", "/v1/secrets", {"name": "PHONE", "value": f"ntfy://127.0.0.1:{receiver.port}/me"})
        text = "hooks:\n  '*':\n    on_approval_needed: {id: tell, notify: 'secret:PHONE'}\n"
        assert (await apply(gateway, text))["hooks"][0]["does"] == {"notify": "secret:PHONE"}
        async with working(gateway, with_=deliveries(gateway)):
            await ask(gateway, machine)
            run = await ended(gateway)
    assert (run["state"], run["data"]["to"], run["data"]["does"]) == ("completed", "secret:PHONE", "notify")
    said = orjson.loads(receiver.requests[1].body)
    assert said["title"] == "Worker needs your approval"
    assert f"/session/{machine.welcome.session}" in said["message"]
    assert "127.0.0.1" not in str(run["data"])


async def test_a_secret_that_is_no_service_is_said_by_its_name(worked: Gateway) -> None:
    await worked.ok("POST", "/v1/secrets", {"name": "PHONE", "value": "hunter2"})
    await apply(worked, "hooks:\n  demo:\n    on_turn_complete: {notify: 'secret:PHONE'}\n")
    await say(worked, "Worker")
    run = await ended(worked)
    assert run["data"]["reason"].startswith("secret:PHONE: a notification service's URL begins with")
    assert "hunter2" not in str(run)


async def test_one_that_this_broker_cannot_carry_out_is_given_up_and_holds_up_no_other(gateway: Gateway) -> None:
    async with gateway.machine(), receiving() as receiver:
        await spawn(gateway, "Worker")
        await gateway.ok("POST", "/v1/secrets", {"name": "CI", "value": SECRET})
        more = webhook(receiver).partition("    on_turn_complete: ")[2].replace("id: out", "id: other")
        async with working(gateway, with_=None):
            await apply(gateway, f"{webhook(receiver)}    on_agent_idle: {more}")
            await say(gateway, "Worker")
            found = await runs(gateway, lambda all_: len(all_) == 2)
        bad = next(each["id"] for each in found if each["hook"] == "out")
        spoilt = keys.key(gateway.workspace, "hook_run", bad)
        await gateway.adapters.redis.hset(spoilt, "delivery", "{}")
        async with working(gateway, with_=deliveries(gateway)):
            done = await runs(gateway, lambda all_: {each["state"] for each in all_} == {"completed", "failed"})
    assert {each["hook"]: each["state"] for each in done} == {"out": "failed", "other": "completed"}
