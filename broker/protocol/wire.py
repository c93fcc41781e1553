"""Bases for the parts of a foreign frame that a codec reads."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """Only what is acted on; members unknown or unused here live on in the frame's `raw`."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CamelWire(Wire):
    """The same for vendors who write `camelCase`."""

    model_config = ConfigDict(alias_generator=to_camel)
