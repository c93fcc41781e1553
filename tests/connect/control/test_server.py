"""The control socket: who is heard, what is told, and what becomes of the link."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker.domain.errors import NotPermitted
from connect.control import client, place
from connect.control.client import LinkConnection, attach
from connect.control.messages import Asked, Parting, State
from connect.control.server import ControlServer
from connect.notices import Connected, Notice, Stopping, Warned
from connect.system import process_tree

WELCOME = Connected(broker="relay.example", session="s1", session_url="https://relay.example/session/s1")


class Link:
    """A link process that does nothing but remember what it was told."""

    def __init__(self, folder: Path, *, headless: bool = False, pid: int = -1) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.headless = headless
        self.stops: list[bool] = []
        self.answers: list[tuple[int, bool]] = []
        self.confirmed: list[str] = []
        self.stopped = asyncio.Event()
        self.changed = asyncio.Event()
        self.server = ControlServer(folder, self, pid=pid)
        self.server.on_terminals = self.changed.set

    def state(self) -> State:
        return State(
            pid=os.getpid(),
            version="0",
            url="https://relay.example",
            name="box",
            log=None,
            up_s=1.0,
            connected=True,
            headless=self.headless,
        )

    def stop(self, *, now: bool) -> None:
        self.stops.append(now)
        self.stopped.set()

    def answer(self, number: int, *, yes: bool) -> None:
        self.answers.append((number, yes))
        self.changed.set()

    def confirm_policy(self, known: str) -> None:
        self.confirmed.append(known)

    def confirm_workflows(self, known: str) -> None:
        raise NotImplementedError

    def confirm_hooks(self, known: str) -> None:
        self.confirmed.append(f"hooks {known}")

    async def until_terminals(self, count: int) -> None:
        while len(self.server.state().terminals) != count:
            self.changed.clear()
            await self.changed.wait()


@asynccontextmanager
async def link(folder: Path, *, headless: bool = False, pid: int = -1) -> AsyncIterator[Link]:
    made = Link(folder, headless=headless, pid=pid)
    await made.server.start()
    try:
        async with asyncio.timeout(20):
            yield made
    finally:
        await made.server.close(0)


@asynccontextmanager
async def terminal(
    link: Link, *, person: bool = True, gone: Parting = Parting.KEEP
) -> AsyncIterator[tuple[LinkConnection, asyncio.Queue[Notice]]]:
    connection = await attach(link.folder, person=person, gone=gone)
    assert connection is not None
    notices: asyncio.Queue[Notice] = asyncio.Queue()
    connection.on_notice = notices.put_nowait
    async with connection:
        listening = asyncio.ensure_future(connection.run())
        try:
            yield connection, notices
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def test_the_socket_is_for_its_user_alone(tmp_path: Path) -> None:
    async with link(tmp_path / "state"):
        folder = place.control_folder(tmp_path / "state")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]
    assert list(folder.iterdir()) == []


async def test_a_folder_with_a_long_name_has_a_socket_too(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30) / ("longer" * 20)
    async with link(folder):
        state = await client.ask_state(folder)
    assert state is not None
    assert state.name == "box"


async def test_where_no_link_runs_there_is_nobody_to_ask(tmp_path: Path) -> None:
    assert await client.ask_state(tmp_path) is None
    assert await attach(tmp_path, person=True, gone=Parting.KEEP) is None
    assert await client.stop(tmp_path, now=False, on_notice=lambda _: None) is None


async def test_the_socket_of_a_link_that_was_killed_is_taken_over(tmp_path: Path) -> None:
    dead = place.listen(tmp_path)
    dead.close()
    assert await client.ask_state(tmp_path) is None
    async with link(tmp_path):
        assert await client.ask_state(tmp_path) is not None


async def test_a_terminal_is_told_what_it_missed_and_what_comes(tmp_path: Path) -> None:
    async with link(tmp_path) as running:
        running.server.tell(Warned(problem="early"))
        running.server.tell(WELCOME)
        async with terminal(running) as (_, notices):
            assert [await notices.get(), await notices.get()] == [Warned(problem="early"), WELCOME]
            running.server.tell(Stopping())
            assert await notices.get() == Stopping()
        await running.until_terminals(0)
        async with terminal(running) as (_, notices):
            assert await notices.get() == WELCOME


async def test_what_is_told_because_a_terminal_comes_is_told_to_it_after_that_it_was_taken(tmp_path: Path) -> None:
    async with link(tmp_path) as running:
        running.server.on_terminals = lambda: running.server.tell(Warned(problem="somebody has come"))
        async with terminal(running) as (_, notices):
            assert await notices.get() == Warned(problem="somebody has come")


async def test_the_state_names_the_terminals_and_their_folders(tmp_path: Path) -> None:
    async with link(tmp_path) as running, terminal(running) as (connection, _), terminal(running):
        await running.until_terminals(2)
        state = await connection.refresh()
        assert [(each.pid, each.folder) for each in state.terminals] == [(os.getpid(), str(Path.cwd()))] * 2


@pytest.mark.parametrize(
    ("parting", "kept", "stops"),
    [
        (Parting.STOP, False, True),
        (Parting.STOP, True, True),
        (Parting.KEEP, False, False),
        (Parting.AS_IT_WAS, False, True),
        (Parting.AS_IT_WAS, True, False),
    ],
)
async def test_the_last_terminal_that_leaves_decides_what_becomes_of_the_link(
    tmp_path: Path, parting: Parting, kept: bool, stops: bool
) -> None:
    async with link(tmp_path) as running:
        running.server.kept = kept
        async with terminal(running) as (first, _), terminal(running) as (last, _):
            assert not await first.leave(Parting.STOP)
            assert running.stops == []
            assert await last.leave(parting) is stops
        assert running.stops == [False] * stops
        assert running.server.kept is (parting is Parting.KEEP or (kept and parting is Parting.AS_IT_WAS))


async def test_no_terminal_ends_a_link_that_was_started_without_one(tmp_path: Path) -> None:
    async with link(tmp_path, headless=True) as running:
        async with terminal(running) as (connection, _):
            assert not await connection.leave(Parting.STOP)
        await running.until_terminals(0)
        assert running.stops == []


@pytest.mark.parametrize(("gone", "stops"), [(Parting.KEEP, False), (Parting.AS_IT_WAS, True)])
async def test_a_terminal_that_is_gone_without_a_word_leaves_what_it_said_on_coming(
    tmp_path: Path, gone: Parting, stops: bool
) -> None:
    async with link(tmp_path) as running:
        async with terminal(running, gone=gone):
            pass
        await running.until_terminals(0)
        assert running.stops == [False] * stops


async def test_it_is_stopped_by_command_and_tells_how_it_went(tmp_path: Path) -> None:
    async with link(tmp_path) as running:
        told: list[Notice] = []
        stopping = asyncio.ensure_future(client.stop(tmp_path, now=True, on_notice=told.append))
        await running.stopped.wait()
        running.server.tell(Stopping())
        await running.server.close(130, "killed")
        ended = await stopping
        assert ended is not None
        assert (ended.status, ended.reason) == (130, "killed")
        assert (running.stops, told) == ([True], [Stopping()])


async def test_questions_go_to_persons_and_their_answers_come_back(tmp_path: Path) -> None:
    question = Asked(number=3, title="Lead wants to start codex in ~/other", details=["cwd: /home/a/other"])
    async with link(tmp_path) as running, terminal(running, person=False) as (script, _):
        assert running.server.has_person is False
        asked: asyncio.Queue[list[Asked]] = asyncio.Queue()
        script.on_questions = lambda _: asked.put_nowait([])
        running.server.ask([question])
        async with terminal(running) as (person, _):
            person.on_questions = asked.put_nowait
            await running.until_terminals(2)
            running.server.ask([question])
            assert await asked.get() == [question]
            person.answer(3, yes=True)
            while not running.answers:
                running.changed.clear()
                await running.changed.wait()
        assert running.answers == [(3, True)]


async def test_whoever_comes_later_is_asked_what_is_still_open(tmp_path: Path) -> None:
    async with link(tmp_path) as running:
        running.server.ask([Asked(number=1, title="may it?")])
        connection = await attach(tmp_path, person=True, gone=Parting.KEEP)
        assert connection is not None
        asked: asyncio.Future[list[Asked]] = asyncio.get_running_loop().create_future()
        connection.on_questions = asked.set_result
        async with connection:
            listening = asyncio.ensure_future(connection.run())
            assert [each.title for each in await asked] == ["may it?"]
            listening.cancel()


async def test_nothing_below_the_link_directs_it_but_may_see_its_state(tmp_path: Path) -> None:
    # This process descends from its parent, as agents do from their link.
    async with link(tmp_path, pid=os.getppid()) as running:
        for refused in (
            attach(tmp_path, person=True, gone=Parting.KEEP),
            client.stop(tmp_path, now=True, on_notice=lambda _: None),
        ):
            with pytest.raises(NotPermitted, match="agents of this machine") as found:
                await refused
            assert found.value.code == "FROM_AN_AGENT"
        assert await client.ask_state(tmp_path) is not None
        assert running.stops == []


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are given to the nearest reaper on Linux alone")
def test_what_was_orphaned_below_a_link_is_still_below_it(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, subprocess, sys\n"
        "from connect.control.peers import is_agents\n"
        "from connect.system.process_guard import become_link\n"
        "assert become_link()\n"
        # The shell in between is gone once its output is: who is left has lost its parent.
        "told = subprocess.run(['sh', '-c', '(setsid sleep 60 >/dev/null 2>&1 & echo $!)'], stdout=subprocess.PIPE)\n"
        "orphan = int(told.stdout)\n"
        "print(is_agents(orphan, link=os.getpid()), is_agents(os.getppid(), link=os.getpid()))\n"
        "os.kill(orphan, 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "True False\n", done.stderr


_HOSTILE = """
import asyncio, sys
from pathlib import Path
from broker.domain.errors import NotPermitted
from connect.control import client
from connect.control.messages import Parting

async def tried(attempt):
    try:
        await attempt
    except NotPermitted as refused:
        print(refused.code, flush=True)

async def main():
    state = Path(sys.argv[1])
    await tried(client.attach(state, person=True, gone=Parting.KEEP))
    await tried(client.stop(state, now=True, on_notice=lambda _: None))
    await tried(client.confirm_policy(state, "0" * 64))

asyncio.run(main())
"""
_OTHER_LINK = """
import subprocess, sys
from connect.system.process_guard import become_link
assert become_link()
# As an agent of it would hide: without the mark of its environment, in a session of its own, its parent gone.
agent = 'for each; do last=$each; done; (setsid env -i PYTHONPATH="$last" "$1" -c "$2" "$3" &)'
hostile = subprocess.run(["sh", "-c", agent, "sh", sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE, text=True)
print(hostile.stdout)  # until whoever has it open has ended, which is not the shell
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system lists links by a name on Linux alone")
async def test_an_agent_of_another_link_of_the_user_does_not_direct_this_one(tmp_path: Path) -> None:
    async with link(tmp_path) as running:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _OTHER_LINK, _HOSTILE, str(tmp_path), str(Path(__file__).parents[3])),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert output.decode().split() == ["FROM_AN_AGENT"] * 3
        assert (running.stops, running.confirmed, running.server.state().terminals) == ([], [], [])


@pytest.mark.parametrize("sign", ["the mark of an agent", "below a link"])
def test_who_was_started_by_an_agent_is_known_by_its_mark_or_by_its_ancestry(sign: str) -> None:
    told = "from connect.system.process_tree import is_of_an_agent; import os; print(is_of_an_agent(os.getpid()))"
    environment = {**os.environ, **({process_tree.MARK: "1"} if sign == "the mark of an agent" else {})}
    command = [sys.executable, "-c", told]
    if sign == "below a link":
        command = [
            *(sys.executable, "-c", "import subprocess, sys; import connect.system.process_guard as guard;"),
            *command,
        ]
        command[2] += "guard.become_link(); subprocess.run(sys.argv[1:])"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "True\n", done.stderr


async def test_peers_that_say_nothing_or_nonsense_harm_nobody(tmp_path: Path) -> None:
    async with link(tmp_path) as running:
        silent, noisy, huge = (place.dial(tmp_path) for _ in range(3))
        assert silent is not None
        assert noisy is not None
        assert huge is not None
        for peer, text in ((noisy, b"\xff{nonsense\n"), (huge, b"x" * 1024 * 1024 * 2)):
            reader, writer = await asyncio.open_unix_connection(sock=peer)
            writer.write(text)
            assert await _to_its_end(reader) == b""
            writer.close()
        async with terminal(running):
            await running.until_terminals(1)
        silent.close()


async def _to_its_end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def test_a_message_of_a_newer_version_is_passed_over(tmp_path: Path) -> None:
    async with link(tmp_path) as running, terminal(running) as (connection, _):
        connection._writer.write(b'{"type":"of a newer version","x":1}\n')
        assert (await connection.refresh()).name == "box"


async def test_a_terminal_that_reads_nothing_is_let_go_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with link(tmp_path) as running:
        deaf = place.dial(tmp_path)
        assert deaf is not None
        deaf.setblocking(True)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(b'{"type":"attach","person":true,"folder":"/","version":"0"}\n')
        await running.until_terminals(1)
        for _ in range(200):
            running.server.tell(Warned(problem="x" * 64 * 1024))
        await running.until_terminals(0)
        assert await client.ask_state(tmp_path) is not None
        deaf.close()


async def test_a_socket_in_a_folder_that_others_can_write_is_not_spoken_to(tmp_path: Path) -> None:
    async with link(tmp_path):
        place.control_folder(tmp_path).chmod(0o777)
        assert await client.ask_state(tmp_path) is None
        place.control_folder(tmp_path).chmod(0o700)


_LEAVES_SLOWLY = """
import sys, time
from pathlib import Path
from connect.control import place
from connect.control.messages import Ended, write

folder = Path(sys.argv[1])
with place.listen(folder) as listening:
    listening.setblocking(True)
    print("listens", flush=True)
    connection, _ = listening.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(write(Ended(status=0)))
time.sleep(0.5)
(folder / "link.log").write_text("the link has ended")
"""


async def test_who_stops_a_link_has_its_last_line(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LEAVES_SLOWLY, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == b"listens\n"
        ended = await client.stop(tmp_path, now=True, on_notice=lambda _: None)
        assert (tmp_path / "link.log").read_text() == "the link has ended"
        assert ended is not None
        assert ended.status == await process.wait() == 0
