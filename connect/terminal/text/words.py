"""The broker's reason codes in words for people. Pure."""

from __future__ import annotations

from broker.domain.agents.reasons import REASONS
from connect.sdk.facts import ChannelJoined, ChannelLeft
from connect.terminal.text.layout import one_line

_MESSAGES_OF_THE_CLI = ("[ede_diagnostic]",)
"""What Claude Code says of itself when it is interrupted; it means nothing to anybody else."""


def reason_words(reason: str | None) -> str:
    """Why something ended; a code this version does not know as it came."""
    return REASONS.get((reason or "").lower()) or one_line(reason or "no reason was given")


def explain_stop(reason: str | None) -> str:
    """Why a turn was stopped, as far as it means something to a person; else nothing."""
    if reason is None or reason.startswith(_MESSAGES_OF_THE_CLI):
        return ""
    return one_line(reason)


def advice(detail: str, *, program: str) -> str:
    """What to do about a problem whose own words lead nowhere here; else nothing."""
    if "/login" in detail or "Failed to authenticate" in detail:
        return f" (log in with `{program}` in a shell on its machine: what that program is typed cannot be typed here)"
    return ""


def describe_move(fact: ChannelJoined | ChannelLeft, name: str) -> str:
    """`joined #dev`, and who put an agent there that did not come by itself."""
    verb = "joined" if isinstance(fact, ChannelJoined) else "left"
    by = f" (by {one_line(fact.by)})" if fact.by and fact.by != name else ""
    return f"{verb} {one_line(fact.channel)}{by}"
