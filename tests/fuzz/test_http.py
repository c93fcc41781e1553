"""Heads and bodies of every route, whole, changed, slow and half: no 5xx, no hang, and nobody else notices."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import orjson

from broker.app import Adapters, build_app
from broker.domain.approvals.relay_tools import TOOLS
from broker.settings import Settings
from tests.fuzz.harness import ODD_BYTES, ODD_VALUES, encode, mutate, patient, reproducible, seeds
from tests.fuzz.live_broker import LiveBroker, live_broker
from tests.fuzz.test_documents import HOOKS, WORKFLOWS
from tests.gateway.test_shared_sessions import BODIES as GOOD
from tests.gateway.test_shared_sessions import served
from tests.gateway.test_tenancy import furnish

pytestmark = patient
_LOOK_EACH = 25
"""Inputs between two looks at those who have to be well."""
_FAIR_STATUSES = frozenset({100, *range(200, 500), 501, 502})
"""502 is an agent that did not start, 501 a part that this gateway was not given."""
ARGUMENTS: dict[str, object] = {
    "to": "Victim", "text": WORKFLOWS[0], "mode": "steer", "name": "Victim", "cli": "demo", "task": "x",
    "machine": "laptop", "cwd": "/", "worktree": False, "channel": "#dev", "agent": "Victim", "after": 0, "limit": 5,
    "message_id": "m", "query": "kind:text", "result": '{"a": 1}\nSTEP_COMPLETE:utter', "values": {"a": 1},
    "workflow": "greeting", "unit": "tokens", "allow": True, "budget": 5, "budget_unit": "tokens",
}  # fmt: skip
BODIES: tuple[object, ...] = (
    {"name": "x"},
    {"to": "Victim", "text": "hello", "mode": "wait", "ttl_s": 60},
    {"name": "W", "cli": "demo", "labels": ["a"], "wait": False, "task": "x", "cwd": "/"},
    {"agent": "Victim"},
    {"verdict": "allow", "scope": "once", "note": "n", "updated_input": {"a": 1}},
    {"answers": {"q": ["a"]}, "decline": False},
    {"rules": [{"effect": "deny", "tool": "Bash", "command": "rm *"}]},
    {"code": "oc_live_x"},
    {"everywhere": True},
    *({"text": text, "version": 1} for text in HOOKS),
    *({"text": text, "vars": {"a": 1}, "on": "laptop", "session": "main"} for text in WORKFLOWS),
    {"output": "x"},
    {"choice": "a"},
    {"tokens": 1, "usd": 0.5},
    {"query": "{ workspace { sessions(first: 5) { nodes { name } } } }", "variables": {"a": 1}},
    {"query": "query Q($n: Int) { workspace { sessions(first: $n) { nodes { id } } } }", "variables": {"n": 3}},
    *(
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {
                "name": tool,
                "arguments": {name: ARGUMENTS[name] for name in sorted(takes.required | takes.optional)},
            },
        }
        for tool, takes in TOOLS.items()
    ),
)
"""Besides those that are good ones of a route."""
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
_OF_TOOLS = [body for body in BODIES if isinstance(body, dict) and body.get("method") == "tools/call"]


def routes(adapters: Adapters) -> list[tuple[str, str]]:
    """Method and path of everything that is served over HTTP, but what puts the whole workspace away: that is fair.

    The page's files are there once: they look at nothing but the address.
    """
    app = build_app(Settings(), adapters=adapters)
    return sorted((served(app) | {("GET", "/"), ("GET", "/mcp")}) - _PUTTING_AWAY)


def fitting(route: tuple[str, str]) -> Sequence[object]:
    """Bodies that get past the first look of a route."""
    if route[1].startswith("/mcp"):
        return _OF_TOOLS
    return [GOOD[route]] if GOOD.get(route) is not None else BODIES


def request(seed: int, served: list[tuple[str, str]], tokens: list[str], ids: Mapping[str, str]) -> bytes:
    """One request as bytes, right in most of its parts. `ids`: what there is, by the name of a path's parameter."""
    chance = random.Random(seed)
    method, path = route = ("POST", "/mcp") if chance.random() < 0.1 else chance.choice(served)
    while "{" in path:
        before, _, rest = path.partition("{")
        name, _, after = rest.partition("}")
        known = ids.get(name) if chance.random() < 0.5 else None
        path = before + (known or chance.choice(PARAMETERS)) + after
    if chance.random() < 0.3:
        path += "?" + chance.choice(
            ("after=e:1", "limit=9", "limit=-1", "wait=false", "query=%7B__typename%7D", "q=%22")
        )
    body = mutate(seed, [orjson.dumps(chance.choice(fitting(route) if chance.random() < 0.7 else BODIES))])
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
    all_routes = routes(adapters)
    async with live_broker(tmp_path, redis_url, f"fuzz-{uuid4().hex}", apart=True) as broker:
        gateway = broker.gateway
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Victim", "cli": "demo"})
        ids = (await furnish(gateway, broker.machine)).ids
        tokens = [
            gateway.key,
            next(iter(broker.machine.tokens.values())),
            (await gateway.token("observer"))[1],
            *(gateway.key, "", "x"),
        ]
        for seed in seeds(2):
            said = request(seed, all_routes, tokens, ids)
            with reproducible(seed, said):
                if seed % 5 == 4:
                    await broker.leave_half_done(said[: random.Random(seed).randrange(len(said))])
                else:
                    status = await status_of(broker, said)
                    assert status is None or status in _FAIR_STATUSES, status
                if seed % _LOOK_EACH == _LOOK_EACH - 1:
                    await broker.must_be_well()
