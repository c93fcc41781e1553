"""How three deny rules and a workspace's allow rules judge many spellings of the same: `python -m tests.spellings`.

The spellings and what is to become of each are data, in `tests/fixtures/spellings.txt`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rules import Rule, rule_on
from broker.domain.approvals.tool_use import ToolUse

DENIED = {
    "rm": Rule(effect=Effect.DENY, command="rm *"),
    "env": Rule(effect=Effect.DENY, path="*.env"),
    "push": Rule(effect=Effect.DENY, command="git push *"),
}
ALLOWED_PROGRAMS = """
git status,git log,git diff,git show,git add,git commit,git branch,git fetch,git stash,git rev-parse,git ls-files,
git blame,git describe,ls,pwd,cat,head,tail,wc,grep,find,sort,diff,tree,which,echo,date,whoami,uname,python,pytest,
mypy,ruff,black,isort,flake8,pylint,npm,npx,yarn,pnpm,node,tsc,eslint,prettier,cargo,go,gofmt,make,cmake,ninja,mvn,
gradle,dotnet,bundle,rake,php,composer,docker,kubectl,terraform,psql,sqlite3,jq,sed,awk,mkdir,touch,cp,mv,curl,uv,
poetry,pip,tox,nox,pre-commit,hatch,swift,rustc,java,javac,gcc,clang,du,df,ps,env,printenv,stat,file,basename,
dirname,realpath,sleep,true,./gradlew,./scripts/build.sh
""".replace("\n", "").split(",")
ALLOWS = [
    Rule(effect=Effect.ALLOW, tool="Bash", command=command)
    for program in ALLOWED_PROGRAMS
    for command in (program, f"{program} *")
]
RULES = [*DENIED.values(), *ALLOWS]
_LINES = {
    "short": "git log --oneline -20",
    "usual": "cd src && FOO=1 timeout 60 python -m pytest -q tests/test_app.py -k 'a or b' 2>&1 | tail -20",
    "3,000 characters": "git add -A && git commit -m 'x y'; " * 85,
    "a script of 10,000 characters": "for f in a b; do\n  grep -n 'x y' \"$f\" | sort > out\ndone\n" * 180,
    "1 MB, one program": "rm " + "x " * 500_000,
    "1 MB, substitutions": "$(" * 500_000,
    "1 MB, unknown values": "x $a$b$c " * 110_000,
    "1 MB, wrappers": "sudo " * 200_000,
    "1 MB, quotes": '"$(a ' * 200_000,
    "1 MB, braces": "{a," * 330_000,
    "1 MB, documents": "a <<E\n" * 150_000,
}
_DATA = Path(__file__).parent / "fixtures" / "spellings.txt"


@dataclass(frozen=True, slots=True)
class Spelling:
    """A command line and what is to become of it."""

    command: str
    about: str
    """Which deny rule; `harmless` for none."""
    expected: str
    """denied, asked or allowed."""
    is_run: bool
    """Whether a real shell is to confirm that it removes the file `victim`."""


def spellings() -> Iterator[Spelling]:
    """All of them."""
    section: list[str] = []
    for line in _DATA.read_text().splitlines():
        if line.startswith("== "):
            section = line[3:].split()
        elif section and line and not line.startswith("-- "):
            command = line.replace("⏎", "\n").replace("⇥", "\t")
            yield Spelling(command, section[0], section[1], "run" in section)


def judged(spelling: Spelling) -> str:
    """What becomes of it: with every allow rule beside the deny rule, or beside all of them when it is harmless."""
    denies = [DENIED[spelling.about]] if spelling.about in DENIED else list(DENIED.values())
    ruling = rule_on([*denies, *ALLOWS], ToolUse(tool="Bash", command=spelling.command, folder="/p"))
    words = {Effect.DENY: "denied", Effect.ASK: "asked", Effect.ALLOW: "allowed"}
    return words[ruling.effect] if ruling else "asked"


def main() -> None:
    """Print the figures."""
    figures = Counter((each.about, judged(each)) for each in spellings())
    sys.stdout.write(f"{'':10}{'denied':>8}{'asked':>8}{'allowed':>8}\n")
    for about in (*DENIED, "harmless"):
        counts = "".join(f"{figures[about, outcome]:8}" for outcome in ("denied", "asked", "allowed"))
        sys.stdout.write(f"{about:10}{counts}\n")
    sys.stdout.write(f"\none decision by {len(RULES)} rules, on a line not seen before, ms (best of 5)\n")
    for name, command in _LINES.items():
        sys.stdout.write(f"{name:30}{_milliseconds(command):8.2f}\n")


def _milliseconds(command: str) -> float:
    """The quickest of a few decisions; the lines differ, so that nothing is remembered of the one before."""
    taken = []
    for attempt in range(5):
        use = ToolUse(tool="Bash", command=f"{command} {attempt}", folder="/p")
        began = time.perf_counter()
        rule_on(RULES, use)
        taken.append(time.perf_counter() - began)
    return min(taken) * 1000


if __name__ == "__main__":
    main()
