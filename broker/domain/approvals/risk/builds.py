"""What is risky about the programs that build and test: they run what the project's own files say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from broker.domain.approvals.risk.findings import Finding, Risk, shorten
from broker.domain.approvals.risk.known_programs import names

TASK_RUNNERS = names("make gmake cmake ninja mvn mvnw gradle gradlew ant rake just task tox nox sbt mix invoke fab")
"""Programs whose arguments name tasks of the project's own."""
_SCRIPT_RUNNERS = names("npm pnpm yarn bun composer poetry uv hatch pdm deno")
"""Those with a command of their own for it."""
_RUN = names("run run-script start task")
_RUN_CODE = {
    "cargo": names("run bench r"),
    "go": names("run generate"),
    "dotnet": names("run watch"),
    "swift": names("run"),
}
_REACHES_OTHERS = re.compile(
    r"(?:^|[-_:./])(?:deploy\w*|publish\w*|upload\w*|promote|rollout|rollback|provision|push)(?=$|[-_:./])",
    re.IGNORECASE,
)
_ASKS_ONLY = names("-h --help --version -v -V")


def build_findings(words: Sequence[str]) -> Iterator[Finding]:
    """Of a program that builds or tests, with its arguments. One that only tests is harmless."""
    program, named = words[0], [word for word in words[1:] if not word.startswith("-")]
    if not named and _ASKS_ONLY.intersection(words[1:]):
        return
    if program in TASK_RUNNERS or (program in _SCRIPT_RUNNERS and named[:1] and named[0] in _RUN):
        if task := next((word for word in named if _REACHES_OTHERS.search(word)), None):
            yield Finding(Risk.HIGH, f"deploys or publishes, by its name: {shorten(f'{program} {task}')}")
        yield Finding(Risk.MEDIUM, "runs what the project's files say, which the agent may have changed")
    elif named[:1] and named[0] in _RUN_CODE.get(program, ()):
        yield Finding(Risk.MEDIUM, "runs a program of the project, which the agent may have changed")
