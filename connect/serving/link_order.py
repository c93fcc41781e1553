"""What a terminal and the link process that it starts say to each other before that runs."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from connect.access.token_calls import Pair
from connect.settings import ConnectSettings

GUARDED = b"guarded\n"
"""The link process may be given secrets now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the link process is to do."""

    settings: ConnectSettings
    pair: Pair | None = None


ORDER: TypeAdapter[Order] = TypeAdapter(Order)
