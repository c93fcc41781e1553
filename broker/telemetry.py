"""Counters and gauges, as Prometheus reads them at /metrics, and how logs are written."""

from __future__ import annotations

import logging
import re

from prometheus_client import Counter, Gauge, Histogram
from typing_extensions import override

from broker.domain.access import NOT_IN_A_WORD

LINKS = Gauge("relaycast_links", "Connected peers", ["kind"])
EVENT_READERS = Gauge("relaycast_event_readers", "Open live readers of session logs")
COMMANDS = Counter("relaycast_commands_sent_total", "Commands written to peers")
REPORTS = Counter("relaycast_reports_total", "Reports taken from peers", ["kind"])
UNRECOGNISED = Counter("relaycast_unrecognised_frames_total", "Native frames of a type this version does not know")
MESSAGES = Counter("relaycast_messages_total", "Messages accepted", ["mode"])
REDACTIONS = Counter("relaycast_redactions_total", "Secrets masked before storage", ["rule"])
REFUSALS = Counter("relaycast_refusals_total", "Requests refused", ["code"])
STRANGERS = Gauge("relaycast_strangers", "Open connections that nobody has authenticated on")
CUT_OFF = Counter("relaycast_connections_cut_off_total", "Connections closed for what their peer did not do", ["why"])
BROKEN_OFF = Counter("relaycast_requests_broken_off_total", "Requests whose client left before they were complete")
STANDSTILLS = Counter("relaycast_standstills_total", "Times the event loop took no turn for seconds")
REQUEST_SECONDS = Histogram(
    "relaycast_request_seconds", "HTTP request duration", ["route"], buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1)
)

_SECRET = re.compile(rf"{NOT_IN_A_WORD}([a-z]{{2}}_live_)[A-Za-z0-9_-]{{8,}}")


_NOISE = ("Invalid HTTP request received.", "Unsupported upgrade request.", "Invalid UTF-8 sequence received")
"""What uvicorn says of each peer that speaks nonsense: any stranger could fill the log with it."""


class _NoNoise(logging.Filter):
    """Drops what strangers can have logged as often as they like."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(_NOISE)


class TokenFreeFormatter(logging.Formatter):
    """Cuts tokens out of everything that is logged, tracebacks included."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return _SECRET.sub(r"\1[redacted]", text) if "_live_" in text else text


def configure_logging(*, verbose: bool) -> None:
    """Log to stderr, secrets redacted."""
    handler = logging.StreamHandler()
    handler.setFormatter(TokenFreeFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logging.getLogger("broker").setLevel(logging.DEBUG if verbose else logging.INFO)
    if not verbose:
        logging.getLogger("uvicorn.error").addFilter(_NoNoise())
    # Each try to reach a server that is away would be told twice: here, and by those who tried.
    for driver in ("clickhouse_connect", "urllib3"):
        logging.getLogger(driver).setLevel(logging.DEBUG if verbose else logging.ERROR)
