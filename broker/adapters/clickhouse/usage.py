"""Usage out of the log's numbers: summed on reading, over rows that FINAL has made unique, so replays add nothing.

Vendors that report running totals count from a conversation's start: what a line adds is the difference to the
conversation's last one. A conversation that is resumed goes on from its old total; another one starts at 0; and a total
that went down has started again. A total that started again and is not lower by then, after a crash of an older Claude
Code, cannot be told from one that went on: what is counted is a lower bound.

Lines without a cost are priced by their model when they are read, so that a changed price holds for what was used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from broker.adapters.clickhouse.client import ClickHouse, Lane, Parameters
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.plans.prices import NO_PRICES, PriceTable
from broker.domain.plans.usage import Counts, Usage, UsageBy

_KEYS = {
    UsageBy.DAY: ("toDate(at)",),
    UsageBy.SESSION: ("session",),
    UsageBy.AGENT: ("session", "agent"),
    UsageBy.PERSON: ("if(agent_id = '', if(event = 'message.accepted', agent, ''), agent_person)",),
    UsageBy.MODEL: ("agent_model",),
}
_PERIOD = "toDate(at) >= {since:Date} AND toDate(at) <= {until:Date}"
_SO_FAR = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
_TOTALS = ("input_tokens", "output_tokens", "cached_tokens", "cost_usd")
_TOKENS = _TOTALS[:3]

_OF_CONVERSATIONS = ", ".join(("at, session, offset, event, agent, agent_id, cumulative", *_TOTALS))
_ACTIVE = f"SELECT session FROM usage_lines WHERE workspace = {{workspace:String}} AND {_PERIOD}"
"""Sessions with lines in the period: those of before are not read for it."""
_LATEST = "argMaxIf({0}, (at, offset), {0} != '')"
_AGENTS = (
    f"SELECT session AS of_session, agent_id AS of_agent, {_LATEST.format('person')} AS agent_person,"
    f" {_LATEST.format('model')} AS agent_model FROM usage_lines"
    f" WHERE workspace = {{workspace:String}} AND (person != '' OR model != '') AND session IN ({_ACTIVE})"
    " GROUP BY session, agent_id"
)
"""Who is behind each agent, and its model: told by lines of their own, which may be older than the period."""


def _with_agents(lines: str) -> str:
    return f"({lines}) AS lines LEFT ANY JOIN ({_AGENTS}) AS agents ON session = of_session AND agent_id = of_agent"


def _count(keys: str) -> str:
    """Sums by keys and models; those of tokens again for lines without a cost."""
    sums = ", ".join(f"sumIf({name}, NOT cumulative)" for name in _TOTALS)
    unpriced = ", ".join(f"sumIf({name}, NOT cumulative AND cost_usd = 0)" for name in _TOKENS)
    lines = f"SELECT * FROM usage_lines FINAL WHERE workspace = {{workspace:String}} AND {_PERIOD}"
    return (
        f"SELECT {keys}, agent_model, countIf(event = 'message.accepted'), countIf(event = 'agent.frame'), sum(bytes),"
        f" countIf(event = 'turn.ended'), {sums}, {unpriced} FROM {_with_agents(lines)} GROUP BY {keys}, agent_model"
    )


def _conversations() -> str:
    """Running totals with the number of their conversation; those before the period are needed for the difference."""
    of_agent = "PARTITION BY session, agent_id"
    ready = (
        f"SELECT {_OF_CONVERSATIONS},"
        " conversation != '' AND NOT resumed AND conversation != lagInFrame(conversation) OVER"
        f" ({of_agent}, conversation != '' ORDER BY at, offset {_SO_FAR}) AS begins FROM usage_lines FINAL"
        " WHERE workspace = {workspace:String} AND toDate(at) <= {until:Date} AND (cumulative OR conversation != '')"
        f" AND session IN ({_ACTIVE})"
    )
    return f"SELECT *, sum(begins) OVER ({of_agent} ORDER BY at, offset {_SO_FAR}) AS nth FROM ({ready})"


def _differences() -> str:
    window = f"(PARTITION BY session, agent_id, nth ORDER BY at, offset {_SO_FAR})"
    before = ", ".join(f"lagInFrame({name}) OVER {window} AS {name}_before" for name in _TOTALS)
    lines = f"SELECT *, {before} FROM ({_conversations()}) WHERE cumulative"
    again = " OR ".join(f"{name} < {name}_before" for name in _TOTALS)
    added = ", ".join(f"{name} - if(again, 0, {name}_before) AS {name}_added" for name in _TOTALS)
    return (
        f"SELECT at, session, event, agent, agent_id, cost_usd, {again} AS again, {added}"
        f" FROM ({lines}) WHERE {_PERIOD}"
    )


def _add(keys: str) -> str:
    sums = ", ".join(f"sum({name}_added)" for name in _TOTALS)
    unpriced = ", ".join(f"sumIf({name}_added, cost_usd = 0)" for name in _TOKENS)
    lines = _with_agents(_differences())
    return f"SELECT {keys}, agent_model, {sums}, {unpriced} FROM {lines} GROUP BY {keys}, agent_model"


async def usage(
    clickhouse: ClickHouse,
    workspace: WorkspaceId,
    *,
    since: date,
    until: date,
    by: UsageBy,
    prices: PriceTable = NO_PRICES,
) -> list[Usage]:
    """Counters from one day to another, both included, in order of what they are about."""
    keys = ", ".join(_KEYS[by])
    bound: Parameters = {"workspace": str(workspace), "since": since, "until": until}
    width = len(_KEYS[by])
    found: dict[tuple[Any, ...], Counts] = {}
    caller = str(workspace)
    for row in await clickhouse.query(_count(keys), bound, lane=Lane.SEARCH, caller=caller):
        model, messages, frames, size, turns, *tokens = row[width:]
        counts = Counts(messages=messages, frames=frames, bytes=size, turns=turns)
        found[row[:width]] = found.get(row[:width], Counts()) + counts + _tokens(tokens, model=model, prices=prices)
    for row in await clickhouse.query(_add(keys), bound, lane=Lane.SEARCH, caller=caller):
        # Differences lie between lines of the period, so their keys were found above.
        found[row[:width]] += _tokens(row[width + 1 :], model=row[width], prices=prices)
    return [_usage(by, key, counts) for key, counts in sorted(found.items(), key=lambda item: item[0])]


def _tokens(values: Sequence[Any], *, model: str, prices: PriceTable) -> Counts:
    taken, given, cached, cost, *unpriced = values
    counts = Counts(input_tokens=int(taken), output_tokens=int(given), cached_tokens=int(cached), cost_usd=float(cost))
    price = prices.find(model) if model else None
    if price is None:
        return counts
    read, written, hit = map(int, unpriced)
    micro_usd = price.micro_usd(input_tokens=read, output_tokens=written, cached_tokens=hit)
    return replace(counts, estimated_usd=micro_usd / 1_000_000)


def _usage(by: UsageBy, key: tuple[Any, ...], counts: Counts) -> Usage:
    match by:
        case UsageBy.DAY:
            return Usage(day=key[0], counts=counts)
        case UsageBy.PERSON:
            return Usage(person=str(key[0]), counts=counts)
        case UsageBy.MODEL:
            return Usage(model=str(key[0]), counts=counts)
        case UsageBy.SESSION | UsageBy.AGENT:
            agent = str(key[1]) if by is UsageBy.AGENT else None
            return Usage(session=SessionId(key[0]), agent=agent, counts=counts)
