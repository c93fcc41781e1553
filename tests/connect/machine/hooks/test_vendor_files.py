from __future__ import annotations

import json

import pytest

from broker.domain.hooks.definitions import CommandAction
from broker.protocol.hooks_yaml import read_hooks
from connect.machine.hooks.vendor_files import Converted, Left, as_yaml, convert


def both(hooks: object, vendor: str = "claude") -> tuple[list[Converted], list[Left]]:
    found = list(convert(json.dumps({"hooks": hooks}), vendor=vendor))
    return [each for each in found if isinstance(each, Converted)], [each for each in found if isinstance(each, Left)]


def group(*commands: object, **given: object) -> dict[str, object]:
    handlers = [{"type": "command", "command": each} if isinstance(each, str) else each for each in commands]
    return {"hooks": handlers, **given}


def test_plain_commands_become_a_hooks_file_that_is_taken() -> None:
    hooks, left = both(
        {
            "Stop": [group('"$CLAUDE_PROJECT_DIR"/.claude/hooks/done.sh --all')],
            "PostToolUse": [
                group({"type": "command", "command": "npm run 'lint it'", "timeout": 30}, matcher="Edit|Write"),
                group({"type": "command", "command": "sh", "args": ["-c", "id; id"]}, matcher="Bash"),
            ],
            "SessionStart": [group("$(git rev-parse --show-toplevel)/x.sh")],
        }
    )
    assert ["cannot hold anything up" in each.why for each in left] == [True]
    taken = read_hooks(as_yaml(hooks, vendor="claude"))
    assert taken.problems == ()
    told = []
    for hook in taken.hooks:
        assert isinstance(hook.action, CommandAction)
        told.append((str(hook.event), hook.action.command, hook.action.timeout_s))
    assert told == [
        ("on_turn_complete", "${project}/.claude/hooks/done.sh --all", 60.0),
        ("on_file_change", "npm run 'lint it'", 30.0),
        ("on_command", ("sh", "-c", "id; id"), 60.0),
        ("on_agent_spawned", "${project}/x.sh", 60.0),
    ]


@pytest.mark.parametrize(
    ("hooks", "vendor", "says"),
    [
        ({"Banana": [group("x")]}, "codex", "no event here stands for 'Banana'"),
        ({"PreToolUse": [group("x")]}, "claude", "no event here stands for 'PreToolUse'"),
        ({"PostToolUse": [group("x", matcher="mcp__.*")]}, "claude", "no event here is for the tools"),
        ({"SessionStart": [{"type": "command", "command": "x"}]}, "codex", "outside of an inner `hooks` list"),
        ({"SessionStart": [group({"type": "http", "url": "x"})]}, "claude", "only handlers of the type `command`"),
        ({"SessionStart": [group("a | b")]}, "claude", "no shell reads this command"),
        ({"SessionStart": [group({"command": "x", "timeoutSec": 5})]}, "codex", "`timeoutSec` means nothing"),
        ({"SessionStart": ["x"]}, "claude", "it is no object"),
    ],
)
def test_what_cannot_be_converted_is_listed_with_the_reason(hooks: object, vendor: str, says: str) -> None:
    assert any(says in each.why for each in both(hooks, vendor)[1])


def test_times_are_read_in_the_vendors_own_unit() -> None:
    timed = {"SessionStart": [group({"command": "x", "timeout": 5000})]}
    assert both(timed, "gemini")[0][0].action["timeout"] == "5s"
    assert both(timed, "claude")[0][0].action["timeout"] == "600s"


def test_a_file_without_hooks_is_a_mistake() -> None:
    for text in ("[]", "{}", "nonsense"):
        with pytest.raises(ValueError, match=r"hooks|Expecting"):
            list(convert(text, vendor="claude"))
    assert as_yaml([], vendor="codex") == "hooks:\n  codex: {}\n"
