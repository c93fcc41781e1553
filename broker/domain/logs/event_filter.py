"""Which events of a session's log a reader wants; decided alike on JSON text, on objects and in the log store."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.errors import BadRequest
from broker.domain.logs.projection import is_fragment

MAX_VALUES = 64
_MAX_CHARACTERS = 200
_KIND = re.compile(r"[a-z_]+(\.[a-z_]+)*(\.\*)?|\*")
_HEAD = re.compile(
    r'\{"epoch":"[^"]*","offset":\d+,"kind":"([^"]*)","at_ms":\d+,"agent":(?:null|"[^"]*"),'
    r'"name":(null|"(?:[^"\\]|\\.)*"),"data":'
)
"""How the append scripts begin every event; what an agent said comes behind it."""
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""ASCII alone, as the store's index has it and as agents' names are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """All that is given must hold; empty sets admit everything. `event_filter` makes one of what people ask for.

    Equal filters compare equal, so that readers with the same can be served as one.
    """

    agents: frozenset[str] = frozenset()
    """Names, in lower case: the event is theirs, or a message from them."""
    kinds: frozenset[str] = frozenset()
    families: tuple[str, ...] = ()
    """What a kind may begin with: `agent.`."""
    fragments: bool = True
    """Whether pieces that a later event repeats whole are wanted too."""
    edits: bool = False
    """Only frames that tell of edited files."""

    @property
    def is_selective(self) -> bool:
        """Whether it may pass over long runs of events."""
        return bool(self.agents or self.kinds or self.families or self.edits)

    def admits(self, event: dict[str, Any]) -> bool:
        """Whether the reader wants an event, given as its JSON object."""
        return (
            self._admits_head(event["kind"], event["name"])
            and (self.fragments or not is_fragment(event))
            and (not self.edits or _tells_edits(event))
        )

    def admits_text(self, text: str) -> bool:
        """The same for an event's JSON text; most need not be read beyond their first hundred characters."""
        head = _HEAD.match(text)
        if head is None:
            return self.admits(json.loads(text))
        if not self._admits_head(head[1], None if head[2] == "null" else json.loads(head[2])):
            return False
        if self.edits and '"type":"files"' not in text:
            return False
        may_be_fragment = not self.fragments and '"transient":true' in text
        return self.admits(json.loads(text)) if self.edits or may_be_fragment else True

    def _admits_head(self, kind: str, name: str | None) -> bool:
        if (self.kinds or self.families) and kind not in self.kinds and not kind.startswith(self.families):
            return False
        return not self.agents or (name is not None and name.translate(_LOWER) in self.agents)


ALL_EVENTS = EventFilter()


def event_filter(
    *, agents: Sequence[str] | None = None, kinds: Sequence[str] | None = None, fragments: bool = True
) -> EventFilter:
    """The filter for agents by name and kinds: exact ones (`turn.ended`) and families (`agent.*`), `*` for all.

    Raises `BadRequest`.
    """
    names, asked = agents or (), kinds or ()
    if len(names) + len(asked) > MAX_VALUES:
        raise BadRequest(f"a filter has {MAX_VALUES} names and kinds at most")
    if any(len(each) > _MAX_CHARACTERS for each in (*names, *asked)):
        raise BadRequest(f"a name or kind has {_MAX_CHARACTERS} characters at most")
    for kind in asked:
        if not _KIND.fullmatch(kind):
            raise BadRequest(f"{kind!r} is not a kind of event: turn.ended, agent.*, …")
    wanted = () if "*" in asked else asked
    return EventFilter(
        agents=frozenset(name.translate(_LOWER) for name in names),
        kinds=frozenset(kind for kind in wanted if not kind.endswith("*")),
        families=tuple(sorted({kind[:-1] for kind in wanted if kind.endswith("*")})),
        fragments=fragments,
    )


def file_contents(event: dict[str, Any]) -> list[dict[str, Any]]:
    """What an agent's frame tells of edited files: the JSON objects of the changes, each with a path."""
    if event["kind"] != "agent.frame":
        return []
    contents = [content for content in event["data"].get("events") or () if isinstance(content, dict)]
    changes = [c.get("changes") for c in contents if c.get("type") == "files"]
    listed = [change for each in changes if isinstance(each, list) for change in each]
    return [change for change in listed if isinstance(change, dict) and isinstance(change.get("path"), str)]


def _tells_edits(event: dict[str, Any]) -> bool:
    return bool(file_contents(event))
