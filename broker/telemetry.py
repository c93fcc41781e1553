"""Counters and gauges, as Prometheus reads them at /metrics, and how logs are written."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram, Metric
from typing_extensions import override

from broker.domain.errors import RelayError, SpawnFailed
from broker.domain.people.token_text import hide_tokens

_MOST_VALUES = 100
"""Of one label. A series is kept for ever, in us and in whoever scrapes."""
OTHER = "other"


class FewCounter:
    """A counter by one label whose values come from a closed set, even when that is taken from what a peer said."""

    def __init__(self, name: str, documentation: str, label: str) -> None:
        self._counter = Counter(name, documentation, [label])
        self._known: set[str] = set()

    def labels(self, value: str) -> Counter:
        """The counter of that value; of all others together once there are many."""
        if value not in self._known:
            if len(self._known) >= _MOST_VALUES:
                value = OTHER
            self._known.add(value)
        return self._counter.labels(value)

    def collect(self) -> Iterable[Metric]:
        """What is counted, as `prometheus_client` has it."""
        return self._counter.collect()


LINKS = Gauge("relaycast_links", "Connected peers", ["kind"])
EVENT_READERS = Gauge("relaycast_event_readers", "Open live readers of session logs")
COMMANDS = Counter("relaycast_commands_sent_total", "Commands written to peers")
REPORTS = FewCounter("relaycast_reports_total", "Reports taken from peers", "kind")
UNRECOGNISED = Counter("relaycast_unrecognised_frames_total", "Native frames of a type this version does not know")
MESSAGES = Counter("relaycast_messages_total", "Messages accepted", ["mode"])
REDACTIONS = FewCounter("relaycast_redactions_total", "Secrets masked before storage", "rule")
REFUSALS = FewCounter("relaycast_refusals_total", "Requests refused", "code")
STRANGERS = Gauge("relaycast_strangers", "Open connections that nobody has authenticated on")
CUT_OFF = Counter("relaycast_connections_cut_off_total", "Connections closed for what their peer did not do", ["why"])
BROKEN_OFF = Counter("relaycast_requests_broken_off_total", "Requests whose client left before they were complete")
STANDSTILLS = Counter("relaycast_standstills_total", "Times the event loop took no turn for seconds")
REQUEST_SECONDS = Histogram(
    "relaycast_request_seconds", "HTTP request duration", ["route"], buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1)
)


def count_refusal(error: RelayError) -> None:
    """One more. What a machine gives as its reason for a failed start is its own word, and no label."""
    REFUSALS.labels(SpawnFailed.code if isinstance(error, SpawnFailed) else error.code).inc()


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
        return hide_tokens(super().format(record))


def configure_logging(*, verbose: bool) -> None:
    """Log to stderr, without tokens."""
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
