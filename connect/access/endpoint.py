"""Which broker, and with which token: from arguments, then the environment, then what `relaycast up` left behind."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import orjson
import platformdirs

from broker.domain.errors import BadRequest, NotAuthenticated
from broker.domain.people.token_kinds import PREFIXES, TokenKind
from broker.domain.people.token_text import hide_tokens
from broker.protocol.local import DEFAULT_PORT, KEY_FILE, UP_FILE
from connect.access.token_text import check_token, read_token_file

IN_CLEAR = "{} sends the token and all that agents say unencrypted over the network; use https://"
TOKEN = "RELAYCAST_TOKEN"  # noqa: S105 - the name of the variable
INSECURE = "RELAYCAST_INSECURE"
"""The environment variable that allows plain HTTP to another machine, when it is set to anything but nothing or 0."""
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


class TokenSource(StrEnum):
    """Where a token was found."""

    ARGUMENT = "argument"
    ENVIRONMENT = "environment"
    FILE = "file"
    ENROLMENT = "enrolment"
    """It was exchanged for a code, and lies in no file of anybody's."""
    DATA_FOLDER = "data folder"
    """The key of the broker that this user runs on this machine."""


@dataclass(slots=True, kw_only=True)
class GivenToken:
    """A token as somebody gave it. Everybody who holds it loses it when it is dropped."""

    text: str = field(repr=False)
    source: TokenSource
    path: Path | None = None
    """Of the file it lies in."""

    def drop(self) -> None:
        """Hold it no longer: it was exchanged for something that can do less."""
        self.text = ""

    @property
    def links_only(self) -> bool:
        """Whether it can do nothing but link a machine."""
        return self.text.startswith(PREFIXES[TokenKind.PROXY])


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A broker's base URL without a trailing slash, and the token for it where one token serves for good."""

    url: str
    token: str = field(default="", repr=False)

    @property
    def websocket_url(self) -> str:
        """The same place for WebSockets."""
        return "ws" + self.url.removeprefix("http")

    @property
    def host(self) -> str:
        """Host and port as people say them: `127.0.0.1:8787`, `relaycast.dev`."""
        return urlsplit(self.url).netloc

    @property
    def hostname(self) -> str:
        """The host alone."""
        return urlsplit(self.url).hostname or ""

    @property
    def in_clear(self) -> bool:
        """Whether tokens and conversations cross a network unencrypted."""
        return is_in_clear(self.url)

    @property
    def local(self) -> bool:
        """Whether the broker runs on this very machine."""
        return is_loopback(self.url)

    def unreachable(self, error: Exception) -> str:
        """That nobody answers there, and why, in words."""
        hint = "; does `relaycast up` run here?" if self.local and isinstance(error, ConnectionRefusedError) else ""
        return f"cannot reach {self.host} ({words_of(error)}){hint}"


def words_of(error: Exception) -> str:
    """Why a connection failed, without tokens and without a library's numbers."""
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return hide_tokens(str(error).partition("\n")[0]) or type(error).__name__


def resolve_endpoint(
    url: str | None = None,
    token: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    insecure: bool | None = None,
) -> Endpoint:
    """Find the broker and the token, which is checked for what no token has.

    Raises `NotAuthenticated` when there is no token to be found, or a malformed one; `BadRequest` for a URL that is
    none, or plain HTTP to another machine unless `insecure` (default: RELAYCAST_INSECURE) allows that.
    """
    env = os.environ if environment is None else environment
    where = resolve_url(url, environment=env, insecure=insecure)
    given = find_token(where, environment=env, argument=token)
    if given is None:
        raise no_token(where)
    return Endpoint(url=where, token=given.text)


def find_token(
    url: str, *, environment: Mapping[str, str], argument: str | None = None, file: Path | None = None
) -> GivenToken | None:
    """The token for the broker at `url`: given, in a file, in the environment, or in the data folder of its `up`.

    Raises `NotAuthenticated` for one that is malformed, or in a file that cannot be read.
    """
    if file is not None:
        return GivenToken(text=read_token_file(file), source=TokenSource.FILE, path=file)
    if argument:
        text = check_token(argument, source="the given token")
        return GivenToken(text=text, source=TokenSource.ARGUMENT)
    if found := environment.get(TOKEN):
        return GivenToken(text=check_token(found, source=TOKEN), source=TokenSource.ENVIRONMENT)
    path = data_folder(environment) / KEY_FILE
    # One that cannot be read is another user's, whose broker runs here.
    if is_loopback(url) and os.access(path, os.R_OK):
        return GivenToken(text=read_token_file(path), source=TokenSource.DATA_FOLDER, path=path)
    return None


def no_token(url: str) -> NotAuthenticated:
    """What to say when `find_token` has found none."""
    how = "start a broker here with `relaycast up`"
    if not is_loopback(url):
        how = "link this machine with a code, which its dashboard gives under Link a machine"
    return NotAuthenticated(f"no token for {url}: set {TOKEN}, or {how}")


def resolve_url(url: str | None, *, environment: Mapping[str, str], insecure: bool | None = None) -> str:
    """The broker's URL: as given, else the environment's, else that of the broker which runs here. See above."""
    where = _check(url or environment.get("RELAYCAST_URL") or _running_url(data_folder(environment)) or DEFAULT_URL)
    allowed = environment.get(INSECURE, "") not in {"", "0"} if insecure is None else insecure
    if is_in_clear(where) and not allowed:
        raise BadRequest(
            f"{where} would send the token unencrypted over the network: use https://; where the network itself is"
            f" encrypted, as in a VPN, allow it with --insecure or {INSECURE}=1",
            code="INSECURE_URL",
        )
    return where


def is_in_clear(url: str) -> bool:
    """Whether what is sent to `url` crosses a network unencrypted."""
    return url.startswith("http:") and not is_loopback(url)


def data_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where this user's Relaycast keeps its state."""
    env = os.environ if environment is None else environment
    configured = env.get("RELAYCAST_DATA_DIR")
    return Path(configured) if configured else Path(platformdirs.user_data_dir("relaycast"))


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine by a loopback address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(url: str) -> str:
    parts = _parts(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRequest(
            f"{url[:200]!r} is not a broker's URL; it looks like https://relaycast.example or {DEFAULT_URL}"
        )
    if parts.username is not None or parts.query or parts.fragment:
        # It is shown in many places, and none of these would be used.
        raise BadRequest("a broker's URL has no user, password, query or fragment; a token is given by RELAYCAST_TOKEN")
    return url.rstrip("/")


def _parts(url: str) -> SplitResult | None:
    """None for what is no URL: a bracket without its other, a port that is no number, a character nobody can see."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        return parts if url.isprintable() else None
    except ValueError:
        return None


def _running_url(folder: Path) -> str | None:
    try:
        found = orjson.loads((folder / UP_FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    url = found.get("url") if isinstance(found, dict) else None
    return url if isinstance(url, str) else None


def load_trusted_certificates() -> ssl.SSLContext | bool:
    """Whom HTTPS clients believe: those of SSL_CERT_FILE and SSL_CERT_DIR where given, else the usual.

    Asked by name, since clients of a broker on this machine heed no other setting of the environment (proxies, netrc).
    """
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context()
    return True
