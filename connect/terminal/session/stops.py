"""What the terminal says of Stop all. Pure."""

from __future__ import annotations

from broker.domain.agents.stops import StopHow, StopScope
from connect.sdk.facts import StopFinished, StopLifted, StopOrdered
from connect.sdk.types import Stop
from connect.terminal.text.layout import Line, one_line

StopFact = StopOrdered | StopFinished | StopLifted


def stop_place(scope: StopScope, name: str) -> str:
    """`session main`, `machine build-box`, `the workspace`."""
    return "the workspace" if scope is StopScope.WORKSPACE else f"{scope} {one_line(name)}".rstrip()


def render_stop(stop: Stop) -> Line:
    """The answer to a stop: whether all agents were met already, and how to go on."""
    counted = f"{stop.agents} agents so far" if not stop.finished else _agents(stop.agents)
    done = "released" if stop.how is StopHow.RELEASE else "paused"
    text = f"stopped {stop_place(stop.place.scope, stop.name)}: {counted} {done}; `resume` lets it go on"
    return (("class:good", "✓ "), ("", text))


def stop_line(fact: StopFact) -> Line | None:
    """One event; None for the count, which the answer or the list of agents says."""
    place, why = stop_place(fact.scope, fact.name), f": {one_line(fact.note)}" if fact.note else ""
    match fact:
        case StopOrdered():
            became = "agents are released" if fact.how is StopHow.RELEASE else "no turn begins and messages wait"
            return _warning(f"{one_line(fact.by)} stopped {place}{why} ({became})")
        case StopLifted():
            return (("class:good", "✓ "), ("", f"{one_line(fact.by)} resumed {place}{why}"))
        case StopFinished():
            return None


def _agents(count: int) -> str:
    return "1 agent" if count == 1 else f"{count} agents"


def _warning(text: str) -> Line:
    return (("class:warn", f"! {text}"),)
