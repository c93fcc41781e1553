"""What is typed or called somewhere runs there: machine, folder, session; with real links, terminals and programs."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connect.control.client import ask_state, stop
from connect.sdk import RelayError
from tests.e2e.box import a_box, said, until_left
from tests.fixtures.processes import START_S, Running, client, machine, until, up


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Running]:
    async with up(tmp_path) as running:
        yield running


async def test_what_is_typed_at_three_terminals_of_two_machines_runs_at_each_of_them(
    broker: Running, tmp_path: Path
) -> None:
    async with (
        a_box(broker, tmp_path, "box-a") as a,
        a_box(broker, tmp_path, "box-b") as b,
        client(broker) as relay,
        a.person("one") as first,
        a.person("my two") as second,
        b.person("three") as third,
    ):
        for person in (first, second, third):
            await person.sees("relay>")
        third.types("run pwd\r")
        await third.sees(f"✓ Lead connected on box-b in {b.home / 'three'}")
        await first.sees(f"✓ Lead connected on box-b in {b.home / 'three'}")
        second.types("spawn Two scripted\r")
        await second.sees(f"✓ Two connected on box-a in {a.home / 'my two'}")
        first.types("spawn One scripted --on box-a\r")
        await first.sees(f"✓ One connected on box-a in {a.home / 'one'}")
        first.types(f'spawn Quoted scripted --cwd "{a.home / "my two"}"\r')
        await first.sees(f"✓ Quoted connected on box-a in {a.home / 'my two'}")
        third.types("spawn Far scripted --on box-a\r")
        await third.sees("✓ Far connected on box-a in /")
        first.types("spawn Nowhere scripted --on nowhere\r")
        await first.sees("no machine called 'nowhere' is connected; connected: box-a; box-b")
        assert await said(relay, "Lead", "cwd") == str(b.home / "three")
        assert await said(relay, "Two", "cwd") == str(a.home / "my two")
        first.types("exit\r")
        await first.sees("Another terminal is at this machine's link")
        await until_left(a, 1)
        assert await said(relay, "One", "say still here") == "still here"
        third.types("exit\r")
        await third.sees("Lead runs on this machine. Keep it running in the background? [y/N]")
        third.types("y\r")
        await third.sees("`relay-connect stop` ends it")
        assert await said(relay, "Lead", "say me too") == "me too"


async def test_an_agent_works_in_a_worktree_of_its_own_and_goes_on_in_it(broker: Running, tmp_path: Path) -> None:
    async with a_box(broker, tmp_path, "box") as box, client(broker) as relay:
        project = box.folder("project")
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        for command in (("init", "-q"), (*identity, "commit", "-q", "--allow-empty", "-m", "first")):
            subprocess.run(["git", "-C", project, *command], check=True)
        async with box.person("project") as person:
            await person.sees("relay>")
            person.types("spawn W scripted --worktree\r")
            await person.sees(f"✓ W connected on box in {project}/.relaycast/worktrees/W-")
            person.types("agents\r")
            await person.sees(" on relay/W")
            [agent] = await relay.agents()
            assert agent.branch == "relay/W"
            assert await said(relay, "W", "cwd") == agent.cwd
            person.types("release W\r")
            await person.sees("its worktree had nothing in it and is gone, with the branch relay/W")
            await relay.resume("W")
            assert await said(relay, "W", "cwd") == agent.cwd
        async with box.person("elsewhere") as person:
            await person.sees("relay>")
            person.types(f"spawn Two scripted --cwd {box.home} --worktree\r")
            await person.sees("approve m")
            person.types("approve\r")
            await person.sees("no worktree: fatal: not a git repository")


async def test_agents_go_on_in_their_folders_wherever_relay_connect_is_started_next(
    broker: Running, tmp_path: Path
) -> None:
    async with a_box(broker, tmp_path, "box") as box, client(broker) as relay:
        linked = box.home / "linked"
        linked.symlink_to(box.folder("real"))
        async with box.person("one") as person:
            await person.sees("relay>")
            for order in ("Here scripted", f"There scripted --cwd {linked}", "Gone scripted --cwd ../gone"):
                box.folder("gone")
                person.types(f"spawn {order}\r")
                if "--cwd" in order:
                    await person.sees("approve m")
                    person.types("approve\r")
                await person.sees(f"✓ {order.split()[0]} connected on box in")
                assert await said(relay, order.split()[0], "say hello") == "hello"
            person.types("exit\r")
            await person.sees("Here, There, Gone run on this machine.")
            person.types("\r")
            await person.process.wait()
        (box.home / "gone").rmdir()
        linked.unlink()
        linked.symlink_to(box.folder("two"))
        async with box.person("two") as person:
            await person.sees("relay>")
            failed = await until(relay, lambda event: event.kind == "agent.failed")
            assert (failed.name, failed.data["reason"]) == ("Gone", "CWD_MISSING")
            assert f"{box.home / 'gone'} is not a folder on this machine" in failed.data["detail"]
            async with asyncio.timeout(START_S):
                while [a.state for a in await relay.agents() if a.name != "Gone"] != ["idle", "idle"]:
                    await asyncio.sleep(0.02)
            assert await said(relay, "Here", "cwd") == str(box.home / "one")
            assert await said(relay, "There", "cwd") == str(box.home / "real")
            person.types("spawn New scripted\r")
            await person.sees(f"✓ New connected on box in {box.home / 'two'}")
            await relay.release("Here")
            assert (await relay.resume("Here")).cwd == str(box.home / "one")
            assert await said(relay, "Here", "cwd") == str(box.home / "one")


async def test_a_program_on_a_linked_machine_has_its_place_and_elsewhere_it_has_to_choose(
    broker: Running, tmp_path: Path
) -> None:
    async with a_box(broker, tmp_path, "box-a") as a, a_box(broker, tmp_path, "box-b") as b, client(broker) as relay:
        assert "no machine is connected; run relay-connect on one" in await b.program("x", "W0", "scripted")
        async with a.person("one") as first, b.person("three") as third:
            await first.sees("relay>")
            await third.sees("relay>")
            assert await b.program("three", "W1", "scripted") == f"box-b {b.home / 'three'}"
            b.folder("three/below")
            assert await b.program("three", "W2", "scripted", "below") == f"box-b {b.home / 'three' / 'below'}"
            with pytest.raises(RelayError, match="say on which one to run; connected: box-a; box-b") as refused:
                await relay.spawn("W3", "scripted")
            assert refused.value.code == "MACHINE_NOT_CHOSEN"
            assert (await relay.spawn("W4", "scripted", on="box-a")).cwd == str(a.home / "one")


async def test_two_machines_of_one_name_are_told_at_the_link_and_told_apart(broker: Running, tmp_path: Path) -> None:
    key = Path(broker.ready["token_file"])
    (tmp_path / "twin").mkdir()
    async with (
        machine(tmp_path, broker.url, key, name="box"),
        a_box(broker, tmp_path / "twin", "box") as box,
        box.person("one") as person,
        client(broker) as relay,
    ):
        await person.sees("another machine that is connected has this one's name: start this one with --name NAME")
        await person.sees("relay>")
        person.types("spawn Mine scripted --on box\r")
        await person.sees(f"✓ Mine connected on box in {box.home / 'one'}")
        with pytest.raises(RelayError, match="several machines are called 'box'") as refused:
            await relay.spawn("Whose", "scripted", on="box")
        assert refused.value.code == "MACHINE_AMBIGUOUS"
        other = next(each for each in await relay.proxies() if any(cli.cli == "demo" for cli in each.clis))
        assert other.id in refused.value.message
        person.types("machines\r")
        await person.sees(other.id)
        person.types(f"spawn Theirs demo --on {other.id}\r")
        await person.sees("✓ Theirs connected on box in")


async def test_a_session_is_made_by_naming_it_also_after_the_first_link(broker: Running, tmp_path: Path) -> None:
    async with a_box(broker, tmp_path, "box") as box:
        async with box.person("one") as person:
            await person.sees("relay>")
            async with box.person("one", "--session", "feature-x") as other:
                await other.sees("relay>")
                other.types("sessions\r")
                await other.sees("you are here")
                assert "main  " in other.screen
                other.types("spawn There scripted\r")
                await other.sees(f"✓ There connected on box in {box.home / 'one'}")
        await stop(box.state_dir, now=True, on_notice=lambda _: None)
        async with box.person("one", "--session", "feature-y") as person:
            await person.sees("relay>")
    key = Path(broker.ready["token_file"])
    for session in ("main", "feature-z"):
        async with machine(tmp_path, broker.url, key, "--session", session, name="alone") as linked:
            assert linked.ready["type"] == "connected"
    async with client(broker) as relay:
        assert {each.name for each in await relay.sessions()} == {"main", "feature-x", "feature-y", "feature-z"}


async def test_what_becomes_of_the_link_may_be_said_beforehand_and_is_not_asked(
    broker: Running, tmp_path: Path
) -> None:
    async with a_box(broker, tmp_path, "box") as box:
        async with box.person("one", "--leaving", "keep") as person:
            await person.sees("relay>")
            person.types("spawn Steady scripted\r")
            await person.sees("✓ Steady connected on box")
            person.types("exit\r")
            await person.sees("`relay-connect stop` ends it")
            assert await person.process.wait() == 0
            assert "[y/N]" not in person.screen
        await until_left(box, 0)
        async with box.person("one", "--leaving", "stop") as person:
            await person.sees("✓ Here already: Steady")
            person.types("exit\r")
            await person.sees("✓ Disconnected. Agents on this machine pause")
            assert await person.process.wait() == 0
            assert "[y/N]" not in person.screen
        assert await ask_state(box.state_dir) is None
