"""Looks at everything relay-connect needs; what is missing does not keep it from looking at the rest."""

from __future__ import annotations

import asyncio
import dataclasses
import getpass
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from broker.domain.errors import BadRequest, Conflict, NotAuthenticated, RelayError
from broker.protocol.local import KEY_FILE
from connect.access.endpoint import data_folder
from connect.control.client import ask_state
from connect.doctor.broker import examine_broker
from connect.doctor.findings import Finding, ok, problem, warning
from connect.doctor.hooks import examine_hooks
from connect.doctor.programs import examine_programs
from connect.policy.folders import real_or_none
from connect.policy.owners_file import NO_FILE
from connect.policy.policy_file import PolicyFile
from connect.policy.words import in_words
from connect.settings import ConnectSettings, Options, resolve_settings, resolve_token
from connect.system.state_folder import StateFolder

SEPARATE_USER = (
    "`sudo useradd --system --create-home relaycast-agents`, then `relaycast token mint --kind proxy --name NAME |"
    " sudo -H -u relaycast-agents relay-connect --headless --url {url} --token-file -`"
)
"""What makes a wall of the fence between agents and their user's files. Later starts need no token."""


async def examine_options(options: Options) -> list[Finding]:
    """Look at everything that these options ask for. Raises `BadRequest` for those nobody could mean."""
    settings = resolve_settings(options, with_token=False)
    try:
        given = resolve_token(settings.endpoint.url, options)
    except NotAuthenticated as refusal:
        return await examine(settings, malformed=refusal.message)
    return await examine(dataclasses.replace(settings, token=given))


async def examine(settings: ConnectSettings, *, malformed: str | None = None) -> list[Finding]:
    """Look at everything; changes nothing but the cache of versions. `malformed`: why the token given is none."""
    broker, state, programs = await asyncio.gather(
        examine_broker(settings, malformed=malformed), _state(settings), examine_programs(settings)
    )
    return [*broker, _secrets(settings), *state, *_policy(settings), *examine_hooks(settings), *programs]


def _secrets(settings: ConnectSettings) -> Finding:
    """Whether there is a wall between agents and keys, or a fence: they run as the user who runs relay-connect."""
    known = [data_folder() / KEY_FILE, settings.token.path if settings.token is not None else None]
    keys = [str(path) for path in known if path is not None and os.access(path, os.R_OK)]
    user = _user()
    if keys:
        return warning(
            "secrets",
            f"agents run as {user} and can read {' and '.join(dict.fromkeys(keys))}: who has a person's key acts as"
            f" that person. For a wall, run agents as another user: {SEPARATE_USER.format(url=settings.endpoint.url)}",
        )
    return ok("secrets", f"agents run as {user}, and no key of a person lies in this user's known places")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container with a number and no name for it
        return f"uid {os.geteuid()}"


def _readers(path: Path) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warning("state", f"{path} can be looked into by other users (mode {mode:03o}); run `chmod 700 {path}`")
    return ok("state", f"{path}, readable by {_user()} alone")


async def _state(settings: ConnectSettings) -> list[Finding]:
    path = settings.state_dir
    try:
        state = StateFolder(path)
    except Conflict as conflict:
        return [await _in_use(path, conflict), _readers(path), _spool(settings)]
    except BadRequest as refusal:
        return [problem("state", refusal.message)]
    state.close()
    return [_readers(path), _spool(settings)]


async def _in_use(path: Path, conflict: Conflict) -> Finding:
    try:
        link = await ask_state(path)
    except RelayError as silent:
        return problem("link", silent.message)
    if link is None:
        return warning("link", conflict.message)
    shared = "a terminal comes to it; another link needs another --state-dir"
    return warning("link", f"process {link.pid} uses {path} as the link with {link.url}; {shared}")


def _policy(settings: ConnectSettings) -> list[Finding]:
    """The machine's own policy in words, and how far it holds."""
    file = PolicyFile(settings.policy_dir or settings.state_dir, state=settings.state_dir)
    try:
        found = file.read()
    except BadRequest as refusal:
        return [problem("policy", f"{refusal.message}; no agent starts; run `relay-connect policy reset`")]
    confirmed = file.read_confirmed()
    if found.hash != (NO_FILE if confirmed is None else confirmed):
        advice = "look at it and run `relay-connect policy confirm` in a terminal"
        return [problem("policy", f"{file.path} was changed and nobody has confirmed it: no agent starts; {advice}")]
    folders = found.policy.folders_from(real_or_none(settings.cwd))
    return [
        *(ok("policy", words) for words in in_words(found.policy, folders=folders)),
        *(warning("policy", f"agents may work in {wide}, which holds keys and passwords") for wide in _wide(folders)),
        ok("policy", "a fence, not a wall: agents run as this user, and could write the policy's files themselves"),
    ]


def _wide(folders: Sequence[Path]) -> list[Path]:
    home = real_or_none(Path("~"))
    return [folder for folder in folders if home is not None and home.is_relative_to(folder)]


def _spool(settings: ConnectSettings) -> Finding:
    folder = settings.state_dir / "spool"
    size = sum(path.stat().st_size for path in folder.rglob("*.ndjson")) if folder.exists() else 0
    text = f"{size / 1024:.0f} KiB kept, at most {settings.spool_bytes / 1024 / 1024:.0f} MiB wait for the broker"
    if size > settings.spool_bytes * 3 // 4:
        return warning("spool", f"{text}; it is nearly full, frames will be dropped")
    return ok("spool", text)
