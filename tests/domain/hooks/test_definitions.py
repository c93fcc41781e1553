"""What a hook is about, and what is consented to."""

import pytest

from broker.domain.hooks.definitions import CommandAction, Scope, Selector, When, hook_id, select_files
from broker.domain.hooks.events import HookEvent, hook_event, unknown_event
from broker.domain.hooks.runs import run_id
from broker.domain.ids import SessionId


@pytest.mark.parametrize(
    ("glob", "meant"),
    [
        (("**/*.ts",), "a.ts src/deep/b.ts dist/a.ts"),
        (("**/*.ts", "!dist/**"), "a.ts src/deep/b.ts"),
        (("*.py",), "x/c.py"),
        (("src/**",), "src/deep/b.ts"),
        (("!**/*.ts",), "x/c.py"),
        ((), "a.ts src/deep/b.ts dist/a.ts x/c.py"),
    ],
)
def test_a_glob_says_which_files_a_hook_is_about(glob: tuple[str, ...], meant: str) -> None:
    found = select_files(When(glob=glob), ("a.ts", "src/deep/b.ts", "dist/a.ts", "x/c.py"))
    assert " ".join(found) == meant


def test_consent_is_to_words_folder_environment_and_time_however_they_are_spelled() -> None:
    line = CommandAction(command="npm run 'lint' -- ${file}")
    same = CommandAction(command=("npm", "run", "lint", "--", "${file}"))
    assert line.fingerprint == same.fingerprint
    others = [
        CommandAction(command="npm run lint -- '${file}'"),
        CommandAction(command=line.command, cwd="web"),
        CommandAction(command=line.command, env=("CI",)),
        CommandAction(command=line.command, timeout_s=61),
    ]
    assert len({line.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_a_hook_without_an_id_keeps_one_as_long_as_it_says_the_same() -> None:
    codex = Selector(Scope.KIND, "codex")
    one = hook_id(codex, HookEvent.TURN_COMPLETE, {"command": "a", "debounce": "5s"})
    assert one == hook_id(codex, HookEvent.TURN_COMPLETE, {"debounce": "5s", "command": "a"})
    assert one != hook_id(Selector(Scope.ANY), HookEvent.TURN_COMPLETE, {"command": "a", "debounce": "5s"})


def test_an_event_makes_a_hook_run_once_however_often_it_is_looked_at() -> None:
    session = SessionId("s1")
    assert run_id(session, "e:7", "h") == run_id(session, "e:7", "h")
    assert run_id(session, "e:7", "h") != run_id(session, "e:8", "h")


def test_vendors_names_are_taken_and_unknown_ones_get_the_nearest() -> None:
    assert hook_event("turn/completed") is HookEvent.TURN_COMPLETE
    assert hook_event("on_turn_completed") is HookEvent.TURN_COMPLETE
    assert hook_event("session/request_permission") is HookEvent.APPROVAL_NEEDED
    assert hook_event("preToolUse") is hook_event("PreToolUse") is hook_event("BeforeTool") is HookEvent.BEFORE_TOOL
    assert hook_event("rate_limit_event") is hook_event("account/rateLimits/updated") is HookEvent.LIMIT
    assert hook_event("on_trun_complete") is None
    assert "did you mean 'on_turn_complete'" in unknown_event("on_trun_complete")
    assert "on_file_change for edits" in unknown_event("PostToolUse")


def test_a_selector_reads_as_it_was_written() -> None:
    assert [str(Selector(Scope.ANY)), str(Selector(Scope.KIND, "codex")), str(Selector(Scope.AGENT, "W-*"))] == [
        "*",
        "codex",
        "agent:W-*",
    ]
