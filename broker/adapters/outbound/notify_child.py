"""A process that sends one notification with PyPI `apprise` and ends: `python -m …notify_child`, an order on stdin.

Apprise calls out with libraries of its own, which follow names and redirects. So it has a process for itself, where
every connection is checked when it is made, whatever makes it: an audit hook (PEP 578) sees the very address, and
cannot be removed. It also refuses to start programs; files cannot be written.

Order: `{"url", "title", "text", "opened": [CIDR…], "plain": bool}`; answer: `{"sent": bool, "reason", "final": bool}`.
"""

from __future__ import annotations

import json
import logging
import re
import resource
import sys
from typing import Any

import apprise
import requests.sessions

from broker.domain.outbound.addresses import AddressPolicy

_MEMORY_BYTES = 1024 * 1024 * 1024
_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_STARTING = ("subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn")
_TIMES_S = 8.0
_LONG_ENOUGH = 5
"""Characters of a part of the URL that are masked in what is said."""


class Guard:
    """Decides about each connection of this process."""

    def __init__(self, policy: AddressPolicy, *, plain: bool) -> None:
        """`plain`: what is sent is not encrypted, so it goes to opened networks only."""
        self._policy = policy
        self._plain = plain
        self.refused = ""

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """See `sys.addaudithook`."""
        if event in _CONNECTING:
            self._check(arguments[1])
        elif event.startswith(_STARTING):
            raise PermissionError("a notification starts no programs")

    def _check(self, address: object) -> None:
        host = address[0] if isinstance(address, tuple) and address else None
        if host is None:
            if address is not None:  # None: of a socket that is connected already
                self._refuse("it wants a socket of this machine")
        elif not isinstance(host, str) or not self._policy.may_connect(host):
            self._refuse(f"{host} is in a network that this broker does not call (--allow-outbound)")
        elif self._plain and not self._policy.is_opened(host):
            self._refuse("without encryption only networks are called that the operator has opened (--allow-outbound)")

    def _refuse(self, reason: str) -> None:
        self.refused = reason
        raise PermissionError(reason)


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def send(order: dict[str, Any]) -> dict[str, Any]:
    """Send one; what came of it."""
    plugin = apprise.Apprise.instantiate(order["url"], asset=_asset(), suppress_exceptions=True)
    if plugin is None:
        return {"sent": False, "reason": "the notification service does not understand its URL", "final": True}
    if not plugin.verify_certificate or (getattr(plugin, "secure_mode", "") == "insecure" and not order["plain"]):
        return {"sent": False, "reason": "its URL turns encryption or its check off", "final": True}
    plugin.socket_connect_timeout = plugin.socket_read_timeout = _TIMES_S
    heard, log = _Heard(), logging.getLogger("apprise")
    log.addHandler(heard)
    guard = Guard(AddressPolicy(order["opened"]), plain=order["plain"])
    sys.addaudithook(guard)
    sent = bool(plugin.notify(body=order["text"], title=order["title"], body_format=apprise.NotifyFormat.TEXT))
    reason = guard.refused or _mask(heard.last, order["url"]) or "it was not accepted"
    return {"sent": sent, "reason": "" if sent else reason, "final": bool(guard.refused)}


def _asset() -> apprise.AppriseAsset:
    return apprise.AppriseAsset(
        secure_logging=True, async_mode=False, app_id="Relaycast", app_url="", image_url_mask="", image_url_logo=""
    )


def _mask(said: str, url: str) -> str:
    for part in sorted(re.split(r"[:/?&=@#,]+", url), key=len, reverse=True):
        if len(part) >= _LONG_ENOUGH:
            said = said.replace(part, "…")
    return said[:500]


def main() -> None:
    """Read the order, send it, say what came of it."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Each session takes its limit from there, and apprise gives its own none.
    requests.sessions.DEFAULT_REDIRECT_LIMIT = 0  # type: ignore[attr-defined]  # imported there, not exported
    order = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    answer = send(order)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
