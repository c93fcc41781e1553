"""relay-connect as people and scripts have it: a terminal, the link process beside it, and what agents can reach."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from broker.domain.errors import RelayError
from connect.control.client import ask_state
from connect.control.messages import State
from connect.sdk.relay import AgentRelay
from tests.fixtures.person import Person, person_at
from tests.fixtures.previous import previous_code
from tests.fixtures.processes import Running, client, environment, key_of, linked_environment, machine, until_gone, up

pytestmark = pytest.mark.asyncio(loop_scope="module")

_AGENT = f"scripted={sys.executable} {Path(__file__).parents[1] / 'fixtures' / 'scripted_acp_agent.py'}"
_LIVES = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A machine with a state folder of its own, and a session of its own at one broker for all."""

    broker: Running
    folder: Path
    session: str

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        return linked_environment(self.broker, self.folder, RELAYCAST_NAME=self.session, RELAYCAST_SESSION=self.session)

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "connect.cli", "--agent", _AGENT, *arguments]

    def person(self, *arguments: str) -> AbstractAsyncContextManager[Person]:
        return person_at(self.argv(*arguments), env=self.environment, cwd=self.folder, seconds=_LIVES, columns=200)

    @contextlib.asynccontextmanager
    async def script(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A terminal without a person: its standard input stays open until it is closed."""
        process = await asyncio.create_subprocess_exec(
            *self.argv("--json", *arguments),
            env=self.environment,
            cwd=self.folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1024 * 1024,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()

    async def command(self, *arguments: str) -> tuple[int | None, str]:
        """`relay-connect stop` and the like, to their end."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "connect.cli", *arguments),
            env=self.environment,
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(_LIVES):
            output, _ = await process.communicate()
        return process.returncode, output.decode()

    @contextlib.asynccontextmanager
    async def relay(self) -> AsyncIterator[AgentRelay]:
        """The operator's SDK, in this machine's session."""
        async with AgentRelay(self.broker.url, key_of(self.broker), self.session) as relay:
            yield relay

    async def state(self, wanted: Callable[[State], bool] = lambda _: True) -> State:
        """The link's, as soon as it is as wanted."""
        async with asyncio.timeout(_LIVES):
            while (found := await ask_state(self.state_dir)) is None or not wanted(found):
                await asyncio.sleep(0.02)
        return found

    async def gone(self, pid: int) -> None:
        await until_gone([pid])
        assert await ask_state(self.state_dir) is None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with up(Path(tmp_path_factory.mktemp("broker"))) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def place(broker: Running, tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(broker=broker, folder=tmp_path, session=f"s-{tmp_path.name}"[:60])
    try:
        yield made
    finally:
        if await ask_state(made.state_dir) is not None:
            await made.command("stop", "--now")


async def said(relay: AgentRelay, agent: str, text: str) -> str:
    """What an agent answers."""
    sent = await relay.send(agent, text)
    trace = await relay.wait_for(sent.message_id, timeout_s=_LIVES)
    return trace.deliveries[0].answer or ""


async def until_welcome(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(_LIVES):
        while b'"link.up"' not in (line := await process.stdout.readline()):
            assert line, "it ended before it was linked"


async def test_no_agent_finds_the_persons_token(place: Place) -> None:
    key = key_of(place.broker)
    async with place.script() as terminal, place.relay() as relay:
        await until_welcome(terminal)
        link = await place.state()
        await relay.spawn("Spy", "scripted")
        # Its parent is the link; the terminal is whom it would rather be.
        processes = f"/proc/{link.pid} /proc/{terminal.pid} /proc/$PPID /proc/self"
        environments = " ".join(f"{process}/environ {process}/cmdline" for process in processes.split())
        looked = await said(relay, "Spy", f"run cat {environments} 2>/dev/null | tr '\\0' '\\n' | grep -c rk_live_")
        assert looked == "1 0\n"
        kept = await said(relay, "Spy", f"run grep -rE 'rk_live_[[:alnum:]_-]{{20}}' {place.state_dir} | wc -l")
        assert kept == "0 0\n"
        assert await said(relay, "Spy", "env") == '["RELAYCAST_PROCESS"]'
        whole = b"".join(path.read_bytes() for path in place.state_dir.rglob("*") if path.is_file())
        assert key.encode() not in whole


async def test_what_the_link_holds_links_this_machine_and_does_nothing_else(place: Place) -> None:
    async with place.script() as terminal:
        await until_welcome(terminal)
        kept = orjson.loads((place.state_dir / "token.json").read_bytes())
    async with AgentRelay(place.broker.url, kept["token"], place.session) as thief:
        with pytest.raises(Exception, match=r"may not|was issued|permitted") as refused:
            await thief.agents()
        assert getattr(refused.value, "code", "") == "NOT_PERMITTED"


async def test_an_agent_may_neither_stop_its_link_nor_come_to_it_as_a_terminal(place: Place) -> None:
    command = f"run RELAYCAST_STATE_DIR={place.state_dir} {sys.executable} -m connect.cli"
    async with place.script() as terminal, place.relay() as relay:
        await until_welcome(terminal)
        await relay.spawn("Rebel", "scripted")
        stopped = await said(relay, "Rebel", f"{command} stop --now")
        assert "agents of this machine, and what they start, do not direct its link [FROM_AN_AGENT]" in stopped
        # Through a shell that is gone, too: the orphan stays below the link.
        orphan = (
            f"({command.removeprefix('run ')} stop --now >{place.folder}/said 2>&1; echo $? >>{place.folder}/said) &"
        )
        await said(
            relay, "Rebel", f"run sh -c '{orphan}'; while ! grep -q '^2$' {place.folder}/said; do sleep 0.05; done"
        )
        assert "FROM_AN_AGENT" in (place.folder / "said").read_text()
        shown = await said(relay, "Rebel", f"{command} status --json")
        assert shown.startswith("0 ")
        assert (await place.state()).connected


async def test_a_script_ends_the_link_that_was_started_for_it(place: Place) -> None:
    async with place.script() as terminal:
        await until_welcome(terminal)
        link = await place.state()
        assert terminal.stdin is not None
        terminal.stdin.write(b"spawn W scripted\nexit\n")
        async with asyncio.timeout(_LIVES):
            await terminal.communicate()
        assert terminal.returncode == 0
        await place.gone(link.pid)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
async def test_a_script_takes_its_link_along_however_it_ends(place: Place, ending: signal.Signals) -> None:
    async with place.script() as terminal:
        await until_welcome(terminal)
        link = await place.state()
        terminal.send_signal(ending)
        await terminal.communicate()
        await place.gone(link.pid)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGHUP])
async def test_a_window_that_is_closed_harms_no_agent_and_the_next_one_finds_them(
    place: Place, ending: signal.Signals
) -> None:
    async with place.person() as person, place.relay() as relay:
        await person.sees("relay>")
        await relay.spawn("Steady", "scripted")
        before = await place.state(lambda state: len(state.agents) == 1)
        person.process.send_signal(ending)
        await person.process.wait()
        alone = await place.state(lambda state: not state.terminals)
        assert alone.agents == before.agents
        async with place.person() as another:
            await another.sees("✓ Here already: Steady")
            found = await place.state(lambda state: len(state.terminals) == 1)
            assert (found.pid, found.agents) == (before.pid, before.agents)
            assert await said(relay, "Steady", "say still here") == "still here"


async def test_the_last_terminal_asks_what_is_to_become_of_agents_and_keeps_them_if_wanted(place: Place) -> None:
    async with place.person() as person, place.relay() as relay:
        await person.sees("relay>")
        await relay.spawn("Steady", "scripted")
        await person.sees("✓ Steady connected")
        async with place.person() as second:
            await second.sees("relay>")
            second.types("exit\r")
            await second.sees("✓ Disconnected. Another terminal is at this machine's link: its agents go on")
            assert await second.process.wait() == 0
        await place.state(lambda state: len(state.terminals) == 1)
        person.types("exit\r")
        await person.sees("Steady runs on this machine. Keep it running in the background? [y/N]")
        person.types("y\r")
        await person.sees("`relay-connect stop` ends it")
        assert await person.process.wait() == 0
        kept = await place.state(lambda state: not state.terminals)
        assert kept.kept
        status, shown = await place.command("status")
        assert status == 0
        assert "Steady (scripted, process" in shown
        assert "it was kept in the background" in shown
        status, told = await place.command("stop")
        assert (status, told.splitlines()[-1]) == (0, "✓ The link has ended")
        last = (place.state_dir / "link.log").read_text().splitlines()[-1]
        assert last.endswith("the link has ended with status 0")
        assert await place.command("status") == (1, f"no link runs for {place.state_dir}\n")
        assert await place.command("stop") == (0, f"no link runs for {place.state_dir}\n")


async def test_enter_ends_the_agents_in_good_order_and_without_agents_nothing_is_asked(place: Place) -> None:
    async with place.person() as person:
        await person.sees("relay>")
        link = await place.state()
        person.types("exit\r")
        await person.sees("✓ Disconnected")
        assert await person.process.wait() == 0
        await place.gone(link.pid)
        assert "Keep" not in person.screen
    async with place.person() as person, place.relay() as relay:
        await person.sees("relay>")
        await relay.spawn("Steady", "scripted")
        await person.sees("✓ Steady connected")
        person.types("exit\r")
        await person.sees("[y/N]")
        person.types("\r")
        await person.sees("✓ Disconnected. Agents on this machine pause until relay-connect runs here again")
        assert await person.process.wait() == 0
        assert await ask_state(place.state_dir) is None


async def test_a_second_signal_at_the_terminal_kills_the_agents(place: Place) -> None:
    async with place.person() as person, place.relay() as relay:
        await person.sees("relay>")
        await relay.spawn("Slow", "scripted")
        child = int(await said(relay, "Slow", "child"))
        link = await place.state()
        person.process.send_signal(signal.SIGTERM)
        await person.sees("Ctrl-C again kills them at once")
        person.process.send_signal(signal.SIGTERM)
        assert await person.process.wait() == 130
        await until_gone([child, link.pid])


async def test_a_link_that_dies_is_told_and_the_next_terminal_has_a_new_one(place: Place) -> None:
    async with place.person() as person:
        await person.sees("relay>")
        link = await place.state()
        os.kill(link.pid, signal.SIGKILL)
        await person.sees("✗ the link process ended without a word")
        assert await person.process.wait() == 70
    async with place.person() as person:
        await person.sees("relay>")
        assert (await place.state()).pid != link.pid


async def test_a_revoked_token_ends_its_terminal_and_its_link_with_a_status_of_their_own(place: Place) -> None:
    async with client(place.broker) as operator:
        minted = await operator._api.call(
            "POST", "/v1/tokens", body={"kind": "workspace", "name": "guest", "person": True}
        )
        argv = place.argv()
        guest = {**place.environment, "RELAYCAST_TOKEN": minted["token"]}
        async with person_at(argv, env=guest, cwd=place.folder, seconds=_LIVES) as person:
            await person.sees("relay>")
            link = await place.state()
            await operator._api.call("DELETE", f"/v1/tokens/{minted['id']}")
            assert await person.process.wait() in {2, 3}
            await place.gone(link.pid)


async def test_what_is_typed_in_another_folder_happens_there_though_the_link_is_the_same(place: Place) -> None:
    other = place.folder / "other project"
    other.mkdir()
    async with place.person() as first, place.relay() as relay:
        await first.sees("relay>")
        async with person_at(place.argv(), env=place.environment, cwd=other, seconds=_LIVES) as second:
            await second.sees("relay>")
            second.types("spawn Near scripted\r")
            await second.sees("✓ Near connected")
            first.types("spawn Home scripted\r")
            await first.sees("✓ Home connected")
            assert await said(relay, "Near", "run pwd") == f"0 {other}\n"
            assert await said(relay, "Home", "run pwd") == f"0 {place.folder}\n"
            second.types("exit\r")
            await second.process.wait()


async def test_a_link_of_another_broker_is_not_taken_for_ones_own(place: Place) -> None:
    async with place.script() as terminal:
        await until_welcome(terminal)
        other = {**place.environment, "RELAYCAST_URL": place.broker.url.replace("127.0.0.1", "localhost")}
        process = await asyncio.create_subprocess_exec(
            *place.argv(),
            env=other,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 2
        assert f"is with {place.broker.url}: `relay-connect stop` ends it".encode() in output


async def test_a_headless_link_exchanges_the_key_and_starts_again_without_it(place: Place) -> None:
    key = place.folder / "key"
    key.write_text(key_of(place.broker))
    async with machine(place.folder, place.broker.url, key, "--session", place.session, name="box") as first:
        assert first.ready["type"] == "connected"
        shown = Path(f"/proc/{first.process.pid}/environ").read_bytes()
        assert b"RELAYCAST_" not in shown
    key.unlink()
    arguments = ["--url", place.broker.url, "--state-dir", str(place.folder / "box"), "--headless", "--json"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "connect.cli", *arguments),
        env=environment(place.folder),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(_LIVES):
        line: dict[str, Any] = orjson.loads(await process.stdout.readline())
    assert line["type"] == "connected"
    process.terminate()
    await process.communicate()


async def test_a_token_that_only_links_is_refused_a_terminal_before_anything_is_started(place: Place) -> None:
    async with client(place.broker) as operator:
        minted = await operator._api.call("POST", "/v1/tokens", body={"kind": "proxy", "name": "box"})
    linked = {**place.environment, "RELAYCAST_TOKEN": minted["token"]}
    process = await asyncio.create_subprocess_exec(
        *place.argv(),
        env=linked,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 3
    assert b"this token links a machine and can do nothing else: run with --headless" in output
    assert not place.state_dir.exists()


async def test_a_broker_of_the_previous_version_is_still_used_and_what_is_weaker_is_said(tmp_path: Path) -> None:
    async with up(tmp_path, code=previous_code()) as older:
        place = Place(broker=older, folder=tmp_path, session="main")
        try:
            async with place.person() as person, place.relay() as relay:
                await person.sees("cannot exchange tokens, so the given one itself is held")
                await person.sees("relay>")
                # It does not say who asks for an agent, which is what this machine's policy goes by.
                with pytest.raises(RelayError, match="ASKER_NOT_ALLOWED"):
                    await relay.spawn("Worker", "scripted")
                link = await place.state(lambda state: state.connected)
                assert b"RELAYCAST_" not in Path(f"/proc/{link.pid}/environ").read_bytes()
        finally:
            await place.command("stop", "--now")
