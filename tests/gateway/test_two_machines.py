"""Copies, and machines whose owner is removed, seen on their sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from broker.domain.ids import MemberId, ProxyId, TokenId
from broker.domain.people.access import MemberRole
from broker.protocol import close_codes
from broker.protocol.proxy import Probe, write
from tests.fixtures.browser import signed_in
from tests.fixtures.desk import a_hello
from tests.fixtures.gateway import Gateway, Machine, closing


async def member(gateway: Gateway, name: str) -> MemberId:
    made = await gateway.ok("POST", "/v1/members", {"name": name, "role": MemberRole.MEMBER})
    return MemberId(made["member"]["id"])


@contextlib.asynccontextmanager
async def machine_of(gateway: Gateway, owner: MemberId) -> AsyncIterator[Machine]:
    """A member's machine that somebody links with the workspace's key: it goes on when all of theirs ends."""
    await gateway.adapters.registry.link_machine(
        gateway.workspace, "machine-1", new_id=ProxyId("a" * 32), token=TokenId("hers"), take=True, member=owner
    )
    async with gateway.machine() as machine:
        yield machine


async def test_the_link_of_a_removed_owners_machine_closes_at_once_whoever_made_it(gateway: Gateway) -> None:
    ann = await member(gateway, "Ann")
    async with machine_of(gateway, ann) as machine:
        agent = await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        token = machine.tokens[agent["id"]]
        machine.answering = False
        sent = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "hello"})
        await gateway.ok("DELETE", f"/v1/members/{ann}")
        assert await machine.closed() == close_codes.UNAUTHENTICATED.code  # the one on which its agents end at once
        assert "owner" in (machine.connection.close_reason or "")
        await gateway.adapters.timers.due(gateway.workspace, f"orphaned|{machine.welcome.proxy_id}")
    assert (await gateway.call("GET", "/v1/whoami", token=token)).status_code == 401
    trace = await gateway.ok("GET", f"/v1/sessions/main/messages/{sent['message_id']}")
    assert [(each["state"], each["reason"]) for each in trace["deliveries"]] == [("undeliverable", "owner_removed")]
    (left,) = (await gateway.ok("GET", "/v1/proxies"))["proxies"]
    assert (left["owner"], left["owner_name"], left["orphaned"], left["adoption"]) == (ann, None, True, None)
    async with gateway.proxy_socket() as socket:
        await socket.send(write(a_hello(session="main")))
        assert await closing(socket) == close_codes.UNAUTHENTICATED.code
    adopted = await gateway.ok("POST", f"/v1/proxies/{left['id']}/adopt")
    assert adopted["adoption"] == {"by": None}
    async with gateway.machine() as again:
        assert again.welcome.proxy_id == left["id"]
        (ours,) = (await gateway.ok("GET", "/v1/proxies"))["proxies"]
        assert (ours["owner"], ours["orphaned"], ours["online"]) == (None, False, True)


async def test_a_stolen_key_used_elsewhere_ends_nothing_of_the_machine_that_has_it(gateway: Gateway) -> None:
    _, token = await gateway.token("proxy")
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.machine(token=token) as machine:
        agent = await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        live = [{"agent": agent["id"], "generation": 1}]
        async with gateway.proxy_socket(token=token) as thief:
            await thief.send(write(a_hello(session="main", boot_id="thief", spool_id="thief", agents=live)))
            assert await closing(thief) == close_codes.ELSEWHERE.code
        await machine.until(lambda: any(isinstance(each, Probe) for each in machine.commands))
        sent = await gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": "hello"})
        async with asyncio.timeout(10):
            await machine.until(lambda: any(_is_for(each, sent["message_id"]) for each in machine.commands))
        assert machine.close_code is None


def _is_for(command: Any, message: str) -> bool:
    return getattr(command, "message_id", None) == message


async def test_a_machine_that_a_member_has_signed_in_is_theirs_and_goes_with_them(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with signed_in(gateway, MemberRole.MEMBER, name="Ada") as ada:
        [token] = ada.client.cookies.values()
        pair = await gateway.exchange("machine", token=token, machine_id="machine-1")
        async with gateway.machine(token=pair["token"]) as machine:
            (hers,) = (await gateway.ok("GET", "/v1/proxies", token=token))["proxies"]
            assert (hers["owner_name"], hers["orphaned"]) == ("Ada", False)
            agent = await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"}, token=token)
            assert (agent["behind"]["name"], agent["behind"]["member"]) == ("Ada", hers["owner"])
            await gateway.ok("DELETE", "/v1/members/Ada")
            assert await machine.closed() == close_codes.UNAUTHENTICATED.code
            own = machine.tokens[agent["id"]]
            assert (await gateway.call("GET", "/v1/whoami", token=own)).status_code == 401  # ahead of any worker
    (left,) = (await gateway.ok("GET", "/v1/proxies"))["proxies"]
    assert (left["online"], left["orphaned"]) == (False, True)
