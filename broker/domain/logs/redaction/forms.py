"""What secrets look like: the forms that are masked in every log, each with its name.

A form is tried only where one of its triggers stands, with the trigger as its anchor: so the cost of all forms together
grows with the number of triggers in a text, and no expression is ever searched for. Texts come here without escapes:
see `encodings`.
"""

from __future__ import annotations

from broker.domain.logs.redaction.form import SecretForm
from broker.domain.logs.redaction.named import NAMED
from broker.domain.logs.redaction.placed import PLACED
from broker.domain.logs.redaction.standing import STANDING

FORMS: tuple[SecretForm, ...] = (*STANDING, *PLACED, *NAMED)
"""The particular before the general, so that a mark tells what it hides."""

ESCAPED_TRIGGERS: tuple[str, ...] = (
    *(rf"\u00{digit}" for digit in "234567"),
    *("%3A", "%3a", "%3D", "%3d", "%25", "&#58;", "&#61;", "&#x3", r":\/\/", r":\\/\\/"),
)
"""Where a trigger's own characters may be spelled otherwise."""

BASE64_WORDS: tuple[str, ...] = (
    *(trigger for form in FORMS for trigger in form.triggers if len(trigger) > 3),
    *(f"{letter}://" for letter in "abcehlmpqstv"),
    *("eyJ", "sk-", "SG.", "hf_", "r8_", "pwd=", "PWD=", "_KEY", "_key", "-Key", "-key", "apiKey", "ApiKey"),
)
"""What is looked for in base64; three letters of it stand in too many words."""
