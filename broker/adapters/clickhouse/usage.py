"""Usage out of the log's numbers: summed on reading, over rows that FINAL has made unique, so replays add nothing.

Vendors that report running totals count from a conversation's start: what a line adds is the difference to the
conversation's last one. A conversation that is resumed goes on from its old total; another one starts at 0; and a total
that went down has started again. A total that started again and is not lower by then, after a crash of an older Claude
Code, cannot be told from one that went on: what is counted is a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from broker.adapters.clickhouse.client import ClickHouse, Lane, Parameters
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.plans.usage import Counts, Usage, UsageBy

_KEYS = {UsageBy.DAY: ("toDate(at)",), UsageBy.SESSION: ("session",), UsageBy.AGENT: ("session", "agent")}
_PERIOD = "toDate(at) >= {since:Date} AND toDate(at) <= {until:Date}"
_SO_FAR = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
_TOTALS = ("input_tokens", "output_tokens", "cached_tokens", "cost_usd")

_COUNTED = f"""
SELECT {{keys}}, countIf(event = 'message.accepted'), countIf(event = 'agent.frame'), sum(bytes),
    countIf(event = 'turn.ended'),
    {", ".join(f"sumIf({name}, NOT cumulative)" for name in _TOTALS)}
FROM usage_lines FINAL WHERE workspace = {{{{workspace:String}}}} AND {_PERIOD.replace("{", "{{").replace("}", "}}")}
GROUP BY {{keys}}
"""


_OF_CONVERSATIONS = ", ".join(("at, session, offset, agent, agent_id, cumulative", *_TOTALS))
_ACTIVE = f"SELECT session FROM usage_lines WHERE workspace = {{workspace:String}} AND {_PERIOD}"
"""Sessions with lines in the period: those of before are not read for it."""


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
    return f"SELECT at, session, agent, {again} AS again, {added} FROM ({lines}) WHERE {_PERIOD}"


def _added(keys: str) -> str:
    sums = ", ".join(f"sum({name}_added)" for name in _TOTALS)
    return f"SELECT {keys}, {sums} FROM ({_differences()}) GROUP BY {keys}"


async def usage(
    clickhouse: ClickHouse, workspace: WorkspaceId, *, since: date, until: date, by: UsageBy
) -> list[Usage]:
    """Counters from one day to another, both included, in order of what they are about."""
    keys = ", ".join(_KEYS[by])
    bound: Parameters = {"workspace": str(workspace), "since": since, "until": until}
    width = len(_KEYS[by])
    found: dict[tuple[Any, ...], Counts] = {}
    caller = str(workspace)
    for row in await clickhouse.query(_COUNTED.format(keys=keys), bound, lane=Lane.SEARCH, caller=caller):
        found[row[:width]] = _counts(row[width:])
    for row in await clickhouse.query(_added(keys), bound, lane=Lane.SEARCH, caller=caller):
        # Differences lie between lines of the period, so their keys were found above.
        found[row[:width]] += _tokens(row[width:])
    return [_usage(by, key, counts) for key, counts in sorted(found.items(), key=lambda item: item[0])]


def _counts(values: Sequence[Any]) -> Counts:
    messages, frames, size, turns, *tokens = values
    return Counts(messages=messages, frames=frames, bytes=size, turns=turns) + _tokens(tokens)


def _tokens(values: Sequence[Any]) -> Counts:
    taken, given, cached, cost = values
    return Counts(input_tokens=int(taken), output_tokens=int(given), cached_tokens=int(cached), cost_usd=float(cost))


def _usage(by: UsageBy, key: tuple[Any, ...], counts: Counts) -> Usage:
    if by is UsageBy.DAY:
        return Usage(day=key[0], counts=counts)
    agent = str(key[1]) if by is UsageBy.AGENT else None
    return Usage(session=SessionId(key[0]), agent=agent, counts=counts)
