"""How a line is spelled by what it passes through on its way into a log, and what must be gone of the secret then."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from collections.abc import Callable

_UNICODE = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&'\"=+\n"})


def plain(text: str) -> str:
    return text


def in_json(text: str) -> str:
    """A tool's result: JSON inside of a string."""
    return json.dumps({"ok": True, "stdout": f"ok\n{text}\nend"})


def in_json_twice(text: str) -> str:
    return json.dumps({"result": in_json(text)})


def percent(text: str) -> str:
    return "q=" + urllib.parse.quote(f"1 {text} 2", safe="")


def in_base64(text: str) -> str:
    return base64.b64encode(f"x: 1\n{text}\n".encode()).decode()


def coloured(text: str) -> str:
    return f"\x1b[1;32m{text}\x1b[0m rest"


def entities(text: str) -> str:
    return f"<p>{html.escape(text)}</p>".replace("=", "&#61;")


def unicode(text: str) -> str:
    return f"\\n{text}\\n".translate(_UNICODE)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": plain,
    "json": in_json,
    "json twice": in_json_twice,
    "percent": percent,
    "base64": in_base64,
    "colours": coloured,
    "entities": entities,
    "unicode": unicode,
}
