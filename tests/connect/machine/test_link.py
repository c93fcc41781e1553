from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from broker.domain.errors import Conflict
from broker.domain.ids import AgentId, MessageId, ProxyId
from broker.domain.machines.load import MachineLoad
from broker.protocol import close_codes
from broker.protocol.close_codes import CloseCode
from broker.protocol.proxy import Auth, Command, Handed, Hello, Interrupt, NumberedReport, ReportsLost
from connect.access.broker_clock import BrokerClock
from connect.access.credentials import KeptTokens, MachineCredentials
from connect.access.endpoint import Endpoint, GivenToken, TokenSource
from connect.access.token_calls import Pair
from connect.machine.link import Link, LinkRefused
from connect.machine.spool import Spool, Weight
from connect.notices import Connected, Disconnected, Notice, Warned
from connect.system.state_folder import StateFolder
from tests.connect.scripted_broker import ScriptedBroker, scripted_broker

_N = TypeVar("_N", bound=Notice)


def credentials_for(url: str, folder: Path, *, token: str = "nt_live_configured") -> MachineCredentials:
    return MachineCredentials(
        Endpoint(url=url),
        GivenToken(text=token, source=TokenSource.ENVIRONMENT),
        kept=KeptTokens(path=folder / "token.json", url=url),
        purpose={"for": "machine", "machine_id": "m", "name": "test"},
    )


class Proxy:
    """The link's user: everything is written down."""

    def __init__(self, broker_url: str, folder: Path, *, refused_grace_s: float = 600) -> None:
        self.state = StateFolder(folder)
        self.spool = Spool(self.state.folder("spool"), limit_bytes=1024 * 1024)
        self.credentials = credentials_for(broker_url, folder)
        self.busy = False
        self.taken: list[Command] = []
        self.settled = 0
        self.notices: asyncio.Queue[Notice] = asyncio.Queue()
        endpoint = Endpoint(url=broker_url)
        self.link = Link(
            endpoint,
            self,
            state=self.state,
            spool=self.spool,
            credentials=self.credentials,
            clock=BrokerClock(),
            refused_grace_s=refused_grace_s,
            look_s=0.05,
        )

    async def hello(self) -> Hello:
        return Hello(
            version="0",
            machine_id=self.state.machine_id,
            name="test",
            boot_id="b1",
            spool_id=self.spool.spool_id,
            epoch=self.state.cursor.epoch,
            commands_seen=self.state.cursor.seen,
        )

    def measure_load(self) -> MachineLoad:
        return MachineLoad(processors=2, load_1=0.5)

    def close(self) -> None:
        self.spool.close()
        self.state.close()

    def note(self, command: Command) -> None:
        del command

    def take(self, command: Command) -> None:
        self.taken.append(command)

    def settle_answered(self) -> None:
        self.settled += 1

    def notice(self, notice: Notice) -> None:
        self.notices.put_nowait(notice)

    def report(self, text: str) -> None:
        report = Handed(agent=AgentId("a"), generation=1, message_id=MessageId(text))
        self.spool.add(
            lambda seq: NumberedReport(seq=seq, report=report).model_dump_json().encode(), weight=Weight.STATE
        )


@pytest.fixture
async def broker() -> AsyncGenerator[ScriptedBroker]:
    async with scripted_broker() as broker:
        yield broker


@pytest.fixture
def proxy(broker: ScriptedBroker, tmp_path: Path) -> Generator[Proxy]:
    proxy = Proxy(broker.url, tmp_path / "state")
    yield proxy
    proxy.close()


@asynccontextmanager
async def running(proxy: Proxy) -> AsyncGenerator[asyncio.Task[None]]:
    task = asyncio.ensure_future(proxy.link.run(sleep=lambda _: asyncio.sleep(0)))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


def _interrupt(generation: int) -> Interrupt:
    return Interrupt(agent=AgentId("a"), generation=generation)


async def test_it_says_hello_with_its_token_and_is_told_where_the_dashboard_is(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    async with running(proxy), asyncio.timeout(5):
        connected = await proxy.notices.get()
    assert isinstance(connected, Connected)
    assert connected.session_url == "http://127.0.0.1/session/s1"
    assert broker.tokens == ["nt_live_configured"]


async def test_commands_are_taken_in_order_and_acknowledged(broker: ScriptedBroker, proxy: Proxy) -> None:
    async with running(proxy):
        for generation in range(3):
            await broker.command(_interrupt(generation))
        await broker.until(lambda: broker.commands_acked == 3)
    assert proxy.taken == [_interrupt(0), _interrupt(1), _interrupt(2)]


async def test_a_command_that_comes_twice_is_taken_once_and_acknowledged_again(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    async with running(proxy):
        await broker.command(_interrupt(0))
        await broker.until(lambda: broker.commands_acked == 1)
        broker.commands_acked = 0
        await broker.repeat(1)
        await broker.until(lambda: broker.commands_acked == 1)
    assert len(proxy.taken) == 1


async def test_commands_whose_acknowledgement_was_lost_are_not_taken_again(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    async with running(proxy):
        await broker.command(_interrupt(0))
        await broker.until(lambda: broker.commands_acked == 1)
        broker.forgets_commands_seen = True
        await broker.drop()
        await broker.until(lambda: len(broker.hellos) == 2)
        await broker.command(_interrupt(1))
        await broker.until(lambda: broker.commands_acked == 2)
    assert proxy.taken == [_interrupt(0), _interrupt(1)]


async def test_after_a_restart_the_broker_is_told_how_far_commands_were_taken(
    broker: ScriptedBroker, proxy: Proxy, tmp_path: Path
) -> None:
    async with running(proxy):
        await broker.command(_interrupt(0))
        await broker.until(lambda: broker.commands_acked == 1)
    proxy.state.close()
    again = Proxy(broker.url, tmp_path / "state")
    async with running(again):
        await broker.until(lambda: len(broker.hellos) == 2)
    assert (broker.hellos[1].epoch, broker.hellos[1].commands_seen) == ("epoch-1", 1)
    assert again.taken == []
    again.spool.close()
    proxy.state = again.state


async def test_another_mailbox_epoch_starts_the_command_numbers_again(broker: ScriptedBroker, proxy: Proxy) -> None:
    async with running(proxy):
        await broker.command(_interrupt(0))
        await broker.until(lambda: broker.commands_acked == 1)
        broker.epoch = "epoch-2"
        broker.commands = [_interrupt(7)]
        await broker.drop()
        await broker.until(lambda: len(broker.hellos) == 2)
        await broker.command(_interrupt(8))
        await broker.until(lambda: broker.commands_acked == 2)
    assert proxy.taken == [_interrupt(0), _interrupt(7), _interrupt(8)]


async def test_reports_that_were_not_acknowledged_are_sent_again_after_a_reconnect(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    broker.acknowledging = False
    async with running(proxy):
        proxy.report("one")
        await broker.until(lambda: len(broker.received) == 1)
        broker.reports = []  # It was received, but not stored.
        await broker.drop()
        proxy.report("two")
        await broker.until(lambda: broker.reports_seen == 2)
    assert [handed.message_id for handed in broker.of(Handed)] == ["one", "two"]


async def test_stored_reports_are_not_sent_again_though_their_acknowledgement_was_lost(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    broker.acknowledging = False
    async with running(proxy):
        proxy.report("one")
        await broker.until(lambda: broker.reports_seen == 1)
        await broker.drop()
        proxy.report("two")
        await broker.until(lambda: broker.reports_seen == 2)
    assert [numbered.seq for numbered in broker.received] == [1, 2]


async def test_a_broker_that_lost_what_it_had_acknowledged_gets_it_again_once_and_in_order(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    async with running(proxy):
        for text in ("one", "two", "three"):
            proxy.report(text)
        await broker.until(lambda: broker.reports_seen == 3)
        async with asyncio.timeout(5):
            await proxy.spool.wait_acked(3)
        del broker.reports[1:]  # a replica that had not got them was promoted
        await broker.drop()
        proxy.report("four")
        await broker.report(ReportsLost)
    assert broker.hellos[0].spool_id != broker.hellos[-1].spool_id
    assert [handed.message_id for handed in broker.of(Handed)] == ["two", "three", "four"]
    assert broker.of(ReportsLost) == [ReportsLost(lost=0, sent_again=2)]
    assert proxy.settled == 1
    warned = await next_notice(proxy, Warned)
    assert warned.problem == "127.0.0.1:" + broker.url.rpartition(":")[2] + (
        " has lost reports that it had taken over: 2 are sent again"
    )


async def test_a_broker_that_has_never_heard_of_the_machine_has_lost_nothing(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    async with running(proxy):
        proxy.report("one")
        await broker.until(lambda: broker.reports_seen == 1)
        async with asyncio.timeout(5):
            await proxy.spool.wait_acked(1)
        broker.reports, broker.proxy_id = [], ProxyId("registered anew")
        await broker.drop()
        proxy.report("two")
        await broker.until(lambda: broker.reports_seen == 1)
    assert [handed.message_id for handed in broker.of(Handed)] == ["two"]
    assert (broker.of(ReportsLost), proxy.settled) == ([], 0)


async def test_a_spool_that_lost_its_end_in_a_power_cut_begins_again_under_a_new_id(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    lost = Handed(agent=AgentId("a"), generation=1, message_id=MessageId("lost"))
    broker.reports = [NumberedReport(seq=seq, report=lost) for seq in range(1, 6)]
    async with running(proxy):
        proxy.report("one")
        await broker.until(lambda: len(broker.hellos) == 2 and broker.reports_seen == 1)
    assert [handed.message_id for handed in broker.of(Handed)] == ["one"]


async def test_reports_that_wait_together_travel_together(broker: ScriptedBroker, proxy: Proxy) -> None:
    for index in range(100):
        proxy.report(str(index))
    async with running(proxy):
        await broker.until(lambda: broker.reports_seen == 100)
    assert broker.raw.count(b'"type":"reports"') == 1


async def test_a_close_code_that_forbids_to_come_back_ends_it_with_the_reason(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    broker.close_next = (close_codes.SUPERSEDED.code, close_codes.SUPERSEDED.reason)
    async with running(proxy) as task, asyncio.timeout(5):
        with pytest.raises(LinkRefused, match="a newer connection of the same proxy has taken over"):
            await task
    assert len(broker.tokens) == 1


async def test_a_close_code_that_allows_to_come_back_is_followed_by_a_new_connection(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    broker.close_next = (close_codes.DRAINING.code, close_codes.DRAINING.reason)
    async with running(proxy), asyncio.timeout(5):
        lost = await proxy.notices.get()
        assert isinstance(lost, Disconnected)
        assert lost.reason == close_codes.DRAINING.reason
        assert isinstance(await proxy.notices.get(), Connected)


async def test_it_waits_for_a_broker_that_is_not_there_yet(tmp_path: Path) -> None:
    proxy = Proxy("http://127.0.0.1:9", tmp_path / "state")
    async with running(proxy), asyncio.timeout(5):
        for _ in range(3):
            lost = await proxy.notices.get()
            assert isinstance(lost, Disconnected)
            assert lost.reason == "cannot reach 127.0.0.1:9 (Connection refused); does `relaycast up` run here?"
    proxy.close()


async def test_the_pauses_between_tries_grow_to_fifteen_seconds(tmp_path: Path) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def sleep(delay_s: float) -> None:
        pauses.append(delay_s)
        if len(pauses) == 12:
            enough.set()
            await asyncio.Event().wait()

    proxy = Proxy("http://127.0.0.1:9", tmp_path / "state")
    task = asyncio.ensure_future(proxy.link.run(sleep=sleep))
    async with asyncio.timeout(10):
        await enough.wait()
    task.cancel()
    await asyncio.wait({task})
    assert 0.05 <= pauses[0] <= 0.1
    assert all(7.5 <= pause <= 15 for pause in pauses[-4:])
    proxy.close()


async def test_a_fresh_token_is_used_from_the_next_connection_on_and_kept_private(
    broker: ScriptedBroker, proxy: Proxy, tmp_path: Path
) -> None:
    async with running(proxy):
        await broker.until(lambda: broker.connection is not None)
        await broker.refresh("nt_live_fresh")
        await broker.command(_interrupt(0))
        await broker.until(lambda: broker.commands_acked == 1)
        await broker.drop()
        await broker.until(lambda: len(broker.hellos) == 2)
    assert broker.tokens[-1] == "nt_live_fresh"
    kept = tmp_path / "state" / "token.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert credentials_for(broker.url, kept.parent).token == "nt_live_fresh"
    assert credentials_for(broker.url, kept.parent, token="nt_live_other").token == "nt_live_other"
    assert credentials_for("http://127.0.0.1:1", kept.parent).token == "nt_live_configured"


async def test_a_kept_token_that_is_refused_gives_way_to_the_configured_one(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    proxy.credentials.take(Auth(token="nt_live_stale", expires_at_ms=0), life_s=None)
    broker.close_next = (close_codes.UNAUTHENTICATED.code, close_codes.UNAUTHENTICATED.reason)
    async with running(proxy):
        await broker.until(lambda: len(broker.hellos) == 1)
    assert broker.tokens == ["nt_live_stale", "nt_live_configured"]


async def test_a_token_that_is_due_is_asked_for_on_the_link_and_presented_at_the_next_connection(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    proxy.credentials.adopt(Pair(token="nt_live_a", refresh_token="rt_live_a", life_s=60))
    async with running(proxy):
        await broker.until(lambda: broker.connection is not None)
        proxy.credentials.adopt(Pair(token="nt_live_a", refresh_token="rt_live_a", life_s=0))
        await broker.until(lambda: broker.refreshes == ["rt_live_a"])
        # An hour by the broker's own clock, which is far from this machine's.
        await broker.refresh("nt_live_b", refresh_token="rt_live_b", expires_at_ms=1_000_000 + 3_600_000)
        await broker.command(_interrupt(0))
        await broker.until(lambda: broker.commands_acked == 1)
        await broker.drop()
        await broker.until(lambda: len(broker.hellos) == 2)
    assert broker.tokens == ["nt_live_a", "nt_live_b"]
    assert 2300 < (proxy.credentials.due_in_s() or 0) <= 2400


async def next_notice(proxy: Proxy, kind: type[_N]) -> _N:
    async with asyncio.timeout(5):
        while not isinstance(notice := await proxy.notices.get(), kind):
            pass
    return notice


@pytest.mark.parametrize("code", [close_codes.NOT_PERMITTED, close_codes.UNKNOWN])
async def test_a_refusal_is_asked_again_while_agents_work(
    broker: ScriptedBroker, proxy: Proxy, code: CloseCode
) -> None:
    proxy.busy = True
    broker.close_next = (code.code, code.reason)
    async with running(proxy):
        lost = await next_notice(proxy, Disconnected)
        await next_notice(proxy, Connected)
    assert lost.reason.startswith(f"{proxy.link._endpoint.host}: {code.reason}; its agents go on for 10 min")


async def test_a_refusal_that_lasts_beyond_the_grace_is_final(broker: ScriptedBroker, tmp_path: Path) -> None:
    proxy = Proxy(broker.url, tmp_path / "state", refused_grace_s=0)
    proxy.busy = True
    broker.close_next = (close_codes.NOT_PERMITTED.code, close_codes.NOT_PERMITTED.reason)
    async with running(proxy) as task, asyncio.timeout(5):
        with pytest.raises(LinkRefused, match="the token is not for this"):
            await task
    proxy.close()


async def test_a_revoked_token_is_final_at_once_though_agents_work(broker: ScriptedBroker, proxy: Proxy) -> None:
    proxy.busy = True
    broker.close_next = (close_codes.UNAUTHENTICATED.code, close_codes.UNAUTHENTICATED.reason)
    async with running(proxy) as task, asyncio.timeout(5):
        with pytest.raises(LinkRefused, match="revoked"):
            await task


async def test_a_message_that_was_not_understood_ends_the_connection_and_not_the_link(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    broker.close_next = (close_codes.BAD_MESSAGE.code, "reports.0: Invalid JSON")
    async with running(proxy):
        lost = await next_notice(proxy, Disconnected)
        await next_notice(proxy, Connected)
    assert lost.reason == "reports.0: Invalid JSON"


async def test_what_goes_wrong_here_ends_the_connection_and_not_the_link(
    broker: ScriptedBroker, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def take(_: Command) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(proxy, "take", take)
    async with running(proxy):
        await broker.command(_interrupt(0))
        lost = await next_notice(proxy, Disconnected)
        await broker.until(lambda: len(broker.hellos) == 2)
    assert lost.reason.endswith("failed: too deep")
    assert [record.getMessage() for record in caplog.records if record.name == "connect.machine.link"] == [
        f"the link to {proxy.link._endpoint.host} failed: RecursionError('too deep')"
    ]


async def test_a_token_that_cannot_be_kept_on_disk_is_used_from_memory_and_that_is_said_once(
    broker: ScriptedBroker, proxy: Proxy, tmp_path: Path
) -> None:
    (tmp_path / "state" / "token.json.new").mkdir()
    async with running(proxy):
        await broker.until(lambda: broker.connection is not None)
        await broker.refresh("nt_live_fresh")
        warned = await next_notice(proxy, Warned)
        await broker.refresh("nt_live_fresher")
        await broker.command(_interrupt(0))
        await broker.until(lambda: broker.commands_acked == 1)
        await broker.drop()
        await broker.until(lambda: len(broker.hellos) == 2)
    assert broker.tokens[-1] == "nt_live_fresher"
    assert "the token cannot be kept on disk, and is used from memory: " in warned.problem
    assert not any(isinstance(proxy.notices.get_nowait(), Warned) for _ in range(proxy.notices.qsize()))


async def test_commands_are_taken_while_the_disk_has_no_room_to_remember_them(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, proxy.state._cursor_file)
    os.close(full)
    async with running(proxy):
        for generation in range(3):
            await broker.command(_interrupt(generation))
        await broker.until(lambda: broker.commands_acked == 3)
        await broker.drop()
        await broker.until(lambda: len(broker.hellos) == 2)
    assert proxy.taken == [_interrupt(0), _interrupt(1), _interrupt(2)]
    assert broker.hellos[1].commands_seen == 3
    warned = await next_notice(proxy, Warned)
    assert "No space left on device" in warned.problem


async def test_two_cannot_use_one_state_folder(proxy: Proxy, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=r"another relay-connect \(process \d+\) uses"):
        StateFolder(tmp_path / "state")


async def test_a_command_of_a_newer_broker_is_acknowledged_and_told(broker: ScriptedBroker, proxy: Proxy) -> None:
    async with running(proxy):
        await broker.until(lambda: broker.connection is not None)
        assert broker.connection is not None
        unknown = '{"type":"command","seq":1,"command":{"type":"of the future","agent":"a","generation":1}}'
        await broker.connection.send('{"type":"of the future"}')
        await broker.connection.send(unknown)
        await broker.until(lambda: broker.commands_acked == 1)
        await broker.connection.send(unknown.replace("of the future", "probe").replace('"seq":1', '"seq":2'))
        await broker.until(lambda: broker.commands_acked == 2)
    assert [command.type for command in proxy.taken] == ["probe"]
    told = [proxy.notices.get_nowait() for _ in range(proxy.notices.qsize())]
    assert [notice for notice in told if isinstance(notice, Warned) and "update relay-connect" in notice.problem]


@pytest.mark.parametrize("code", [close_codes.BROKEN_MESSAGE.code, close_codes.BAD_MESSAGE.code, 1009])
async def test_a_report_that_ends_every_connection_is_set_aside_and_the_rest_goes_on(
    broker: ScriptedBroker, proxy: Proxy, tmp_path: Path, code: int
) -> None:
    broker.refusing = ('"message_id":"poison"', code)
    for text in ("one", "two", "poison", "four"):
        proxy.report(text)
    async with running(proxy):
        await broker.until(lambda: "four" in [report.message_id for report in broker.of(Handed)])
    assert [report.message_id for report in broker.of(Handed)][-1] == "four"
    (frame,) = broker.frames()
    assert "refused" in str(frame.events)
    (aside,) = (tmp_path / "state" / "spool" / "aside").iterdir()
    assert b"poison" in aside.read_bytes()


async def test_the_broker_is_told_how_busy_the_machine_is_after_every_welcome(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    async with running(proxy):
        await broker.until(lambda: len(broker.loads) == 1)
        await broker.drop()
        await broker.until(lambda: len(broker.loads) == 2)
    assert broker.loads == [MachineLoad(processors=2, load_1=0.5)] * 2


async def test_a_broker_that_does_not_ask_for_it_is_not_told_how_busy_the_machine_is(
    broker: ScriptedBroker, proxy: Proxy
) -> None:
    broker.wants_load = False
    async with running(proxy):
        proxy.report("one")
        await broker.until(lambda: len(broker.of(Handed)) == 1)
        proxy.report("two")
        await broker.until(lambda: len(broker.of(Handed)) == 2)
    assert broker.loads == []
