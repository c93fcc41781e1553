"""The gate on real folders, with a person who answers as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.domain.ids import AgentId, SessionId
from broker.protocol.proxy import AskedBy, Spawn
from connect.policy.consent import ConsentDesk, NoTerminal, Question
from connect.policy.folders import real_folder
from connect.policy.gate import Admission, Gate, NotAdmitted
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile
from connect.policy.taken import TakenPolicy
from connect.policy.workplaces import Workplaces

SESSION = SessionId("s1")
PERSON = AskedBy(kind="person", name="Ada", session=SESSION)


class Machine:
    """One machine: a folder it was started in, one beside it, its policy, and its people."""

    def __init__(self, folder: Path) -> None:
        self.project, self.other = folder / "project", folder / "other"
        (self.project / "sub").mkdir(parents=True)
        self.other.mkdir()
        self.file = PolicyFile(folder / "config", state=folder / "state")
        self.workplaces = folder / "workplaces.ndjson"
        self.desk = ConsentDesk()
        self.held: list[Admission] = []
        self.taken: TakenPolicy

    def gate(self, *, at_terminal: bool = False, patience_s: float = 30) -> Gate:
        self.taken = taken = TakenPolicy(self.file, fresh=True, warn=lambda _: None)
        consent = self.desk if at_terminal else NoTerminal()
        places = Workplaces(self.workplaces)
        return Gate(taken, started_in=self.project, workplaces=places, consent=consent, patience_s=patience_s)

    async def admit(self, gate: Gate, spawn: Spawn) -> Path:
        admission = await gate.admit(spawn)
        self.held.append(admission)
        return admission.folder.path


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(real_folder(tmp_path))
    yield machine
    for admission in machine.held:
        admission.folder.close()


def spawn(cwd: Path | str | None = None, *, agent: str = "a1", asked_by: AskedBy | None = PERSON) -> Spawn:
    ordered = None if cwd is None else str(cwd)
    return Spawn(
        agent=AgentId(agent), generation=1, name="Worker", session=SESSION, cli="x", cwd=ordered, asked_by=asked_by
    )


def by(agent: str) -> AskedBy:
    return AskedBy(kind="agent", agent=AgentId(agent), same_machine=True, session=SESSION)


async def refusal(gate: Gate, spawn: Spawn) -> NotAdmitted:
    with pytest.raises(NotAdmitted) as refused:
        await gate.admit(spawn)
    return refused.value


async def test_agents_work_where_relay_connect_was_started_and_below(machine: Machine) -> None:
    gate = machine.gate()
    assert await machine.admit(gate, spawn()) == machine.project
    assert await machine.admit(gate, spawn("sub", agent="a2")) == machine.project / "sub"


@pytest.mark.parametrize("cwd", ["..", "../other", "sub/../../other", "/", "/etc", "~", "link", "link/.."])
async def test_agents_work_nowhere_else_however_it_is_written(machine: Machine, cwd: str) -> None:
    (machine.project / "link").symlink_to(machine.other)
    refused = await refusal(machine.gate(), spawn(cwd))
    assert refused.code == "FOLDER_NOT_ALLOWED"
    assert "`relay-connect policy allow-folder " in str(refused)


async def test_an_agent_spawns_below_its_own_folder_and_not_beside_it(machine: Machine) -> None:
    gate = machine.gate()
    await machine.admit(gate, spawn("sub", agent="lead"))
    (machine.project / "sub" / "inner").mkdir()
    inner = machine.project / "sub" / "inner"
    assert await machine.admit(gate, spawn(inner, agent="a2", asked_by=by("lead"))) == inner
    assert (await refusal(gate, spawn(agent="a3", asked_by=by("lead")))).code == "FOLDER_NOT_ALLOWED"


async def test_that_an_agent_runs_here_is_not_taken_on_the_brokers_word(machine: Machine) -> None:
    assert (await refusal(machine.gate(), spawn(asked_by=by("made-up")))).code == "ASKER_NOT_ALLOWED"


async def test_an_agent_goes_on_in_its_folder_wherever_relay_connect_was_started_by_then(machine: Machine) -> None:
    machine.file.write(Policy(folders=(machine.project, machine.other)))
    await machine.admit(machine.gate(), spawn())
    machine.project = machine.other
    assert await machine.admit(machine.gate(), spawn()) == machine.other.parent / "project"
    refused = await refusal(machine.gate(), spawn(machine.other))
    assert refused.code == "FOLDER_NOT_ALLOWED"
    assert str(machine.other) in str(refused)
    assert str(machine.other.parent / "project") in str(refused)


async def test_a_folder_that_leads_elsewhere_by_now_is_not_gone_on_in(machine: Machine) -> None:
    machine.file.write(Policy(folders=(machine.project, machine.other)))
    link = machine.project / "link"
    link.symlink_to(machine.project / "sub")
    assert await machine.admit(machine.gate(), spawn("link")) == machine.project / "sub"
    link.unlink()
    link.symlink_to(machine.other)
    # What the broker orders is where the agent was, not how that was written.
    assert await machine.admit(machine.gate(), spawn(machine.project / "sub")) == machine.project / "sub"
    (machine.project / "sub").rmdir()
    refused = await refusal(machine.gate(), spawn(machine.project / "sub"))
    assert (refused.code, str(machine.project / "sub") in str(refused)) == ("CWD_MISSING", True)
    (machine.project / "sub").symlink_to(machine.other)
    refused = await refusal(machine.gate(), spawn(machine.project / "sub"))
    assert str(machine.project / "sub") in str(refused)
    assert str(machine.other) in str(refused)


async def test_an_agent_whose_folder_is_not_allowed_any_more_is_refused_with_both_folders(machine: Machine) -> None:
    where = machine.project
    await machine.admit(machine.gate(), spawn())
    machine.project = machine.other
    refused = await refusal(machine.gate(), spawn(where))
    assert refused.code == "FOLDER_NOT_ALLOWED"
    assert f"it works in {where}, and relay-connect was started in {machine.other}" in str(refused)
    assert f"`relay-connect policy allow-folder {where}`" in str(refused)


async def test_no_more_than_are_allowed_are_there_at_once(machine: Machine) -> None:
    machine.file.write(Policy(most_agents=2))
    gate = machine.gate()
    await machine.admit(gate, spawn(agent="a1"))
    await machine.admit(gate, spawn(agent="a2"))
    assert (await refusal(gate, spawn(agent="a3"))).code == "TOO_MANY_AGENTS"
    await machine.admit(gate, spawn(agent="a2"))  # its next process takes its own seat
    gate.leave(AgentId("a1"))
    await machine.admit(gate, spawn(agent="a3"))


async def test_a_refused_agent_takes_no_seat(machine: Machine) -> None:
    machine.file.write(Policy(most_agents=1, strict=True))
    gate = machine.gate()
    for _ in range(3):
        assert (await refusal(gate, spawn())).code == "NOT_CONFIRMED_HERE"
        assert (await refusal(gate, spawn("/etc", agent="a2"))).code == "FOLDER_NOT_ALLOWED"


async def test_a_folder_that_is_exchanged_before_the_program_starts_is_noticed(machine: Machine) -> None:
    gate = machine.gate()
    admission = await gate.admit(spawn("sub"))
    machine.held.append(admission)
    gate.check_again(admission)
    (machine.project / "sub").rename(machine.project / "kept")
    (machine.project / "sub").symlink_to(machine.other)
    with pytest.raises(NotAdmitted, match="became another folder"):
        gate.check_again(admission)


async def test_a_folder_that_is_no_longer_allowed_by_then_is_noticed(machine: Machine) -> None:
    machine.file.write(Policy(folders=(machine.other,)))
    gate = machine.gate()
    admission = await gate.admit(spawn(machine.other))
    machine.held.append(admission)
    known = machine.file.write(Policy()).hash
    machine.taken.expect(known)
    with pytest.raises(NotAdmitted, match="allow-folder"):
        gate.check_again(admission)


async def test_a_changed_policy_starts_nobody(machine: Machine) -> None:
    machine.file.write(Policy(strict=True))
    gate = machine.gate()
    machine.file.path.write_text("folders = ['/']")
    assert (await refusal(gate, spawn("/etc"))).code == "POLICY_CHANGED"


@pytest.mark.parametrize("name", ["W" * 100_000, "\x1b[2J", "a b", ""])
async def test_a_name_that_is_none_starts_nobody(machine: Machine, name: str) -> None:
    refused = await refusal(machine.gate(), spawn().model_copy(update={"name": name}))
    assert refused.code == "SPAWN_FAILED"
    assert len(str(refused)) < 500
    assert "\x1b" not in str(refused)


# --- with somebody at the terminal -----------------------------------------------------------------------------------


class Person:
    """Sits at a terminal and sees every question."""

    def __init__(self, desk: ConsentDesk) -> None:
        self._desk = desk
        self._looked = asyncio.Event()
        desk.on_change = self._looked.set

    def __enter__(self) -> None:
        self._desk.attend(person=True)

    def __exit__(self, *_: object) -> None:
        self._desk.attend(person=False)

    async def sees(self, count: int = 1) -> list[Question]:
        while len(self._desk.open) != count:
            self._looked.clear()
            await self._looked.wait()
        return list(self._desk.open.values())


async def test_a_new_folder_is_asked_for_and_stays_allowed(machine: Machine) -> None:
    gate, person = machine.gate(at_terminal=True), Person(machine.desk)
    with person:
        async with asyncio.timeout(10):
            starting = asyncio.ensure_future(machine.admit(gate, spawn(machine.other)))
            (question,) = await person.sees()
            machine.desk.answer(1, yes=True)
            assert await starting == machine.other
            assert await machine.admit(gate, spawn(machine.other, agent="a2")) == machine.other
    assert "Ada (person) wants to start Worker (x)" in question.title
    assert f"in {machine.other}" in question.details
    assert machine.file.read().policy.remembered == (machine.other,)
    assert machine.file.content().hash == machine.file.read_confirmed()


async def test_no_is_no(machine: Machine) -> None:
    gate, person = machine.gate(at_terminal=True), Person(machine.desk)
    with person:
        async with asyncio.timeout(10):
            starting = asyncio.ensure_future(gate.admit(spawn(machine.other)))
            await person.sees()
            machine.desk.answer(1, yes=False)
            with pytest.raises(NotAdmitted, match="nobody at this machine's terminal said yes"):
                await starting
    assert machine.file.read().policy.folders == ()


async def test_a_terminal_that_is_left_answers_no(machine: Machine) -> None:
    gate, person = machine.gate(at_terminal=True), Person(machine.desk)
    async with asyncio.timeout(10):
        with person:
            starting = asyncio.ensure_future(gate.admit(spawn(machine.other)))
            await person.sees()
        with pytest.raises(NotAdmitted):
            await starting


async def test_a_question_that_nobody_answers_is_taken_back(machine: Machine) -> None:
    gate, person = machine.gate(at_terminal=True, patience_s=0), Person(machine.desk)
    with person:
        assert (await refusal(gate, spawn(machine.other))).code == "FOLDER_NOT_ALLOWED"
        assert machine.desk.open == {}


async def test_no_more_questions_are_open_at_once_than_a_person_reads(machine: Machine) -> None:
    machine.file.write(Policy(strict=True))
    gate, person = machine.gate(at_terminal=True), Person(machine.desk)
    with person:
        async with asyncio.timeout(10):
            starting = [asyncio.ensure_future(gate.admit(spawn(agent=f"a{n}"))) for n in range(1000)]
            done, waiting = await asyncio.wait(starting, return_when=asyncio.FIRST_COMPLETED)
            while len(done) < 990:
                done, waiting = await asyncio.wait(starting, timeout=0)
            assert len(await person.sees(10)) == len(waiting) == 10
            for each in waiting:
                each.cancel()
            await asyncio.wait(waiting)
    assert machine.desk.open == {}
    codes = {error.code for each in done if isinstance(error := each.exception(), NotAdmitted)}
    assert codes == {"NOT_CONFIRMED_HERE"}
