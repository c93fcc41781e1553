"""The pump: every command once and in order, whatever the bus does."""

import asyncio
from collections.abc import Callable

import pytest

from broker.gateway.sockets.mailbox_pump import Kicked, MailboxPump, Orphaned, Superseded
from broker.services.ports import CommandPut, LinkNews, OwnerRemoved, Silent, TakenOver


class Mailbox:
    """Commands as the store has them, and what reached the peer."""

    def __init__(self) -> None:
        self.commands: list[tuple[int, str]] = []
        self.sent: list[int] = []
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.changed = asyncio.Condition()
        self.pump = MailboxPump(read=self.read, send=self.send)

    def add(self, *, told: bool = True) -> None:
        seq = len(self.commands) + 1
        self.commands.append((seq, f"c{seq}"))
        if told:
            self.pump.notify(CommandPut(seq, f"c{seq}"))

    async def read(self, after: int) -> list[tuple[int, str]]:
        self.reads += 1
        return self.commands[after : after + 10]

    async def send(self, seq: int, command: str) -> None:
        await self.gate.wait()
        assert command == f"c{seq}"
        async with self.changed:
            self.sent.append(seq)
            self.changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(condition)


async def running(mailbox: Mailbox, *, commands: int) -> asyncio.Task[None]:
    """A pump that has caught up and waits."""
    for _ in range(commands):
        mailbox.add(told=False)
    task = asyncio.create_task(mailbox.pump.run(after=0, fence=3))
    await mailbox.until(lambda: len(mailbox.sent) == commands)
    return task


async def ended(task: asyncio.Task[None]) -> BaseException | None:
    async with asyncio.timeout(5):
        await asyncio.wait({task})
    return task.exception()


async def finish(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_waits_is_sent_and_what_comes_needs_no_read() -> None:
    mailbox = Mailbox()
    task = await running(mailbox, commands=25)
    reads = mailbox.reads
    mailbox.add()
    mailbox.add()
    await mailbox.until(lambda: len(mailbox.sent) == 27)
    assert mailbox.sent == list(range(1, 28))
    assert mailbox.reads <= reads + 1
    await finish(task)


async def test_a_hole_makes_it_read_the_mailbox() -> None:
    mailbox = Mailbox()
    task = await running(mailbox, commands=2)
    mailbox.add(told=False)
    mailbox.add()
    await mailbox.until(lambda: len(mailbox.sent) == 4)
    assert mailbox.sent == [1, 2, 3, 4]
    await finish(task)


async def test_a_repeated_notification_is_sent_once() -> None:
    mailbox = Mailbox()
    task = await running(mailbox, commands=1)
    mailbox.add()
    mailbox.pump.notify(CommandPut(2, "c2"))
    mailbox.pump.notify(CommandPut(1, "c1"))
    mailbox.add()
    await mailbox.until(lambda: len(mailbox.sent) == 3)
    assert mailbox.sent == [1, 2, 3]
    await finish(task)


async def test_word_that_some_may_be_lost_makes_it_read() -> None:
    mailbox = Mailbox()
    task = await running(mailbox, commands=1)
    mailbox.add(told=False)
    mailbox.pump.notify(None)
    await mailbox.until(lambda: len(mailbox.sent) == 2)
    await finish(task)


async def test_a_lost_last_wake_up_is_found_by_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.gateway.sockets.mailbox_pump._CHECK_S", 0.01)
    mailbox = Mailbox()
    task = await running(mailbox, commands=1)
    mailbox.add(told=False)
    await mailbox.until(lambda: len(mailbox.sent) == 2)
    await finish(task)


async def test_a_slow_peer_gets_everything_although_the_queue_is_bounded() -> None:
    mailbox = Mailbox()
    task = await running(mailbox, commands=1)
    mailbox.gate.clear()
    for _ in range(1000):
        mailbox.add()
    mailbox.gate.set()
    await mailbox.until(lambda: len(mailbox.sent) == 1001)
    assert mailbox.sent == list(range(1, 1002))
    await finish(task)


@pytest.mark.parametrize(
    ("signal", "error"), [(Silent(), Kicked), (OwnerRemoved(), Orphaned), (TakenOver(4), Superseded)]
)
async def test_a_signal_ends_it(signal: LinkNews, error: type[Exception]) -> None:
    mailbox = Mailbox()
    task = await running(mailbox, commands=1)
    mailbox.pump.notify(signal)
    assert isinstance(await ended(task), error)


@pytest.mark.parametrize("signal", [Silent(), TakenOver(4)])
async def test_a_signal_is_heard_although_the_queue_is_full(signal: LinkNews) -> None:
    mailbox = Mailbox()
    task = await running(mailbox, commands=1)
    mailbox.gate.clear()
    for _ in range(256):
        mailbox.add()
    mailbox.pump.notify(signal)
    mailbox.gate.set()
    assert isinstance(await ended(task), Kicked | Superseded)


async def test_a_takeover_between_attach_and_run_is_heard() -> None:
    mailbox = Mailbox()
    mailbox.pump.notify(TakenOver(4))
    with pytest.raises(Superseded):
        async with asyncio.timeout(5):
            await mailbox.pump.run(after=0, fence=3)


async def test_its_own_fence_and_older_ones_are_no_takeover() -> None:
    mailbox = Mailbox()
    task = await running(mailbox, commands=1)
    mailbox.pump.notify(TakenOver(3))
    mailbox.add()
    await mailbox.until(lambda: len(mailbox.sent) == 2)
    await finish(task)
