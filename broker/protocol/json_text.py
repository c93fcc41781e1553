"""A value as a JSON document that every reader takes, and the beginning of a text as people are shown it."""

from __future__ import annotations

import re

import orjson

MAX_DEPTH = 96
"""Levels of nesting that are kept. The broker's parser takes 200, of a report in which a frame lies five levels deep;
orjson writes 254; Lua's cjson reads 1000."""
_EXCERPT = 160
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa1-\ud7ff\ue000-\U0010ffff]|[\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def dumps(value: object) -> bytes:
    """One JSON document without a line end, whatever the value is made of.

    Half a surrogate pair, which has no UTF-8 form, becomes U+FFFD; what is no finite number of 64 bits becomes the
    nearest one, or null; what is nested too deeply is left out.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(_plain(value, MAX_DEPTH))


def excerpt(text: str) -> str:
    """How a text begins, short and printable."""
    short = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text[: _EXCERPT * 2]).strip()
    return short if len(short) <= _EXCERPT else short[:_EXCERPT] + "…"


def _plain(value: object, levels: int) -> object:
    """The value as what every JSON reader takes."""
    match value:
        case None | bool() | float():
            return value  # orjson writes null for what is not finite
        case int():
            return value if -(1 << 63) <= value < 1 << 64 else _nearest(value)
        case str():
            return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        case dict() | list() | tuple() if levels == 0:
            return f"[deeper than {MAX_DEPTH} levels]"
        case dict():
            return {str(_plain(str(key), 0)): _plain(each, levels - 1) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each, levels - 1) for each in value]
        case _:
            return value


def _nearest(number: int) -> float | None:
    try:
        return float(number)
    except OverflowError:
        return None
