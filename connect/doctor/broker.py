"""The broker in doctor's words: the way to it, whether it is one, the token and the clock."""

from __future__ import annotations

import email.utils
import time
import urllib.request
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from broker.domain.people.token_text import hide_tokens
from connect.access.credentials import KEPT_FILE, KeptTokens
from connect.access.endpoint import IN_CLEAR, Endpoint, GivenToken, load_trusted_certificates, no_token
from connect.doctor.findings import Finding, ok, problem, warning
from connect.settings import ConnectSettings

_TIMEOUT_S = 5.0
_MAX_CLOCK_SKEW_S = 30.0
"""Further apart, deadlines and tokens would end at surprising times."""
_USE = {
    "workspace": "; a person's: exchanged at the start for one that links this machine, and in a terminal for one of 15"
    " minutes",
    "member": "; a person's: exchanged at the start, as a workspace's is",
}
"""What becomes of a token, by its kind."""
_STRANGER = "whoever answers at this URL is not a Relaycast broker"


class _Workspace(BaseModel):
    id: str


class _Identity(BaseModel):
    workspace: _Workspace
    kind: str


class _WhoAmI(BaseModel):
    data: _Identity


class _ErrorCode(BaseModel):
    code: str


class _Refusal(BaseModel):
    """How a broker refuses whatever is asked of it."""

    ok: bool
    error: _ErrorCode


async def examine_broker(settings: ConnectSettings, *, malformed: str | None) -> list[Finding]:
    """Ask the broker who we are. `malformed`: why the token that was given is none."""
    endpoint, given = settings.endpoint, settings.token
    token = problem("token", malformed) if malformed is not None else None
    way = _way(endpoint)
    headers = {} if given is None else {"Authorization": f"Bearer {given.text}"}
    try:
        async with httpx.AsyncClient(
            timeout=_TIMEOUT_S, trust_env=not endpoint.local, verify=load_trusted_certificates()
        ) as client:
            answer = await client.get(f"{endpoint.url}/v1/whoami", headers=headers)
    except (httpx.HTTPError, OSError, ValueError) as error:  # OSError: a certificate file that cannot be read
        return [*way, _unreachable(endpoint, error), token or _report_unasked_token(settings)]
    if not _is_broker(answer):
        return [*way, problem("broker", f"{endpoint.url}: {_STRANGER}"), token or _report_unasked_token(settings)]
    here = warning("broker", IN_CLEAR.format(endpoint.url)) if endpoint.in_clear else ok("broker", endpoint.url)
    return [*way, here, token or _token(settings, answer), *_clock(answer)]


def _is_broker(answer: httpx.Response) -> bool:
    shape = _WhoAmI if answer.status_code == HTTPStatus.OK else _Refusal
    try:
        shape.model_validate_json(answer.content)
    except ValidationError:
        return False
    return True


def _way(endpoint: Endpoint) -> list[Finding]:
    """Whether there is an HTTP proxy between here and the broker; nothing where none is set."""
    proxies = urllib.request.getproxies()
    scheme = urlsplit(endpoint.url).scheme
    proxy = proxies.get(scheme) or proxies.get("all")
    if not any(proxies.get(name) for name in ("http", "https", "all")):
        return []
    if endpoint.local:
        return [ok("proxy", "not used: the broker is on this machine, and agents are told so (NO_PROXY)")]
    if proxy is None or urllib.request.proxy_bypass(endpoint.hostname):
        return [ok("proxy", "not used for this broker")]
    return [ok("proxy", f"the broker is reached through {_without_password(proxy)}")]


def _without_password(proxy: str) -> str:
    return proxy.rpartition("@")[2] if "@" in proxy else proxy


def _unreachable(endpoint: Endpoint, error: Exception) -> Finding:
    reason = hide_tokens(str(error)) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        advice = "give the certificate of the authority that signed it by SSL_CERT_FILE"
        return problem("broker", f"the certificate of {endpoint.url} is not trusted here ({reason}); {advice}")
    if isinstance(error, httpx.HTTPError):
        advice = "is `relaycast up` running?" if endpoint.local else "check the URL, the network and the proxy"
        return problem("broker", f"{endpoint.url} cannot be reached ({reason}); {advice}")
    return problem("broker", f"{endpoint.url} cannot be asked ({reason}); check SSL_CERT_FILE and SSL_CERT_DIR")


def _token(settings: ConnectSettings, answer: httpx.Response) -> Finding:
    if settings.token is None:
        return _report_unasked_token(settings)
    if answer.status_code == HTTPStatus.OK:
        who = _WhoAmI.model_validate_json(answer.content).data
        return ok("token", f"{who.kind} token of workspace {who.workspace.id}{_USE.get(who.kind, '')}")
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return problem("token", "the broker does not know it, or it was revoked; make one and set RELAYCAST_TOKEN")
    return problem("token", f"could not be checked: the broker answered HTTP {answer.status_code}")


def _report_unasked_token(settings: ConnectSettings) -> Finding:
    """Of a token nobody has asked the broker about."""
    if settings.token is not None:
        return warning("token", f"given ({_source(settings.token)}), but nobody could be asked whether it is good")
    if KeptTokens(path=settings.state_dir / KEPT_FILE, url=settings.endpoint.url).read() is not None:
        return ok("token", "none is given: this machine was linked before, and goes on with --headless")
    return problem("token", no_token(settings.endpoint.url).message)


def _source(given: GivenToken) -> str:
    return f"{given.source}: {given.path}" if given.path is not None else str(given.source)


def _clock(answer: httpx.Response) -> list[Finding]:
    theirs = email.utils.parsedate_tz(answer.headers.get("Date", ""))
    if theirs is None:
        return []
    skew_s = time.time() - email.utils.mktime_tz(theirs)
    if abs(skew_s) <= _MAX_CLOCK_SKEW_S:
        return [ok("clock", "agrees with the broker's")]
    way = "ahead of" if skew_s > 0 else "behind"
    return [warning("clock", f"{abs(skew_s):.0f} s {way} the broker's; set this machine's clock")]
