"""What hangs on a token or a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependants:
    """What ends with a token or a person, besides itself and what is short-lived."""

    tokens: int = 0
    """Made with it, and with those, and so on."""
    machines: int = 0
    """Linked with one of them."""
    agents: int = 0
    """On those machines: they stay, but cannot act until their machine is linked with a token that is good."""

    @property
    def in_words(self) -> str:
        """As people are told; empty for nothing."""
        some = (
            (self.tokens, "{} token", "{} tokens"),
            (self.machines, "the link of {} machine", "the links of {} machines"),
            (self.agents, "what {} agent may do", "what {} agents may do"),
        )
        words = [(one if count == 1 else many).format(count) for count, one, many in some if count]
        return f"with it end {', '.join(words)}" if words else ""
