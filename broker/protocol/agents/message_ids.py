"""How a message that is delivered twice is known again: by the header in its text, and by ids made from its id."""

from __future__ import annotations

import re
from uuid import UUID, uuid5

from broker.domain.ids import MessageId

_HEADER = re.compile(r'^<relay-message id="([0-9a-fA-F-]{36})"', re.MULTILINE)
_NAMESPACE = UUID("7a1c2f0e-52a3-5d0c-9e0e-6f1b6a0f3d11")


def message_ids_in(text: str) -> tuple[MessageId, ...]:
    """The ids of the messages whose header lines stand in a conversation's text, in order."""
    return tuple(MessageId(found) for found in _HEADER.findall(text))


def nudge_id(previous: str, nudge: str) -> str:
    """The id under which `nudge` is sent after `previous`: the same on every try, so that it runs once as well."""
    return str(uuid5(_NAMESPACE, f"{previous}\n{nudge}"))
