"""Links this machine and ends: what it keeps of that is enough for whoever starts it next."""

from __future__ import annotations

import asyncio

from broker.domain.errors import NotPermitted
from connect.notices import Connected, Notice
from connect.serving.link_host import LinkHost
from connect.settings import ConnectSettings


def link_once(settings: ConnectSettings) -> None:
    """Return once the broker has taken this machine.

    Raises `NotPermitted` when it does not, `Conflict` where another link holds the state folder, `BadRequest`.
    """
    host: LinkHost | None = None

    def heed(notice: Notice) -> None:
        if isinstance(notice, Connected) and host is not None:
            host.stop(now=False)

    host = LinkHost(settings, show=heed, headless=True)
    asyncio.run(host.run())
    if host.refusal is not None:
        raise NotPermitted(host.refusal, code="NOT_LINKED")
