"""Who may read the metrics: whoever has their token; without one, whoever is on this machine, and on it alone."""

from __future__ import annotations

import hmac
import logging
import stat
from pathlib import Path
from urllib.parse import urlsplit

from broker.domain.errors import BadRequest, NotAuthenticated, NotPermitted
from broker.gateway.serving.addresses import is_loopback
from broker.settings import Settings

_log = logging.getLogger(__name__)
_SHORTEST_TOKEN = 16


class MetricsAccess:
    """For one address that they are served on."""

    def __init__(self, *, local: bool, token: str | None) -> None:
        """`local`: nobody beyond this machine reaches the address, through no proxy either."""
        self._local = local
        self._token = token

    def require(self, authorization: str | None) -> None:
        """Raise `NotPermitted` (METRICS_CLOSED) or `NotAuthenticated` unless that header opens them."""
        if self._token is None:
            if not self._local:
                raise NotPermitted(
                    "the metrics are closed here: give --metrics-token-file, or serve them with --metrics-port",
                    code="METRICS_CLOSED",
                )
            return
        scheme, _, given = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token.encode()):
            raise NotAuthenticated("the metrics want 'Authorization: Bearer' with what is in --metrics-token-file")


def on_gateway(settings: Settings) -> MetricsAccess:
    """At the gateway's own /metrics. Raises `BadRequest` for a token file that is none."""
    local = is_loopback(settings.host) and is_loopback(urlsplit(settings.url).hostname)
    return MetricsAccess(local=local and not settings.trusted_proxies, token=metrics_token(settings))


def on_port(settings: Settings, host: str, *, own: bool) -> MetricsAccess:
    """At a port beside the gateway; `own`: one that was opened for the metrics alone, to whom its host says."""
    return MetricsAccess(local=own or is_loopback(host), token=metrics_token(settings))


def metrics_token(settings: Settings) -> str | None:
    """What is in the token file; None without one. Raises `BadRequest`."""
    path = settings.metrics_token_file
    if path is None:
        return None
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"--metrics-token-file {path}: {_why(error)}") from None
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise BadRequest(
            f"--metrics-token-file {path} must hold one line of {_SHORTEST_TOKEN} or more ASCII characters"
        )
    warn_if_read_by_others(path)
    return token


def warn_if_read_by_others(path: Path) -> None:
    """Say so of a secret that every user of this machine can read."""
    if path.stat().st_mode & stat.S_IROTH:
        _log.warning("%s can be read by every user of this machine: chmod 600 it", path)


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is no text"
