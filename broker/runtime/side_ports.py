"""Small HTTP listeners in threads beside the event loop: they answer while it stands still."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from typing_extensions import override

from broker.domain.errors import RelayError
from broker.gateway.serving.addresses import is_loopback
from broker.gateway.serving.hosts import Hosts
from broker.runtime.metrics_access import MetricsAccess

_log = logging.getLogger(__name__)
_ASK_S = 5.0
"""For whoever asks, in all."""
_LOCAL = "localhost"
_GUARDS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class SidePortInUse(RelayError):
    """Something else listens there."""

    code = "PORT_IN_USE"
    http_status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer."""

    body: bytes
    media_type: str = "application/json"
    status: HTTPStatus = HTTPStatus.OK


Page = Callable[[str | None], Said]
"""What is at a path, for an Authorization header. Raises `RelayError`."""


def metrics_page(access: MetricsAccess) -> Page:
    """The metrics, for those who may read them."""

    def page(authorization: str | None) -> Said:
        access.require(authorization)
        return Said(body=generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return page


class _Handler(BaseHTTPRequestHandler):
    timeout = _ASK_S
    disable_nagle_algorithm = True  # an answer is two writes
    server_version = "relaycast"
    sys_version = ""

    def __init__(self, *args: object, pages: Mapping[str, Page], hosts: Hosts | None) -> None:
        self._pages = pages
        self._hosts = hosts
        super().__init__(*args)  # type: ignore[arg-type]  # socketserver's own, whatever they are

    def do_GET(self) -> None:
        """Answer."""
        said = self._answer_with()
        self.send_response(said.status)
        for name, value in _GUARDS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", said.media_type)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    def _answer_with(self) -> Said:
        page = self._pages.get(self.path)
        if page is None:
            there = " or ".join(self._pages).encode()
            return Said(body=there + b"\n", media_type="text/plain", status=HTTPStatus.NOT_FOUND)
        try:
            if self._hosts:
                self._hosts.require(self.headers.get("Host"))
            return page(self.headers.get("Authorization"))
        except RelayError as error:
            shown = {"ok": False, "error": {"code": error.code, "message": error.message}}
            return Said(body=orjson.dumps(shown), status=HTTPStatus(error.http_status))

    @override
    def send_response(self, code: int, message: str | None = None) -> None:
        self.send_response_only(code, message)  # without a word of what serves it

    @override
    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, pages: Mapping[str, Page]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # A page whose own name was made to lead to this machine reads nothing.
        hosts = Hosts(f"http://{_LOCAL}") if is_loopback(host) else None
        super().__init__((host, port), partial(_Handler, pages=pages, hosts=hosts))

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        _log.debug("an answer of a side port broke off", exc_info=True)


@contextlib.contextmanager
def side_port(host: str, port: int, pages: Mapping[str, Page], *, option: str) -> Iterator[None]:
    """Listen for the block. `option`: what chooses the port. Raises `SidePortInUse`."""
    try:
        server = _Server(host, port, pages)
    except OSError as error:
        raise SidePortInUse(f"cannot listen on {host}:{port}: {error.strerror}; choose another with {option}") from None
    with server:
        threading.Thread(target=server.serve_forever, name=option, daemon=True).start()
        _log.info("%s at http://%s:%s", " and ".join(pages), *server.server_address[:2])
        try:
            yield
        finally:
            server.shutdown()
