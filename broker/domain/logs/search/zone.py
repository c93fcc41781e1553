"""Times of a search, as the clock has them that whoever searches sees."""

from __future__ import annotations

from datetime import datetime, tzinfo

from broker.domain.logs.search.lexer import Condition, InvalidQuery, conditions


def in_zone(query: str, zone: tzinfo | None = None) -> str:
    """The search, with a zone behind each `since:` and `until:` that says none; by default this computer's.

    The broker takes a time without a zone for UTC. What cannot be read stays as it is, for the broker to say why.
    """
    try:
        found = conditions(query)
    except InvalidQuery:
        return query
    for condition in reversed(found):
        field = condition.field
        if field is not None and field.is_time and (at := _place(condition, zone)):
            query = f"{query[: condition.at]}{field.word}:{at}{query[condition.end :]}"
    return query


def _place(condition: Condition, zone: tzinfo | None) -> str | None:
    try:
        at = datetime.fromisoformat(condition.value)
        if condition.excluded or condition.starred or at.tzinfo is not None:
            return None
        return (at.replace(tzinfo=zone) if zone else at.astimezone()).isoformat()
    except (ValueError, OverflowError):  # an age, or nothing that is a time
        return None
