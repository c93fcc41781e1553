"""Frames on every socket, structured and random, whole and half: no hang, and the machine beside notices nothing."""

import asyncio
import base64
import contextlib
import random
import struct
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from tests.fixtures.desk import a_hello
from tests.fuzz.harness import ODD_VALUES, encode, mutate, patient, reproducible, seeds
from tests.fuzz.live_broker import LiveBroker, live_broker

pytestmark = patient
_LOOK_EACH = 20
"""Inputs between two looks at those who have to be well."""
HELLO: dict[str, Any] = {**a_hello().model_dump(mode="json"), "machine_id": "fuzzed", "name": "fuzzed"}
REPORT: dict[str, Any] = {
    "type": "reports",
    "reports": [{"seq": 1, "report": {"type": "exited", "agent": "x", "generation": 1, "code": 0, "expected": True}}],
}
FRAMES: dict[str, tuple[object, ...]] = {
    "/proxy": (HELLO, REPORT, {"type": "ack", "seq": 3}, {"type": "nonsense"}),
    "/agent/Healthy": (
        {"type": "system", "subtype": "init", "session_id": "s"},
        {"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": "hi"}]}},
        {
            "type": "control_request",
            "request_id": "r",
            "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {}},
        },
        {"type": "result", "subtype": "success", "result": "done", "uuid": "u"},
    ),
    "/graphql": (
        {"type": "connection_init", "payload": {}},
        {"type": "ping", "payload": {"a": 1}},
        {
            "type": "subscribe",
            "id": "1",
            "payload": {"query": 'subscription { sessionEvents(session: "main") { cursor } }'},
        },
        {"type": "subscribe", "id": "2", "payload": {"query": "{ workspace { name } }", "variables": {"a": [1]}}},
        {"type": "complete", "id": "1"},
    ),
    "/v1/sessions/main/events": ("x", {}, [1]),
}
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10


def framed(chance: random.Random, payload: bytes) -> bytes:
    """A masked frame, mostly a right one."""
    code = chance.choices((_TEXT, _BINARY, 0, _CLOSE, _PING, _PONG, 3, 11), (40, 2, 2, 1, 2, 1, 1, 1))[0]
    final = 0x80 if chance.random() < 0.95 else 0
    reserved = 0x40 if chance.random() < 0.02 else 0
    length = len(payload)
    told = length if chance.random() < 0.97 else chance.choice((0, length + 1, 2**20, 2**31, 2**62))
    if told < 126:
        head = struct.pack("!BB", final | reserved | code, 0x80 | told)
    elif told < 1 << 16:
        head = struct.pack("!BBH", final | reserved | code, 0x80 | 126, told)
    else:
        head = struct.pack("!BBQ", final | reserved | code, 0x80 | 127, told)
    return head + b"\0\0\0\0" + payload


def spoken(seed: int, path: str) -> bytes:
    """What one peer says on a socket."""
    chance = random.Random(seed)
    corpus = [encode(each) for each in FRAMES[path]]
    said = []
    if chance.random() < 0.7:  # mostly it begins as it should, so that what comes after is looked at
        said.append(b"\x81" + short(corpus[0]))
    for number in range(chance.randrange(1, 8)):
        payload = mutate(seed * 100 + number, corpus) if chance.random() < 0.9 else encode(chance.choice(ODD_VALUES))
        said.append(framed(chance, payload))
    if chance.random() < 0.05:
        said.append(framed(chance, b"") * 5000)
    if chance.random() < 0.1:
        said.append(chance.randbytes(200))
    return b"".join(said)


def short(payload: bytes) -> bytes:
    """A masked frame's length and content."""
    length = len(payload)
    head = bytes((0x80 | length,)) if length < 126 else struct.pack("!BH", 0x80 | 126, length)
    return head + b"\0\0\0\0" + payload


def upgrade(path: str, token: str) -> bytes:
    """The head that opens a socket."""
    key = base64.b64encode(b"0" * 16).decode()
    lines = [
        f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
    ]  # fmt: skip
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Sec-WebSocket-Protocol: {protocol}" for at, protocol in _PROTOCOLS.items() if at == path]
    return "\r\n".join([*lines, "", ""]).encode()


_PROTOCOLS = {"/graphql": "graphql-transport-ws", "/proxy": "relaycast.proxy.v1"}


async def speak(broker: LiveBroker, path: str, token: str, said: bytes) -> None:
    """Say it, and listen until the gateway is done or has no more to say."""
    async with broker.connection() as (reader, writer):
        writer.write(upgrade(path, token))
        with contextlib.suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n\r\n")
            assert not head.startswith(b"HTTP/1.1 5"), head
            writer.write(said)
            async with asyncio.timeout(0.2):  # a socket that is content stays open
                while await reader.read(65536):
                    pass


async def test_nothing_said_on_a_socket_breaks_a_gateway(tmp_path: Path, redis_url: str) -> None:
    async with live_broker(tmp_path, redis_url, f"fuzz-{uuid4().hex}") as broker:
        gateway = broker.gateway
        proxy = (await gateway.token("proxy"))[1]
        tokens = {
            "/proxy": [proxy, proxy, "", "x"],
            "/agent/Healthy": [gateway.key, "", "x"],
            "/graphql": [gateway.key, gateway.key, (await gateway.token("observer"))[1], ""],
            "/v1/sessions/main/events": [gateway.key, ""],
        }
        agent = (await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Fuzzed", "cli": "demo"}))["id"]
        tokens["/agent/Healthy"].append(broker.machine.tokens[agent])
        for seed in seeds(2):
            chance = random.Random(seed)
            path = chance.choice(list(FRAMES))
            token, said = chance.choice(tokens[path]), spoken(seed, path)
            with reproducible(seed, (path, token and token[:8], said)):
                if seed % 6 == 5:
                    await broker.leave_half_done(upgrade(path, token) + said[: chance.randrange(len(said) + 1)])
                else:
                    await speak(broker, path, token, said)
                if seed % _LOOK_EACH == _LOOK_EACH - 1:
                    await broker.must_be_well()
        assert orjson.loads((await gateway.call("GET", "/readyz")).content)["ok"]
