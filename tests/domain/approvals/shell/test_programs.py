"""What a command line runs, and what it runs that cannot be read."""

import pytest

from broker.domain.approvals.patterns import UNKNOWN
from broker.domain.approvals.shell.files import find_named_files
from broker.domain.approvals.shell.programs import shell_line
from broker.domain.approvals.tool_kinds import ToolKind


def certain(command: str) -> list[str]:
    return [" ".join(word.value for word in run.words) for run in shell_line(command).runs if run.certain]


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("sudo -u x env A=b timeout -k 1 5 a b", "a b"),
        ("bash -o pipefail -ec 'a b' c", "a b"),
        ("eval a 'b; c d'", "c d"),
        ("env -S 'a b' c", "a b c"),
        ("find . -exec a {} b ';'", f"a {UNKNOWN} b"),
        ("find . -exec a \\;", f"a {UNKNOWN}"),
        ("xargs -n 1 a b", f"a b {UNKNOWN}"),
        ("ssh -p 22 host 'a; b c'", "b c"),
        ("trap 'a b' EXIT", "a b"),
        ("alias x='a b'", "a b"),
        ("su -c 'a b' root", "a b"),
        ("flock x -c 'a b'", "a b"),
        ("echo a b | sh", "a b"),
        ("bash <<< 'a b'", "a b"),
        ("cat <<E | sh\na b\nE", "a b"),
        ("command -p a b", "a b"),
        ("exec -a x a b", "a b"),
    ],
)
def test_a_program_that_another_one_runs_is_found(command: str, runs: str) -> None:
    assert runs in certain(command)


def test_a_program_that_is_only_looked_up_is_not_run() -> None:
    assert certain("command -v rm") == ["command -v rm"]


def test_a_program_is_known_by_its_name_in_any_folder_and_any_case() -> None:
    texts = shell_line("/usr/bin/RM x").certain
    assert {"/usr/bin/RM x", "RM x", "rm x"} <= set(texts)


@pytest.mark.parametrize(
    "command",
    ["wrapper --flag a b", "nice --adjustment 5 a b", "vim -c '!a b'", "docker run image a b", "make X='a b'"],
)
def test_what_may_be_run_is_told_apart_from_what_is(command: str) -> None:
    assert "a b" in (*shell_line(command).perhaps, *shell_line(command).certain)


@pytest.mark.parametrize("command", ["git commit -m 'a b'", "echo 'a b'", "grep 'a b' x", "cargo test a b"])
def test_text_is_not_taken_for_a_command_where_programs_take_text(command: str) -> None:
    line = shell_line(command)
    assert "a b" not in (*line.perhaps, *line.certain)


@pytest.mark.parametrize(
    "command",
    [
        "$X a",
        "$(a) b",
        "bash",
        "bash x.sh",
        'bash -c "$X"',
        "source x",
        ". x",
        "eval $X",
        "python -c x",
        "python",
        "python -",
        "node -e x",
        "perl -pe x",
        "awk 'BEGIN{system(1)}'",
        "sed '1e x'",
        "fish -c a",
        "a | sh",
        "a 'b",
        "a; " * 400,
        "bash -c '" * 20,
    ],
)
def test_what_cannot_be_read_is_opaque(command: str) -> None:
    assert shell_line(command).opaque


@pytest.mark.parametrize(
    "command",
    [
        "a b",
        "python x.py",
        "python -m pytest",
        "python --version",
        "awk '{print $1}' x",
        "sed -i s/a/b/ x",
        "./a",
        "make",
    ],
)
def test_a_program_with_a_name_is_not(command: str) -> None:
    assert not shell_line(command).opaque


def test_files_are_known_with_what_is_done_to_them() -> None:
    found = {file.path: file.access for file in find_named_files("cat a < b; rm c > d; cd e && touch f; echo g").files}
    assert found["a"] == found["b"] == {ToolKind.READ, ToolKind.SEARCH}
    assert found["c"] == {ToolKind.DELETE}
    assert found["d"] == found["e/f"] == {ToolKind.EDIT}
    assert "g" not in found


@pytest.mark.parametrize("command", ["a --file=.env", "a -f.env", "a @.env", "a x=.env", "a host:.env", "a if=.env"])
def test_a_file_is_found_in_an_option(command: str) -> None:
    assert ".env" in [file.path for file in find_named_files(command).files]


def test_more_files_than_are_looked_at_are_not_complete() -> None:
    assert find_named_files("cat a b").complete
    assert not find_named_files("; ".join(f"cat f{n}" for n in range(150))).complete
