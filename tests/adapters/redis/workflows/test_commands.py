"""Commands of runs: ordered once, told once, given up when nobody tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from broker.adapters.redis import keys
from broker.domain.ids import LinkId, ProxyId
from broker.domain.machines.placement import Proxy
from broker.domain.timings import TIMINGS
from broker.domain.workflows.runs.commands import CommandId, CommandKind, CommandState, command_id
from broker.protocol.proxy import CommandOutput, CommandRan, RunCommand, StopCommand
from broker.services.ports import CommandOrder, CommandRecord
from broker.services.workflows.steps.command_orders import order_command
from tests.fixtures.desk import Desk, a_hello

ID = command_id("run-1", "build", 1)


def a_proxy(desk: Desk, *, knows: bool) -> Proxy:
    return Proxy(
        id=ProxyId(desk.link),
        name="laptop",
        labels=(),
        clis=(),
        version="1",
        online=True,
        session=desk.session.id,
        agents=0,
        since_ms=0,
        runs_commands=knows,
    )


def an_order(desk: Desk, *, patience_s: float = 600, knows: bool = True, **changes: Any) -> CommandOrder:
    given: dict[str, Any] = {"command": ID, "run": "run-1", "step": "build", "attempt": 1, "file": "demo"}
    command = RunCommand(**{**given, "session": desk.session.id, "kind": CommandKind.SHELL, "text": "true", **changes})
    return order_command(command, a_proxy(desk, knows=knows), link=desk.link, patience_s=patience_s)


async def linked(desk: Desk, **changes: Any) -> None:
    await desk.attach(a_hello(runs_commands=True, **changes))


async def ordered(desk: Desk, **changes: Any) -> CommandState:
    found = await desk.adapters.commands.order(desk.workspace, an_order(desk, **changes))
    assert found is not None
    return found


async def told(desk: Desk, state: CommandState, **more: Any) -> None:
    await desk.report(CommandRan(command=ID, state=state, **more))


async def record_of(desk: Desk) -> CommandRecord:
    (record,) = await desk.adapters.commands.of(desk.workspace, [ID, CommandId("unknown")])
    return record


async def state(desk: Desk) -> CommandState:
    return (await record_of(desk)).told.state


async def events(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    page = await desk.adapters.log.read(desk.workspace, desk.session.id, after=None, limit=100)
    found = [orjson.loads(text) for text in page.events]
    return [(each["kind"], each["data"]) for each in found if each["kind"].startswith("command.")]


async def pass_deadline(desk: Desk) -> None:
    """What a worker does once the command's timer is due."""
    await desk.adapters.timers.due(desk.workspace, f"command|{ID}")


async def test_a_machine_is_given_no_more_than_it_has_room_for_and_has_room_again_for_what_it_has_begun(
    desk: Desk,
) -> None:
    await linked(desk)

    async def order(number: int, *, patient: bool = True) -> CommandState | None:
        command = replace(an_order(desk, command=command_id("run-1", "build", number)), patient=patient)
        return await desk.adapters.commands.order(desk.workspace, command)

    for number in range(1, TIMINGS.command_room + 1):
        assert await order(number) is CommandState.ORDERED
    another = TIMINGS.command_room + 1
    assert await order(another) is None
    assert await desk.adapters.commands.of(desk.workspace, [command_id("run-1", "build", another)]) == []
    assert await order(1) is CommandState.ORDERED  # what was given is known, whatever waits
    assert await order(another + 1, patient=False) is CommandState.ORDERED  # a check
    assert await order(another) is None
    await told(desk, CommandState.STARTED)
    assert await order(another) is None  # the check has taken its place
    await desk.report(CommandRan(command=command_id("run-1", "build", 3), state=CommandState.FAILED))
    assert await order(another) is CommandState.ORDERED


async def test_a_command_that_is_ordered_again_is_one(desk: Desk) -> None:
    await linked(desk)
    assert [await ordered(desk) for _ in range(3)] == [CommandState.ORDERED] * 3
    (command,) = await desk.commands()
    assert isinstance(command, RunCommand)
    assert (command.command, command.text) == (ID, "true")
    assert command.not_after_ms is not None


async def test_what_a_machine_tells_is_kept_whole_and_its_end_is_in_the_log(desk: Desk) -> None:
    await linked(desk)
    await ordered(desk)
    await told(desk, CommandState.STARTED, folder="/work")
    assert (await record_of(desk)).told.folder == "/work"
    await desk.report(CommandOutput(command=ID, tail="half of it\n", bytes=11))
    await told(desk, CommandState.ENDED, exit_code=3, output="x" * 9000, errors="oops", output_bytes=9000)
    record = await record_of(desk)
    assert (record.run, record.step, record.attempt) == ("run-1", "build", 1)
    assert (record.told.output, record.told.errors, record.told.how) == ("x" * 9000, "oops", "exit code 3")
    kinds = [kind for kind, _ in await events(desk)]
    assert kinds == ["command.ordered", "command.started", "command.output", "command.ended"]
    _, last = (await events(desk))[-1]
    assert (last["run"], last["step"], last["attempt"], last["exit_code"]) == ("run-1", "build", 1, 3)
    assert last["tail"] == "x" * 4096


async def test_an_end_is_told_once_and_nothing_follows_it(desk: Desk) -> None:
    await linked(desk)
    await ordered(desk)
    await told(desk, CommandState.ENDED, exit_code=0)
    await told(desk, CommandState.ENDED, exit_code=1)
    await told(desk, CommandState.STARTED)
    await desk.report(CommandOutput(command=ID, tail="late\n", bytes=5))
    await pass_deadline(desk)
    record = await record_of(desk)
    assert record.told.succeeded
    assert [kind for kind, _ in await events(desk)] == ["command.ordered", "command.ended"]


async def test_only_the_machine_that_a_command_was_given_to_can_tell_of_it(desk: Desk) -> None:
    await linked(desk)
    await ordered(desk)
    other = LinkId("00000000-0000-4000-8000-000000000001")
    await desk.attach(a_hello(machine_id="machine-2", boot_id="other", spool_id="other"), link=other)
    await told(desk, CommandState.ENDED, exit_code=0)
    assert await state(desk) is CommandState.ORDERED


async def test_a_command_that_no_machine_took_in_time_was_never_started(desk: Desk) -> None:
    await linked(desk)
    await ordered(desk)
    await pass_deadline(desk)
    assert await state(desk) is CommandState.EXPIRED


async def test_a_command_whose_machine_is_away_for_long_is_given_up_as_interrupted(desk: Desk) -> None:
    await linked(desk)
    await ordered(desk, patience_s=0)
    await told(desk, CommandState.STARTED)
    await pass_deadline(desk)
    assert await state(desk) is CommandState.STARTED, "its machine is here, and it may take as long as it likes"
    await desk.detach()
    await pass_deadline(desk)
    assert await state(desk) is CommandState.INTERRUPTED


async def test_what_waits_for_a_machine_reaches_its_next_relay_connect(desk: Desk) -> None:
    await linked(desk)
    await desk.detach()
    await ordered(desk)
    await desk.adapters.commands.stop(desk.workspace, ID, reason="cancelled")
    await linked(desk, boot_id="boot-2", spool_id="spool-2")
    waiting = await desk.commands(after=desk.attached.commands_acked)
    assert [type(each) for each in waiting] == [RunCommand, StopCommand]


async def test_a_machine_that_knows_no_commands_is_given_none(desk: Desk) -> None:
    assert await ordered(desk, knows=False) is CommandState.REFUSED
    assert await desk.commands() == []
    record = await record_of(desk)
    assert "too old" in record.told.reason


async def test_a_command_for_a_machine_that_was_forgotten_is_refused(desk: Desk) -> None:
    await linked(desk)
    order = an_order(desk)
    await desk.adapters.redis.delete(keys.key(desk.workspace, "link", desk.link))
    assert await desk.adapters.commands.order(desk.workspace, order) is CommandState.REFUSED


async def test_secrets_in_what_a_command_wrote_are_cut(desk: Desk) -> None:
    await linked(desk)
    await ordered(desk)
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    await told(desk, CommandState.ENDED, exit_code=0, output=f"token {secret}\n", errors=secret)
    record = await record_of(desk)
    assert secret not in f"{record.told}{await events(desk)}"


@pytest.mark.parametrize("known", [True, False])
async def test_stopping_says_how_far_a_command_is(desk: Desk, known: bool) -> None:
    await linked(desk)
    if known:
        await ordered(desk)
    found = await desk.adapters.commands.stop(desk.workspace, ID, reason="cancelled")
    assert found is (CommandState.ORDERED if known else None)
    assert [each.type for each in await desk.commands()] == (["run_command", "stop_command"] if known else [])
