"""A person who was erased: nothing in Redis has the name but lines of logs, and the audit trail verifies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from broker.adapters.redis import keys
from broker.app.workers import build_audit
from broker.domain.audit.chain import Verification
from broker.domain.ids import MemberId
from broker.domain.people.erasure import erased_name
from broker.settings import Settings
from tests.adapters.redis.test_key_lives import broker, through_everything
from tests.fixtures.gateway import Gateway

__all__ = ["broker"]

NAME = 'Zaphod "Z" Beeble & Söhne'
"""With what JSON and the envelope of a message write in another way."""


async def texts_of(redis: Any, key: str) -> list[str]:
    """All that is in it."""
    match await redis.type(key):
        case "string":
            return [await redis.get(key)]
        case "hash":
            return [text for pair in (await redis.hgetall(key)).items() for text in pair]
        case "set":
            return list(await redis.smembers(key))
        case "zset":
            return list(await redis.zrange(key, 0, -1))
        case "list":
            return list(await redis.lrange(key, 0, -1))
        case "stream":
            return [text for _, fields in await redis.xrange(key) for text in fields.values()]
        case other:
            raise AssertionError(other)


async def keys_with(gateway: Gateway, *parts: str) -> set[str]:
    """Keys in which, or in whose names, one of those parts of a name is found, whatever its case."""
    redis: Any = gateway.adapters.redis
    found = set()
    async for key in redis.scan_iter("*"):
        for text in _spelled(key, *(await texts_of(redis, key))):
            if any(part.casefold() in text for part in parts):
                found.add(str(key))
    return found


def _spelled(*texts: str) -> Iterator[str]:
    return (text.casefold() for text in texts)


async def signed_in(gateway: Gateway, name: str) -> tuple[MemberId, Gateway]:
    """An owner's id, and the gateway as they use it."""
    made = await gateway.ok("POST", "/v1/members", {"name": name, "role": "owner"})
    answer = await gateway.call("POST", "/v1/sign-in", {"code": made["url"].partition("#")[2]}, token=None)
    gateway.client.cookies.clear()
    token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    return MemberId(made["member"]["id"]), replace(gateway, key=token)


async def test_a_name_that_was_erased_is_nowhere_but_in_lines_of_logs(broker: Gateway) -> None:
    await broker.ok("POST", "/v1/members", {"name": "Olga", "role": "owner"})
    member, me = await signed_in(broker, NAME)
    root = keys.root(broker.workspace)
    await me.ok("POST", "/v1/sessions", {"name": "main"})
    async with broker.machine(session="main") as machine:
        await through_everything(me, machine)
        await me.ok("PUT", "/v1/rules", {"rules": [{"effect": "allow", "command": "x"}]})
        await me.ok("PUT", "/v1/hooks", {"text": "hooks:\n  Lead:\n    on_turn_complete:\n      - relay: Worker\n"})
        await me.ok("POST", "/v1/sessions/main/stop")
        await me.ok("POST", "/v1/personal-tokens", {"name": "mine", "scopes": ["read"]})
        [run] = (await me.ok("GET", "/v1/workflows/runs"))["runs"]
        await me.ok("POST", f"/v1/workflows/runs/{run['id']}/cancel")
        before = await keys_with(broker, "zaphod", "beeble")
        kinds = {key.removeprefix(root).split(":")[1] for key in before if key.startswith(root) and key != root}
        assert {"a", "ap", "m", "p", "wr", "rules", "hooks", "secrets", "stops", "s"} <= kinds

        ended = await broker.ok("POST", f"/v1/members/{member}/erase")
        assert ended["ended"]["tokens"] > 0
        left = await keys_with(broker, "zaphod", "beeble")
        assert {key.rpartition(":")[2] for key in left} == {"log"}
        assert erased_name(member) in " ".join(await texts_of(broker.adapters.redis, f"{root}:rules:made"))
        assert (await me.call("GET", "/v1/whoami")).status_code == 401
        agents = (await broker.ok("GET", "/v1/sessions/main/agents"))["agents"]
        assert {each["name"] for each in agents} == {"Lead", "Worker"}  # what was written anew can be read


async def test_the_audit_trail_of_who_was_erased_verifies_and_names_them_by_an_id(broker: Gateway) -> None:
    await broker.ok("POST", "/v1/members", {"name": "Olga", "role": "owner"})
    member, me = await signed_in(broker, NAME)
    await me.ok("POST", "/v1/groups", {"name": "Crew"})
    worker = build_audit(Settings(), broker.adapters)
    await worker.tend_all()
    await broker.ok("POST", f"/v1/members/{member}/erase")
    await worker.tend_all()
    page = await broker.ok("GET", "/v1/audit")
    made = next(each for each in page["records"] if each["act"] == "group.created")
    assert (made["by"]["member"], made["by"].get("name")) == (member, None)
    assert page["records"][0]["act"] == "member.erased"
    audit = broker.adapters.audit
    check = Verification(broker.workspace, await audit.head(broker.workspace))
    check.feed(await audit.after(broker.workspace, 0, limit=500))
    assert check.finish() == []


async def test_an_erasure_that_was_not_finished_is_done_again(broker: Gateway) -> None:
    await broker.ok("POST", "/v1/members", {"name": "Olga", "role": "owner"})
    member, me = await signed_in(broker, NAME)
    await me.ok("PUT", "/v1/rules", {"rules": [{"effect": "allow", "command": "x"}]})
    members = broker.adapters.members
    known = await members.member(broker.workspace, member)
    assert known is not None
    await members.suspend(broker.workspace, known.id, on=True, by=None)
    await members.erase_name(broker.workspace, known)  # and the broker is killed
    await broker.ok("POST", f"/v1/members/{member}/erase")
    assert await keys_with(broker, "zaphod", "beeble") == set()


async def test_other_peoples_names_stay(broker: Gateway) -> None:
    await broker.ok("POST", "/v1/members", {"name": "Olga", "role": "owner"})
    _, other = await signed_in(broker, "Zaphod")
    member, _ = await signed_in(broker, "Zap")
    await other.ok("PUT", "/v1/rules", {"rules": [{"effect": "allow", "command": "x", "tool": "Bash"}]})
    await broker.ok("POST", f"/v1/members/{member}/erase")
    made = await texts_of(broker.adapters.redis, keys.key(broker.workspace, "rule_makers"))
    assert any('"by":"Zaphod"' in text for text in made)
    assert [each["name"] for each in (await broker.ok("GET", "/v1/members"))["members"]] == ["Olga", "Zaphod"]
