"""`relay-connect doctor`: looks at everything relay-connect needs and says what to do about what is missing."""

from __future__ import annotations

import asyncio
import email.utils
import getpass
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

import httpx
from pydantic import BaseModel, ValidationError

from broker.domain.errors import BadRequest, Conflict
from broker.protocol.local import KEY_FILE
from connect.clis import CliCatalogue, FoundCli
from connect.endpoint import IN_CLEAR, Endpoint, GivenToken, data_folder, trusted_certificates
from connect.policy.folders import real_or_none
from connect.policy.policy_file import NO_FILE, PolicyFile
from connect.policy.words import in_words
from connect.settings import ConnectSettings
from connect.state_folder import StateFolder
from connect.token_text import hide_tokens

_TIMEOUT_S = 5.0
_MAX_CLOCK_SKEW_S = 30.0
"""Further apart, deadlines and tokens would end at surprising times."""


class Health(StrEnum):
    """`warning` does not keep relay-connect from working."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the table."""

    subject: str
    health: Health
    text: str


_USE = {
    "workspace": "; a person's: exchanged at the start for one that links this machine, and in a terminal for one of 15"
    " minutes",
    "member": "; a person's: exchanged at the start, as a workspace's is",
}
"""What becomes of a token, by its kind."""
SEPARATE_USER = (
    "`sudo useradd --system --create-home relaycast-agents`, then `relaycast token mint --kind proxy --name NAME |"
    " sudo -H -u relaycast-agents relay-connect --headless --url {url} --token-file -`"
)
"""What makes a wall of the fence between agents and their user's files. Later starts need no token."""


class _Workspace(BaseModel):
    id: str


class _Identity(BaseModel):
    workspace: _Workspace
    kind: str


class _WhoAmI(BaseModel):
    data: _Identity


async def examine(settings: ConnectSettings) -> list[Finding]:
    """Look at everything; changes nothing but the cache of versions."""
    broker, clis = await asyncio.gather(_broker(settings.endpoint, settings.token), _clis(settings))
    return [*broker, _secrets(settings), *_state(settings), *_policy(settings), *clis]


async def _broker(endpoint: Endpoint, given: GivenToken | None) -> list[Finding]:
    headers = {} if given is None else {"Authorization": f"Bearer {given.text}"}
    try:
        async with httpx.AsyncClient(
            timeout=_TIMEOUT_S, trust_env=not endpoint.local, verify=trusted_certificates()
        ) as client:
            answer = await client.get(f"{endpoint.url}/v1/whoami", headers=headers)
    except httpx.HTTPError as error:
        advice = "is `relaycast up` running?" if endpoint.local else "check the URL and the network"
        reason = hide_tokens(str(error)) or type(error).__name__
        return [_problem("broker", f"{endpoint.url} cannot be reached ({reason}); {advice}")]
    here = _warning("broker", IN_CLEAR.format(endpoint.url)) if endpoint.in_clear else _ok("broker", endpoint.url)
    return [here, _token(answer, given), *_clock(answer)]


def _token(answer: httpx.Response, given: GivenToken | None) -> Finding:
    if given is None:
        return _ok("token", "none is given: a machine that was linked before goes on with --headless")
    if answer.status_code == HTTPStatus.OK:
        try:
            who = _WhoAmI.model_validate_json(answer.content).data
        except ValidationError:
            return _problem("token", "whoever answers at this URL is not a Relaycast broker")
        return _ok("token", f"{who.kind} token of workspace {who.workspace.id}{_USE.get(who.kind, '')}")
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _problem("token", "the broker does not know it, or it was revoked; make one and set RELAYCAST_TOKEN")
    return _problem("token", f"could not be checked: the broker answered HTTP {answer.status_code}")


def _clock(answer: httpx.Response) -> list[Finding]:
    theirs = email.utils.parsedate_tz(answer.headers.get("Date", ""))
    if theirs is None:
        return []
    skew_s = time.time() - email.utils.mktime_tz(theirs)
    if abs(skew_s) <= _MAX_CLOCK_SKEW_S:
        return [_ok("clock", "agrees with the broker's")]
    way = "ahead of" if skew_s > 0 else "behind"
    return [_warning("clock", f"{abs(skew_s):.0f} s {way} the broker's; set this machine's clock")]


def _secrets(settings: ConnectSettings) -> Finding:
    """Whether there is a wall between agents and keys, or a fence: they run as the user who runs relay-connect."""
    known = [data_folder() / KEY_FILE, settings.token.path if settings.token is not None else None]
    keys = [str(path) for path in known if path is not None and os.access(path, os.R_OK)]
    user = _user()
    if keys:
        return _warning(
            "secrets",
            f"agents run as {user} and can read {' and '.join(dict.fromkeys(keys))}: who has a person's key acts as"
            f" that person. For a wall, run agents as another user: {SEPARATE_USER.format(url=settings.endpoint.url)}",
        )
    return _ok("secrets", f"agents run as {user}, and no key of a person lies in this user's known places")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container with a number and no name for it
        return f"uid {os.geteuid()}"


def _readers(path: Path) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return _warning("state", f"{path} can be looked into by other users (mode {mode:03o}); run `chmod 700 {path}`")
    return _ok("state", f"{path}, readable by {_user()} alone")


def _state(settings: ConnectSettings) -> list[Finding]:
    path = settings.state_dir
    try:
        state = StateFolder(path)
    except Conflict as conflict:
        return [_ok("link", conflict.message), _readers(path), _spool(settings)]
    except BadRequest as refusal:
        return [_problem("state", refusal.message)]
    state.close()
    return [_readers(path), _spool(settings)]


def _policy(settings: ConnectSettings) -> list[Finding]:
    """The machine's own policy in words, and how far it holds."""
    file = PolicyFile(settings.policy_dir or settings.state_dir, state=settings.state_dir)
    try:
        found = file.read()
    except BadRequest as refusal:
        return [_problem("policy", f"{refusal.message}; no agent starts; run `relay-connect policy reset`")]
    confirmed = file.confirmed()
    if found.hash != (NO_FILE if confirmed is None else confirmed):
        advice = "look at it and run `relay-connect policy confirm` in a terminal"
        return [_problem("policy", f"{file.path} was changed and nobody has confirmed it: no agent starts; {advice}")]
    folders = found.policy.folders_from(real_or_none(settings.cwd))
    return [
        *(_ok("policy", words) for words in in_words(found.policy, folders=folders)),
        *(_warning("policy", f"agents may work in {wide}, which holds keys and passwords") for wide in _wide(folders)),
        _ok("policy", "a fence, not a wall: agents run as this user, and could write the policy's files themselves"),
    ]


def _wide(folders: Sequence[Path]) -> list[Path]:
    home = real_or_none(Path("~"))
    return [folder for folder in folders if home is not None and home.is_relative_to(folder)]


def _spool(settings: ConnectSettings) -> Finding:
    folder = settings.state_dir / "spool"
    size = sum(path.stat().st_size for path in folder.rglob("*.ndjson")) if folder.exists() else 0
    text = f"{size / 1024:.0f} KiB kept, at most {settings.spool_bytes / 1024 / 1024:.0f} MiB wait for the broker"
    if size > settings.spool_bytes * 3 // 4:
        return _warning("spool", f"{text}; it is nearly full, frames will be dropped")
    return _ok("spool", text)


async def _clis(settings: ConnectSettings) -> list[Finding]:
    catalogue = CliCatalogue(settings.agents, cache=settings.state_dir / "versions.json")
    found = await catalogue.find_all()
    if any(cli.installed.supported for cli in found):
        return [_cli(cli) for cli in found]
    return [*map(_cli, found), _problem("agents", "no agent program can be used on this machine; install one")]


def _cli(cli: FoundCli) -> Finding:
    installed = cli.installed
    if installed.problem is not None:
        return _warning(installed.cli, installed.problem)
    return _ok(installed.cli, f"{installed.version or 'any version'}, {installed.transport}, {cli.command[0]}")


def _ok(subject: str, text: str) -> Finding:
    return Finding(subject=subject, health=Health.OK, text=text)


def _warning(subject: str, text: str) -> Finding:
    return Finding(subject=subject, health=Health.WARNING, text=text)


def _problem(subject: str, text: str) -> Finding:
    return Finding(subject=subject, health=Health.PROBLEM, text=text)
