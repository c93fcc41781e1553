"""Rules people are offered: narrow first, never one that would let harm through."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.approvals import Approval
from broker.domain.approvals.risk.assessment import assess_request
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.risk.known_programs import ANY_ARGUMENTS
from broker.domain.approvals.rules import rule_on
from broker.domain.approvals.suggested_rules import _RISKY_PLACES, suggest_rules
from broker.domain.approvals.tool_use import ToolUse
from broker.domain.ids import AgentId, ApprovalId, SessionId
from tests.domain.approvals.risk.risky_commands import HIGH, LOW, MEDIUM

CWD = "/home/ada/project"
EVERYDAY = [*LOW, *(command for command, _ in MEDIUM), *(f"{prefix} x" for prefix in ANY_ARGUMENTS), *ANY_ARGUMENTS]


def approval(tool: str = "Bash", *, command: str | None = None, paths: tuple[str, ...] = ()) -> Approval:
    changes: tuple[dict[str, Any], ...] = tuple({"path": path, "change": "update", "diff": None} for path in paths)
    return Approval(
        id=ApprovalId("1"),
        agent="Bob",
        agent_id=AgentId("b"),
        session_id=SessionId("s"),
        status=ApprovalStatus.PENDING,
        tool=tool,
        title="",
        command=command,
        cwd=None,
        changes=changes,
        input=None,
        reason=None,
        can_allow_session=True,
        asked_at_ms=0,
        deadline_ms=0,
        answered_by=None,
        note=None,
    )


def commands(command: str) -> list[str | None]:
    return [rule.command for rule in suggest_rules(approval(command=command), cwd=CWD)]


def paths(*edited: str) -> list[str | None]:
    return [rule.path for rule in suggest_rules(approval("Edit", paths=edited), cwd=CWD)]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("git status -s", ["git status -s", "git status *"]),
        ("git status", ["git status"]),
        ("bash -lc 'git status -s'", ["git status -s", "git status *"]),
        ("pytest -q tests", ["pytest -q tests", "pytest *"]),
        ("npm run build -- --watch", ["npm run build -- --watch", "npm run build *"]),
        ("ls *.py", ["ls [*].py", "ls *"]),
        ("python deploy.py", ["python deploy.py"]),
        ("curl https://a.example/x?y=[1]", ["curl https://a.example/x[?]y=[[]1]"]),
        ("cat README.md", ["cat README.md"]),
        ("git log -p", ["git log -p"]),
        ("lsof -i", ["lsof -i"]),
        ("", []),
        ("git status; ls", []),
        ("git status | head", []),
        ("rm -rf build", []),
        ("sudo ls", []),
        ("git push --force", []),
    ],
)
def test_a_command_is_offered_as_it_is_and_with_any_arguments_where_those_do_no_harm(
    command: str, expected: list[str]
) -> None:
    assert commands(command) == expected


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        (("/home/ada/project/src/a.py",), ["/home/ada/project/src/a.py", "/home/ada/project/src/*.py"]),
        (("/home/ada/project/a/x.ts", "/home/ada/project/b/y.ts"), ["/home/ada/project/*.ts"]),
        (("/home/ada/project/src/a.py", "/home/ada/project/src/b.md"), []),
        (("/home/ada/project/Makefile",), ["/home/ada/project/Makefile"]),
        (("/home/ada/project/settings.json",), ["/home/ada/project/settings.json"]),
        (("/home/ada/project/deploy/a.pem",), []),
        (("/home/ada/other/a.py",), ["/home/ada/other/a.py"]),
        (("/home/ada/project/.env",), []),
        (("/home/ada/project/.git/hooks/pre-commit",), []),
        (("/etc/hosts.py",), []),
        (("/home/ada/project/a[1]/b.py",), ["/home/ada/project/a[[]1]/b.py", "/home/ada/project/a[[]1]/*.py"]),
    ],
)
def test_an_edit_is_offered_as_the_file_and_as_its_kind_in_the_folder(
    edited: tuple[str, ...], expected: list[str]
) -> None:
    assert paths(*edited) == expected


def test_no_rule_is_offered_for_what_is_not_shown_as_it_is() -> None:
    assert suggest_rules(replace(approval(command="git status"), masked=True), cwd=CWD) == ()


def test_a_tool_is_offered_whole_only_when_it_does_no_harm_with_any_input() -> None:
    assert [rule.tool for rule in suggest_rules(approval("Glob"))] == ["Glob"]
    for tool in ("Read", "WebFetch", "mcp__db__query", "Mystery", "Bash", "Edit"):
        assert suggest_rules(approval(tool)) == ()


@pytest.mark.parametrize("command", EVERYDAY)
def test_no_offer_covers_anything_of_high_risk(command: str) -> None:
    offers = suggest_rules(approval(command=command), cwd=CWD)
    for harmful, _ in HIGH:
        assert rule_on(offers, ToolUse(tool="Bash", command=harmful)) is None


@given(
    st.sampled_from(EVERYDAY),
    st.lists(
        st.sampled_from(["-rf", "/", "~", "--force", "-f", "x", "~/.ssh/id_rsa", ".env", "-delete", "-c", "-o", "*"]),
        max_size=4,
    ),
)
def test_no_offer_covers_its_own_command_with_harmful_arguments(command: str, more: list[str]) -> None:
    longer = " ".join([command, *more])
    if assess_request(tool="Bash", command=longer, cwd=CWD).risk is Risk.HIGH:
        offers = suggest_rules(approval(command=command), cwd=CWD)
        assert rule_on(offers, ToolUse(tool="Bash", command=longer)) is None


@pytest.mark.parametrize("ending", ["py", "json", "toml", "yaml", "yml", "pem", "key", "env", "local", "config", "md"])
def test_no_offered_folder_covers_a_risky_place(ending: str) -> None:
    offers = suggest_rules(approval("Edit", paths=(f"{CWD}/src/a.{ending}",)), cwd=CWD)
    for place in _RISKY_PLACES:
        for risky in (f"{CWD}/src/{place}", f"{CWD}/src/deep/{place}"):
            assert assess_request(tool="Edit", cwd=CWD, changes=({"path": risky},)).risk is Risk.HIGH
            assert rule_on(offers, ToolUse(tool="Edit", paths=(risky,))) is None


@given(st.text(max_size=60))
def test_an_offer_always_covers_what_was_asked(command: str) -> None:
    for rule in suggest_rules(approval(command=command), cwd=CWD):
        assert rule_on([rule], ToolUse(tool="Bash", command=command)) is not None
