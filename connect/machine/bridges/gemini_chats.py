"""Where Gemini CLI 0.61 keeps its conversations, and what has to be done there before one of them is loaded.

A conversation is a file `session-MINUTE-ID8.jsonl` in `~/.gemini/tmp/PROJECT/chats`: a line of metadata, one for each
message, and `{"$set": …}` for what has changed. Two habits of the CLI would cost it:

* Loaded within the minute in which it was begun, it overwrites its own file.
* Each load leaves a second file under the id, of the minute of the load, that holds nothing. The next start of the CLI
  takes that for a damaged one and deletes all files of the id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from broker.domain.timings import TIMINGS

_ID_IN_NAME = 8
_MESSAGES = frozenset({"user", "gemini"})


def chat_files(environment: Mapping[str, str], conversation: str) -> list[Path]:
    """The files of a conversation, whichever project it belongs to."""
    home = Path(environment.get("HOME", "~")).expanduser()
    return sorted(home.glob(f".gemini/tmp/*/chats/session-*-{conversation[:_ID_IN_NAME]}.jsonl"))


def wait_s(files: Iterable[Path], *, now: datetime) -> float:
    """Until the clock minute is over in which one of them was begun."""
    begun_now = f"session-{now:%Y-%m-%dT%H-%M}-"
    return float(TIMINGS.resume_delay_s - now.second) if any(path.name.startswith(begun_now) for path in files) else 0.0


def remove_leftovers(files: Iterable[Path], conversation: str) -> list[Path]:
    """Delete what loads have left behind, if the conversation itself is there; what remains. Raises `OSError`."""
    lines = {path: _lines(path) for path in files}
    own = {path: found for path, found in lines.items() if any(line.get("sessionId") == conversation for line in found)}
    empty = [path for path, found in own.items() if not any(line.get("type") in _MESSAGES for line in found)]
    if len(empty) == len(own):
        return list(lines)
    for path in empty:
        path.unlink(missing_ok=True)
    return [path for path in lines if path not in empty]


def _lines(path: Path) -> list[dict[str, Any]]:
    """The objects that can be read; the last line of a process that was killed may be torn."""
    found = []
    for line in path.read_bytes().splitlines():
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found
