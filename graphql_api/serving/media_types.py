"""Negotiates the media type of a response from the Accept header (RFC 9110)."""

from __future__ import annotations

from enum import StrEnum


class MediaType(StrEnum):
    """What an answer can be. The order is ours among those that a client wants equally."""

    RESPONSE = "application/graphql-response+json"
    JSON = "application/json"
    EVENTS = "text/event-stream"
    PAGE = "text/html"


DEFAULT = MediaType.JSON
"""For clients that take anything: older than the specification, or not made for GraphQL."""


def choose(accept: str | None, *, offered: frozenset[MediaType]) -> MediaType | None:
    """The type to answer with; None when the client wants none that is offered."""
    if accept is None or not accept.strip():
        return DEFAULT
    ranges = [_range(part) for part in accept.lower().split(",") if part.strip()]
    best, best_rank = None, (0.0, 0)
    for media_type in MediaType:
        if media_type in offered and (rank := _rank(media_type, ranges)) > best_rank:
            best, best_rank = media_type, rank
    return best


def _rank(media_type: MediaType, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """How much a client wants a type, and whether it names it or would take it among others."""
    qualities = dict(reversed(ranges))
    if media_type in qualities:
        return qualities[media_type], 2 if qualities[media_type] else 0
    kind = media_type.partition("/")[0]
    quality = qualities.get(f"{kind}/*", qualities.get("*/*", 0.0))
    return quality, 1 if quality and media_type is DEFAULT else 0


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip() for each in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, _quality(value.strip())
    return name, 1.0


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
