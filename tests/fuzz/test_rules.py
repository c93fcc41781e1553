"""A denied command in any wrapping is denied or asked about, never allowed; and any text is judged in bounded time."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rules import Rule, rule_on
from broker.domain.approvals.tool_use import ToolUse
from tests.fuzz.harness import patient

pytestmark = patient

DENIED = st.sampled_from(
    ["rm victim", "rm -rf victim", "/bin/rm victim", "r''m victim", "\\rm victim", "$'\\x72m' victim"]
)
DENY = Rule(effect=Effect.DENY, command="rm *")
EVERYTHING = [
    Rule(effect=Effect.ALLOW, tool="Bash"),
    Rule(effect=Effect.ALLOW, command="*"),
    Rule(effect=Effect.ALLOW),
]
_PREFIXES = [
    "sudo ",
    "env A=b ",
    "nohup ",
    "timeout 5 ",
    "command ",
    "exec ",
    "nice -n 3 ",
    "A=b ",
    ">x ",
    "2>&1 ",
    "! ",
    "time ",
    "xargs ",
    "find . -exec ",
    "unknown-wrapper --flag ",
    "stdbuf -oL ",
    "setsid ",
]
_FRAMES = [
    "true && {}",
    "false || {}",
    "true; {}",
    "true\n{}",
    "true | {}",
    "( {} )",
    "{{ {}; }}",
    "if true; then {}; fi",
    "for f in a; do {}; done",
    "while {}; do break; done",
    "case x in x) {};; esac",
    "f() {{ {}; }}; f",
    "echo $({})",
    'echo "$({})"',
    "cat <({})",
    "echo ${{x:-$({})}}",
    "cat <<E\n$({})\nE",
    "[[ -f x ]] && {}",
    "git status; {}",
    "{} 2>/dev/null",
    "{} # done",
    "{} &",
    "coproc {}",
]
_QUOTERS = ["bash -c {}", "sh -ec {}", "bash --norc -c {} x", "eval {}", "bash <<< {}", "echo {} | sh", "env -S {}"]


def _framed(command: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda prefix, inner: prefix + inner, st.sampled_from(_PREFIXES), command),
        st.builds(lambda frame, inner: frame.format(inner), st.sampled_from(_FRAMES), command),
        st.builds(lambda quoter, inner: quoter.format(shlex.quote(inner)), st.sampled_from(_QUOTERS), command),
    )


WRAPPED = st.recursive(DENIED, _framed, max_leaves=6)


@given(WRAPPED)
def test_a_denied_command_is_never_allowed_in_any_wrapping(command: str) -> None:
    ruling = rule_on([DENY, *EVERYTHING], ToolUse(tool="Bash", command=command, folder="/p"))
    assert ruling is not None
    assert ruling.effect is not Effect.ALLOW, command


@given(
    st.lists(st.sampled_from([*"abrm '\"\\$(){}[]`;|&<>*?~#=,!\n\t-", "rm ", "$(", "<<", "bash -c ", "eval "])).map(
        "".join
    )
)
def test_any_text_is_judged(command: str) -> None:
    rules = [DENY, Rule(effect=Effect.DENY, path="*.env"), *EVERYTHING]
    ruling = rule_on(rules, ToolUse(tool="Bash", command=command, folder="/p"))
    assert ruling is not None


@pytest.mark.parametrize(
    "command",
    [
        "$(" * 500_000,
        "`" * 500_000,
        "rm x;" * 200_000,
        "sudo " * 200_000,
        "bash -c '" * 100_000,
        "{a," * 300_000,
        "<<E\n" * 200_000,
        "x " * 500_000,
        '"$(a ' * 200_000,
        "a" * 1_000_000,
    ],
    ids=range(10),
)
@pytest.mark.timeout(10)
def test_a_megabyte_of_anything_is_judged_and_not_allowed(command: str) -> None:
    rules = [Rule(effect=Effect.DENY, command=f"*{number}*x") for number in range(150)] + [DENY, *EVERYTHING]
    ruling = rule_on(rules, ToolUse(tool="Bash", command=command, folder="/p"))
    assert ruling is not None
    assert ruling.effect is not Effect.ALLOW


_SYNTAX = (
    r"""rm victim¦x¦ ¦;¦&&¦|¦&¦(¦)¦$(¦`¦'¦"¦\¦{ ¦; }¦<<E⏎¦<<-E⏎¦<<'E'⏎¦⏎E⏎¦E¦<<¦case x in ¦x) ¦;; esac¦"""
    r"""if true; then ¦; fi¦[[ ¦ ]]¦((¦))¦$((¦a[¦]=1¦#¦${x:-¦}¦<(¦time ¦! ¦f() ¦bash -c ¦eval ¦echo ¦cat ¦"""
    r"""<<< ¦=¦~¦*¦?¦[¦]¦,¦{¦$x¦$'¦\⏎¦>o ¦for x in a; do ¦; done¦coproc ¦function f ¦1<<2 ¦$["""
)
_TOKENS = _SYNTAX.split("¦")
_LINES = st.builds(
    lambda before, after: "".join([*before, "rm victim", *after]).replace("⏎", "\n"),
    st.lists(st.sampled_from(_TOKENS), max_size=8),
    st.lists(st.sampled_from(_TOKENS), max_size=4),
)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with few programs: `rm` only tells that it was run with an argument."""
    box = tmp_path_factory.mktemp("box")
    (box / "work").mkdir()
    (box / "rm").write_text(f'#!/bin/bash\n[ $# -gt 0 ] && : > "{box}/mark"\n')
    (box / "rm").chmod(0o755)
    for name in ("bash", "cat"):
        (box / name).symlink_to(shutil.which(name) or pytest.fail(f"{name} is needed: install it"))
    return box


@given(_LINES)
def test_a_line_that_passes_a_deny_rule_does_not_run_what_it_denies(box: Path, command: str) -> None:
    """A real shell says what the line means."""
    ruling = rule_on([DENY, *EVERYTHING], ToolUse(tool="Bash", command=command, folder="/p"))
    if ruling is None or ruling.effect is not Effect.ALLOW:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(box))
        run = [str(box / "bash"), "-c", command]
        try:
            subprocess.run(
                run, cwd=box / "work", stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
            )
        except subprocess.TimeoutExpired:
            return
    assert not (box / "mark").exists(), command
