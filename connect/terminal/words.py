"""The broker's reason codes in words for people. Pure."""

from __future__ import annotations

from connect.sdk.facts import ChannelJoined, ChannelLeft
from connect.terminal.text import one_line

_REASONS = {
    "agent_failed": "it failed",
    "agent_released": "it was released",
    "released": "it was released",
    "expired": "nobody took it in time",
    "exited": "its program ended by itself",
    "spawn_timeout": "it was not ready in time",
    "spawn_failed": "its program could not be started",
    "handshake_failed": "its program does not speak the protocol it should",
    "logged_out": "its program is not logged in on its machine",
    "model_refused": "it does not work with that model",
    "resume_failed": "its conversation could not be taken up again",
    "protocol_error": "what it said could not be understood",
    "cwd_missing": "its folder is not there",
    "cli_missing": "its program is not installed",
    "proxy_stopped": "relay-connect on its machine was ended",
    "unresponsive": "it neither answered nor ended its turn",
    "stuck": "it no longer reads what it is told",
    "internal": "something unforeseen happened on its machine",
}
_MESSAGES_OF_THE_CLI = ("[ede_diagnostic]",)
"""What Claude Code says of itself when it is interrupted; it means nothing to anybody else."""


def reason_words(reason: str | None) -> str:
    """Why something ended; a code this version does not know as it came."""
    return _REASONS.get((reason or "").lower()) or one_line(reason or "no reason was given")


def stopped_because(reason: str | None) -> str:
    """Why a turn was stopped, as far as it means something to a person; else nothing."""
    if reason is None or reason.startswith(_MESSAGES_OF_THE_CLI):
        return ""
    return one_line(reason)


def advice(detail: str, *, program: str) -> str:
    """What to do about a problem whose own words lead nowhere here; else nothing."""
    if "/login" in detail or "Failed to authenticate" in detail:
        return f" (log in with `{program}` in a shell on its machine: what that program is typed cannot be typed here)"
    return ""


def moved_words(fact: ChannelJoined | ChannelLeft, name: str) -> str:
    """`joined #dev`, and who put an agent there that did not come by itself."""
    verb = "joined" if isinstance(fact, ChannelJoined) else "left"
    by = f" (by {one_line(fact.by)})" if fact.by and fact.by != name else ""
    return f"{verb} {one_line(fact.channel)}{by}"
