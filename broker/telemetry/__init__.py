"""What Prometheus reads at /metrics. Labels are few: no workspace, session, agent or person is one.

Counters and histograms are of the process that is asked, and are to be added up. The gauges of the last group are of
the whole installation, which each worker surveys: of those the greatest, or any, counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram, Info, Metric

from broker import __version__
from broker.domain.errors import RelayError, SpawnFailed

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

BUILD = Info("relaycast_build", "The version that runs")
BUILD.info({"version": __version__})

# Messages. What each step takes is measured where the log is shipped, see `services.messages.steps`.
STEP_SECONDS = Histogram(
    "relaycast_message_step_seconds",
    "Time from a message's acceptance to a step with one recipient",
    ["step"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200),
)
UNDELIVERABLE = FewCounter(
    "relaycast_messages_undeliverable_total", "Messages that did not reach a recipient", "reason"
)
REDELIVERIES = Counter("relaycast_redeliveries_total", "Messages that were sent to a process anew")

# Connections of machines (`proxy`) and of agents that dial in (`direct`).
CONNECTS = Counter(
    "relaycast_connects_total",
    "Connections that were attached, of a process that is new or that came again",
    ["kind", "how"],
)
CLOSES = FewCounter("relaycast_closes_total", "Connections of peers that the broker closed, by close code", "code")
MAILBOX_READS = Counter("relaycast_mailbox_reads_total", "Times a mailbox was read because a signal was late or lost")
READERS_BEHIND = Counter(
    "relaycast_event_readers_behind_total", "Live readers that fell behind and went on from the log"
)
BUS_BREAKS = Counter("relaycast_bus_breaks_total", "Connections for signals that broke and were made anew")
FRAMES_DROPPED = Counter("relaycast_frames_dropped_total", "Frames that machines dropped because their spool was full")

# Shipping of logs.
SHIPPED = Counter("relaycast_shipped_events_total", "Log events that the log store took")
SHIP_SECONDS = Histogram(
    "relaycast_ship_seconds",
    "Duration of one insert into the log store",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
SPANS = Counter("relaycast_spans_total", "Spans of traces that were made of shipped events")
SHIP_FAILURES = Counter("relaycast_ship_failures_total", "Inserts that the log store did not take")

LOOP_LAG_SECONDS = Histogram(
    "relaycast_loop_lag_seconds",
    "How late the event loop was for a turn that was asked for, twice a second",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)

# Of the installation, as a worker's survey last found it; see `services.operations.survey`.
SURVEYS = Counter("relaycast_surveys_total", "Surveys of the installation that this worker has completed")
SURVEY_SECONDS = Gauge("relaycast_survey_seconds", "How long that took")
WAITING = Gauge("relaycast_waiting", "Messages that no agent has in its turn, and log events not shipped", ["what"])
WAITING_SECONDS = Gauge("relaycast_waiting_oldest_seconds", "For how long the oldest of them has waited", ["what"])
STORE_READY = Gauge("relaycast_store_ready", "1 for a store that is in order, 0 for one that is not", ["store"])
STORE_FULL = Gauge("relaycast_store_full_ratio", "The used part of a store's memory or disk, 0 to 1", ["store"])
PROCESSES = Gauge("relaycast_processes", "Processes of the broker that live", ["kind"])
VERSIONS = Gauge("relaycast_versions", "How many versions of the broker run")
AGENTS = Gauge("relaycast_agents", "Living agents", ["state"])
WORKSPACES = Gauge("relaycast_workspaces", "Workspaces")


def count_refusal(error: RelayError) -> None:
    """One more. What a machine gives as its reason for a failed start is its own word, and no label."""
    REFUSALS.labels(SpawnFailed.code if isinstance(error, SpawnFailed) else error.code).inc()
