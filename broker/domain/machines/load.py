"""How busy a machine is, as it told. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

_Size = Annotated[int, Field(ge=0, lt=1 << 53)]
_Average = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLoad:
    """One look at it. None: its system does not say."""

    processors: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    load_1: _Average | None = None
    """How many processes ran or wanted to, on average of the last minute."""
    load_5: _Average | None = None
    """Of the last five minutes."""
    load_15: _Average | None = None
    """Of the last fifteen."""
    memory_bytes: _Size | None = None
    memory_free_bytes: _Size | None = None
    """What programs can still have without swapping."""
    disk_bytes: _Size | None = None
    """Of the file system that relay-connect's state folder lies on."""
    disk_free_bytes: _Size | None = None
    """What its user can still write there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldLoad:
    """What a machine told last, and when that was on the store's clock."""

    load: MachineLoad
    at_ms: int


def used_percent(all_bytes: int | None, free_bytes: int | None) -> int | None:
    """How much of it is used, in whole percent; None when that is not known."""
    if not all_bytes or free_bytes is None:
        return None
    return round(100 * (all_bytes - min(free_bytes, all_bytes)) / all_bytes)
