"""The sockets: events after a cursor, the proxy's link, and the codes they are closed with."""

import asyncio
import contextlib
from dataclasses import asdict, replace
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from broker.adapters.redis import keys
from broker.domain.agents.agents import Transport
from broker.domain.ids import AgentId, MessageId, SessionId
from broker.domain.machines.load import MachineLoad
from broker.protocol import close_codes
from broker.protocol.agents.events import AgentReady
from broker.protocol.proxy import (
    MAX_LINK_MESSAGE_BYTES,
    Deliver,
    FrameRecorded,
    Handed,
    LiveAgent,
    Load,
    NumberedReport,
    Spawn,
    Started,
    StateChanged,
    write,
    write_reports,
)
from broker.services.people.access import token_hash
from tests.fixtures.desk import a_hello
from tests.fixtures.gateway import Gateway, Machine, closing

S = "/v1/sessions/main"


async def receive(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(10):
        found: dict[str, Any] = orjson.loads(await socket.recv())
        return found


async def until(socket: ClientConnection, kind: str) -> list[int]:
    """The offsets up to the first event of a kind."""
    offsets = []
    while True:
        event = await receive(socket)
        offsets.append(event["offset"])
        if event["kind"] == kind:
            return offsets


async def test_a_reader_gets_everything_after_its_cursor_and_then_what_happens(gateway: Gateway) -> None:
    async with gateway.machine():
        async with gateway.events("main", after="0") as socket:
            head = await receive(socket)
            assert head["kind"] == "hello"
            await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
            offsets = await until(socket, "agent.ready")
            assert offsets == list(range(1, len(offsets) + 1))
        async with gateway.events("main", after=f"{head['epoch']}:2") as socket:
            await receive(socket)
            assert (await receive(socket))["offset"] == 3
        async with gateway.events("main") as socket:
            head = await receive(socket)
            await gateway.ok("DELETE", f"{S}/agents/Worker")
            assert (await receive(socket))["offset"] == head["offset"] + 1


@pytest.mark.parametrize("after", ["other:3", "{epoch}:999"])
async def test_a_cursor_of_another_life_is_told_by_a_reset(gateway: Gateway, after: str) -> None:
    session = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    async with gateway.events("main", after=after.format(epoch=session["epoch"])) as socket:
        assert [(await receive(socket))["kind"] for _ in range(3)] == ["hello", "reset", "session.created"]


async def test_many_readers_see_the_same_burst_without_gap_or_repetition(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        (spawn,) = [c for c in machine.commands if isinstance(c, Spawn)]
        readers = [gateway.events("main", after="0") for _ in range(3)]
        async with readers[0] as a, readers[1] as b, readers[2] as c:
            about = {"agent": AgentId(spawn.agent), "generation": 1}
            burst = [StateChanged(**about, event=AgentReady(native_id="n")) for _ in range(1500)]  # type: ignore[arg-type]
            await machine.report(*burst)
            await machine.until(lambda: machine.acked == machine.sent)
            await gateway.ok("DELETE", f"{S}/agents/Worker")
            for reader in (a, b, c):
                await receive(reader)
                offsets = await until(reader, "agent.released")
                assert offsets == list(range(1, len(offsets) + 1))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/sessions/nothing/events", 4504),
        ("/v1/sessions/main/events?after=rubbish", 4500),
    ],
)
async def test_event_sockets_are_refused_by_a_code(gateway: Gateway, path: str, code: int) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with connect(gateway.ws_url + path, additional_headers=headers, proxy=None) as socket:
        assert await closing(socket) == code


async def test_a_token_that_may_not_read_is_refused_by_a_code(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    _, proxy = await gateway.token("proxy")
    for token, code in ((proxy, 4503), ("rk_live_unknown", 4501)):
        async with gateway.events("main", token=token) as socket:
            assert await closing(socket) == code


@pytest.mark.parametrize("kind", ["observer", "proxy"])
async def test_a_revoked_token_closes_its_sockets_at_once(gateway: Gateway, kind: str) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    token_id, token = await gateway.token(kind)
    if kind == "observer":
        async with gateway.events("main", token=token) as socket:
            await receive(socket)
            await gateway.ok("DELETE", f"/v1/tokens/{token_id}")
            assert await closing(socket) == 4501
    else:
        async with gateway.machine(token=token) as machine:
            await gateway.ok("DELETE", f"/v1/tokens/{token_id}")
            assert await machine.closed() == 4501
        async with gateway.proxy_socket(token=token) as socket:
            assert await closing(socket) == 4501


async def test_a_revocation_before_the_hello_closes_the_socket_too(gateway: Gateway) -> None:
    token_id, token = await gateway.token("proxy")
    async with gateway.proxy_socket(token=token) as socket:
        await gateway.ok("DELETE", f"/v1/tokens/{token_id}")
        assert await closing(socket) == 4501


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["{"], 4500),
        (['{"type":"ack","seq":1}'], 4500),
        ([b"\x00"], 4500),
        ([write(a_hello(protocol=99))], 4526),
        ([write(a_hello()), write(a_hello())], 4413),
        ([write(a_hello()), '{"type":"reports","reports":[{"report":{}}]}'], 4413),
        ([write(a_hello()), '{"type":"reports","reports":[{"seq":7,"report":{}}]}'], 4413),
        ([write(a_hello()), "{" * 100_000], 4413),
        ([write(a_hello()), b"\x00"], 4413),
        ([write(a_hello()), b"\xff"], 4413),
        ([write(a_hello()), "x" * (MAX_LINK_MESSAGE_BYTES + 1)], 1009),
        ([write(a_hello(session="x" * 65))], 4503),
        ([write(a_hello(agents=[LiveAgent(agent=AgentId(f"a{n}"), generation=1) for n in range(2001)]))], 4503),
    ],
)
async def test_a_proxy_that_breaks_the_protocol_is_closed_with_a_code(
    gateway: Gateway, messages: list[str | bytes], code: int
) -> None:
    async with gateway.proxy_socket() as socket:
        with contextlib.suppress(ConnectionClosed):  # one that is too large is refused while it is being sent
            for message in messages:
                await socket.send(message)
        assert await closing(socket) == code


async def test_many_reports_in_one_message_are_applied_by_pages_and_acknowledged_as_they_are(gateway: Gateway) -> None:
    report = Handed(agent=AgentId("unknown"), generation=1, message_id=MessageId("m"))
    reports = [NumberedReport(seq=seq, report=report).model_dump_json().encode() for seq in range(1, 1201)]
    async with gateway.proxy_socket() as socket, asyncio.timeout(60):
        await socket.send(write(a_hello()))
        assert (await receive(socket))["type"] == "welcome"
        await socket.send(write_reports(reports), text=True)
        told = [await receive(socket) for _ in range(3)]
    assert told == [{"type": "ack", "seq": seq} for seq in (500, 1000, 1200)]


def deep(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    "broken",
    [
        b'"type":"frame","direction":"out","frame_type":"x","events":[],"raw":' + deep(250),
        b'"type":"frame","direction":"out","frame_type":"x","events":[],"raw":' + deep(20_000),
        b'"type":"frame","direction":"out","frame_type":"x","events":[],"raw":"\\ud83d"',
        b'"type":"frame","direction":"out","frame_type":7,"events":{},"raw":1',
        b'"type":"of the future","more":{"x":[1]}',
        b'"type":"state","event":{"type":"of the future"}',
        b'"type":"state","event":{"type":"turn_started","turn_id":7}',
    ],
    ids=lambda broken: repr(broken[:30]),
)
async def test_a_report_that_cannot_be_read_costs_itself_and_is_told_to_the_agents_readers(
    gateway: Gateway, broken: bytes
) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        (spawn,) = [c for c in machine.commands if isinstance(c, Spawn)]
        about = b'"agent":"%b","generation":1' % spawn.agent.encode()
        machine.sent += 1
        report = b'{"seq":%d,"report":{%b,%b}}' % (machine.sent, about, broken)
        await machine.connection.send(write_reports([report]), text=True)
        await machine.state(spawn, AgentReady(native_id="after it"))
        await machine.until(lambda: machine.acked == machine.sent)
        async with gateway.events("main", after="0") as socket:
            while (event := await receive(socket))["kind"] != "agent.frame":
                pass
    assert event["data"]["frame_type"] == "relaycast/broken_report"
    assert "could not be read" in event["data"]["events"][0]["detail"]


@pytest.mark.parametrize(
    "given", [b'{"n":%b}' % (b"9" * 30), b'{"n":NaN}', b'{"n":1e400}', deep(150), b'{"\\u0000":"\\u0000"}', b'{"":{}}']
)
async def test_whatever_an_agent_asks_permission_for_the_link_goes_on(gateway: Gateway, given: bytes) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        (spawn,) = [c for c in machine.commands if isinstance(c, Spawn)]
        about = b'"agent":"%b","generation":1' % spawn.agent.encode()
        event = b'{"type":"approval_requested","native_id":"0","tool":"Bash","title":"t","input":%b}' % given
        machine.sent += 1
        report = b'{"seq":%d,"report":{"type":"state",%b,"event":%b}}' % (machine.sent, about, event)
        await machine.connection.send(write_reports([report]), text=True)
        await machine.until(lambda: machine.acked == machine.sent)
        assert machine.close_code is None
        assert (await gateway.ok("GET", f"{S}/approvals"))["approvals"]


async def test_a_message_of_a_newer_machine_is_passed_over(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        await machine.connection.send('{"type":"of the future","x":{}}')
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        assert machine.close_code is None


async def test_a_machine_tells_its_load_which_every_list_has_and_none_makes_up(gateway: Gateway) -> None:
    async with gateway.machine(machine_id="old", name="old"), gateway.machine() as machine:
        load = MachineLoad(processors=8, load_1=0.5, memory_bytes=2**34, memory_free_bytes=2**33)
        # The second comes too soon to be stored.
        for told in (load, replace(load, load_1=9.0)):
            await machine.connection.send(write(Load(load=told)))
        async with asyncio.timeout(10):
            while (row := await _machine(gateway, "laptop"))["load"] is None:
                await asyncio.sleep(0)
        assert row["load"]["load"] == asdict(load)
        assert (await _machine(gateway, "old"))["load"] is None


async def _machine(gateway: Gateway, name: str) -> dict[str, Any]:
    listed = (await gateway.call("GET", "/v1/proxies")).json()["data"]["proxies"]
    return next(row for row in listed if row["name"] == name)


@pytest.mark.parametrize("load", ['{"load_1":-1}', '{"disk_bytes":1e300}', '{"processors":0}', '{"load_5":"NaN"}'])
async def test_a_load_beyond_all_bounds_breaks_the_protocol(gateway: Gateway, load: str) -> None:
    async with gateway.machine() as machine:
        await machine.connection.send(f'{{"type":"load","load":{load}}}')
        async with asyncio.timeout(10), machine.changed:
            await machine.changed.wait_for(lambda: machine.close_code is not None)
        assert machine.close_code == close_codes.BROKEN_MESSAGE.code


async def test_a_proxy_whose_session_is_unknown_is_told_so(gateway: Gateway) -> None:
    _, token = await gateway.token("proxy")
    async with gateway.proxy_socket(token=token) as socket:
        await socket.send(write(a_hello(session="nothing")))
        assert await closing(socket) == 4504


async def test_an_observer_cannot_link_a_machine(gateway: Gateway) -> None:
    _, token = await gateway.token("observer")
    async with gateway.proxy_socket(token=token) as socket:
        await socket.send(write(a_hello()))
        assert await closing(socket) == 4503


async def test_a_newer_connection_of_a_machine_ends_the_older(gateway: Gateway) -> None:
    async with gateway.machine() as first, gateway.machine() as second:
        assert await first.closed() == 4509
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        assert [c.type for c in second.commands] == ["spawn"]


async def test_machines_come_again_when_their_gateway_was_given_up(gateway: Gateway) -> None:
    """It was paused for longer than a worker waits; to the store its links are away although they are not."""
    async with gateway.machine() as machine:
        links = gateway.adapters.links
        ((link, lease),) = (await links.leases(gateway.workspace)).items()
        while not await links.lapse(gateway.workspace, link, lease):
            lease = (await links.leases(gateway.workspace))[link]
        assert await machine.closed() == 4412


async def test_commands_come_in_order_without_holes_whatever_the_bus_loses(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        await asyncio.gather(
            *(gateway.ok("POST", f"{S}/messages", {"to": "Worker", "text": f"m{i}"}) for i in range(30))
        )
        await machine.until(lambda: len([c for c in machine.commands if isinstance(c, Deliver)]) == 30)
        assert machine.numbers == list(range(1, 32))


async def test_a_machine_that_returns_gets_what_it_missed_once(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        machine.answering = False
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        (spawn,) = machine.commands
        assert isinstance(spawn, Spawn)
    await _offline(gateway)
    sent = await gateway.ok("POST", f"{S}/messages", {"to": "Worker", "text": "later"})
    assert sent["deliveries"][0]["because"] == "proxy_away"
    agents = [{"agent": spawn.agent, "generation": 1}]
    async with gateway.machine(epoch=machine.welcome.epoch, commands_seen=1, agents=agents) as again:
        await again.until(lambda: again.commands)
        (order,) = again.commands
        assert isinstance(order, Deliver)
        assert order.message_id == sent["message_id"]
        assert again.numbers == [2]


async def _offline(gateway: Gateway) -> None:
    async with asyncio.timeout(10):
        while (await gateway.ok("GET", "/v1/proxies"))["proxies"][0]["online"]:
            await asyncio.sleep(0.01)


async def test_an_agent_dials_in_over_the_direct_socket(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        machine.readying = False
        agent = await gateway.ok("POST", f"{S}/agents", {"name": "Claude", "cli": "demo", "wait": False})
        await machine.until(lambda: machine.commands)
        (spawn,) = machine.commands
        assert isinstance(spawn, Spawn)
        token = await started(machine, spawn)
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(f"{gateway.ws_url}/agent/Claude", additional_headers=headers, proxy=None) as socket:
            async with asyncio.timeout(10):
                first = orjson.loads(await socket.recv())
            assert first["type"] == "control_request"
            shown = (await gateway.ok("GET", f"{S}/agents"))["agents"][0]
            assert (shown["id"], shown["state"]) == (agent["id"], "starting")
        for wrong, name in ((gateway.key, "Claude"), (token, "Other"), ("at_live_x", "Claude")):
            headers = {"Authorization": f"Bearer {wrong}"}
            async with connect(f"{gateway.ws_url}/agent/{name}", additional_headers=headers, proxy=None) as socket:
                assert await closing(socket) in {4001, 4003}


async def test_a_secret_that_an_agent_streams_over_its_own_socket_reaches_no_reader(gateway: Gateway) -> None:
    secret = "ghp_" + "aB3" * 12
    async with gateway.machine() as machine:
        machine.readying = False
        await gateway.ok("POST", f"{S}/agents", {"name": "Claude", "cli": "demo", "wait": False})
        await machine.until(lambda: machine.commands)
        (spawn,) = machine.commands
        assert isinstance(spawn, Spawn)
        headers = {"Authorization": f"Bearer {await started(machine, spawn)}"}
        url = f"{gateway.ws_url}/agent/Claude"
        async with (
            connect(url, additional_headers=headers, proxy=None) as socket,
            gateway.events("main", after="0") as events,
            asyncio.timeout(10),
        ):
            for number, part in enumerate(("it is ", secret[:9], secret[9:], " or", " no")):
                await socket.send(orjson.dumps(_delta(part, uuid=f"u{number}")).decode())
            shown = ""
            while not shown.endswith(" no"):
                event = orjson.loads(await events.recv())
                shown += "".join(each.get("delta", "") for each in (event.get("data") or {}).get("events") or ())
    assert shown == "it is [redacted:github-token] or no"


async def test_an_agent_whose_reports_the_store_has_lost_dials_again_and_is_not_told_that_it_is_over(
    gateway: Gateway,
) -> None:
    async with gateway.machine() as machine:
        machine.readying = False
        await gateway.ok("POST", f"{S}/agents", {"name": "Claude", "cli": "demo", "wait": False})
        await machine.until(lambda: machine.commands)
        (spawn,) = machine.commands
        assert isinstance(spawn, Spawn)
        headers = {"Authorization": f"Bearer {await started(machine, spawn)}"}
        url = f"{gateway.ws_url}/agent/Claude"
        async with connect(url, additional_headers=headers, proxy=None) as socket:
            async with asyncio.timeout(10):
                await socket.recv()
            link = keys.key(gateway.workspace, "link", f"direct:{spawn.agent}")
            while await gateway.adapters.redis.hget(link, "reports") != "1":
                await asyncio.sleep(0.01)
            await gateway.adapters.redis.hset(link, "reports", "0")  # as on a replica that has not got it
            await socket.send(orjson.dumps(_delta("lost", uuid="u1")).decode())
            assert await closing(socket) == close_codes.DRAINING.code
        async with (
            connect(url, additional_headers=headers, proxy=None) as socket,
            gateway.events("main", after="0") as events,
            asyncio.timeout(10),
        ):
            await socket.send(orjson.dumps(_delta("found", uuid="u2")).decode())
            while b"found" not in orjson.dumps(orjson.loads(await events.recv())):
                pass


@pytest.mark.parametrize("cuts", [False, True], ids=["older", "this version"])
async def test_a_workspaces_own_rule_masks_what_a_machine_streams_in_parts(gateway: Gateway, cuts: bool) -> None:
    rule = {"name": "ticket", "pattern": r"ACME-[0-9]{8}"}
    await gateway.ok("PUT", "/v1/redaction", {"rules": [rule]})
    async with gateway.machine(cuts_fragments=cuts) as machine:
        agent = await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        for part in ("see ACM", "E-1234", "5678 for", " more"):
            raw = {"method": "item/agentMessage/delta", "params": {"itemId": "m", "delta": part}}
            frame = FrameRecorded(
                agent=agent["id"],
                generation=1,
                direction="out",
                frame_type="item/agentMessage/delta",
                transient=True,
                events=[{"type": "text_delta", "delta": part}],
                raw=raw,
            )
            await machine.report(frame)
        await machine.until(lambda: machine.acked == machine.sent)
        page = (await gateway.call("GET", f"{S}/events?limit=1000")).json()["data"]["events"]
    streamed = [event["data"] for event in page if event["kind"] == "agent.frame" and event["data"]["transient"]]
    assert "".join(data["events"][0]["delta"] for data in streamed) == "see [redacted:ticket] for "
    assert "".join(data["raw"]["params"]["delta"] for data in streamed) == "see [redacted:ticket] for "


def _delta(text: str, *, uuid: str) -> dict[str, object]:
    delta = {"type": "text_delta", "text": text}
    event = {"type": "content_block_delta", "index": 0, "delta": delta}
    return {"type": "stream_event", "uuid": uuid, "session_id": "s", "parent_tool_use_id": None, "event": event}


async def test_an_agent_that_its_machine_drives_cannot_connect_itself(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        (token,) = machine.tokens.values()
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(f"{gateway.ws_url}/agent/Worker", additional_headers=headers, proxy=None) as socket:
            assert await closing(socket) == 4001
        sent = await gateway.ok("POST", f"{S}/messages", {"to": "Worker", "text": "still there?"})
        await machine.until(lambda: [c for c in machine.commands if isinstance(c, Deliver)])
        assert sent


async def test_a_machine_that_is_refused_is_told_why(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    (_, first), (_, second) = [await gateway.token("proxy") for _ in range(2)]
    async with gateway.machine(token=first, machine_id="m"), gateway.proxy_socket(token=second) as socket:
        await socket.send(write(a_hello(machine_id="m", session="main")))
        assert await closing(socket) == 4503
        assert "linked with another token" in (socket.close_reason or "")


async def started(machine: Machine, spawn: Spawn) -> str:
    token = "at_live_" + "d" * 20 + spawn.agent
    about = Started(
        agent=spawn.agent,
        generation=spawn.generation,
        version="2.1.112",
        transport=Transport.SDK_URL,
        token_sha256=token_hash(token),
        cwd="/",
    )
    await machine.report(about)
    await machine.until(lambda: machine.acked == machine.sent)
    return token


async def test_a_session_that_is_deleted_while_it_is_followed_is_closed_as_unknown(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    session = SessionId((await gateway.ok("POST", "/v1/sessions", {"name": "main"}))["id"])
    adapters = gateway.adapters
    async with gateway.events("main") as socket:
        assert (await receive(socket))["kind"] == "hello"
        await adapters.retention.remove_session(gateway.workspace, session)
        # Whatever makes the follower look at the log again.
        channel = keys.key(gateway.workspace, "session_channel", session)
        for _ in range(2):
            await adapters.redis.publish(channel, '{"epoch":"e","offset":99,')
        assert await closing(socket) == 4504
    assert "Exception in ASGI application" not in caplog.text


async def test_a_copy_of_a_machine_is_told_that_it_is_one_and_the_first_goes_on(gateway: Gateway) -> None:
    async with gateway.machine(boot_id="first") as first:
        async with gateway.proxy_socket() as copy:
            await copy.send(write(a_hello(session="main", boot_id="copy")))
            assert await closing(copy) == close_codes.ELSEWHERE.code
        assert close_codes.may_return(close_codes.ELSEWHERE.code)
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        assert first.close_code is None
