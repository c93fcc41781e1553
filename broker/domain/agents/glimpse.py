"""What an agent is seen to do, in a line: for lists of many agents, whose logs nobody reads.

Frames are of any version of any peer: what cannot be read says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_LINE = 200
"""Characters of what is shown of an agent in a list."""
_TELLING = ("command", "file_path", "path", "pattern", "query", "url", "to", "name", "description", "prompt", "text")
"""The members of a tool's input that say most about its use, best first."""
_RESULTS = frozenset({"tool_result", "command", "files"})
_SEARCHED = 10 * LONGEST_LINE
"""Characters at an end of a text that its line is looked for in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What some frames of an agent change in what is shown of it."""

    said: str = ""
    """The last line it said; '' when it said nothing."""
    call: str = ""
    """The id of a use of a tool that has begun, and is not over."""
    doing: str = ""
    """That use, in words."""
    over: tuple[str, ...] = ()
    """Uses of tools that began before, and are over."""


def glimpse(events: Iterable[Mapping[str, Any]]) -> Glimpse:
    """What content events, in their order, say."""
    call, doing = "", ""
    texts: list[str] = []
    over: list[str] = []
    for event in events:
        kind = event.get("type")
        if kind == "text":
            texts.append(_text(event.get("text")))
            continue
        call_id = _text(event.get("call_id"))[:LONGEST_LINE]
        if kind == "tool_call" and call_id:
            call, doing = call_id, _use(event)
        elif kind in _RESULTS and call_id == call:
            call, doing = "", ""
            over.append(call_id)
        elif kind in _RESULTS:
            over.append(call_id)
    said = next((line for line in map(last_line, reversed(texts)) if line), "")
    return Glimpse(said=said, call=call, doing=doing, over=tuple(each for each in over if each))


def first_line(text: str) -> str:
    """The first line that is not empty, cut."""
    return _first(text[:_SEARCHED].splitlines())


def last_line(text: str) -> str:
    """The last line that is not empty, cut."""
    return _first(reversed(text[-_SEARCHED:].splitlines()))


def _first(lines: Iterable[str]) -> str:
    shortened = (" ".join(line.split())[:LONGEST_LINE] for line in lines)
    return next((line for line in shortened if line), "")


def _use(event: Mapping[str, Any]) -> str:
    """A tool and what it is used on."""
    given = event.get("input")
    told = [first_line(_text(given.get(name))) for name in _TELLING] if isinstance(given, Mapping) else []
    words = (first_line(_text(event.get("tool"))), next((each for each in told if each), ""))
    return ": ".join(word for word in words if word)[:LONGEST_LINE]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
