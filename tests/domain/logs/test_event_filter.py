"""A filter says the same of an event, of its text, and whatever people call things."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.errors import BadRequest
from broker.domain.logs.event_filter import ALL_EVENTS, EventFilter, event_filter
from broker.domain.logs.events import EventKind
from tests.domain.logs.log_events import event, frame_event

EDIT = {"type": "files", "call_id": "1", "changes": [{"path": "/a", "change": "update", "diff": None}]}


def text_of(event: dict[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(
    ("only", "kind", "wanted"),
    [
        (ALL_EVENTS, "turn.ended", True),
        (event_filter(kinds=["turn.ended"]), "turn.ended", True),
        (event_filter(kinds=["turn.ended"]), "turn.started", False),
        (event_filter(kinds=["turn.*"]), "turn.started", True),
        (event_filter(kinds=["turn.*", "agent.state"]), "agent.state", True),
        (event_filter(kinds=["turn.*", "agent.state"]), "agent.ready", False),
        (event_filter(kinds=["agent.*"]), "agents.x", False),
        (event_filter(kinds=["*"]), "anything.new", True),
        (event_filter(agents=["bOB"]), "turn.ended", True),
        (event_filter(agents=["Bo"]), "turn.ended", False),
        (event_filter(agents=["Bob"], kinds=["turn.ended"]), "agent.state", False),
    ],
)
def test_kinds_and_names(only: EventFilter, kind: str, wanted: bool) -> None:
    told = event(kind, {})
    assert only.admits(told) is wanted
    assert only.admits_text(text_of(told)) is wanted


def test_an_event_that_is_nobodys_is_not_an_agents() -> None:
    assert not event_filter(agents=["null"]).admits_text(text_of(event("session.created", {}, name=None)))


def test_fragments_are_left_out_when_asked_for() -> None:
    only = event_filter(fragments=False)
    fragment = frame_event({"type": "text_delta", "delta": "x"}, transient=True)
    whole = frame_event({"type": "text", "text": '"transient":true'})
    assert [only.admits_text(text_of(each)) for each in (fragment, whole)] == [False, True]


@pytest.mark.parametrize("kind", ["", "Turn.ended", "turn*", "*.ended", "a.*.b", "x'y", "turn..ended", "turn. ended"])
def test_what_is_no_kind_is_refused(kind: str) -> None:
    with pytest.raises(BadRequest):
        event_filter(kinds=[kind])


def test_a_filter_is_bounded() -> None:
    with pytest.raises(BadRequest):
        event_filter(agents=[str(number) for number in range(65)])
    with pytest.raises(BadRequest):
        event_filter(agents=["x" * 201])


@given(
    kind=st.sampled_from([*EventKind]),
    name=st.none() | st.text(max_size=5) | st.sampled_from(["Bob", 'B"b', "ÅSA", "\\"]),
    contents=st.lists(st.sampled_from([EDIT, {"type": "text_delta"}, {"type": "files"}, {"x": '"type":"files"'}])),
    transient=st.booleans(),
    kinds=st.lists(st.sampled_from(["agent.*", "agent.frame", "turn.*", "turn.ended"])),
    agents=st.lists(st.sampled_from(["bob", 'B"b', "Åsa", "\\"])),
    fragments=st.booleans(),
    edits=st.booleans(),
)
def test_the_text_is_judged_as_the_event_is(
    kind: str,
    name: str | None,
    contents: list[Any],
    transient: bool,
    kinds: list[str],
    agents: list[str],
    fragments: bool,
    edits: bool,
) -> None:
    asked = event_filter(agents=agents, kinds=kinds, fragments=fragments)
    only = replace(asked, edits=edits)
    told = {**frame_event(*contents, transient=transient), "kind": kind, "name": name}
    assert only.admits_text(text_of(told)) is only.admits(told)
    reordered = {"kind": kind, **told}
    assert only.admits_text(json.dumps(reordered)) is only.admits(told)
