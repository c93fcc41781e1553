"""Which broker, and with which token: from arguments, then the environment, then what `relaycast up` left behind."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import platformdirs

from broker.domain.errors import BadRequest, NotAuthenticated
from broker.protocol.local import DEFAULT_PORT, KEY_FILE, UP_FILE

IN_CLEAR = "{} sends the token and all that agents say unencrypted over the network; use https://"
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A broker's base URL without a trailing slash, and the token for it."""

    url: str
    token: str = field(repr=False)

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
        return self.url.startswith("http:") and not self.local

    @property
    def local(self) -> bool:
        """Whether the broker runs on this very machine."""
        return is_loopback(self.url)


def resolve_endpoint(
    url: str | None = None, token: str | None = None, *, environment: Mapping[str, str] | None = None
) -> Endpoint:
    """Find the broker and the token; raise `NotAuthenticated` when there is no token to be found."""
    env = os.environ if environment is None else environment
    folder = data_folder(env)
    where = _checked(url or env.get("RELAYCAST_URL") or _running_url(folder) or DEFAULT_URL)
    secret = token or env.get("RELAYCAST_TOKEN") or (_local_key(folder) if is_loopback(where) else None)
    if not secret:
        raise NotAuthenticated(f"no token for {where}: set RELAYCAST_TOKEN, or start a broker here with `relaycast up`")
    return Endpoint(url=where, token=secret.strip())


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


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRequest(
            f"{url[:200]!r} is not a broker's URL; it looks like https://relaycast.example or {DEFAULT_URL}"
        )
    return url.rstrip("/")


def _running_url(folder: Path) -> str | None:
    try:
        found = orjson.loads((folder / UP_FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    url = found.get("url") if isinstance(found, dict) else None
    return url if isinstance(url, str) else None


def _local_key(folder: Path) -> str | None:
    try:
        return (folder / KEY_FILE).read_text().strip() or None
    except OSError:
        return None
