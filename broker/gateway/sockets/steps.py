"""What is counted and logged of the connections of machines and agents."""

from __future__ import annotations

import logging

import orjson

from broker.domain.ids import SessionId
from broker.domain.people.access import Principal
from broker.protocol.close_codes import CloseCode
from broker.services.ports import Attached
from broker.telemetry import CLOSES, CONNECTS
from broker.telemetry.logs import STEPS_LOG, ids

_log = logging.getLogger(f"{STEPS_LOG}.links")


def count_connect(kind: str, attached: Attached, principal: Principal, *, session: SessionId | None) -> None:
    """A connection was attached: of a new process of relay-connect, or of one that was here before."""
    CONNECTS.labels(kind, "new" if attached.fresh else "again").inc()
    if _log.isEnabledFor(logging.INFO):
        about = ids(workspace=principal.workspace, session=session, link=attached.link, fence=attached.fence)
        _log.info("%s is connected", kind, extra=about)


def count_close(code: CloseCode) -> None:
    """A connection is closed by us."""
    CLOSES.labels(str(code.code)).inc()


def tell_end(attached: Attached) -> None:
    """A connection is over, whoever ended it."""
    if _log.isEnabledFor(logging.INFO):
        _log.info("connection is over", extra=ids(link=attached.link, fence=attached.fence))


def tell_command(attached: Attached, seq: int, command: str) -> None:
    """A command goes out on a connection: this joins a message with the link that carries it."""
    if _log.isEnabledFor(logging.INFO):
        order = orjson.loads(command)
        about = ids(link=attached.link, seq=seq, agent=order.get("agent"), message=order.get("message_id"))
        _log.info("command %s goes out", order["type"], extra=about)
