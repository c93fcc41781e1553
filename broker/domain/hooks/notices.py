"""Services that people are notified by: which there are, and what their URLs may say.

The URLs are those of PyPI `apprise`; this list is what of it is let in. Options that read files, turn the check of
certificates off or send elsewhere are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from broker.domain.errors import BadRequest
from broker.domain.hooks.events import HookEvent

DESKTOP = "desktop"
_SERVICES = {
    "ntfy": "ntfy",
    "ntfys": "ntfy",
    "slack": "Slack",
    "discord": "Discord",
    "tgram": "Telegram",
    "mailto": "e-mail",
    "mailtos": "e-mail",
}
_PLAIN = frozenset({"ntfy", "mailto"})
_OPTIONS = frozenset(
    {
        *("priority", "tags", "token", "auth", "click", "footer", "to", "thread", "topic", "silent"),
        *("from", "cc", "bcc", "smtp", "user", "pass", "name", "reply", "port"),
    }
)
_TITLES = {
    HookEvent.APPROVAL_NEEDED: "{agent} needs your approval",
    HookEvent.INPUT_NEEDED: "{agent} asks you",
    HookEvent.TURN_COMPLETE: "{agent} is done",
    HookEvent.TURN_FAILED: "{agent} did not finish",
    HookEvent.COMMAND_FAILED: "A command of {agent} failed",
    HookEvent.AGENT_CRASHED: "{agent} crashed",
    HookEvent.LIMIT: "{agent} has reached its vendor's limit",
    HookEvent.RUN_COMPLETED: "A workflow's run is completed",
    HookEvent.RUN_FAILED: "A workflow's run has failed",
    HookEvent.RUN_NEEDS_HUMAN: "A workflow's run needs you",
    HookEvent.STEP_NEEDS_HUMAN: "A workflow's step needs you",
}
_LONGEST_LINE = 500
_FILES = 10
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Service:
    """What a URL sends with."""

    name: str
    plain: bool
    """Whether nothing is encrypted."""


def require_service(url: str) -> Service:
    """The service of a URL. Raises `BadRequest`, without saying the URL: it has the secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadRequest("it is no URL of a notification service") from None
    scheme = parts.scheme
    if scheme not in _SERVICES:
        raise BadRequest(f"a notification service's URL begins with {', '.join(f'{each}://' for each in _SERVICES)}")
    unknown = sorted({name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - _OPTIONS)
    if unknown:
        raise BadRequest(f"{', '.join(unknown)} cannot be given in a notification service's URL")
    return Service(_SERVICES[scheme], scheme in _PLAIN)


def notice(happened: Mapping[str, Any]) -> tuple[str, str]:
    """The title and text of a notification about what happened, as runs' events have it; its link comes last."""
    data, agent = happened["data"], (happened["agent"] or {}).get("name")
    said = [
        " · ".join(filter(None, (data.get("step"), data.get("run")))),
        data.get("reason"),
        data.get("question"),
        _describe_use(data),
        data.get("last_message"),
        _files(data["files"]),
    ]
    lines = [each[:_LONGEST_LINE] for each in said if each]
    title = _TITLES.get(happened["type"], "{agent}: {event}" if agent else "{event}")
    title = title.format(agent=agent, event=happened["type"])
    return title, "\n".join([*lines, happened["url"]])


def _describe_use(data: Mapping[str, Any]) -> str:
    """What a tool is to do, or has done."""
    what = data.get("command") or (data.get("text") if not data.get("question") else "") or ""
    return f"{data['tool']}: {what}" if data.get("tool") and what else what


def _files(files: Sequence[str]) -> str:
    more = f", and {len(files) - _FILES} more" if len(files) > _FILES else ""
    return f"files: {', '.join(files[:_FILES])}{more}" if files else ""


def is_topic(text: str) -> bool:
    """Whether ntfy takes it as a topic's name."""
    return _TOPIC.fullmatch(text) is not None


def ntfy_url(topic: str, *, priority: int, click: str) -> str:
    """A topic at ntfy.sh; a tap on the notification opens `click`."""
    return f"ntfys://{topic}?priority={priority}&click={quote(click, safe='')}"
