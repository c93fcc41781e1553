"""What hooks send to other services: written once, the same in every attempt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from broker.domain.hooks.definitions import Delivered, Hook, NotifyAction
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.notices import notice
from broker.domain.hooks.templates import fill_text
from broker.domain.outbound.urls import show_host
from broker.domain.secrets.references import PREFIX, find_reference
from broker.services.hooks.scene import Scene, values_of, what_happened

MAX_BODY_BYTES = 20_000
"""Of a webhook, as Standard Webhooks proposes; longer texts are cut."""
_FILES = 100
_LONGEST_NOTICE = 1500
"""Characters: the least that one of the services takes is 2000, with its title."""
_LONGEST_TEXT = 2048


def write_delivery(
    scene: Scene, hook: Hook, action: Delivered, happening: Happening, *, run: str, files: Sequence[str]
) -> bytes:
    """What is kept to be sent, as JSON: where, what signs it, and the body as text."""
    if isinstance(action, NotifyAction):
        title, text = notice(what_happened(scene, happening, run=run, files=files))
        if action.text is not None:
            text = fill_text(action.text, values_of(scene, happening, files))
        url = values_of(scene, happening, files)["url"]
        target = (
            {"topic": action.topic, "priority": action.priority, "click": url} if action.topic else {"to": action.to}
        )
        return orjson.dumps({"kind": "notify", "title": title, "text": text[:_LONGEST_NOTICE], **target})
    body = webhook_body(scene, hook, happening, run=run, files=files)
    return orjson.dumps({"kind": "webhook", "url": action.url, "secret": action.secret, "body": body.decode()})


def show_target(action: Delivered) -> str:
    """Where something goes, as the log may say it: a URL's path can be a secret."""
    if isinstance(action, NotifyAction):
        return f"ntfy.sh/{action.topic}" if action.topic else f"{PREFIX}{action.to}"
    return action.url if find_reference(action.url) else show_host(action.url)


def webhook_body(scene: Scene, hook: Hook, happening: Happening, *, run: str, files: Sequence[str]) -> bytes:
    """`{type, timestamp, data}`, in `MAX_BODY_BYTES`."""
    at = datetime.fromtimestamp(happening.at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    about = what_happened(scene, happening, run=run, files=files[:_FILES])
    about |= {"hook": hook.id, "workspace": scene.workspace}
    longest, listed = _LONGEST_TEXT, _FILES
    while True:
        about["data"] = _cut(about["data"], longest, files[:listed])
        body = orjson.dumps({"type": happening.event, "timestamp": at, "data": about})
        if len(body) <= MAX_BODY_BYTES or not longest:
            return body
        longest, listed = longest // 2, listed // 2


def _cut(data: dict[str, Any], longest: int, files: Sequence[str]) -> dict[str, Any]:
    texts = {name: value[:longest] if isinstance(value, str) else value for name, value in data.items()}
    return {**texts, "files": [path for path in files if len(path) <= 2 * longest]}
