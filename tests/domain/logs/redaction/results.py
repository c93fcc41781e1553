"""What redaction makes of the corpus: whether each secret is gone in each spelling, and all else stays."""

from __future__ import annotations

import base64
import json

from broker.adapters.trigger_search import automaton
from broker.domain.logs.redaction import Redactor
from broker.domain.logs.redaction.streaming import StreamMask
from tests.domain.logs.redaction.secret_corpus import Sample
from tests.domain.logs.redaction.spellings import SPELLINGS

REDACTOR = Redactor(search=automaton)
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_LEFT = 8
"""So many characters of a secret in a row are too many."""

NOT_CAUGHT: dict[tuple[str, str], str] = {
    (name, "base64"): "its mark has three characters, too few to look for in base64"
    for name in ("Azure client secret", "Telegram")
}
"""Cells that are not claimed, each with the reason."""


def masked(text: str) -> str:
    """The text as an event's reader sees it."""
    event = json.dumps({"data": {"text": text}}, ensure_ascii=False)
    shown: str = json.loads(REDACTOR.json_text(event).text)["data"]["text"]
    return shown


def shown_in_fragments(text: str) -> str:
    """The text as it is streamed, three characters at a time."""
    mask = StreamMask(REDACTOR)
    return "".join([*(mask.take(text[at : at + 3]) for at in range(0, len(text), 3)), mask.end()])


def is_caught_in_fragments(sample: Sample) -> bool:
    """Whether nothing of a secret that is streamed can be read."""
    shown = shown_in_fragments(f"{sample.line}\nend")
    return "[redacted:" in shown and not _has_part(shown, sample.secret)


def is_caught(sample: Sample, spelling: str) -> bool:
    """Whether nothing of the secret can be read any more, and what stands before it still can."""
    write = SPELLINGS[spelling]
    shown = masked(write(sample.line))
    return "[redacted:" in shown and not _shows(shown, sample, spelling) and _keeps(shown, sample, spelling)


def _shows(shown: str, sample: Sample, spelling: str) -> bool:
    if spelling == "base64":
        shown = "".join(_decoded(part) for part in shown.replace("]", "[").split("["))
        return _has_part(shown, sample.secret)
    written = SPELLINGS[spelling](sample.line)
    spelled = json.dumps(sample.secret)[1:-1]
    return any(_has_part(shown, each) for each in {sample.secret, spelled, _secret_within(written, sample)})


def _secret_within(written: str, sample: Sample) -> str:
    return sample.secret if sample.secret in written else ""


def _has_part(shown: str, secret: str) -> bool:
    length = min(_LEFT, len(secret))
    return length > 3 and any(secret[at : at + length] in shown for at in range(len(secret) - length + 1))


def _keeps(shown: str, sample: Sample, spelling: str) -> bool:
    words = [word for word in sample.before.split() if word.isalpha()]
    return spelling == "base64" or all(word in shown for word in words)


def _decoded(part: str) -> str:
    texts = []
    for skip in range(4):
        run = part[skip:]
        run = "".join(each for each in run if each in _BASE64)
        run = run[: len(run) // 4 * 4]
        texts.append(base64.b64decode(run, validate=False).decode("latin-1"))
    return "\n".join(texts)
