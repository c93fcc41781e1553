"""Hooks files: what they mean, and what is said of those that mean nothing."""

from pathlib import Path

import pytest

from broker.domain.hooks.answers import HookSays
from broker.domain.hooks.definitions import (
    CommandAction,
    OncePer,
    RelayAction,
    RelayMode,
    Scope,
    Selector,
    WorkflowAction,
)
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.templates import Variable
from broker.protocol.hooks_yaml.fields import duration_s
from broker.protocol.hooks_yaml.reader import read_hooks

EXAMPLE = (Path(__file__).parents[2] / "fixtures" / "hooks" / "example.yaml").read_text()


def only_problem(text: str) -> str:
    read = read_hooks(text)
    assert len(read.problems) == 1, read
    assert read.hooks == ()
    return str(read.problems[0])


def test_the_plain_form_is_a_kind_of_agent_its_events_and_what_to_do() -> None:
    read = read_hooks(EXAMPLE)
    assert read.problems == ()
    assert [(hook.event, hook.selector) for hook in read.hooks] == [
        (HookEvent.TURN_COMPLETE, Selector(Scope.KIND, "codex")),
        (HookEvent.TURN_COMPLETE, Selector(Scope.KIND, "codex")),
        (HookEvent.FILE_CHANGE, Selector(Scope.KIND, "codex")),
        (HookEvent.FILE_CHANGE, Selector(Scope.KIND, "codex")),
        (HookEvent.APPROVAL_NEEDED, Selector(Scope.KIND, "codex")),
    ]
    assert read.hooks[1].action == RelayAction(to="Lead")
    assert read.hooks[4].action == CommandAction(command="/usr/bin/say 'Codex needs input'")


def test_every_field_is_read() -> None:
    read = read_hooks("""\
hooks:
  "agent:Worker-*":
    on_command_failed:
      id: tell-lead
      relay: {to: Lead, text: "${agent} failed: ${command} (exit ${exit_code})", mode: steer}
      when: {exit_code: [1, 2], tool: shell, agent: "Worker-1*", text: "*test*", once_per: turn}
      max_per_minute: 5
      enabled: false
    turn/completed: afplay Glass.aiff
  "machine:gpu":
    on_file_change:
      - command: [npm, run, lint, "${files}"]
        when: {glob: ["**/*.ts", "!dist/**"]}
        timeout: 90s
        cwd: web
        env: [CI]
""")
    assert read.problems == ()
    told, sound, lint = read.hooks
    assert (told.id, told.max_per_minute, told.enabled) == ("tell-lead", 5, False)
    assert isinstance(told.action, RelayAction)
    assert told.action.mode is RelayMode.STEER
    assert (told.when.exit_code, told.when.tool, told.when.once_per) == ((1, 2), ("shell",), OncePer.TURN)
    assert (told.when.agent, told.when.text) == ("Worker-1*", "*test*")
    assert sound.event is HookEvent.TURN_COMPLETE
    assert lint.selector == Selector(Scope.MACHINE, "gpu")
    assert lint.action == CommandAction(
        command=("npm", "run", "lint", "${files}"), cwd="web", env=("CI",), timeout_s=90.0
    )
    assert lint.when.glob == ("**/*.ts", "!dist/**")


def test_what_happens_to_runs_is_followed_by_what_needs_no_machine() -> None:
    run = 'hooks:\n  "session:ship-*":\n    on_run_failed: '
    assert read_hooks(f"{run}{{notify: {{ntfy: t}}}}").problems == ()
    assert "happens on no machine" in only_problem(f"{run}say hi")
    assert "happens on no machine" in only_problem(f"{run}{{notify: desktop}}")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("    on_trun_complete: say hi", "line 3, column 5: there is no event 'on_trun_complete'; did you mean"),
        ("    PostToolUse: say hi", "line 3, column 5: 'PostToolUse' is several events here"),
        ("    before_stop: guard", "line 3, column 18: codex does not ask before it ends a turn"),
        ("    before_tool: [{command: guard, modifies: true}]", "codex runs what it has asked for or nothing"),
        ("    before_tool: [{relay: Lead}]", "only a command can answer: before_tool is waited for"),
        ("    before_tool: guard ${command}", "${command} is not for before_tool: its command reads the event"),
        ("    before_turn: [{command: guard, timeout: 8s}]", "before_turn is waited for: its timeout is 7s at most"),
        ("    before_tool: [{command: guard, once_per: turn}]", "'once_per' is not known here"),
        ("    before_tool: [{command: guard, debounce: 2s}]", "a hook that answers is asked each time"),
        ("    before_tool: [{command: guard, on_error: modify}]", "one of deny, ask, allow"),
        ("    on_command: [{command: say, may_allow: true}]", "'may_allow' is for hooks that answer: before_stop"),
        ("    on_command: [{command: say, decides: true}]", "'decides' is for on_approval_needed; to answer before"),
        ("    on_approval_needed: [{command: say, on_error: deny}]", "on_approval_needed with `decides: true`"),
        (
            "    on_approval_needed: [{command: say, decides: true, modifies: true}]",
            "'modifies' is for hooks that answer",
        ),
        ("    on_approval_needed: [{relay: Lead, decides: true}]", "only a command can answer: a hook that decides"),
        ("    on_approval_needed: [{command: say, decides: true, debounce: 2s}]", "is asked each time"),
        ("    on_command: say hi | cat", "line 3, column 17: no shell reads this command, so '|'"),
        ("    on_command: [{command: say, when: {globs: a}}]", "'globs' is not known here; did you mean 'glob'?"),
        ("    on_command: [{command: say, timeout: 5}]", "5 is no time: write a number with its unit"),
        ("    on_command: [{command: say, timeout: 2h}]", "10 minutes at most"),
        ("    on_command: [{command: say, cwd: ../x}]", "a folder inside the agent's"),
        ("    on_command: [{command: say, env: [A=1]}]", "names of environment variables"),
        ("    on_command: [{command: say, max_per_minute: 0}]", "a number from 1 to 600"),
        ("    on_command: [{command: say, id: 'a b'}]", "an id has letters"),
        ("    on_command: [{command: say, relay: Lead}]", "exactly one thing"),
        ("    on_command: [{webhook: {url: 'https://x'}}]", "names where and what signs"),
        ("    on_command: [{webhook: {url: 'https://x', secret: 'env:S'}}]", "no value stands in a hooks file"),
        ("    on_command: [{webhook: {url: 'https://x', secret: whsec_x}}]", "no value stands in a hooks file"),
        ("    on_command: [{webhook: {url: 'env:U', secret: 'secret:S'}}]", "`env:` reads nothing here"),
        ("    on_command: [{webhook: {url: 'ftp://x', secret: 'secret:S'}}]", "begins with https://"),
        ("    on_command: [{webhook: {url: 'https://a:b@x', secret: 'secret:S'}}]", "keep them in a secret"),
        ("    on_command: [{webhook: {url: 'https://x', secret: 'secret:S'}, cwd: a}]", "means nothing with `webhook`"),
        ("    on_command: [{command: say, debounce: 5}]", "5 is no time: write a number with its unit"),
        ("    on_command: [{command: say, debounce: 11m}]", "10 minutes at most"),
        ("    on_command: [{notify: loudly}]", "no value stands in a hooks file"),
        ("    on_command: [{notify: 'ntfys://topic'}]", "no value stands in a hooks file"),
        ("    on_command: [{notify: {}}]", "names whom it reaches"),
        ("    on_command: [{notify: {ntfy: a, to: desktop}}]", "names whom it reaches"),
        ("    on_command: [{notify: {ntfy: 'a/b'}}]", "a topic has letters"),
        ("    on_command: [{notify: {ntfy: a, priority: 6}}]", "a number from 1 to 5"),
        ("    on_command: [{notify: {to: 'secret:A', priority: 4}}]", "write it into the secret's URL"),
        ("    on_command: [{notify: {ntfy: a, text: '${x}'}}]", "there is no variable ${x}"),
        ("    on_command: [{relay: Lead, timeout: 5s}]", "'timeout' means nothing with `relay`"),
        ("    on_command: [{relay: {text: hi}}]", "names whom it is for"),
        ("    on_command: [{relay: {to: L, text: '${x}'}}]", "there is no variable ${x}"),
        ("    on_command: [{relay: {to: L, text: '${project}'}}]", "only a command knows ${project}"),
        ("    on_command: [{relay: {to: L, mode: now}}]", "one of wait, steer, interrupt"),
        ("    on_command: [{relay: {to: L, mode: [wait]}}]", "one of wait, steer, interrupt"),
        ("    on_command: [{relay: L, when: {once_per: {}}}]", "one of "),
        ("    on_command: [{command: say, enabled: 1}]", "true or false"),
        ("    on_command: [7]", "a hook is a command"),
        ("    on_run_failed: {relay: Lead}", "line 3, column 20: on_run_failed happens to no agent: it stands below"),
        ("    on_command: [say a, say a]", "is there twice: give one of them an `id`"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(line: str, says: str) -> None:
    assert says in only_problem(f"hooks:\n  codex:\n{line}\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with `hooks:`"),
        ("hooks: []", "begins with `hooks:`"),
        ("hooks: {'tool:x': {on_command: say}}", "selects nothing"),
        ("hooks: {codex: say}", "here belong events"),
        ("hooks: {a: {on_command: say}}\nmore: 1", "line 2, column 1: 'more' is not known here"),
        ("hooks: [", "line 2, column 1"),
    ],
)
def test_a_file_that_is_no_hooks_file_is_refused(text: str, says: str) -> None:
    assert says in only_problem(text)


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = "[{command: 'a;b'}, {command: say, timout: 1s}]"
    read = read_hooks(f"hooks:\n  codex:\n    on_x: say\n    on_command: {wrong}\n")
    assert [problem.line for problem in read.problems] == [3, 4, 4]


@pytest.mark.parametrize(("text", "seconds"), [("5s", 5), ("500ms", 0.5), ("2m", 120), ("1.5s", 1.5)])
def test_times_have_units(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


def test_a_hook_about_what_waits_for_people_decides_where_it_says_so() -> None:
    text = """hooks:
  "*":
    on_approval_needed:
      - {id: a, command: "guard ${command}", decides: true, may_allow: true}
      - {id: b, command: guard, decides: true, on_error: deny}
      - {id: c, command: guard}
"""
    read = read_hooks(text)
    assert read.problems == ()
    assert [(hook.decides, hook.answers, hook.may_allow) for hook in read.hooks] == [
        (True, True, True),
        (True, True, False),
        (False, False, False),
    ]
    assert [hook.without_answer for hook in read.hooks[:2]] == [HookSays.ASK, HookSays.DENY]


def test_a_workspace_has_so_many_hooks_that_decide() -> None:
    line = "      - {id: h%d, command: guard, decides: true}\n"
    text = "hooks:\n  codex:\n    on_approval_needed:\n" + "".join(line % number for number in range(101))
    assert only_problem(text) == "line 104, column 36: 100 hooks that decide are the most"


def test_a_hook_that_is_waited_for_has_little_time_and_says_what_a_failure_counts_as() -> None:
    text = """hooks:
  claude:
    PreToolUse:
      - {id: a, command: guard, when: {command: "rm *"}, modifies: true, may_allow: true}
      - {id: b, command: guard, on_error: ask}
    before_turn: [{id: c, command: guard}]
    before_stop: [{id: d, command: guard, on_error: deny}]
"""
    read = read_hooks(text)
    assert read.problems == ()
    assert [(hook.id, hook.event, hook.without_answer) for hook in read.hooks] == [
        ("a", HookEvent.BEFORE_TOOL, HookSays.DENY),
        ("b", HookEvent.BEFORE_TOOL, HookSays.ASK),
        ("c", HookEvent.BEFORE_TURN, HookSays.ALLOW),
        ("d", HookEvent.BEFORE_STOP, HookSays.DENY),
    ]
    first = read.hooks[0]
    assert (first.modifies, first.may_allow, first.when.command) == (True, True, "rm *")
    assert [hook.action.timeout_s for hook in read.hooks if isinstance(hook.action, CommandAction)] == [10, 10, 5, 10]


START = """\
hooks:
  "*":
    on_turn_complete:
      - id: ship
        start_workflow:
          text: |
            version: "1.0"
            name: ship
            swarm: { pattern: dag }
            vars: { what: it, times: { type: number, default: 1 } }
            workflows: [{ name: ship, steps: [{ name: go, type: deterministic, command: "echo {{ what }}" }] }]
          vars: {what: "${agent} is done", times: 2}
          machine: box
"""


def test_a_hook_starts_a_workflow_that_stands_in_its_file() -> None:
    read = read_hooks(START)
    assert read.problems == ()
    action = read.hooks[0].action
    assert isinstance(action, WorkflowAction)
    assert (action.workflow, action.machine) == (None, "box")
    assert action.vars == (("what", (Variable("agent"), " is done")), ("times", ("2",)))
    assert action.text.startswith('version: "1.0"\nname: ship\n')


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{ name: go", "{ nam: go", "line 6, column 17: line 5, column 35 of the workflow: "),
        ("machine: box", "workflow: other", "line 6, column 17: it has no workflow 'other'; it has ship"),
        ("${agent}", "${agnt}", "line 12, column 24: there is no variable ${agnt}; did you mean ${agent}?"),
        ("machine: box", "machne: box", "line 13, column 11: 'machne' is not known here; did you mean 'machine'?"),
        ("on_turn_complete", "before_tool", "only a command can answer: before_tool is waited for"),
    ],
)
def test_what_is_wrong_with_a_workflow_is_said_with_its_place_in_both_files(old: str, new: str, says: str) -> None:
    assert says in only_problem(START.replace(old, new))


def test_a_workflow_is_written_out_where_it_is_started() -> None:
    assert "a workflow is written out" in only_problem('hooks: {"*": {on_turn_complete: {start_workflow: ship}}}')
