"""What a permission request or a question can be answered with, what an agent's program offers for that, and its end.

Nothing here knows of rules: machines and terminals read answers, and load none of what decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ApprovalStatus(StrEnum):
    """`pending` ends in exactly one of the others; the first valid answer wins."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    """The agent no longer asks: its turn or its process ended."""
    EXPIRED = "expired"
    """Nobody answered before the deadline; the agent was told no."""
    ANSWERED = "answered"
    """Of a question: the agent has the answers. One that nobody wants to answer is denied."""


class Verdict(StrEnum):
    """What an answer says."""

    ALLOW = "allow"
    DENY = "deny"


class Scope(StrEnum):
    """How long an answer holds."""

    ONCE = "once"
    SESSION = "session"
    """The broker allows the same again, without asking, as long as the agent lives: the same command in the same
    folder, a change of the same files, or the same tool with the same input. Rules that deny or ask go before, and it
    ends with the right of whoever said so to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOption:
    """One of the answers that the agent's program offers."""

    id: str
    """The program's own word for it."""
    name: str
    """What a person reads."""
    kind: str
    """`allow_once`, `allow_always`, `reject_once`, `reject_always` (Agent Client Protocol 1, `PermissionOptionKind`),
    or a word of the program's that this version does not know."""

    @property
    def verdict(self) -> Verdict | None:
        """What it says; None where its kind is not known."""
        return _VERDICTS.get(self.kind)

    @property
    def lasts(self) -> bool:
        """Whether it may hold for more than this request: that is so for all that do not say that they hold once."""
        return self.kind not in {"allow_once", "reject_once"}

    @property
    def shown(self) -> str:
        """Its name and its kind."""
        return f"{self.name} ({self.kind})"


_VERDICTS = {
    "allow_once": Verdict.ALLOW,
    "allow_always": Verdict.ALLOW,
    "reject_once": Verdict.DENY,
    "reject_always": Verdict.DENY,
}


_MERE_WORDS = frozenset(
    {"allow", "allow once", "approve", "approve once", "yes", "proceed"}
    | {"reject", "reject once", "deny", "deny once", "no", "cancel"}
)
"""Qwen Code offers `Allow` beside `Switch to Default Mode and allow once`, both of the kind `allow_once`."""


def plain_option(options: Sequence[AnswerOption], verdict: Verdict) -> AnswerOption | None:
    """The option that a mere yes or no stands for.

    The only one that holds once, or the only one of these that says no more than yes or no; where none holds once, the
    same of those that last, which is told with the request. None where that leaves several, or none is of the wanted
    kind: then a person has to choose.
    """
    wanted = [option for option in options if option.verdict is verdict]
    nearest = [option for option in wanted if not option.lasts] or wanted
    if len(nearest) > 1:
        nearest = [option for option in nearest if option.name.strip().lower() in _MERE_WORDS]
    return nearest[0] if len(nearest) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAnswer:
    """An answer as it is given to the agent."""

    verdict: Verdict
    scope: Scope = Scope.ONCE
    note: str = ""
    """Told to the agent when denied."""
    interrupt: bool = False
    """Denied, and the turn ends."""
    updated_input: dict[str, Any] | None = None
    """Run this instead of what was asked; Claude only."""
    option_id: str | None = None
    """The one of the offered answers that is given; None: the one that the verdict stands for."""
    answers: dict[str, list[str]] | None = None
    """To a question that is not declined: what was chosen or said, by the prompts' ids."""

    @property
    def lasts(self) -> bool:
        """Whether it is a yes to all that is like it, for as long as the agent lives."""
        return self.verdict is Verdict.ALLOW and self.scope is Scope.SESSION and self.updated_input is None
