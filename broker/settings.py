"""Settings of the broker's processes, from RELAYCAST_* environment variables and the command line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from broker.domain.people.workspaces import SignUp
from broker.domain.plans.api_limits import ApiLimits, DocumentTrust
from broker.domain.plans.connection_limits import ConnectionLimits
from broker.domain.plans.plans import BUILT_IN, Plan, PlanTable
from broker.domain.plans.request_rate import RequestRate
from broker.domain.timings import TIMINGS
from broker.protocol.local import (
    ADMINISTRATOR_KEY_FILE,
    CHECKPOINT_FILE,
    DEFAULT_PORT,
    KEY_FILE,
    SECRET_KEY_FILE,
    UP_FILE,
)

ERRORS_FILE = "errors.log"
"""In the data folder of `up`: the warnings and errors of late, as lines of JSON, for `relaycast bundle`."""


def default_data_dir() -> Path:
    """The platform's folder for user data."""
    return Path(platformdirs.user_data_dir("relaycast"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLSettings:
    """Of /graphql."""

    limits: ApiLimits = field(default_factory=ApiLimits)
    document_trust: DocumentTrust = DocumentTrust.OFF
    trusted_documents: Path | None = None
    """A folder of `*.graphql` files, or a JSON file of documents by hash."""
    graphiql: Path | None = None
    """For developers: the folder with the npm packages of GraphiQL, which browsers are then shown."""


STRIPE_URL = "https://api.stripe.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """Whose account at Stripe takes the money, and how."""

    key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    """What webhooks are signed with."""
    url: str = STRIPE_URL
    trial_days: int = 0
    tax: bool = False
    """Whether Stripe computes tax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWebhook:
    """Who is sent checkpoints of audit trails."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)
    """What signs them, `whsec_…`: each does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """Of an event loop that takes no turn."""

    told_s: float = 5.0
    """It is logged, with the stack of every thread, and counted."""
    ended_s: float = 20.0
    """The process ends, for whatever supervises it to start it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a process needs to know to start."""

    data_dir: Path = field(default_factory=default_data_dir)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """0 lets the system choose."""
    redis_url: str | None = None
    """None: a Valkey server of our own in the data folder."""
    join: bool = False
    """Whether `up` may run on a store that belongs to another data folder, with a key of its own beside the other's."""
    clickhouse_url: str | None = None
    """None: the engine in this process, on the data folder; only `up` has that."""
    keep_logs: bool = True
    """Whether sessions' logs go to a log store; without one they end with what Redis holds."""
    public_url: str | None = None
    """How people and machines reach the gateway, when a proxy or load balancer stands before it; may have a path."""
    tls_cert: Path | None = None
    """The gateway's own certificate chain, as PEM; None: it speaks plain HTTP."""
    tls_key: Path | None = None
    """The key of it, without a passphrase."""
    allowed_hosts: tuple[str, ...] = ()
    """What this gateway is called in Host headers, beside the URL's name, the machine's own names and addresses."""
    allowed_origins: tuple[str, ...] = ()
    """Pages of these may act for people who signed in, beside our own: `https://host`, no path."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of load balancers whose X-Forwarded-For and X-Forwarded-Proto count."""
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    requests: RequestRate = field(default_factory=RequestRate)
    health_port: int | None = None
    """Of the watchdog's own listener, which answers while the event loop stands still; None: it has none."""
    health_host: str = "127.0.0.1"
    metrics_port: int | None = None
    """Of a listener for /metrics alone; None: it has none."""
    metrics_host: str = "127.0.0.1"
    metrics_token_file: Path | None = None
    """Holds what whoever reads /metrics must bring, on every port; None: the gateway's is for its own machine alone."""
    standstill: Standstill = field(default_factory=Standstill)
    owner: str = "operator"
    """The name of the person that `up` makes the first owner."""
    plans: PlanTable = BUILT_IN
    """What each plan allows; the same for every process of an installation."""
    plan: Plan = Plan.TEAM
    """Of the workspace that `up` makes; a broker of one's own has no reason to be tight."""
    sign_up: SignUp = SignUp.CLOSED
    """Who may make a workspace, beside who runs the installation."""
    audit_checkpoints: Path | None = None
    """A file that checkpoints of audit trails are added to; None: `up` has one in its data folder, others none."""
    audit_webhook: AuditWebhook | None = None
    """Where they are sent besides; None: nowhere."""
    approval_deadline_s: int = TIMINGS.approval_deadline_s
    """A request that nobody answers is denied after it, with that reason."""
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    """What secrets are sealed with: the first seals, all open. `up` has one in the data folder where none is given."""
    allow_outbound: tuple[str, ...] = ()
    """Networks (CIDR) that the broker may call for its workspaces, besides the public Internet."""
    github_url: str = "https://api.github.com"
    """The API that steps of type integration call; of GitHub Enterprise Server, `https://HOST/api/v3`."""
    stripe: StripeSettings | None = None
    """None: plans are not paid for here."""
    graphql: GraphQLSettings = field(default_factory=GraphQLSettings)
    fan_out_in_common: bool = True
    """Whether live events are made ready once for all who follow them; else each subscriber's are executed for it."""
    traces: float = 0
    """The part of messages, 0 to 1, whose way is traced by OpenTelemetry."""
    unread_s: float = 30.0
    """A peer that does not take what it asked for is hung up on after this time."""
    drain_s: float = 5.0
    """How long running requests may take to finish after SIGTERM."""

    @property
    def url(self) -> str:
        """The base URL to print and to put in links."""
        scheme = "https" if self.tls_cert else "http"
        return (self.public_url or f"{scheme}://{_in_url(self.host)}:{self.port}").rstrip("/")

    @property
    def plan_table(self) -> PlanTable:
        """The plans, with the page that shows what of them is used where the operator names no other."""
        return self.plans if self.plans.link else replace(self.plans, link=f"{self.url}/usage")

    @property
    def path(self) -> str:
        """Of `url`, as `/relay`, where a proxy has given us a part of its host; else empty."""
        return urlsplit(self.url).path

    @property
    def origin(self) -> str:
        """Of the pages at `url`, as browsers say it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def key_file(self) -> Path:
        """The workspace key, mode 0600."""
        return self.data_dir / KEY_FILE

    @property
    def administrator_key_file(self) -> Path:
        """The folder's key of the installation, mode 0600."""
        return self.data_dir / ADMINISTRATOR_KEY_FILE

    @property
    def secret_key_file(self) -> Path:
        """The keys that `up` seals secrets with where none are given, mode 0600."""
        return self.data_dir / SECRET_KEY_FILE

    @property
    def installation_file(self) -> Path:
        """The id of the installation that the folder belongs to."""
        return self.data_dir / "installation"

    @property
    def checkpoint_file(self) -> Path:
        """Where checkpoints of audit trails are, unless somebody said where."""
        return self.data_dir / CHECKPOINT_FILE

    @property
    def log_folder(self) -> Path:
        """Where the embedded log store lies."""
        return self.data_dir / "clickhouse"

    @property
    def up_file(self) -> Path:
        """Where a running `up` says how to reach it."""
        return self.data_dir / UP_FILE


def _in_url(host: str) -> str:
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - shown, not bound
    return f"[{shown}]" if ":" in shown else shown
