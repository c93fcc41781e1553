"""A thousand acts of several callers over two real gateways, one of which is killed: each is in the audit trail once,
and whoever touches the trail afterwards is found out.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.adapters.checkpoint_file import CheckpointFile
from broker.adapters.embedded import embedded_redis
from broker.adapters.redis import keys
from broker.adapters.signing import Ed25519Signing
from broker.app import build_adapters
from broker.domain.audit.chain import Checkpoint, Entry, Verification, read_checkpoint
from broker.domain.ids import WorkspaceId
from broker.services.audit.sealing import AuditSealer
from tests.e2e.test_cluster import gateway, workspace_key
from tests.fixtures.gateway import Gateway
from tests.fixtures.processes import Running
from tests.fixtures.shell import shell_of

_ACTS, _CALLERS = 1000, 5
_WORKSPACE = WorkspaceId("w1")
_SIGNING = Ed25519Signing((b64encode(b"k" * 32).decode(),))
Act = tuple[str, str]
"""What is recorded of one: its kind, and the name that it has alone."""


@dataclass(slots=True, kw_only=True)
class Scene:
    gateways: list[Gateway]
    victim: Running
    acts: Counter[Act] = field(default_factory=Counter)
    """Those that were answered, by what the trail has to say of them."""
    requests: int = 0

    async def ask(self, caller: Gateway, which: int, method: str, path: str, body: object = None) -> None:
        """Again and again, at one gateway and the other, until there is an answer: it may have been carried out before,
        and its answer lost.
        """
        for attempt in range(200):
            self.requests += 1
            url = self.gateways[(which + attempt) % 2].url
            with contextlib.suppress(httpx.HTTPError):
                answer = await replace(caller, url=url).call(method, path, body)
                if answer.status_code in {200, 404, 409}:
                    return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{method} {path} was never answered")

    async def act_at_random(self, caller: Gateway, which: int, chance: random.Random) -> None:
        """A part of the acts: rules and groups that come, are renamed and go, under names that nothing else has."""
        rules: list[str] = []
        groups: list[str] = []
        for number in range(_ACTS // _CALLERS):
            name = f"c{which} n{number}"
            kind = chance.choice(["rule.added", "group.created", *(["rule.removed"] if rules else [])])
            if len(rules) > 20:  # a workspace has so many and no more
                kind = "rule.removed"
            elif groups and chance.random() < 0.3:
                kind = chance.choice(["group.removed", "group.renamed"])
            match kind:
                case "rule.added":
                    await self.ask(caller, which, "POST", "/v1/rules", {"effect": "deny", "command": name})
                    rules.append(name)
                case "rule.removed":
                    name = rules.pop(chance.randrange(len(rules)))
                    await self.ask(caller, which, "DELETE", "/v1/rules", {"effect": "deny", "command": name})
                case "group.created":
                    await self.ask(caller, which, "POST", "/v1/groups", {"name": name})
                    groups.append(name)
                case "group.renamed":
                    old = groups.pop(chance.randrange(len(groups)))
                    await self.ask(caller, which, "PATCH", f"/v1/groups/{old}", {"name": name})
                    groups.append(name)
                case _:
                    name = groups.pop(chance.randrange(len(groups)))
                    await self.ask(caller, which, "DELETE", f"/v1/groups/{name}")
            self.acts[kind, name] += 1

    async def kill_one(self) -> None:
        """In the midst of it, and never bring it back."""
        while self.acts.total() < _ACTS // 3:
            await asyncio.sleep(0.01)
        await self.victim.kill()


@contextlib.asynccontextmanager
async def two_gateways(folder: Path) -> AsyncIterator[Scene]:
    async with (
        embedded_redis(folder / "redis") as redis_url,
        workspace_key(redis_url, folder) as key,
        httpx.AsyncClient(timeout=30) as http,
        gateway(folder, redis_url) as first,
        gateway(folder, redis_url) as second,
    ):
        adapters = build_adapters(redis_url)
        gateways = [
            Gateway(url=each.url, key=key.read_text(), workspace=_WORKSPACE, adapters=adapters, client=http)
            for each in (first, second)
        ]
        try:
            yield Scene(gateways=gateways, victim=second)
        finally:
            await adapters.redis.aclose()


async def callers(at: Gateway) -> list[Gateway]:
    """People, service accounts and the key of the workspace."""
    found = [at, replace(at, key=(await at.token("workspace", person=True))[1])]
    for name in ("ci", "cd"):
        await at.ok("POST", "/v1/service-accounts", {"name": name})
        made = await at.ok("POST", f"/v1/service-accounts/{name}/tokens", {"scopes": ["administer"]})
        found.append(replace(at, key=made["token"]))
    await at.ok("POST", "/v1/members", {"name": "First", "role": "owner"})
    invited = await at.ok("POST", "/v1/members", {"name": "Ada", "role": "admin"})
    answer = await at.call("POST", "/v1/sign-in", {"code": invited["url"].partition("#")[2]}, token=None)
    at.client.cookies.clear()
    return [*found, replace(at, key=answer.headers["set-cookie"].partition("=")[2].partition(";")[0])]


def act_in(entry: Entry) -> Act:
    said: dict[str, Any] = json.loads(entry.record)
    text = said["before"] if said["act"].endswith("removed") else said["after"]
    if str(said["act"]).startswith("rule."):
        text = json.loads(text)["command"]
    return said["act"], text


async def entries_of(at: Gateway) -> list[Entry]:
    found: list[Entry] = []
    while page := await at.adapters.audit.after(_WORKSPACE, len(found), limit=500):
        found += page
    return found


@pytest.mark.timeout(400)
async def test_each_act_is_there_once_and_nobody_changes_the_trail_unseen(tmp_path: Path) -> None:
    async with two_gateways(tmp_path) as scene:
        at, file = scene.gateways[0], tmp_path / "checkpoints"
        acting = await callers(at)
        begins = len(await entries_of(at))
        sealer = AuditSealer(at.adapters.audit, [CheckpointFile(file)], _SIGNING)
        sealing = asyncio.create_task(tend_again_and_again(sealer))
        await asyncio.gather(
            scene.kill_one(),
            *(scene.act_at_random(each, number, random.Random(number)) for number, each in enumerate(acting)),
        )
        sealing.cancel()
        await asyncio.gather(sealing, return_exceptions=True)
        await sealer.tend(_WORKSPACE)
        assert scene.acts.total() == _ACTS
        assert scene.victim.process.returncode == -9
        entries = await entries_of(at)
        assert Counter(act_in(each) for each in entries[begins:]) == scene.acts
        assert len({(each["token"], each["member"]) for each in map(by_whom, entries[begins:])}) == _CALLERS
        checkpoints = [found for line in file.read_text().splitlines() if (found := read_checkpoint(line))]
        head = await at.adapters.audit.head(_WORKSPACE)

        def problems(entries: Sequence[Entry]) -> list[str]:
            found = Verification(_WORKSPACE, head, checkpoints)
            found.feed(entries)
            return found.finish()

        assert problems(entries) == []
        assert_every_change_is_found(entries, problems)
        await assert_the_command_finds_it(at, tmp_path, checkpoints)


async def tend_again_and_again(sealer: AuditSealer) -> None:
    while True:
        await sealer.tend(_WORKSPACE)
        await asyncio.sleep(0.2)


def by_whom(entry: Entry) -> dict[str, Any]:
    by: dict[str, Any] = json.loads(entry.record)["by"]
    return {"token": by.get("token"), "member": by.get("member")}


def assert_every_change_is_found(entries: list[Entry], problems: Any) -> None:
    """A byte, a record that is gone, two that changed places, the end: wherever that is."""
    chance = random.Random(7)
    for place in chance.sample(range(len(entries)), 60):
        entry = entries[place]
        at = chance.randrange(len(entry.record))
        changed = entry.record[:at] + chr(ord(entry.record[at]) ^ 1) + entry.record[at + 1 :]
        other = chance.choice([each for each in range(len(entries)) if each != place])
        swapped = list(entries)
        swapped[place] = replace(entry, record=entries[other].record, seal=entries[other].seal)
        swapped[other] = replace(entries[other], record=entry.record, seal=entry.seal)
        for touched in (
            [*entries[:place], replace(entry, record=changed), *entries[place + 1 :]],
            [*entries[:place], *entries[place + 1 :]],
            swapped,
            entries[:place],
        ):
            assert problems(touched), (place, entry)


async def assert_the_command_finds_it(at: Gateway, folder: Path, checkpoints: list[Checkpoint]) -> None:
    """The same in the store itself, by whoever can write there: `relaycast audit verify`."""
    shell, redis = shell_of(at), at.adapters.redis
    stream = keys.key(_WORKSPACE, "audit")
    file = folder / "unsigned"
    file.write_text("".join(replace(each, key=None, signature=None).line for each in checkpoints))
    rows = await redis.xrange(stream)
    middle = len(rows) // 2

    async def verified() -> int:
        return (await shell("audit", "verify", "--checkpoint", str(file))).exit_code

    async def write(changed: Sequence[tuple[str, dict[str, str]]]) -> None:
        await redis.delete(stream)
        pipe = redis.pipeline(transaction=False)
        for name, fields in changed:
            pipe.xadd(stream, fields, id=name)  # type: ignore[arg-type]  # texts are what it takes
        await pipe.execute()

    (one, first), (other, second) = rows[middle], rows[middle + 1]
    touched = {
        "a byte": [*rows[:middle], (one, {"r": first["r"].replace('"at_ms":1', '"at_ms":2')}), *rows[middle + 1 :]],
        "one removed": [*rows[:middle], *rows[middle + 1 :]],
        "two swapped": [*rows[:middle], (one, second), (other, first), *rows[middle + 2 :]],
        "the end cut": rows[:middle],
    }
    assert await verified() == 0
    for name, changed in touched.items():
        await write(changed)
        assert await verified() == 1, name
    await write(rows)
    assert await verified() == 0
