"""What is risky about a path: keys and passwords, the system's own folders, files that run by themselves."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from broker.domain.approvals.risk.findings import Finding, Risk, shorten

_HOME = re.compile(r"(~[A-Za-z0-9_-]*|\$HOME|\$\{HOME\})(?=/|$)")
_SECRET = re.compile(
    r"(^|/)(\.ssh|\.aws|\.gnupg|\.azure|\.kube|\.config/(gcloud|gh)|\.docker|\.secrets?)(/|$)"
    r"|(^|/)(\.netrc|_netrc|\.pgpass|\.npmrc|\.pypirc|\.git-credentials|\.htpasswd|\.my\.cnf|\.vault-token)$"
    r"|(^|/)(id_(rsa|dsa|ecdsa|ed25519)(_[\w-]+)?|credentials(\.\w+)?|secrets?\.(ya?ml|json|toml|env))$"
    r"|(^|/)\.env(\.(?!example$|sample$|template$|dist$)[\w-]+)*$|(^|/)\.envrc$"
    r"|\.(pem|p12|pfx|key|jks|keystore|kdbx)$"
    # Our own keys: the workspace's, and the machine's.
    r"|(^|/)\.local/(share|state)/relaycast(/|$)|(^|/)Library/Application Support/relaycast(/|$)"
    r"|^/etc/(shadow|gshadow|sudoers)|^/proc/[^/]+/environ$|(^|/)Library/Keychains(/|$)"
)
_RUNS_BY_ITSELF = re.compile(
    r"(^|/)\.(bashrc|bash_profile|bash_login|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|xprofile|xinitrc)$"
    r"|(^|/)\.config/(fish|autostart|systemd)(/|$)|(^|/)Library/LaunchAgents(/|$)"
    r"|(^|/)\.git/(hooks(/|$)|config$)|(^|/)\.husky(/|$)|(^|/)\.gitconfig$"
    r"|(^|/)\.(claude|codex|gemini)/(settings[\w.]*\.json|config\.toml|hooks(/|\.json$|$)|(policies|extensions)(/|$))"
    r"|(^|/)(\.mcp|\.claude)\.json$"
    r"|(^|/)\.vscode/(tasks|settings|launch)\.json$"
    # What the next relay-connect starts as an agent, and what it lets agents do; wherever its folders are.
    r"|(^|/)\.config/relaycast(/|$)|(^|/)relay-connect\.toml$|(^|/)relaycast/policy\.toml$|(^|/)policy\.confirmed$"
)
_SYSTEM = re.compile(
    r"^/($|\*|(etc|usr|bin|sbin|lib\d*|boot|dev|proc|sys|root|opt|var|System|Library|Applications)(/|$))"
)
_HARMLESS = re.compile(r"^/dev/(null|stdout|stderr|stdin|tty|fd/\d+)$|^(/private)?(/var)?/tmp(/|$)|^/var/folders/")
_CI = re.compile(r"(^|/)\.github/workflows/|(^|/)(\.gitlab-ci\.yml|Jenkinsfile|\.circleci/config\.yml)$")


def writing_findings(path: str, cwd: str | None) -> Iterator[Finding]:
    """What is risky about changing a file."""
    place = _place(path, cwd)
    if _HARMLESS.search(place):
        return
    if is_secret(place):
        yield Finding(Risk.HIGH, f"touches keys or passwords: {shorten(path)}")
    if _RUNS_BY_ITSELF.search(place):
        yield Finding(Risk.HIGH, f"changes what runs by itself: {shorten(path)}")
    elif _SYSTEM.search(place) and _is_outside(place, cwd):
        yield Finding(Risk.HIGH, f"writes to the system's own folders: {shorten(path)}")
    elif _CI.search(place):
        yield Finding(Risk.MEDIUM, f"changes what the build server runs: {shorten(path)}")
    elif _is_outside(place, cwd):
        yield Finding(Risk.MEDIUM, f"writes outside its folder: {shorten(path)}")


def reading_findings(path: str, cwd: str | None) -> Iterator[Finding]:
    """What is risky about showing a file to a model."""
    place = _place(path, cwd)
    if is_secret(place):
        yield Finding(Risk.HIGH, f"reads keys or passwords: {shorten(path)}")
    elif _is_outside(place, cwd) and not _HARMLESS.search(place):
        yield Finding(Risk.MEDIUM, f"reads outside its folder: {shorten(path)}")


def is_secret(path: str) -> bool:
    """Whether a path looks like one that keys and passwords are kept in."""
    return _SECRET.search(path) is not None


def is_everything(path: str) -> bool:
    """Whether a path is a whole machine, home or folder: `/`, `~`, `*`, `.`, `..`."""
    bare = path.rstrip("*").rstrip("/")
    return bare in {"", ".", "..", "~", "$HOME", "${HOME}"} or re.fullmatch(r"/[A-Za-z]+", bare) is not None


def _place(path: str, cwd: str | None) -> str:
    """Without `..`, absolute where the folder is known; home stays `~`."""
    home = _HOME.match(path)
    if home:
        return "~" + posixpath.normpath("/" + path[home.end() :]).rstrip("/")
    if cwd and not path.startswith("/"):
        path = posixpath.join(cwd, path)
    return re.sub("^//", "/", posixpath.normpath(path)) if path else ""


def _is_outside(place: str, cwd: str | None) -> bool:
    if place.startswith(("~", "..", "$")):
        return True
    if not place.startswith("/"):
        return False
    if not cwd:
        return True
    folder = posixpath.normpath(cwd)
    return place != folder and not place.startswith(folder.rstrip("/") + "/")
