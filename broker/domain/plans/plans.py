"""What each plan allows, holds and costs: one table, which an operator can replace by a file of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import PlanLimitReached
from broker.domain.plans.list_prices import LIST_PRICES
from broker.domain.plans.prices import PriceTable


class Plan(StrEnum):
    """The plans. A file of the operator's says what each allows and costs; there are no others."""

    FREE = "free"
    PRO = "pro"
    TEAM = "team"


class Limit(StrEnum):
    """What a plan counts and refuses more of; the fields of `Limits`."""

    AGENTS = "agents"
    MESSAGES = "messages_per_day"
    MEMBERS = "members"
    LOG_DAYS = "log_days"
    API_POINTS = "api_points_per_s"


class Feature(StrEnum):
    """What a plan has or has not."""

    HOOKS = "hooks"
    WORKFLOWS = "workflows"
    AUDIT = "audit"
    SSO = "sso"


class Meter(StrEnum):
    """What is counted and can have a price."""

    MESSAGES = "messages"
    AGENT_MINUTES = "agent_minutes"
    LOG_BYTES = "log_bytes"
    HOOK_RUNS = "hook_runs"
    WORKFLOW_RUNS = "workflow_runs"
    SEATS = "seats"


PAYMENT = "payment"
"""What a refusal names while a workspace is read-only because it was not paid for."""
_LIMITS = {
    Limit.AGENTS: (("1 agent at once", "{} agents at once"), "release one"),
    Limit.MESSAGES: (("1 message a day", "{} messages a day"), "wait until 00:00 UTC"),
    Limit.MEMBERS: (("1 person", "{} people"), "remove one"),
}
"""What is said of a limit that refuses: how much it is, and what helps beside another plan."""
_FEATURES = {
    Feature.HOOKS: "hooks",
    Feature.WORKFLOWS: "workflow runs",
    Feature.AUDIT: "an audit log",
    Feature.SSO: "single sign-on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The figures of a plan; 0 means none."""

    agents: int = 0
    """Alive at the same time."""
    messages_per_day: int = 0
    """Accepted in one UTC day."""
    members: int = 0
    log_days: int = 365
    """There is always one: logs end."""
    api_points_per_s: int = 0
    """That a token earns; 0: as many as the installation gives."""


_MOST_PLACES = 12
"""Of a price's decimal number of cents, at Stripe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """How a meter is billed in a month: `included` units are in the price; beyond, `per` units cost `cents`.

    Fewer cost their share. The sum of a month is rounded to the cent, halves up, as Stripe does.
    """

    included: int = 0
    """0 with a price: none is."""
    per: int = 1
    cents: int = 0
    """0: what goes beyond is not billed."""

    def cost_cents(self, units: int) -> int:
        """For so many units of a month."""
        over = max(0, units - self.included)
        return (2 * over * self.cents + self.per) // (2 * self.per)

    @property
    def unit_cents(self) -> str | None:
        """The price of one unit as a decimal number of cents; None when it has more places than Stripe takes."""
        scaled = self.cents * 10**_MOST_PLACES
        if scaled % self.per:
            return None
        whole, rest = divmod(scaled // self.per, 10**_MOST_PLACES)
        return f"{whole}.{rest:0{_MOST_PLACES}}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All that is to be known of one plan."""

    plan: Plan
    title: str
    price_cents: int
    """US cents a month."""
    per_seat: bool = False
    """Whether that is for each member."""
    limits: Limits
    features: frozenset[Feature] = frozenset()
    meters: Mapping[Meter, Metered]

    @property
    def limit_figures(self) -> dict[Limit, int]:
        """The limits by name."""
        return {each: getattr(self.limits, each) for each in Limit}

    def month_cents(self, used: Mapping[Meter, int], *, seats: int) -> int:
        """What a whole month costs: the price, and what went beyond the included amounts."""
        base = self.price_cents * (seats if self.per_seat else 1)
        return base + sum(metered.cost_cents(used.get(meter, 0)) for meter, metered in self.meters.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTable:
    """The terms of every plan, the smallest first, and where a person changes theirs."""

    terms: Mapping[Plan, Terms]
    prices: PriceTable = LIST_PRICES
    """Of models, for what no vendor reports a cost for."""
    link: str = ""
    """Told with every refusal; empty: who runs the installation has to be asked."""

    def __getitem__(self, plan: Plan) -> Terms:
        return self.terms[plan]

    def limits(self, plan: Plan) -> Limits:
        """The figures of that plan."""
        return self.terms[plan].limits

    @property
    def log_days(self) -> dict[str, int]:
        """How long each plan keeps logs, by its name."""
        return {str(plan): terms.limits.log_days for plan, terms in self.terms.items()}

    def has(self, plan: Plan, feature: Feature) -> bool:
        """Whether the plan has it."""
        return feature in self.terms[plan].features

    def with_feature(self, feature: Feature) -> list[Plan]:
        """The plans that have it."""
        return [each for each in Plan if self.has(each, feature)]

    def require_feature(self, plan: Plan, feature: Feature) -> None:
        """Raise `PlanLimitReached` when the plan has it not."""
        if not self.has(plan, feature):
            raise self.refusal(plan, feature)

    def with_more(self, plan: Plan, what: Limit | Feature) -> Plan | None:
        """The first plan that has more of it than `plan`; None: no other has."""
        if isinstance(what, Feature):
            return next(iter(self.with_feature(what)), None)
        mine = _as_size(self.terms[plan].limit_figures[what])
        larger = (each for each in Plan if _as_size(self.terms[each].limit_figures[what]) > mine)
        return next(larger, None)

    def refusal(self, plan: Plan, what: Limit | Feature, *, resets_at_ms: int | None = None) -> PlanLimitReached:
        """What is said, everywhere in the same words, when a plan allows no more of something, or has it not."""
        more = self.with_more(plan, what)
        allowed = None if isinstance(what, Feature) else self.terms[plan].limit_figures[what]
        details: dict[str, object] = {
            "what": str(what),
            "limit": allowed,
            "plan": str(plan),
            "plan_with_more": None if more is None else str(more),
            "link": self.link or None,
            **({"resets_at_ms": resets_at_ms} if resets_at_ms is not None else {}),
        }
        return PlanLimitReached(f"{self._describe_reached(plan, what)}: {self._way_out(what, more)}", details=details)

    def unpaid(self, plan: Plan) -> PlanLimitReached:
        """What is said, everywhere in the same words, while a workspace is read-only because it was not paid for."""
        details: dict[str, object] = {
            "what": PAYMENT,
            "limit": None,
            "plan": str(plan),
            "plan_with_more": None,
            "link": self.link or None,
        }
        where = self.link or "`relaycast billing portal`"
        return PlanLimitReached(f"the workspace is read-only until its open invoice is paid ({where})", details=details)

    def _describe_reached(self, plan: Plan, what: Limit | Feature) -> str:
        if isinstance(what, Feature):
            return f"the plan {plan} has no {_FEATURES[what].removeprefix('an ')}"
        figure = self.terms[plan].limit_figures[what]
        one, many = _LIMITS[what][0]
        allowed = one if figure == 1 else many.format(f"{figure:,}")
        return f"the plan {plan} allows {allowed}, and there are no more left"

    def _way_out(self, what: Limit | Feature, more: Plan | None) -> str:
        ways = [] if isinstance(what, Feature) else [_LIMITS[what][1]]
        if more is not None:
            ways.append(f"change to the plan {more}, which has {self._more(what, more)}")
        where = self.link or "ask who runs this broker"
        return f"{', or '.join(ways)} ({where})" if more is not None else ", or ".join([*ways, "no plan has more"])

    def _more(self, what: Limit | Feature, more: Plan) -> str:
        if isinstance(what, Feature):
            return "them" if what in {Feature.HOOKS, Feature.WORKFLOWS} else "it"
        figure = self.terms[more].limit_figures[what]
        return f"{figure:,}" if figure else "no such limit"


def _as_size(figure: int) -> float:
    return figure or float("inf")


def _table(terms: Iterable[Terms]) -> Mapping[Plan, Terms]:
    return {each.plan: each for each in terms}


BUILT_IN = PlanTable(
    terms=_table(
        [
            Terms(
                plan=Plan.FREE,
                title="Free",
                price_cents=0,
                limits=Limits(agents=1, messages_per_day=100, members=1, log_days=7, api_points_per_s=25),
                meters={Meter.MESSAGES: Metered(), Meter.AGENT_MINUTES: Metered(), Meter.LOG_BYTES: Metered()},
            ),
            Terms(
                plan=Plan.PRO,
                title="Pro",
                price_cents=2900,
                limits=Limits(agents=10, members=1, log_days=90),
                features=frozenset({Feature.HOOKS, Feature.WORKFLOWS}),
                meters={each: Metered() for each in Meter if each is not Meter.SEATS},
            ),
            Terms(
                plan=Plan.TEAM,
                title="Team",
                price_cents=9900,
                per_seat=True,
                limits=Limits(log_days=365),
                features=frozenset(Feature),
                meters={each: Metered() for each in Meter},
            ),
        ]
    )
)
"""The published plans: nothing beyond the price is billed unless an operator's file says so."""
