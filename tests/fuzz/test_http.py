"""Heads and bodies of every route, whole, changed, slow and half: no 5xx, no hang, and nobody else notices."""

import asyncio
import random
from pathlib import Path
from uuid import uuid4

import orjson
from starlette.routing import Route

from broker.app import Adapters, build_app
from broker.settings import Settings
from tests.fuzz.harness import ODD_BYTES, ODD_VALUES, encode, mutate, patient, reproducible, seeds
from tests.fuzz.live_broker import LiveBroker, live_broker

pytestmark = patient
_LOOK_EACH = 25
"""Inputs between two looks at those who have to be well."""
_FAIR_STATUSES = frozenset({100, *range(200, 500), 501, 502})
"""502 is an agent that did not start, 501 a part that this gateway was not given."""
BODIES: tuple[object, ...] = (
    {"name": "x"},
    {"to": "Victim", "text": "hello", "mode": "wait", "ttl_s": 60},
    {"name": "W", "cli": "demo", "labels": ["a"], "wait": False, "task": "x", "cwd": "/"},
    {"agent": "Victim"},
    {"verdict": "allow", "scope": "once", "note": "n", "updated_input": {"a": 1}},
    {"rules": [{"effect": "deny", "tool": "Bash", "command": "rm *"}]},
    {"kind": "observer", "name": "t"},
    {"code": "oc_live_x"},
    {"name": "Ada", "role": "viewer"},
    {"expires_in_s": 60},
    {"everywhere": True},
    {"version": 1, "control": {"sessions": [], "agents": []}},
    {"rows": [{"a": 1}]},
    {"query": "{ workspace { sessions(first: 5) { nodes { name } } } }", "variables": {"a": 1}},
    {"query": "query Q($n: Int) { workspace { sessions(first: $n) { nodes { id } } } }", "variables": {"n": 3}},
    {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "relay_agents", "arguments": {}}},
)
HEADERS = (
    b"Content-Type: application/json",
    b"Accept: text/event-stream",
    b"Accept: application/json, text/event-stream",
    b"Idempotency-Key: k",
    b"Expect: 100-continue",
    b"Transfer-Encoding: chunked",
    b"Connection: upgrade",
    b"Upgrade: h2c",
    b"Range: bytes=0-1",
    b"X-Forwarded-For: 192.0.2.1",
    b"Origin: http://evil.example",
    b"Cookie: relaycast=ot_live_x",
    b"If-None-Match: *",
    b"MCP-Protocol-Version: 2025-06-18",
)
PARAMETERS = ("Victim", "main", "default", "%00", "%e2%80%ae", "..%2f..", "x" * 300, "-1", "me", "%ff")


_PUTTING_AWAY = {("DELETE", "/v1/workspace"), ("POST", "/v1/workspace/archive")}


def routes(adapters: Adapters) -> list[tuple[str, str]]:
    """Method and path of everything that is served over HTTP, but what puts the whole workspace away: that is fair."""
    app = build_app(Settings(), adapters=adapters)
    return sorted(
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or {"GET", "POST"})
        if (method, route.path) not in _PUTTING_AWAY
    )


def request(seed: int, served: list[tuple[str, str]], tokens: list[str]) -> bytes:
    """One request as bytes, right in most of its parts."""
    chance = random.Random(seed)
    method, path = chance.choice(served)
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + chance.choice(PARAMETERS) + rest.partition("}")[2]
    if chance.random() < 0.3:
        path += "?" + chance.choice(
            ("after=e:1", "limit=9", "limit=-1", "wait=false", "query=%7B__typename%7D", "q=%22")
        )
    body = mutate(seed, [orjson.dumps(chance.choice(BODIES))])
    if chance.random() < 0.1:
        body = encode(chance.choice(ODD_VALUES))
    token = chance.choice(tokens)
    head = [f"{method} {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Content-Length: %d" % len(body)]
    head += [f"Authorization: Bearer {token}".encode()] if token else []
    head += chance.sample(HEADERS, chance.randrange(4)) if chance.random() < 0.7 else [HEADERS[0], HEADERS[2]]
    if chance.random() < 0.1:
        head.insert(chance.randrange(len(head) + 1), chance.choice(ODD_BYTES))
    if chance.random() < 0.02:
        head += [b"X-%d: %s" % (number, b"y" * 500) for number in range(300)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


async def status_of(broker: LiveBroker, said: bytes) -> int | None:
    """Of the first answer; None when there is none."""
    async with broker.connection() as (reader, writer):
        writer.write(said)
        try:
            async with asyncio.timeout(1):  # what waits for more of the request is told to others than us
                line = await reader.readline()
        except (TimeoutError, ConnectionResetError):
            return None
        if not line.startswith(b"HTTP/1.1 "):
            return None
        return int(line.split()[1])


async def test_no_request_breaks_a_gateway(tmp_path: Path, redis_url: str, adapters: Adapters) -> None:
    served = routes(adapters)
    async with live_broker(tmp_path, redis_url, f"fuzz-{uuid4().hex}") as broker:
        gateway = broker.gateway
        tokens = [
            gateway.key,
            next(iter(broker.machine.tokens.values())),
            (await gateway.token("observer"))[1],
            "",
            "x",
        ]
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Victim", "cli": "demo"})
        for seed in seeds(2):
            said = request(seed, served, tokens)
            with reproducible(seed, said):
                if seed % 5 == 4:
                    await broker.leave_half_done(said[: random.Random(seed).randrange(len(said))])
                else:
                    status = await status_of(broker, said)
                    assert status is None or status in _FAIR_STATUSES, status
                if seed % _LOOK_EACH == _LOOK_EACH - 1:
                    await broker.must_be_well()
