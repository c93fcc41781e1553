from __future__ import annotations

import json

import pytest

from broker.domain.hooks.definitions import CommandAction
from broker.domain.hooks.events import HookEvent
from broker.protocol.hooks_yaml.reader import read_hooks
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
    assert ["converted to before_stop: exit code 2 refuses" in each.why for each in left] == [True]
    taken = read_hooks(as_yaml(hooks, vendor="claude"))
    assert taken.problems == ()
    told = []
    for hook in taken.hooks:
        assert isinstance(hook.action, CommandAction)
        told.append((str(hook.event), hook.action.command, hook.action.timeout_s))
    assert told == [
        ("before_stop", "${project}/.claude/hooks/done.sh --all", 10.0),
        ("on_file_change", "npm run 'lint it'", 30.0),
        ("on_command", ("sh", "-c", "id; id"), 60.0),
        ("on_agent_spawned", "${project}/x.sh", 60.0),
    ]


@pytest.mark.parametrize(
    ("hooks", "vendor", "says"),
    [
        ({"Banana": [group("x")]}, "codex", "no event here stands for 'Banana'"),
        ({"PreToolUse": [group("x", matcher="Bash(?!x)")]}, "claude", "the tools 'Bash(?!x)' cannot be written"),
        ({"PreToolUse": [group({"command": "x", "if": "Edit(*.js)"})]}, "claude", "its condition 'Edit(*.js)'"),
        ({"PreToolUse": [group({"command": "x", "async": True})]}, "claude", "does not wait for it"),
        ({"PreToolUse": [group("x")]}, "codex", "codex is held only before the tools that it asks permission for"),
        ({"Stop": [group("x")]}, "codex", "converted to on_turn_complete: codex does not ask before it ends a turn"),
        ({"UserPromptSubmit": [group({"command": "x", "timeout": 30})]}, "codex", "waited for 7 s at most"),
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


@pytest.mark.parametrize(
    ("event", "vendor", "ours"),
    [
        ("PreToolUse", "claude", "before_tool"),
        ("UserPromptSubmit", "claude", "before_turn"),
        ("Stop", "claude", "before_stop"),
        ("PreToolUse", "codex", "before_tool"),
        ("UserPromptSubmit", "codex", "before_turn"),
        ("Stop", "codex", "on_turn_complete"),
        ("BeforeTool", "gemini", "before_tool"),
        ("BeforeAgent", "gemini", "before_turn"),
        ("AfterAgent", "gemini", "on_turn_complete"),
        ("PermissionRequest", "claude", "on_approval_needed"),
    ],
)
def test_what_a_vendor_waits_for_is_waited_for_here_too(event: str, vendor: str, ours: str) -> None:
    hooks, _ = both({event: [group({"command": "guard", "timeout": 90_000})]}, vendor)
    taken = read_hooks(as_yaml(hooks, vendor=vendor))
    assert taken.problems == ()
    [hook] = taken.hooks
    assert (str(hook.event), hook.answers) == (ours, not ours.startswith("on_turn"))


def test_a_hook_before_some_tools_is_before_the_same_tools_here_and_one_nobody_waits_for_holds_nothing_up() -> None:
    hooks, _ = both(
        {
            "PreToolUse": [group("guard", matcher="Edit|Write|mcp__mail__.*")],
            "Stop": [group({"command": "afplay x", "async": True})],
        }
    )
    before, after = read_hooks(as_yaml(hooks, vendor="claude")).hooks
    assert (before.event, before.when.tool) == (HookEvent.BEFORE_TOOL, ("Edit", "Write", "mcp__mail__*"))
    assert (after.event, after.answers) == (HookEvent.TURN_COMPLETE, False)


def test_times_are_read_in_the_vendors_own_unit() -> None:
    timed = {"SessionStart": [group({"command": "x", "timeout": 5000})]}
    assert both(timed, "gemini")[0][0].action["timeout"] == "5s"
    assert both(timed, "claude")[0][0].action["timeout"] == "600s"


def test_a_file_without_hooks_is_a_mistake() -> None:
    for text in ("[]", "{}", "nonsense"):
        with pytest.raises(ValueError, match=r"hooks|Expecting"):
            list(convert(text, vendor="claude"))
    assert as_yaml([], vendor="codex") == "hooks:\n  codex: {}\n"
