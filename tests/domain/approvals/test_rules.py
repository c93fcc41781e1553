"""Rules: what an allow must never cover, what a deny must always catch."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rules import Rule, Ruling, rule_on
from broker.domain.approvals.tool_use import ToolUse, tool_use

GIT = Rule(effect=Effect.ALLOW, tool="Bash", command="git *")
NO_RM = Rule(effect=Effect.DENY, tool="Bash", command="rm *")
NO_ENV = Rule(effect=Effect.DENY, path="*.env")
FOLDER = "/home/ada/p"


def bash(command: str, *, tool: str = "Bash") -> ToolUse:
    return ToolUse(tool=tool, command=command, folder=FOLDER)


def on(tool: str, *paths: str) -> ToolUse:
    return ToolUse(tool=tool, paths=paths, folder=FOLDER)


def effect(rules: list[Rule] | Rule, use: ToolUse) -> Effect | None:
    found = rule_on(rules if isinstance(rules, list) else [rules], use)
    return found.effect if found else None


def allowed(command: str) -> bool:
    return effect(GIT, bash(command)) is Effect.ALLOW


@pytest.mark.parametrize(
    "command",
    [
        "git status",
        "git log -p 'a; b'",
        'git commit -m "x && y"',
        "bash -lc 'git status'",
        "/bin/sh -c 'git status'",
        "git\tstatus",
        "git status 2>&1",
        "git status 2>/dev/null",
        "  git status  ",
    ],
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
        "git log < /etc/passwd",
        "git log $(rm -rf /)",
        'git log "$(rm -rf /)"',
        "git log `rm -rf /`",
        "git log <(rm -rf /)",
        "git log ${x:=$y}",
        "git log $x",
        "git log <<E\n$(rm -rf /)\nE",
        "git log <<< x",
        "git status\nrm -rf /",
        "git status \\\n; rm",
        "git log x#;rm -rf /",
        "git log #; rm -rf /",
        "bash -c 'git status; rm -rf /'",
        "bash -c 'git status';rm",
        "bash -c 'git log x#;rm -rf /'",
        "bash -c 'git status' x",
        "./bash -lc 'git status'",
        "/tmp/sh -c 'git status'",
        "fish -c 'git status'",
        'git log "unclosed',
        "(git status)",
        "{ git status; }",
        "! git status",
        "time git status",
        "sudo git status",
        "env git status",
        "PATH=. git status",
        "'git status'",
        "gitx status",
        "git\0status",
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
    if not f"git x{middle}".endswith("\\"):
        assert not allowed(command)


@given(st.text(max_size=40))
def test_an_argument_in_single_quotes_is_only_an_argument(text: str) -> None:
    if not set(text) & set("'\0") and text.isprintable():
        assert allowed(f"git log '{text}'")


def test_words_that_hold_blanks_are_not_taken_for_several() -> None:
    rule = Rule(effect=Effect.ALLOW, command="git push origin main")
    assert effect(rule, bash("git push origin main")) is Effect.ALLOW
    assert effect(rule, bash('git push "origin main"')) is None
    assert effect(rule, bash("'git push' origin main")) is None


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_deny_goes_before_ask_and_ask_before_allow(order: list[int]) -> None:
    rules = [Rule(effect=Effect.ALLOW), Rule(effect=Effect.ASK), Rule(effect=Effect.DENY)]
    assert effect([rules[i] for i in order], bash("ls")) is Effect.DENY
    assert effect([rules[i] for i in order if i < 2], bash("ls")) is Effect.ASK


def test_without_a_matching_rule_a_person_is_asked() -> None:
    assert rule_on([GIT], on("Write", "a")) is None
    assert rule_on([GIT], ToolUse(tool="Bash")) is None
    assert rule_on([], bash("git status")) is None


def test_what_cannot_be_read_is_asked_and_says_why() -> None:
    found = rule_on([NO_RM, Rule(effect=Effect.ALLOW, tool="Bash")], bash("$X y"))
    assert found == Ruling(effect=Effect.ASK, rule=NO_RM, why="rule deny Bash rm * may apply to it")


def test_a_rule_that_asks_does_so_for_what_it_may_be_about() -> None:
    ask = Rule(effect=Effect.ASK, command="git push *")
    allow = Rule(effect=Effect.ALLOW, tool="Bash")
    assert effect([ask, allow], bash("true && git push origin")) is Effect.ASK
    assert effect([ask, allow], bash("eval $X")) is Effect.ASK
    assert effect([ask, allow], bash("git status")) is Effect.ALLOW


def test_a_deny_rule_may_be_about_the_whole_line() -> None:
    assert effect(Rule(effect=Effect.DENY, command="*| sh"), bash("ls | sh")) is Effect.DENY
    assert (
        effect(Rule(effect=Effect.DENY, command='git commit -m "x"*'), bash("true; git commit -m x y")) is Effect.DENY
    )
    assert effect(Rule(effect=Effect.DENY, command="/bin/rm *"), bash("/bin/rm x")) is Effect.DENY
    assert effect(Rule(effect=Effect.DENY, command="sudo *"), bash("sudo ls")) is Effect.DENY
    assert effect(Rule(effect=Effect.DENY, command="rm ~/*"), bash("rm ~/x")) is Effect.DENY


def test_an_empty_pattern_covers_an_empty_command_alone() -> None:
    assert effect(Rule(effect=Effect.ALLOW, tool="Bash", command=""), bash("rm -rf /")) is None


# One vocabulary of tools


def test_tools_match_whatever_their_case() -> None:
    assert effect(Rule(effect=Effect.DENY, tool="web*"), on("WebFetch")) is Effect.DENY


@pytest.mark.parametrize("named", ["Bash", "commandExecution", "execute", "run_shell_command", "shell"])
@pytest.mark.parametrize("used", ["Bash", "commandExecution", "execute", "Monitor"])
def test_a_rule_for_one_vendors_shell_is_for_every_vendors(named: str, used: str) -> None:
    assert effect(Rule(effect=Effect.DENY, tool=named, command="rm *"), bash("rm x", tool=used)) is Effect.DENY
    assert effect(Rule(effect=Effect.ALLOW, tool=named, command="git *"), bash("git x", tool=used)) is Effect.ALLOW


@pytest.mark.parametrize(
    ("named", "used"),
    [
        ("Read", "read_file"),
        ("read", "Read"),
        ("Grep", "search"),
        ("Edit", "fileChange"),
        ("edit", "Write"),
        ("fileChange", "NotebookEdit"),
        ("fetch", "WebFetch"),
        ("WebFetch", "fetch"),
        ("delete", "delete"),
    ],
)
def test_a_rule_names_a_kind_or_any_vendors_tool(named: str, used: str) -> None:
    assert effect(Rule(effect=Effect.DENY, tool=named), on(used, "x")) is Effect.DENY


def test_a_rule_for_one_kind_is_not_for_another() -> None:
    for named, used in [("Read", "Edit"), ("edit", "delete"), ("Bash", "Read"), ("Bash", "mcp__bash__run")]:
        assert effect(Rule(effect=Effect.DENY, tool=named), on(used, "x")) is None


def test_a_command_in_another_language_is_never_allowed_and_never_passes_a_deny() -> None:
    anything = Rule(effect=Effect.ALLOW, command="*")
    assert effect(anything, bash("Get-ChildItem", tool="PowerShell")) is None
    assert effect([NO_RM, anything], bash("Remove-Item x", tool="PowerShell")) is Effect.ASK
    assert effect(NO_RM, bash("rm x", tool="PowerShell")) is Effect.DENY


def test_the_command_of_another_programs_tool_is_looked_at_and_never_allowed() -> None:
    use = tool_use(tool="mcp__box__run", command=None, paths=(), given={"command": "rm x"}, folder=None)
    assert effect(Rule(effect=Effect.DENY, command="rm *"), use) is Effect.DENY
    assert effect(Rule(effect=Effect.ALLOW, command="rm *"), use) is None
    assert effect(Rule(effect=Effect.ALLOW, tool="mcp__box__*"), use) is Effect.ALLOW


def test_a_rule_reaches_the_relays_own_tools_only_by_their_name() -> None:
    spawn = ToolUse(tool="mcp__relay__relay_spawn")
    for tool, found in [("*", None), ("mcp__*", None), ("mcp__relay__relay_spawn", Effect.DENY)]:
        ruling = rule_on([Rule(effect=Effect.DENY, tool=tool)], spawn, relay_tool=True)
        assert (ruling.effect if ruling else None) is found


# Paths


@pytest.mark.parametrize(
    ("paths", "covered"),
    [
        (("/src/a",), True),
        (("/src/a", "/src/b"), True),
        (("/src/a", "/etc/b"), False),
        (("/src/../etc/b",), False),
        (("../src/a",), False),
        ((), False),
    ],
)
def test_an_allow_rule_needs_every_path_inside(paths: tuple[str, ...], covered: bool) -> None:
    assert (effect(Rule(effect=Effect.ALLOW, path="/src/*"), on("Edit", *paths)) is Effect.ALLOW) is covered


@pytest.mark.parametrize("pattern", ["/home/ada/p/src/*", "src/*"])
@pytest.mark.parametrize("path", ["/home/ada/p/src/a", "src/a"])
def test_a_relative_path_is_inside_the_agents_folder(pattern: str, path: str) -> None:
    for wanted in Effect.ALLOW, Effect.DENY:
        assert effect(Rule(effect=wanted, path=pattern), on("Edit", path)) is wanted


@pytest.mark.parametrize("path", ["/etc/passwd", "/src/../etc/passwd", "/etc/./passwd", "//etc/passwd", "/ETC/passwd"])
def test_a_deny_rule_catches_a_path_however_it_is_written(path: str) -> None:
    assert effect(Rule(effect=Effect.DENY, path="/etc/*"), on("Edit", "/src/a", path)) is Effect.DENY


@pytest.mark.parametrize("tool", ["Read", "Grep", "Edit", "Write", "fileChange", "delete", "move", "NotebookEdit"])
@pytest.mark.parametrize("path", [".env", "/home/ada/p/.env", "x/prod.env", "PROD.ENV"])
def test_a_deny_rule_on_a_path_is_for_every_tool_that_names_one(tool: str, path: str) -> None:
    assert effect(NO_ENV, on(tool, "a.py", path)) is Effect.DENY


def test_a_deny_rule_without_a_folder_is_about_the_name_in_any_folder() -> None:
    assert effect(Rule(effect=Effect.DENY, path=".env"), on("Read", "/x/y/.env")) is Effect.DENY


def test_a_name_with_brackets_is_denied_as_it_is_written() -> None:
    rule = Rule(effect=Effect.DENY, path="app/[id]/page.tsx")
    assert effect(rule, on("Edit", f"{FOLDER}/app/[id]/page.tsx")) is Effect.DENY


def test_a_name_is_denied_however_its_letters_are_composed() -> None:
    assert effect(Rule(effect=Effect.DENY, path="caf\u00e9"), on("Read", "cafe\u0301")) is Effect.DENY


@pytest.mark.parametrize("tool", ["fileChange", "Read", "delete", "move", "Grep"])
def test_a_use_that_hides_its_files_is_asked(tool: str) -> None:
    assert effect([NO_ENV, Rule(effect=Effect.ALLOW)], on(tool)) is Effect.ASK


def test_a_search_in_a_folder_may_show_a_file_in_it() -> None:
    assert effect([NO_ENV, Rule(effect=Effect.ALLOW)], on("Grep", "/home/ada/p")) is Effect.ASK


def test_a_rule_on_reading_is_about_what_commands_read() -> None:
    no_read = Rule(effect=Effect.DENY, tool="Read", path="*.env")
    assert effect(no_read, bash("cat .env")) is Effect.DENY
    assert effect(no_read, bash("sh -c 'base64 < .env'")) is Effect.DENY
    assert effect(no_read, bash("touch .env")) is None
    assert effect(Rule(effect=Effect.DENY, tool="Edit", path="*.lock"), bash("cat x.lock")) is None
    assert effect(Rule(effect=Effect.DENY, tool="Edit", path="*.lock"), bash("echo > x.lock")) is Effect.DENY


def test_an_allow_rule_on_a_path_never_covers_a_command() -> None:
    assert effect(Rule(effect=Effect.ALLOW, path="*"), bash("cat src/a")) is None


def test_an_allow_rule_on_a_path_is_for_tools_that_are_known_to_be_about_files() -> None:
    rule = Rule(effect=Effect.ALLOW, path="/src/*")
    assert effect(rule, on("mcp__files__write", "/src/a")) is None
    assert effect(rule, on("WebFetch", "/src/a")) is None


def test_a_redirection_into_a_denied_file_is_denied() -> None:
    assert effect([NO_ENV, GIT], bash("git log > .env")) is Effect.DENY


def test_a_rule_with_command_and_path_needs_both() -> None:
    rule = Rule(effect=Effect.DENY, command="cat *", path="*.env")
    assert effect(rule, bash("cat .env")) is Effect.DENY
    assert effect(rule, bash("cat a")) is None
    assert effect(rule, bash("nl .env")) is None


def test_a_request_for_more_than_itself_is_never_allowed_by_a_rule() -> None:
    wide = ToolUse(tool="Bash", command="git status", widens=("runs outside its sandbox",))
    assert effect([GIT, Rule(effect=Effect.ALLOW)], wide) is None
    assert effect(NO_RM, ToolUse(tool="Bash", command="rm x", widens=("y",))) is Effect.DENY
