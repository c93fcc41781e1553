"""Secrets that people tell agents are kept nowhere."""

from __future__ import annotations

import json

import pytest

from broker.protocol.agents.session import Direction, Frame
from connect.machine.secret_answers import spell, without


def test_a_secret_is_cut_out_of_what_is_kept_of_a_frame() -> None:
    told = {"id": 1, "result": {"answers": {"key": {"answers": ["1", "keep"]}}}}
    frame = Frame(direction=Direction.TO_AGENT, raw=json.dumps(told).encode(), type="t", value=told)
    (kept,) = without([frame], ["1"])
    assert kept.value is None
    assert json.loads(kept.raw) == {"id": 1, "result": {"answers": {"key": {"answers": ["[redacted]", "keep"]}}}}


@pytest.mark.parametrize("secret", ["correct horse", 'with "quotes"', "mit Größe é", "back\\slash"])
def test_a_secret_is_known_in_json_and_in_json_inside_of_a_text(secret: str) -> None:
    spellings = set(spell([secret]))
    for text in (json.dumps([secret]), json.dumps([secret], ensure_ascii=False), json.dumps(json.dumps([secret]))):
        assert any(spelling in text for spelling in spellings)


@pytest.mark.parametrize("short", ["1", "1234567", "12345678", "id"])
def test_what_may_be_any_word_or_number_is_not_looked_for(short: str) -> None:
    assert list(spell([short])) == []
