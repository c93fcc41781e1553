"""Usage out of the log's numbers: summed on reading, over rows that FINAL has made unique, so replays add nothing.

Vendors that report running totals count from a conversation's start: what a line adds is the difference to the
conversation's last one. A conversation that is resumed goes on from its old total; another one starts at 0; and a total
that went down has started again. A total that started again and is not lower by then, after a crash of an older Claude
Code, cannot be told from one that went on: what is counted is a lower bound.

Lines without a cost are priced by their model when they are read, so that a changed price holds for what was used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from broker.adapters.clickhouse.client import ClickHouse, Lane, Parameters
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.plans.prices import NO_PRICES, PriceTable
from broker.domain.plans.usage import Counts, Usage, UsageBy

_KEYS: dict[UsageBy, tuple[str, ...]] = {
    UsageBy.DAY: ("of_day",),
    UsageBy.SESSION: ("session",),
    UsageBy.AGENT: ("session", "agent"),
    UsageBy.PERSON: ("of_person",),
    UsageBy.MODEL: (),
}
"""What tells one line from another, beside the model."""
_OF_PERSON = "if(agent_id = '', if(event = 'message.accepted', agent, ''), agent_person)"
_PERIOD = "toDate(at) >= {since:Date} AND toDate(at) <= {until:Date}"
_OF_WORKSPACE = "workspace = {workspace:String}"
"""What every read of the lines begins with; see `_narrowed`."""
_SO_FAR = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
_TOTALS = ("input_tokens", "output_tokens", "cached_tokens", "cost_usd")
_TOKENS = _TOTALS[:3]

_OF_CONVERSATIONS = ", ".join(("at, session, offset, event, agent, agent_id, cumulative", *_TOTALS))
_ACTIVE = f"SELECT session FROM usage_lines WHERE {_OF_WORKSPACE} AND {_PERIOD}"
"""Sessions with lines in the period: those of before are not read for it."""
_LATEST = "argMaxIf({0}, (at, offset), {0} != '')"
_AGENTS = (
    f"SELECT session AS of_session, agent_id AS of_agent, {_LATEST.format('person')} AS agent_person,"
    f" {_LATEST.format('model')} AS agent_model FROM usage_lines"
    f" WHERE {_OF_WORKSPACE} AND (person != '' OR model != '') AND session IN ({_ACTIVE})"
    " GROUP BY session, agent_id"
)
"""Who is behind each agent, and its model: told by lines of their own, which may be older than the period."""


def _with_agents(lines: str) -> str:
    joined = f"({lines}) AS lines LEFT ANY JOIN ({_AGENTS}) AS agents ON session = of_session AND agent_id = of_agent"
    return f"(SELECT *, toDate(at) AS of_day, {_OF_PERSON} AS of_person FROM {joined})"


def _keys_of(ways: Sequence[UsageBy]) -> list[str]:
    return list(dict.fromkeys(key for way in ways for key in _KEYS[way]))


def _grouped(sums: str, lines: str, ways: Sequence[UsageBy]) -> str:
    """Sums by models and the keys of each of the ways, in one go. First in a row stands which keys it is about."""
    keys, sets = _keys_of(ways), [", ".join((*_KEYS[way], "agent_model")) for way in ways]
    if len(sets) == 1:  # what a row is about need not be asked, which takes a fifth less time
        about, groups = ["1"] * len(keys), sets[0]
    else:
        # The model is in all sets: what it has is what a key that counts has, whichever the server takes for that.
        about = [f"grouping({key}) = grouping(agent_model)" for key in keys]
        groups = f"GROUPING SETS (({'), ('.join(sets)}))"
    return f"SELECT {', '.join((*about, *keys, 'agent_model', sums))} FROM {lines} GROUP BY {groups}"


def _count(ways: Sequence[UsageBy]) -> str:
    """What lines say of themselves, how many have running totals; tokens again for those without a cost."""
    sums = ", ".join(f"sumIf({name}, NOT cumulative)" for name in _TOTALS)
    unpriced = ", ".join(f"sumIf({name}, NOT cumulative AND cost_usd = 0)" for name in _TOKENS)
    messages, frames, turns = (
        f"countIf(event = '{name}')" for name in ("message.accepted", "agent.frame", "turn.ended")
    )
    lines = f"SELECT * FROM usage_lines FINAL WHERE {_OF_WORKSPACE} AND {_PERIOD}"
    counts = f"{messages}, {frames}, sum(bytes), {turns}, countIf(cumulative)"
    return _grouped(f"{counts}, {sums}, {unpriced}", _with_agents(lines), ways)


def _conversations() -> str:
    """Running totals with the number of their conversation; those before the period are needed for the difference."""
    of_agent = "PARTITION BY session, agent_id"
    ready = (
        f"SELECT {_OF_CONVERSATIONS},"
        " conversation != '' AND NOT resumed AND conversation != lagInFrame(conversation) OVER"
        f" ({of_agent}, conversation != '' ORDER BY at, offset {_SO_FAR}) AS begins FROM usage_lines FINAL"
        f" WHERE {_OF_WORKSPACE} AND toDate(at) <= {{until:Date}} AND (cumulative OR conversation != '')"
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


def _add(ways: Sequence[UsageBy]) -> str:
    """What lines of running totals add."""
    sums = ", ".join(f"sum({name}_added)" for name in _TOTALS)
    unpriced = ", ".join(f"sumIf({name}_added, cost_usd = 0)" for name in _TOKENS)
    return _grouped(f"{sums}, {unpriced}", _with_agents(_differences()), ways)


def _narrowed(query: str) -> str:
    """The same of some sessions: lines are kept in the order of them, so that those of others are not read at all."""
    return query.replace(_OF_WORKSPACE, f"{_OF_WORKSPACE} AND session IN {{sessions:Array(String)}}")


async def usage(
    clickhouse: ClickHouse,
    workspace: WorkspaceId,
    *,
    since: date,
    until: date,
    by: Collection[UsageBy],
    sessions: Collection[SessionId] | None = None,
    prices: PriceTable = NO_PRICES,
) -> dict[UsageBy, list[Usage]]:
    """Counters from one day to another, both included, each way in order of what they are about."""
    ways = [way for way in UsageBy if way in by]
    if not ways:
        return {}
    bound: Parameters = {"workspace": str(workspace), "since": since, "until": until, "sessions": [*(sessions or ())]}
    select = partial(clickhouse.query, parameters=bound, lane=Lane.SEARCH, caller=str(workspace))

    async def ask(query: str) -> Sequence[tuple[Any, ...]]:
        return await select(query if sessions is None else _narrowed(query))

    found: dict[UsageBy, dict[tuple[Any, ...], Counts]] = {way: {} for way in ways}
    has_totals = False
    for way, key, model, sums in _told(await ask(_count(ways)), ways):
        messages, frames, size, turns, totals, *tokens = sums
        has_totals = has_totals or totals > 0
        counts = Counts(messages=messages, frames=frames, bytes=size, turns=turns)
        before = found[way].get(key, Counts())
        found[way][key] = before + counts + _tokens(tokens, model=model, prices=prices)
    # To read what they add takes three times as long, however few they are.
    for way, key, model, tokens in _told(await ask(_add(ways)) if has_totals else (), ways):
        # Differences lie between lines of the period, which were found above, but for those that came meanwhile.
        found[way][key] = found[way].get(key, Counts()) + _tokens(tokens, model=model, prices=prices)
    return {
        way: [_usage(way, key, counts) for key, counts in sorted(lines.items(), key=lambda item: item[0])]
        for way, lines in found.items()
    }


def _told(
    rows: Sequence[tuple[Any, ...]], ways: Sequence[UsageBy]
) -> Iterator[tuple[UsageBy, tuple[Any, ...], str, list[Any]]]:
    """Of each row the way that it belongs to, what it is about, its model and its sums."""
    by_keys, keys = {_KEYS[way]: way for way in ways}, _keys_of(ways)
    width = len(keys)
    for row in rows:
        model, *sums = row[2 * width :]
        counting = [(key, value) for is_about, key, value in zip(row, keys, row[width:], strict=False) if is_about]
        way = by_keys[tuple(key for key, _ in counting)]
        yield way, tuple(value for _, value in counting) or (model,), model, sums


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
