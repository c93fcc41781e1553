"""Files of plans: what they change, and what is said of those that mean nothing."""

import pytest

from broker.domain.plans.plans import BUILT_IN, Feature, Meter, Metered, Plan
from broker.domain.plans.prices import ModelPrice
from broker.protocol.plans_yaml import read_plans

OWN = """\
link: https://relay.example/plans
plans:
  free:
    title: Trial
    limits: {agents: 3, messages_per_day: 0}
    features: [hooks]
    meters:
      log_bytes: {included: 1000, per: 10, cents: 2}
"""


def test_a_file_changes_what_it_names_and_nothing_else() -> None:
    table = read_plans(OWN).table
    assert table is not None
    free = table[Plan.FREE]
    assert (table.link, free.title, free.price_cents) == ("https://relay.example/plans", "Trial", 0)
    assert (free.limits.agents, free.limits.messages_per_day, free.limits.log_days) == (3, 0, 7)
    assert free.features == {Feature.HOOKS}
    assert free.meters[Meter.LOG_BYTES] == Metered(included=1000, per=10, cents=2)
    assert Meter.MESSAGES in free.meters
    assert table[Plan.PRO] == BUILT_IN[Plan.PRO]


def test_an_empty_mapping_is_the_built_in_table() -> None:
    assert read_plans("plans: {}").table == BUILT_IN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plans: [", "line 2, column 1: while parsing"),
        ("", "line 1, column 1: "),
        ("plans:\n  gold: {}", "line 2, column 3: this should be 'free', 'pro' or 'team'"),
        ("plans:\n  free:\n    limit: {}", "line 3, column 5: 'limit' is not known here"),
        ("plans:\n  free:\n    limits: {agents: -1}", "line 3, column 22: "),
        ("plans:\n  free:\n    limits: {log_days: 0}", "line 3, column 24: "),
        ("plans:\n  free:\n    price_cents: 2.5", "line 3, column 18: "),
        ("plans:\n  free:\n    price_cents: true", "line 3, column 18: "),
        ("plans:\n  pro:\n    features: [magic]", "line 3, column 16: "),
        ("plans:\n  pro:\n    meters: {messages: {per: 0}}", "line 3, column 30: "),
        ("link: javascript:x", "line 1, column 7: "),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    read = read_plans(text)
    assert read.table is None
    assert str(read.problems[0]).startswith(said)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(read_plans("link: 5\nplans:\n  free: {price_cents: x}\n  pro: {nope: 1}").problems) == 3


def test_prices_of_models_are_added_changed_and_taken_out() -> None:
    text = "prices:\n  gpt-5: {input: 2, output: 4}\n  mine: {input: 1, output: 1, cached: 0.5}\n  gpt-5-mini: null\n"
    table = read_plans(text).table
    assert table is not None
    assert table.prices.find("gpt-5-mini-2025") == ModelPrice(input=2, output=4, cached=2)
    assert table.prices.find("mine-large") == ModelPrice(input=1, output=1, cached=0.5)
    assert table.prices.find("claude-sonnet-4-5") == BUILT_IN.prices.find("claude-sonnet-4")
    assert table.prices.find("unknown") is None


@pytest.mark.parametrize("wrong", ["gpt-5: 3", "gpt-5: {input: -1, output: 1}", "gpt-5: {input: .inf, output: 1}"])
def test_a_price_that_is_none_is_refused_with_its_line(wrong: str) -> None:
    found = read_plans(f"prices:\n  {wrong}\n")
    assert found.table is None
    assert found.problems[0].line == 2
