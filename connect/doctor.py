"""`relay-connect doctor`: looks at everything relay-connect needs and says what to do about what is missing."""

from __future__ import annotations

import asyncio
import email.utils
import time
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

import httpx
from pydantic import BaseModel, ValidationError

from broker.domain.errors import BadRequest, Conflict
from connect.clis import CliCatalogue, FoundCli
from connect.endpoint import IN_CLEAR, Endpoint, GivenToken
from connect.settings import ConnectSettings
from connect.state_folder import StateFolder

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
    return [*broker, *_state(settings), *clis]


async def _broker(endpoint: Endpoint, given: GivenToken | None) -> list[Finding]:
    headers = {} if given is None else {"Authorization": f"Bearer {given.text}"}
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=not endpoint.local) as client:
            answer = await client.get(f"{endpoint.url}/v1/whoami", headers=headers)
    except httpx.HTTPError as error:
        advice = "is `relaycast up` running?" if endpoint.local else "check the URL and the network"
        reason = str(error) or type(error).__name__
        return [_problem("broker", f"{endpoint.url} cannot be reached ({reason}); {advice}")]
    here = _warning("broker", IN_CLEAR.format(endpoint.url)) if endpoint.in_clear else _ok("broker", endpoint.url)
    return [here, _token(answer), *_clock(answer)]


def _token(answer: httpx.Response) -> Finding:
    if answer.status_code == HTTPStatus.OK:
        try:
            who = _WhoAmI.model_validate_json(answer.content).data
        except ValidationError:
            return _problem("token", "whoever answers at this URL is not a Relaycast broker")
        return _ok("token", f"{who.kind} token of workspace {who.workspace.id}")
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


def _state(settings: ConnectSettings) -> list[Finding]:
    path = settings.state_dir
    try:
        state = StateFolder(path)
    except Conflict as conflict:
        return [_ok("state", conflict.message), _spool(settings)]
    except BadRequest as refusal:
        return [_problem("state", refusal.message)]
    state.close()
    return [_ok("state", str(path)), _spool(settings)]


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
