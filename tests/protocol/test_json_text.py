"""Whatever is written is JSON that every reader takes."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.protocol.json_text import dumps


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_whatever_is_written_is_one_line_of_strict_json(value: object) -> None:
    raw = dumps(value)
    assert b"\n" not in raw
    orjson.loads(raw)


def test_a_lone_surrogate_can_be_written() -> None:
    assert orjson.loads(dumps({"text": "\ud83d"})) == {"text": "\ufffd"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"n": 2**70}, {"n": float(2**70)}),
        ({"n": 10**400}, {"n": None}),
        ({"n": float("nan")}, {"n": None}),
        ({"\udc00": 1}, {"\ufffd": 1}),
    ],
)
def test_what_json_has_no_form_for_is_written_as_what_comes_nearest(value: object, written: object) -> None:
    assert orjson.loads(dumps(value)) == written


def test_a_value_of_any_depth_can_be_written() -> None:
    value: object = 1
    for _ in range(600):
        value = [value]
    orjson.loads(dumps(value))
