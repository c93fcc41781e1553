"""`relaycast workflow` on files, without a broker."""

from pathlib import Path

import orjson
from click.testing import CliRunner, Result

from broker.cli import main
from broker.protocol.relay_yaml.schema import COMMITTED

SAMPLES = Path(__file__).parents[1] / "fixtures" / "workflows"


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
