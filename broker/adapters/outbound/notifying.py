"""Notifications by PyPI `apprise`, each in a process of its own: see `notify_child`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import orjson

from broker.domain.errors import OutboundFailed, OutboundRefused
from broker.domain.hooks.notices import require_service
from broker.domain.outbound.addresses import AddressPolicy

_TOTAL_S = 30.0
_AT_ONCE = 2
"""Processes; each takes half a second of a processor."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


class AppriseNotifier:
    """Implements `Notifier`."""

    def __init__(self, opened: Sequence[str], *, total_s: float = _TOTAL_S) -> None:
        """`opened`: networks that the operator has opened. Raises `BadRequest`."""
        AddressPolicy(opened)
        self._opened = list(opened)
        self._total_s = total_s
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def notify(self, url: str, *, title: str, text: str) -> None:
        """Send it once."""
        service = require_service(url)
        order = {"url": url, "title": title, "text": text, "opened": self._opened, "plain": service.plain}
        async with self._places:
            said = await self._ask(orjson.dumps(order))
        try:
            answer = orjson.loads(said)
        except orjson.JSONDecodeError:
            raise OutboundFailed(f"{service.name}: the process that sends it ended early") from None
        if not answer["sent"]:
            kind = OutboundRefused if answer["final"] else OutboundFailed
            raise kind(f"{service.name}: {answer['reason']}")

    async def _ask(self, order: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-m", "broker.adapters.outbound.notify_child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
        try:
            async with asyncio.timeout(self._total_s):
                said, _ = await process.communicate(order)
        except TimeoutError:
            raise OutboundFailed(f"nothing came of it within {self._total_s:g} s", code="OUTBOUND_TIMEOUT") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return said
