"""What can still be read of JSON that no parser takes: the plain members of an object, the elements of a list.

Nothing here follows the nesting by recursion, and every scan is linear, so any bytes may be given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

Plain = str | int | float | bool | None

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[][{}]', re.DOTALL)
_MEMBER = re.compile(rb'[\s,]*("(?:[^"\\]++|\\.){0,100}+")\s*:\s*', re.DOTALL)
_PLAIN = re.compile(rb'(?:"(?:[^"\\]++|\\.){0,1000}+"|-?[0-9][0-9.eE+-]{0,30}|true|false|null)(?=\s*[,}])', re.DOTALL)
_LAST = re.compile(
    rb'(?:,\s*"[^"\\]{1,100}"\s*:\s*(?:"[^"\\]{0,1000}"|-?[0-9]{1,18}|true|false|null)\s*)+\}\s*\Z', re.DOTALL
)
_OPENING = (b"{", b"[")


def plain_members(text: bytes) -> dict[str, Plain]:
    """The members of the object that `text` begins with whose values are no containers, as far as it can be read.

    A container that never ends hides what would come behind it.
    """
    found: dict[str, Plain] = {}
    place = text.find(b"{") + 1
    while place and (member := _MEMBER.match(text, place)):
        plain = _PLAIN.match(text, member.end())
        if plain is not None:
            _keep(found, member[1], plain[0])
            place = plain.end()
        else:
            place = _behind(text, member.end())
    return found


def last_members(text: bytes) -> dict[str, Plain]:
    """The plain members right before the brace that ends `text`, the end of a whole object."""
    last = _LAST.search(text)
    return plain_members(b"{" + last[0][1:]) if last else {}


def elements(text: bytes, *, member: bytes) -> list[bytes] | None:
    """The containers in the list that is the object's member of this name; None when there is no such whole list."""
    start = re.search(rb'"' + member + rb'"\s*:\s*\[', text)
    return _elements(text, start.end()) if start else None


def _elements(text: bytes, start: int) -> list[bytes] | None:
    found: list[bytes] = []
    depth = 0
    for token in _brackets(text, start):
        if token[0] in _OPENING:
            if depth == 0:
                start = token.start()
            depth += 1
        elif depth == 0:
            return found
        else:
            depth -= 1
            if depth == 0:
                found.append(text[start : token.end()])
    return None


def without_depths(text: bytes, *, levels: int, instead: bytes, at_most: int) -> bytes | None:
    """JSON text with each container deeper than `levels` replaced by `instead`.

    None when it does not end as it began, or has so many brackets that reading them all would take too long.
    """
    kept: list[bytes] = []
    depth = place = 0
    for count, token in enumerate(_brackets(text, 0)):
        if count > at_most:
            return None
        if token[0] in _OPENING:
            depth += 1
            if depth == levels + 1:
                kept += (text[place : token.start()], instead)
        else:
            depth -= 1
            if depth == levels:
                place = token.end()
            if depth <= 0:
                break
    return b"".join([*kept, text[place:]]) if depth == 0 else None


def depth_of(text: bytes) -> int:
    """How many containers of a JSON document lie within each other, at most."""
    depth = deepest = 0
    for token in _brackets(text, 0):
        depth += 1 if token[0] in _OPENING else -1
        deepest = max(deepest, depth)
    return deepest


def _brackets(text: bytes, start: int) -> Iterator[re.Match[bytes]]:
    return (token for token in _TOKEN.finditer(text, start) if token[0][:1] != b'"')


def _behind(text: bytes, start: int) -> int:
    """The place behind the container that begins at `start`; 0 when there is none or it does not end."""
    if text[start : start + 1] not in _OPENING:
        return 0
    depth = 0
    for token in _brackets(text, start):
        depth += 1 if token[0] in _OPENING else -1
        if depth == 0:
            return token.end()
    return 0


def _keep(found: dict[str, Plain], name: bytes, value: bytes) -> None:
    try:
        pair: tuple[Any, Any] = orjson.loads(b"[%b,%b]" % (name, value))
    except orjson.JSONDecodeError:
        return  # an odd escape, or half a surrogate pair
    found.setdefault(pair[0], pair[1])
