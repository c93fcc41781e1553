"""Why an agent did not start, has ended or has failed, or its message was not delivered: each code in words."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
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
    "deaf": "it did not stop when it was told to",
    "relay_connect_restarted": "relay-connect on its machine was restarted",
    "reports_lost": "what its machine reported last was lost",
    "owner_removed": "the owner of its machine was removed",
    "inbox_full": "too many messages wait for it",
    "dead_letter": "it was handed over several times and never taken",
}
"""The codes in small letters; the dashboard has the same words (`live.reasons` in `web/src/texts.ts`)."""
