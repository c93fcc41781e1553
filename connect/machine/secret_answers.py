"""Secrets that people tell agents: they reach the process, and neither the frames nor the reports that are kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from broker.protocol.agents.session import Frame
from broker.protocol.json_text import dumps

_REDACTED = "[redacted]"
_SHORTEST = 8
_SHORTEST_NUMBER = 12
"""Shorter ones are not looked for in what an agent says later: they stand in words and numbers that are none."""


def without(frames: Sequence[Frame], secrets: Sequence[str]) -> list[Frame]:
    """Frames to keep: each text that is a secret is cut out."""
    hidden = frozenset(secrets)
    cut = [dumps(_cut(orjson.loads(frame.raw), hidden)) for frame in frames]
    return [dataclasses.replace(frame, raw=raw, value=None) for frame, raw in zip(frames, cut, strict=True)]


def spell(secrets: Sequence[str]) -> Iterator[str]:
    """How secrets look in what an agent may say of them: in JSON, and in JSON inside of a JSON text."""
    for secret in secrets:
        if len(secret) >= (_SHORTEST_NUMBER if secret.isdecimal() else _SHORTEST):
            once = {dumps(secret)[1:-1].decode(), json.dumps(secret)[1:-1]}
            yield from once | {json.dumps(each)[1:-1] for each in once}


def _cut(value: Any, hidden: frozenset[str]) -> Any:
    match value:
        case str():
            return _REDACTED if value in hidden else value
        case dict():
            return {name: _cut(each, hidden) for name, each in value.items()}
        case list():
            return [_cut(each, hidden) for each in value]
        case _:
            return value
