"""What a rule says of the uses of tools that it matches; whoever only shows or keeps rules needs no more of them."""

from __future__ import annotations

from enum import StrEnum


class Effect(StrEnum):
    """What a matching rule does."""

    ALLOW = "allow"
    ASK = "ask"
    REQUIRE = "require"
    """People that it names have to say yes; nothing stands in for them."""
    DENY = "deny"
