"""What is risky about a git command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from broker.domain.approvals.risk.findings import Finding, Risk, shorten
from broker.domain.approvals.risk.known_programs import ANY_ARGUMENTS, GIT_OPTIONS, names
from broker.domain.approvals.risk.paths import writing_findings

_READS = names(
    "status log diff show blame describe rev-parse rev-list ls-files ls-tree cat-file shortlog reflog grep for-each-ref"
    " merge-base name-rev whatchanged version help count-objects check-ignore"
)
_LOCAL = names("add commit mv merge rebase cherry-pick revert init notes am apply format-patch switch worktree bisect")
_NETWORK = names("fetch pull clone ls-remote remote-update")


def git_findings(arguments: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    """Everything there is to say about `git` with these arguments."""
    configured, words = _behind_options(arguments)
    if configured:
        yield Finding(Risk.MEDIUM, "changes how git works, which can run programs")
    if not words:
        return
    command, rest = words[0], words[1:]
    flags = {word for word in rest if word.startswith("-")}
    letters = {letter for flag in flags if not flag.startswith("--") for letter in flag[1:]}
    for word in rest:
        if word.startswith("--output=") and f"git {command}" not in ANY_ARGUMENTS:
            yield from writing_findings(word.removeprefix("--output="), cwd)
    match command:
        case "push":
            yield from _push(rest, flags, letters)
        case "reset" if "--hard" in flags:
            yield Finding(Risk.HIGH, "throws away changes that are not committed")
        case "clean" if "f" in letters or "--force" in flags:
            yield Finding(Risk.HIGH, "deletes files that git does not know")
        case "checkout" | "restore":
            if command == "restore" or "--" in rest or "." in rest or "f" in letters or "--force" in flags:
                yield Finding(Risk.MEDIUM, "may throw away changes that are not committed")
        case "stash" if {"drop", "clear"} & set(rest):
            yield Finding(Risk.HIGH, "throws away changes that were put aside")
        case "branch" | "tag":
            if {"d", "D"} & letters or "--delete" in flags:
                yield Finding(Risk.MEDIUM, f"deletes a {command}")
        case "filter-branch" | "filter-repo" | "update-ref" | "gc" | "prune":
            yield Finding(Risk.HIGH, "rewrites or drops history")
        case "reflog" if {"expire", "delete"} & set(rest):
            yield Finding(Risk.HIGH, "rewrites or drops history")
        case "rm":
            yield Finding(Risk.MEDIUM, "deletes files")
        case "config" if not {"--get", "--list", "-l", "--get-all"} & flags:
            yield Finding(Risk.MEDIUM, "changes how git works, which can run programs")
        case "submodule" | "remote":
            yield Finding(
                Risk.MEDIUM if rest[:1] not in ([], ["-v"], ["show"], ["status"]) else Risk.LOW,
                "changes where git fetches from",
            )
        case _ if command in _NETWORK:
            yield Finding(Risk.MEDIUM, f"talks to the network: git {command} {shorten(' '.join(rest[:2]))}".rstrip())
        case _ if command not in _READS | _LOCAL | {"reset", "stash", "clean", "config", "reflog"}:
            yield Finding(Risk.MEDIUM, f"runs git {shorten(command)}, of which nothing is known here")
        case _:
            return


def _push(rest: Sequence[str], flags: set[str], letters: set[str]) -> Iterator[Finding]:
    forced = "f" in letters or any(flag.startswith("--force") or flag == "--mirror" for flag in flags)
    if forced or any(word.startswith("+") for word in rest):
        yield Finding(Risk.HIGH, "overwrites history on the server")
    elif "d" in letters or "--delete" in flags or "--prune" in flags or any(word.startswith(":") for word in rest):
        yield Finding(Risk.HIGH, "deletes a branch on the server")
    else:
        yield Finding(Risk.MEDIUM, "sends commits to a server")


def _behind_options(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether git is configured by the command itself, and the command without git's own options."""
    at, configured = 0, False
    while at < len(arguments) and arguments[at].startswith("-"):
        word = arguments[at]
        configured = configured or word in {"-c", "--exec-path"} or word.startswith(("--exec-path=", "--config-env"))
        at += 2 if word in GIT_OPTIONS else 1
    return configured, list(arguments[at:])
