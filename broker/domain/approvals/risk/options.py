"""Options, variables and texts by which programs that are harmless otherwise run another one, or write a file.

From their manuals: GNU tar 1.35, coreutils 9 (sort, split), sed 4.9, gawk 5, less 6, ripgrep 14, GCC 14, OpenSSH 9,
rsync 3, zip 3, man-db 2, Go 1.22, ld.so(8), bash 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from broker.domain.approvals.risk.findings import Finding, Risk, shorten
from broker.domain.approvals.risk.known_programs import names
from broker.domain.approvals.risk.paths import writing_findings

_COMPILERS = names("gcc g++ cc c++ clang clang++ rustc javac ld as")
_SSH = re.compile(r"(-o)?(ProxyCommand|LocalCommand|KnownHostsCommand)[= ]", re.IGNORECASE)
_OPTIONS: dict[str, re.Pattern[str]] = {
    "rg": re.compile(r"--pre(=|$)|--hostname-bin(=|$)"),
    "tar": re.compile(
        r"--checkpoint-action(=|$)|--to-command(=|$)|--use-compress-program(=|$)|--rsh-command(=|$)|-[IF]"
    ),
    "sort": re.compile(r"--compress-program(=|$)"),
    "split": re.compile(r"--filter(=|$)"),
    **dict.fromkeys(("less", "more"), re.compile(r"\+.*[!|]")),
    "man": re.compile(r"-[PH]|--pager(=|$)|--html(=|$)"),
    "zip": re.compile(r"-TT|--unzip-command(=|$)"),
    "rsync": re.compile(r"-[a-zA-Z]*e$|--rsh(=|$)"),
    **dict.fromkeys(("ssh", "scp", "sftp"), _SSH),
    **dict.fromkeys(("make", "gmake"), re.compile(r"(SHELL|MAKESHELL)=|--eval(=|$)")),
    "go": re.compile(r"-{1,2}(toolexec|exec)(=|$)"),
    **dict.fromkeys(_COMPILERS, re.compile(r"-fplugin|-wrapper$|-specs=|-plugin|-Clinker=|linker=")),
}
_AWK = re.compile(r"\bsystem\s*\(|\|\s*&?\s*getline|\|&|\bprintf?\b[^;}]*\|\s*\"")
_SED = re.compile(r"(^|[;{}\n/$\d])\s*e(\s+\S|$)|s(.).*\3.*\3[gip\d]*e[gip\d]*($|[;}\n])")
_TEXTS: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
    **dict.fromkeys(("sed", "gsed"), _SED),
}
"""What a program's own language says."""
_VARIABLES = names(
    "LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES BASH_ENV PROMPT_COMMAND PERL5OPT RUBYOPT NODE_OPTIONS JAVA_TOOL_OPTIONS"
    " PYTHONSTARTUP GIT_SSH GIT_SSH_COMMAND GIT_EXTERNAL_DIFF LESSOPEN LESSCLOSE RUSTC_WRAPPER"
)


def option_findings(program: str, arguments: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    """What of a program's arguments runs another one, or writes a file."""
    if (pattern := _OPTIONS.get(program)) and (option := next(filter(pattern.match, arguments), None)):
        yield Finding(Risk.HIGH, f"has {program} run another program: {shorten(option)}")
    if (pattern := _TEXTS.get(program)) and (text := next(filter(pattern.search, arguments), None)):
        yield Finding(Risk.HIGH, f"has {program} run another program: {shorten(text)}")
    if program in _COMPILERS or program == "sort":
        for option, path in pairwise(arguments):
            if option in {"-o", "--output"}:
                yield from writing_findings(path, cwd)


def variable_findings(assignments: Sequence[str]) -> Iterator[Finding]:
    """Variables of one command by which it runs code that it does not name."""
    for each in assignments:
        if each.partition("=")[0] in _VARIABLES:
            yield Finding(Risk.HIGH, f"has its programs run code that they do not name: {shorten(each)}")
