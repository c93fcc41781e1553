"""What the demo agent remembers of its conversations, on disk, so that `session/load` can continue one."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

import platformdirs

_KEPT = 50
"""Conversations; the oldest are forgotten."""
_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One prompt with its answer."""

    message_ids: list[str]
    prompt: str
    answer: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Conversation:
    """One ACP session."""

    id: str
    exchanges: list[Exchange] = field(default_factory=list)

    def knows(self, message_id: str) -> bool:
        """Whether the message was dealt with before."""
        return any(message_id in exchange.message_ids for exchange in self.exchanges)

    def add(self, exchange: Exchange) -> None:
        """Remember one more, on disk too; written whole and renamed, so a crash leaves the old or the new."""
        self.exchanges.append(exchange)
        path = _path(self.id)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(each) for each in self.exchanges]))
        fresh.replace(path)


def begin() -> Conversation:
    """A new conversation."""
    for old in sorted(_folder().glob("*.json"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)
    return Conversation(id=str(uuid4()))


def recall(conversation_id: str) -> Conversation | None:
    """An earlier conversation, if it is remembered."""
    try:
        found = json.loads(_path(conversation_id).read_text()) if _ID.fullmatch(conversation_id) else None
    except (OSError, ValueError):
        return None
    return None if found is None else Conversation(id=conversation_id, exchanges=[Exchange(**each) for each in found])


def _folder() -> Path:
    configured = os.environ.get("DEMO_AGENT_STATE_DIR")
    return Path(configured or Path(platformdirs.user_state_dir("relaycast")) / "demo-agent")


def _path(conversation_id: str) -> Path:
    return _folder() / f"{conversation_id}.json"
