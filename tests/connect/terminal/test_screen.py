"""The terminal on a pseudo-terminal, as a person has it."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.connect.api_double import ApiDouble
from tests.connect.terminal.programs import terminal_argv, terminal_environment
from tests.fixtures.person import Person, person_at


def _at_terminal(broker: ApiDouble, tmp_path: Path, **environment: str) -> AbstractAsyncContextManager[Person]:
    return person_at(terminal_argv("normal"), env=terminal_environment(broker.url, tmp_path, **environment))


async def test_the_greeting_a_task_and_the_way_out(broker: ApiDouble, tmp_path: Path) -> None:
    async with _at_terminal(broker, tmp_path) as person:
        await person.sees(f"✓ Dashboard: {broker.url}/session/s_1")
        await person.sees("Type a task to auto-spawn Lead (Claude), or use commands:")
        await person.sees("relay>")
        person.types("Play tic-tac-toe\r")
        await person.sees("✓ Auto-spawning Lead (Claude)...")
        await person.sees("✓ Lead connected")
        await person.sees("✓ Lead has it")
        await person.sees("│ Lead is done")
        person.types("exit\r")
        await person.sees("✓ Disconnected")
        assert await person.process.wait() == 0

    assert (tmp_path / "terminal_history").stat().st_mode & 0o777 == 0o600
    assert "Play tic-tac-toe" in (tmp_path / "terminal_history").read_text()


async def test_with_one_agent_alone_its_whole_talk_is_shown_and_what_is_typed_is_for_it(
    broker: ApiDouble, tmp_path: Path
) -> None:
    for name in ("Worker", "Other"):
        await broker._spawn({"name": name, "cli": "codex", "task": f"old words to {name}"})
    async with _at_terminal(broker, tmp_path) as person:
        await person.sees("relay>")
        person.types("attach Nobody\r")
        await person.sees("no agent called Nobody is or was here")
        person.types("attach Worker\r")
        await person.sees("│ old words to Worker")
        await person.sees("│ Worker is done")
        await person.sees("'detach' shows the session again")
        await person.sees("relay Worker>")
        await broker._send({"to": "Other", "text": "for somebody else", "mode": "wait"})
        person.types("and now\r")
        await person.sees("✓ Worker has it")
        assert "for somebody else" not in person.screen
        assert "Other is done" not in person.screen
        person.types("detach\r")
        await person.sees("· no longer with Worker alone")
        await broker._send({"to": "Other", "text": "for all to see", "mode": "wait"})
        await person.sees("│ for all to see")
    assert [body["to"] for _, path, body in broker.calls if path.endswith("/messages")] == ["Worker"]


async def test_tab_completes_and_an_approval_is_answered_by_its_short_id(broker: ApiDouble, tmp_path: Path) -> None:
    asked = {"id": "0192-f3a2", "agent": "Lead", "tool": "Bash", "command": "rm -rf build", "status": "pending"}
    async with _at_terminal(broker, tmp_path) as person:
        await person.sees("relay>")
        broker.approvals["0192-f3a2"] = asked
        await broker.append("approval.requested", asked, name="Lead")
        await person.sees("approve f3a2 · deny f3a2")
        person.types("appro\t")
        await person.sees("ve")
        person.types(" f3a2\r")
        await person.sees("✓ allowed by operator — Lead: rm -rf build")


async def test_what_the_machine_asks_is_shown_harmless_and_answered_by_its_name(
    broker: ApiDouble, tmp_path: Path
) -> None:
    async with _at_terminal(broker, tmp_path, MACHINE_ASKS="Ada wants W|Bob wants X|Eve wants Y") as person:
        await person.sees("approve m1 (starts it) · deny m1")
        assert "in /srv/new␛[2J after []" in person.screen
        person.types("approve m1\r")
        await person.sees("yes — Ada wants W")
        await person.sees("after [True]")
        person.types("deny\r")
        await person.sees("no — Bob wants X")
        await person.sees("after [True, False]")
        person.types("approve m9\r")
        await person.sees("this machine does not ask that; open: m3")


async def test_a_lost_connection_is_told_and_so_is_its_return(broker: ApiDouble, tmp_path: Path) -> None:
    async with _at_terminal(broker, tmp_path) as person:
        await person.sees("relay>")
        await broker.drop_sockets()
        await person.sees("! connection lost")
        await person.sees("✓ connected again")


async def test_no_color_means_no_colour(broker: ApiDouble, tmp_path: Path) -> None:
    async with _at_terminal(broker, tmp_path, NO_COLOR="1") as person:
        await person.sees("relay>")
        person.types("release Nobody\r")
        await person.sees("✗ no agent called Nobody")

    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|9[0-7])m", person.raw)
