"""What is risky about single programs with their arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from broker.domain.approvals.risk.findings import Finding, Risk, shorten
from broker.domain.approvals.risk.known_programs import (
    BUILDS,
    CLOUDS,
    DATABASES,
    DESTROYS,
    FETCHERS,
    INSTALLS,
    INTERPRETERS,
    REMOTE,
    RUNS_PACKAGES,
    names,
)
from broker.domain.approvals.risk.paths import is_everything, reading_findings, writing_findings

Judge = Callable[[Sequence[str], str | None], Iterator[Finding]]
"""From the words of a command and the folder it runs in."""

_INLINE = names("-c -e -E -r --eval -p --print eval")
_UNASKED = names("-auto-approve --auto-approve --yes -y --skip-preview")
_DELETES_ROWS = re.compile(
    r"\b(drop\s+(table|database|schema|index|view)|truncate\b|delete\s+from|flush(all|db)\b|dropdatabase)",
    re.IGNORECASE,
)
_OPEN_FOR_ALL = re.compile(r"0?[0-7]?[0-7][0-7][2367]|(a|o|[ugoa]*[oa][ugoa]*)\+[rwxX]*w[rwxX]*")
_SETS_ID = re.compile(r"[2467][0-7]{3}|[ugoa]*\+[rwxX]*s")
_LOOPBACK = re.compile(r"(?:https?://)?(localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?=[:/]|$)")


def reads(arguments: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    """A program that only shows files; secret ones are told by whoever calls."""
    for word in arguments:
        if not word.startswith("-") and ("/" in word or word.startswith(("~", ".."))):
            yield from (found for found in reading_findings(word, cwd) if found.risk is not Risk.HIGH)


def _relay(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    """Our own commands: what they change is what agents may do, and who may tell them."""
    del cwd
    asked = next((word for word in words[1:] if not word.startswith("-")), "")
    if asked not in {"version", "doctor", "status", "logs"}:
        yield Finding(Risk.HIGH, f"changes what agents and people may do here: {shorten(' '.join(words[:4]))}")


def _interpreter(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    module = next((after for word, after in pairwise(words) if word == "-m"), "")
    if module in {"pip", "ensurepip"} and set(words) & INSTALLS["pip"]:
        yield Finding(Risk.MEDIUM, "installs packages, which may run code of their own")
    elif module in {"connect.cli", "broker.cli"}:
        yield from _relay(words[list(words).index("-m") + 1 :], cwd)
    elif any(word in _INLINE for word in words[1:]):
        yield Finding(Risk.MEDIUM, "runs a program written into the command itself")
    elif module not in BUILDS:
        yield Finding(Risk.MEDIUM, f"runs a program: {shorten(' '.join(words[:3]))}")


def _rm(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    paths = [word for word in words[1:] if not word.startswith("-")]
    if _has_flag(words, "rR", "--recursive"):
        yield Finding(Risk.HIGH, "deletes folders with everything in them")
    else:
        yield Finding(Risk.MEDIUM, "deletes files")
    if any(is_everything(path) for path in paths):
        yield Finding(Risk.HIGH, f"deletes everything in {shorten(' '.join(paths))}")
    yield from _writes(words, cwd)


def _writes(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    for word in words[1:]:
        if not word.startswith("-") or "=" in word:
            yield from writing_findings(bare_path(word), cwd)


def _writes_last(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    """`cp`, `mv`, `ln`: what comes last is written, the others are read."""
    paths = [word for word in words[1:] if not word.startswith("-")]
    for path in paths[-1:]:
        yield from writing_findings(path, cwd)
    for path in paths[:-1]:
        yield from (writing_findings if words[0] == "mv" else reading_findings)(path, cwd)


def _mode(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    if any(_SETS_ID.fullmatch(word) for word in words[1:]):
        yield Finding(Risk.HIGH, "lets a program run with its owner's rights")
    if any(_OPEN_FOR_ALL.fullmatch(word) for word in words[1:]):
        yield Finding(Risk.HIGH, "lets everybody on the machine change files")
    if _has_flag(words, "R", "--recursive"):
        yield Finding(Risk.MEDIUM, "changes the rights of a whole folder")
    yield from _writes([words[0], *words[2:]], cwd)


def _network(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    host = next((word for word in words[1:] if not word.startswith("-") and re.search(r"[.:@/]", word)), "")
    if words[0] in {"nc", "ncat", "netcat", "socat"} and (
        _has_flag(words, "ec", "--exec") or "EXEC:" in " ".join(words)
    ):
        yield Finding(Risk.HIGH, "lets another machine run commands here")
    if words[0] == "ssh":
        yield Finding(Risk.MEDIUM, f"runs something on another machine: {shorten(' '.join(words[1:]))}")
    elif words[0] == "rsync" and not any(re.match(r"[^/]+:", word) for word in words[1:]):
        yield from _writes_last(words, cwd)
    elif not _LOOPBACK.match(host):
        sends = _has_flag(words, "dFT", "--data") or any(
            word.startswith(("--data", "--form", "--upload", "--post")) for word in words
        )
        yield Finding(
            Risk.MEDIUM, f"{'sends data to' if sends else 'talks to'} the network: {shorten(host or words[0])}"
        )
    for option, path in pairwise(words):
        if option in {"-o", "-O", "--output", "--output-document"}:
            yield from writing_findings(path, cwd)


def _packages(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    del cwd
    asked = next((word for word in words[1:] if not word.startswith("-") or words[0] == "pacman"), "install")
    if asked in INSTALLS.get(words[0], ()) or words[0] in RUNS_PACKAGES:
        yield Finding(Risk.MEDIUM, "installs packages, which may run code of their own")
    if "publish" in words[1:] or words[:2] == ["twine", "upload"] or words[:2] == ["gem", "push"]:
        yield Finding(Risk.HIGH, "publishes a package for everybody")


def _database(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    del cwd
    if _DELETES_ROWS.search(" ".join(words[1:])) or words[0] == "dropdb":
        yield Finding(Risk.HIGH, "deletes from a database")
    else:
        yield Finding(Risk.MEDIUM, "acts on a database")


def _cloud(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    del cwd
    if any(part in DESTROYS for word in words[1:5] for part in re.split(r"[-:]", word)):
        yield Finding(Risk.HIGH, f"deletes something with {words[0]}: {shorten(' '.join(words[1:5]))}")
    elif words[1:2] and words[1] in {"apply", "up"} and _UNASKED.intersection(words):
        yield Finding(
            Risk.HIGH, f"changes what runs outside this machine, without asking: {shorten(' '.join(words[:4]))}"
        )
    else:
        yield Finding(Risk.MEDIUM, f"acts on something outside this machine with {words[0]}")


def _container(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    said = " ".join(words[1:])
    if "--privileged" in words or re.search(
        r"(-v|--volume)[ =]?/(:|(etc|root|home|var/run)\b)|docker\.sock|--pid[ =]host", said
    ):
        yield Finding(Risk.HIGH, "starts a container that reaches the whole machine")
    yield from _cloud(words, cwd)


def _edits_in_place(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    paths = [word for word in words[1:] if not word.startswith("-")][1:]
    judge = writing_findings if _has_flag(words, "i", "--in-place") else reading_findings
    for path in paths:
        yield from judge(path, cwd)


def _always(risk: Risk, reason: str) -> Judge:
    def judge(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
        del words, cwd
        yield Finding(risk, reason)

    return judge


def _dd(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    for word in words[1:]:
        name, _, path = word.partition("=")
        if name == "of":
            if path.startswith("/dev/") and path != "/dev/null":
                yield Finding(Risk.HIGH, "overwrites a disk")
            yield from writing_findings(path, cwd)
        elif name == "if":
            yield from (found for found in reading_findings(path, cwd) if not path.startswith("/dev/"))


def _archive(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    for option, path in pairwise(words):
        if option in {"-C", "-d", "--directory", "-f"} or re.fullmatch(r"-?[cxtvzjJ]*f", option):
            yield from writing_findings(path, cwd)


def _service(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    del cwd
    if set(words) & {"stop", "disable", "mask", "restart", "kill", "unload", "bootout", "enable", "load", "start"}:
        yield Finding(Risk.HIGH, "starts or stops services of the machine")


def _crontab(words: Sequence[str], cwd: str | None) -> Iterator[Finding]:
    del cwd
    if "-l" not in words:
        yield Finding(Risk.HIGH, "leaves something behind that runs later by itself")


def bare_path(word: str) -> str:
    """A path where it is part of an option: `--file=x`, `-d@x`, `user@host:x`."""
    return re.sub(r"^(-[^=]*=|-\w?@|@|[\w-]+=@?)", "", word)


def _has_flag(words: Sequence[str], letters: str, word: str) -> bool:
    return any(each == word or (re.match(r"-[A-Za-z]", each) and set(letters) & set(each[1:])) for each in words[1:])


JUDGES: dict[str, Judge] = {
    "mkfs": _always(Risk.HIGH, "overwrites disks or files for good"),
    "rm": _rm,
    "rmdir": _writes,
    "unlink": _rm,
    **dict.fromkeys(("touch", "mkdir", "tee", "truncate"), _writes),
    **dict.fromkeys(("cp", "mv", "ln", "install"), _writes_last),
    **dict.fromkeys(("chmod", "chown", "chgrp", "setfacl"), _mode),
    **dict.fromkeys(("sed", "awk", "gawk"), _edits_in_place),
    **dict.fromkeys((*FETCHERS, *REMOTE), _network),
    **dict.fromkeys((*INSTALLS, *RUNS_PACKAGES, "twine", "hatch", "flit"), _packages),
    **dict.fromkeys(DATABASES, _database),
    **dict.fromkeys(CLOUDS, _cloud),
    **dict.fromkeys(("docker", "podman", "nerdctl"), _container),
    **dict.fromkeys(INTERPRETERS, _interpreter),
    **dict.fromkeys(("shutdown", "reboot", "halt", "poweroff", "init"), _always(Risk.HIGH, "turns the machine off")),
    **dict.fromkeys(("kill", "pkill", "killall"), _always(Risk.MEDIUM, "ends other programs")),
    **dict.fromkeys(
        ("iptables", "nft", "ufw", "pfctl", "ifconfig"), _always(Risk.HIGH, "changes the machine's network")
    ),
    **dict.fromkeys(
        ("useradd", "usermod", "passwd", "chpasswd", "visudo", "adduser"), _always(Risk.HIGH, "changes accounts")
    ),
    **dict.fromkeys(("mount", "umount"), _always(Risk.HIGH, "changes the machine's disks")),
    **dict.fromkeys(("security", "pass", "op"), _always(Risk.HIGH, "reads keys or passwords")),
    **dict.fromkeys(("env", "printenv"), _always(Risk.MEDIUM, "shows the environment, where secrets often are")),
    **dict.fromkeys(("source", "."), _always(Risk.MEDIUM, "runs a script in its own shell")),
    **dict.fromkeys(("systemctl", "service", "launchctl"), _service),
    **dict.fromkeys(("crontab", "at", "batch"), _crontab),
    **dict.fromkeys(("relay-connect", "relaycast"), _relay),
    **dict.fromkeys(("tar", "unzip", "zip", "7z", "gunzip", "gzip"), _archive),
    "dd": _dd,
}
