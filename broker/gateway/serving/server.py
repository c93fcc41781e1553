"""How the gateway is served: uvicorn with protocols of our own, and no word of what serves it."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import ASGIApp

from broker.gateway.serving.addresses import TrustedProxies, is_loopback
from broker.gateway.serving.http_protocol import HttpProtocol
from broker.gateway.serving.tls import Certificate
from broker.gateway.serving.visitors import Door, ServerConfig, Strangers
from broker.gateway.serving.websocket_protocol import WebSocketProtocol
from broker.protocol.ndjson import MAX_FRAME_BYTES
from broker.protocol.proxy import MAX_LINK_MESSAGE_BYTES
from broker.settings import Settings

_PING_S = 10.0
"""A dead peer is noticed after at most two of these."""
_HSTS = ("Strict-Transport-Security", "max-age=31536000")


def server_config(app: ASGIApp, settings: Settings, *, ping_s: float = _PING_S) -> ServerConfig:
    """The configuration of a server for `app`. Raises `BadRequest` for settings that cannot be."""
    config = ServerConfig(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        headers=[_HSTS] if _is_public_and_encrypted(settings.public_url) else [],
        proxy_headers=False,  # `HttpProtocol` does it, for the proxies that are named
        http=HttpProtocol,
        timeout_keep_alive=settings.connections.idle_s,  # type: ignore[arg-type]  # it is handed to `call_later`
        ws=WebSocketProtocol,
        ws_max_size=max(MAX_LINK_MESSAGE_BYTES, MAX_FRAME_BYTES),
        ws_ping_interval=ping_s,
        ws_ping_timeout=ping_s,
        ws_per_message_deflate=False,  # measured: it halves the throughput
        timeout_graceful_shutdown=int(settings.drain_s),
    )
    config.door = Door(
        limits=settings.connections,
        proxies=TrustedProxies(settings.trusted_proxies),
        strangers=Strangers(settings.connections),
        unread_s=settings.unread_s,
        path=settings.path,
    )
    if settings.tls_cert and settings.tls_key:
        config.certificate = Certificate(settings.tls_cert, settings.tls_key)
    return config


def in_clear(settings: Settings) -> str | None:
    """What to warn of when tokens and conversations cross a network unencrypted."""
    parts = urlsplit(settings.url)
    if settings.tls_cert or parts.scheme == "https" or (is_loopback(settings.host) and is_loopback(parts.hostname)):
        return None
    return (
        f"{settings.url} is plain HTTP: tokens, sign-in links and all that people and agents say cross the network"
        " unencrypted, for whoever is on the way to read, use and change; give --tls-cert and --tls-key, or put a proxy"
        " with TLS before it and name it with --public-url https://…"
    )


def _is_public_and_encrypted(url: str | None) -> bool:
    """A browser that is told so of `localhost` would ask every other server there for TLS too."""
    parts = urlsplit(url or "")
    return parts.scheme == "https" and not is_loopback(parts.hostname)
