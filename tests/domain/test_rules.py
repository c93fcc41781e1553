"""Rules: what an allow must never cover, what a deny must always catch."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.rules import Asked, Effect, Rule, decide

GIT = Rule(effect=Effect.ALLOW, tool="Bash", command="git *")
NO_RM = Rule(effect=Effect.DENY, tool="Bash", command="rm *")


def bash(command: str) -> Asked:
    return Asked(tool="Bash", command=command)


def allowed(command: str) -> bool:
    return decide([GIT], bash(command)) is GIT


@pytest.mark.parametrize(
    "command",
    ["git status", "git log -p 'a; b'", 'git commit -m "x && y"', "bash -lc 'git status'", "/bin/sh -c 'git status'"],
)
def test_an_allow_rule_covers_one_program_with_arguments(command: str) -> None:
    assert allowed(command)


@pytest.mark.parametrize(
    "command",
    [
        "git status; rm -rf /",
        "git status;rm -rf /",
        "git status && rm -rf /",
        "git status|sh",
        "git status & rm -rf /",
        "git log > /etc/passwd",
        "git log >/etc/passwd",
        "git log $(rm -rf /)",
        "git log `rm -rf /`",
        "git log <(rm -rf /)",
        "git log ${x:=$y}",
        "git status\nrm -rf /",
        "git status \\\n; rm",
        "git log x#;rm -rf /",
        "git log #; rm -rf /",
        "bash -c 'git status; rm -rf /'",
        "bash -c 'git status';rm",
        "bash -c 'git log x#;rm -rf /'",
        "./bash -lc 'git status'",
        "/tmp/sh -c 'git status'",
        'git log "unclosed',
        "(git status)",
        "sudo git status",
        "gitx status",
    ],
)
def test_an_allow_rule_never_covers_a_compound_command(command: str) -> None:
    assert not allowed(command)


@given(st.text(alphabet="git ax'\"\\#-=", max_size=12), st.sampled_from([";", "&&", "||", "|", "&", "\n", ">", "<"]))
def test_an_operator_outside_quotes_is_never_covered(middle: str, operator: str) -> None:
    """Whatever stands before it, as long as a shell would read the operator as one."""
    command = f"git x{middle}{operator} rm -rf /"
    try:
        shlex.split(f"git x{middle}", comments=False)
    except ValueError:
        return  # an open quote swallows the operator
    assert not allowed(command)


@given(st.text(max_size=40))
def test_an_argument_in_single_quotes_is_only_an_argument(text: str) -> None:
    command = f"git log '{text}'"
    if not set(text) & set("`$\n\r\\'"):
        assert allowed(command)


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf /",
        "ls; rm -rf /",
        "ls && rm -rf /",
        "ls | rm -rf /",
        "(rm -rf /)",
        "echo $(rm -rf /)",
        "echo `rm -rf /`",
        "bash -lc 'rm -rf /'",
        "bash -lc 'ls; rm -rf /'",
        "true; bash -c 'rm -rf /'",
        "bash -c \"bash -c 'rm -rf /'\"",
        "ls\nrm -rf /",
    ],
)
def test_a_deny_rule_catches_each_part_of_a_compound_command(command: str) -> None:
    assert decide([NO_RM, GIT], bash(command)) is NO_RM


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_deny_goes_before_ask_and_ask_before_allow(order: list[int]) -> None:
    rules = [Rule(effect=Effect.ALLOW), Rule(effect=Effect.ASK), Rule(effect=Effect.DENY)]
    found = decide([rules[i] for i in order], bash("ls"))
    assert found is not None
    assert found.effect is Effect.DENY
    asked = decide([rules[i] for i in order if i < 2], bash("ls"))
    assert asked is not None
    assert asked.effect is Effect.ASK


def test_without_a_matching_rule_a_person_is_asked() -> None:
    assert decide([GIT], Asked(tool="Write", paths=("a",))) is None
    assert decide([GIT], Asked(tool="Bash")) is None
    assert decide([], bash("git status")) is None


def test_tools_match_whatever_their_case() -> None:
    assert decide([Rule(effect=Effect.DENY, tool="web*")], Asked(tool="WebFetch")) is not None


@pytest.mark.parametrize(
    ("paths", "covered"),
    [
        (("/src/a",), True),
        (("/src/a", "/src/b"), True),
        (("/src/a", "/etc/b"), False),
        (("/src/../etc/b",), False),
        ((), False),
    ],
)
def test_an_allow_rule_needs_every_path_inside(paths: tuple[str, ...], covered: bool) -> None:
    rule = Rule(effect=Effect.ALLOW, path="/src/*")
    assert (decide([rule], Asked(tool="Edit", paths=paths)) is rule) is covered


@pytest.mark.parametrize("path", ["/etc/passwd", "/src/../etc/passwd", "/etc/./passwd", "//etc/passwd"])
def test_a_deny_rule_catches_a_path_however_it_is_written(path: str) -> None:
    rule = Rule(effect=Effect.DENY, path="/etc/*")
    assert decide([rule], Asked(tool="Edit", paths=("/src/a", path))) is rule


def test_an_empty_pattern_covers_an_empty_command_alone() -> None:
    rule = Rule(effect=Effect.ALLOW, tool="Bash", command="")
    assert decide([rule], bash("rm -rf /")) is None
