"""`relaycast workflow` on files, without a broker."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from broker.cli import main
from broker.protocol.relay_yaml.schema import COMMITTED

SAMPLES = Path(__file__).parents[2] / "fixtures" / "workflows"


def run(*arguments: str | Path, typed: str | None = None) -> Result:
    """`relaycast workflow …`, as typed."""
    words = ["workflow", *(str(each) for each in arguments)]
    return CliRunner().invoke(main, words, prog_name="relaycast", input=typed)


def test_a_file_without_fault_ends_with_0() -> None:
    found = run("check", SAMPLES / "hello.yaml")
    assert (found.exit_code, found.stdout) == (0, f"✓ {SAMPLES / 'hello.yaml'}: nothing to say against it\n")


def test_an_error_ends_with_1_and_stands_as_compilers_write_it(tmp_path: Path) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text("version: '1.0'\nname: x\nswarm: {pattern: dag}\nworkflows: [{name: w, steps: [{name: s}]}]\n")
    found = run("check", file)
    assert found.exit_code == 1
    assert found.stdout.splitlines()[0] == f'{file}:4:31: error: "s" needs "agent", as a step of type agent'


def test_warnings_end_with_0_unless_they_are_to_count() -> None:
    text = (SAMPLES / "hello.yaml").read_text() + "colour: blue\n"
    found = run("check", "-", typed=text)
    assert (found.exit_code, found.stdout) == (0, '-:27:1: warning: unknown key "colour", ignored\n')
    assert run("check", "-", "--strict", typed=text).exit_code == 1


def test_programs_get_one_json_document() -> None:
    found = run("check", "-", "--json", typed="version: [")
    [problem] = orjson.loads(found.stdout)["problems"]
    assert (found.exit_code, problem["severity"], problem["line"]) == (1, "error", 2)


def test_the_schema_is_printed_for_editors() -> None:
    assert run("schema").stdout == COMMITTED.read_text()


def test_a_plan_shows_order_agents_peak_and_consent() -> None:
    found = run("plan", SAMPLES / "competition.yaml", "--on", "box")
    assert found.exit_code == 0
    for line in (
        "Order: dependsOn alone, as declared",
        "Wave 2",
        "  build-a: agent A on box in .worktrees/a, after tree-a",
        "  judge: claude on box, readwrite, one task, one answer, 1 step",
        "At once: at most 4 of 4 places, 0 of them agents that talk",
        "  worktree: .worktrees/a of try-a from HEAD",
    ):
        assert line in found.stdout.splitlines()


@pytest.mark.parametrize("sample", [each.stem for each in sorted(SAMPLES.glob("*.yaml")) if each.stem != "review-loop"])
def test_every_sample_has_a_plan(sample: str) -> None:
    assert run("plan", SAMPLES / f"{sample}.yaml").exit_code == 0


def test_a_plan_without_a_value_ends_with_1_and_names_it() -> None:
    found = run("plan", SAMPLES / "review-loop.yaml")
    assert (found.exit_code, "No value: task" in found.stdout) == (1, True)
    assert run("plan", SAMPLES / "review-loop.yaml", "--var", "task=x").exit_code == 0
    assert "is no integer" in run("plan", SAMPLES / "review-loop.yaml", "--var", "rounds=x").stderr


def test_a_plan_of_a_wrong_file_shows_what_is_wrong() -> None:
    found = run("plan", "-", typed="name: x\n")
    assert (found.exit_code, found.stdout.splitlines()[0]) == (1, '-:1:1: error: "version" is missing')
    assert "has no workflow 'nope'; it has hello" in run("plan", SAMPLES / "hello.yaml", "-w", "nope").stderr


def test_programs_get_the_plan_as_json() -> None:
    plan = orjson.loads(run("plan", SAMPLES / "saga.yaml", "--json").stdout)
    assert plan["waves"] == [["tag"], ["publish"], ["announce"]]
    assert plan["steps"][3]["compensates"] == "tag"
    assert len(plan["consents"][0]["digest"]) == 64
