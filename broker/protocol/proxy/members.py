"""What the messages of the link are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LATER = ConfigDict(defer_build=True)
"""A reader takes memory once it is used: a machine reads other messages than its broker does."""
ID_LENGTH = 200
WHOLE = 1 << 53
"""Numbers pass through Lua, which counts in doubles."""
Number = Annotated[int, Field(ge=0, lt=WHOLE)]


class Wire(BaseModel):
    """A message, or a part of one."""

    # Unknown members are ignored: a newer peer of the same major version may add some.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)
