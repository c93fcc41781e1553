"""What stands in the place of a person's name once it was erased, and in which forms the name was written down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape

from broker.domain.ids import MemberId
from broker.domain.names import show_name

_FIELDS = ("by", "name", "spawner", "person", "sender", "answered_by", "started_by", "spawner_name", "asker", "to")
"""Of JSON objects, whose value may be the name of a person."""


def erased_name(member: MemberId) -> str:
    """What whoever it was is called from now on: by the id that the audit trail has."""
    return f"erased-{member}"


def name_forms(name: str, alias: str) -> list[str]:
    """Pairs: a text with the name in it, and the same with the alias."""
    return [text for pair in zip(_forms(name), _forms(alias), strict=True) for text in pair]


def _forms(name: str) -> Iterator[str]:
    """As JSON has it in a field, and as the envelope of a message names its sender, in JSON and not."""
    quoted = json.dumps(name, ensure_ascii=False)
    for field in _FIELDS:
        yield f'"{field}":{quoted}'
    sender = f'from="{escape(show_name(name))}" role='
    yield json.dumps(sender, ensure_ascii=False)[1:-1]
    yield sender
