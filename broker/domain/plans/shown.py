"""The plans as people and programs are shown them."""

from __future__ import annotations

from collections.abc import Iterator

from broker.domain.plans.plans import Feature, Meter, Metered, PlanTable, Terms

_UNITS = {
    Meter.MESSAGES: "messages",
    Meter.AGENT_MINUTES: "agent minutes",
    Meter.LOG_BYTES: "bytes of log",
    Meter.HOOK_RUNS: "hook runs",
    Meter.WORKFLOW_RUNS: "workflow runs",
    Meter.SEATS: "seats",
}


def plain_terms(terms: Terms) -> dict[str, object]:
    """For programs. A limit that there is not is null."""
    limits = {str(name): figure or None for name, figure in terms.limit_figures.items()}
    return {
        "plan": str(terms.plan),
        "title": terms.title,
        "price_cents": terms.price_cents,
        "per_seat": terms.per_seat,
        "limits": limits,
        "features": sorted(map(str, terms.features)),
        "meters": {
            str(meter): {"included": each.included, "per": each.per, "cents": each.cents, "billed": each.cents > 0}
            for meter, each in terms.meters.items()
        },
    }


def show_price(terms: Terms) -> str:
    """As $29 a month."""
    return f"{dollars(terms.price_cents)} a month" + (" for each person" if terms.per_seat else "")


def dollars(cents: int) -> str:
    """As $29, or $0.05."""
    return f"${cents // 100:,}" if cents % 100 == 0 else f"${cents // 100:,}.{cents % 100:02}"


def show_plans(table: PlanTable) -> Iterator[str]:
    """The lines of the table, for a person."""
    for terms in table.terms.values():
        yield f"{terms.title} ({terms.plan}): {show_price(terms)}"
        yield from (f"  {line}" for line in _show_terms(terms))
    yield f"Plans are changed at {table.link}" if table.link else "Plans are changed by who runs the broker."


def _show_terms(terms: Terms) -> Iterator[str]:
    limits = terms.limits
    yield "agents at once     " + _figure(limits.agents)
    yield "messages a day     " + _figure(limits.messages_per_day)
    yield "people             " + _figure(limits.members)
    yield f"logs               {limits.log_days} days"
    if limits.api_points_per_s:
        yield f"API                {limits.api_points_per_s} points a second for each token"
    yield "also               " + (", ".join(each for each in Feature if each in terms.features) or "-")
    for meter, metered in terms.meters.items():
        if metered.cents:
            yield f"billed             {_UNITS[meter]}: {_describe_billing(metered)}"


def _figure(figure: int) -> str:
    return f"{figure:,}" if figure else "unlimited"


def _describe_billing(metered: Metered) -> str:
    return f"{metered.included:,} included, then {dollars(metered.cents)} for each {metered.per:,}"
