"""Stop all over HTTP: what it answers, what is refused meanwhile, and what goes on afterwards."""

import pytest

from broker.protocol.proxy import Deliver
from tests.fixtures.gateway import Gateway, Machine
from tests.gateway.http.test_api import answered, refusal

S = "/v1/sessions/main"


def places(machine: Machine) -> dict[str, str]:
    return {"session": S, "machine": f"/v1/proxies/{machine.welcome.proxy_id}", "workspace": "/v1/workspace"}


@pytest.mark.parametrize("scope", ["session", "machine", "workspace"])
async def test_what_is_stopped_waits_and_goes_on_when_it_is_resumed(gateway: Gateway, scope: str) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        place = places(machine)[scope]
        stop = (await gateway.ok("POST", f"{place}/stop", {"note": "look first"}))["stop"]
        assert (stop["place"]["scope"], stop["how"], stop["note"], stop["agents"]) == (scope, "pause", "look first", 1)
        assert (await gateway.ok("GET", "/v1/stops"))["stops"] == [stop]
        assert [agent["paused"] for agent in (await gateway.ok("GET", f"{S}/agents"))["agents"]] == [True]
        sent = await gateway.ok("POST", f"{S}/messages", {"to": "Worker", "text": "hello"})
        assert [(each["state"], each["because"]) for each in sent["deliveries"]] == [("queued", "stopped")]
        spawn = {"name": "New", "cli": "demo"}
        assert await refusal(gateway, "POST", f"{S}/agents", spawn) == (409, "STOPPED")
        assert not any(isinstance(command, Deliver) for command in machine.commands)
        assert (await gateway.ok("POST", f"{place}/resume"))["stop"] == stop
        (delivery,) = await answered(gateway, sent["message_id"])
        assert delivery["answer"] == f"re: {sent['message_id']}"
        assert len([command for command in machine.commands if isinstance(command, Deliver)]) == 1
        assert (await gateway.ok("POST", f"{place}/resume"))["stop"] is None


async def test_a_session_and_a_machine_say_who_stopped_them(gateway: Gateway) -> None:
    async with gateway.machine():
        session = (await gateway.ok("POST", f"{S}/stop"))["stop"]
        machine = (await gateway.ok("POST", "/v1/proxies/laptop/stop"))["stop"]
        assert (await gateway.ok("GET", S))["stopped"] == session
        assert [each["stopped"] for each in (await gateway.ok("GET", "/v1/sessions"))["sessions"]] == [session]
        assert [each["stopped"] for each in (await gateway.ok("GET", "/v1/proxies"))["proxies"]] == [machine]
        everything = (await gateway.ok("POST", "/v1/workspace/stop"))["stop"]
        assert (await gateway.ok("GET", S))["stopped"] == everything


async def test_a_release_ends_the_agents_and_stays_until_it_is_resumed(gateway: Gateway) -> None:
    async with gateway.machine():
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        await gateway.ok("POST", f"{S}/stop", {"how": "release"})
        await gateway.ok("DELETE", f"{S}/agents/Worker")
        spawn = {"name": "New", "cli": "demo", "wait": False}
        assert await refusal(gateway, "POST", f"{S}/agents", spawn) == (409, "STOPPED")
        await gateway.ok("POST", f"{S}/resume")
        await gateway.ok("POST", f"{S}/agents", spawn)


async def test_a_machine_that_is_not_stopped_is_chosen(gateway: Gateway) -> None:
    async with gateway.machine(labels=["gpu"]), gateway.machine(machine_id="m2", name="two", labels=["gpu"]):
        await gateway.ok("POST", "/v1/proxies/laptop/stop")
        agent = await gateway.ok(
            "POST", f"{S}/agents", {"name": "Worker", "cli": "demo", "labels": ["gpu"], "wait": False}
        )
        assert agent["machine"] == "two"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/sessions/nowhere/stop", None, "SESSION_NOT_FOUND"),
        ("/v1/proxies/nowhere/stop", None, "PROXY_NOT_FOUND"),
        ("/v1/proxies/nowhere/resume", None, "PROXY_NOT_FOUND"),
        ("/v1/workspace/stop", {"how": "explode"}, "INVALID_ARGUMENT"),
        ("/v1/workspace/stop", {"note": "x" * 501}, "INVALID_ARGUMENT"),
        ("/v1/workspace/resume", {"how": "pause"}, "INVALID_ARGUMENT"),
    ],
)
async def test_what_cannot_be_stopped_says_why(gateway: Gateway, path: str, body: object, code: str) -> None:
    assert (await refusal(gateway, "POST", path, body))[1] == code
    assert (await gateway.ok("GET", "/v1/stops"))["stops"] == []
