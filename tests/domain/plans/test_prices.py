"""Prices of models: which one counts, and what comes of it."""

import re

from broker.domain.plans.list_prices import LIST_PRICES
from broker.domain.plans.prices import ModelPrice, PriceTable
from broker.domain.plans.usage import Counts, Usage, show_csv


def test_the_longest_name_that_fits_counts() -> None:
    general, small = ModelPrice(input=2, output=8, cached=1), ModelPrice(input=1, output=4, cached=0.5)
    table = PriceTable(models={"gpt-5": general, "gpt-5-mini": small})
    assert [table.find(model) for model in ("gpt-5-codex", "gpt-5-mini-2", "gpt-4", "")] == [
        general,
        small,
        None,
        None,
    ]


def test_a_newer_version_is_another_model() -> None:
    table = PriceTable(models={"gpt-5": ModelPrice(input=1, output=2, cached=1)})
    assert [table.find(model) is not None for model in ("gpt-5", "gpt-5-codex", "gpt-5.4", "gpt-55")] == [
        *(True, True),
        *(False, False),
    ]
    old, new = (LIST_PRICES.find(model) for model in ("claude-opus-4-1-20250805", "claude-opus-4-5-20251101"))
    assert (old and old.input, new and new.input) == (15, 5)


def test_each_figure_of_the_list_says_where_it_stands_and_when_it_was_read_there() -> None:
    for name, price in LIST_PRICES.models.items():
        assert price.source is not None, name
        assert price.source.page.startswith("https://"), name
        assert re.fullmatch(r"\d{4}-\d\d-\d\d" if price.source.is_checked else r"\d{4}-\d\d", price.source.as_of), name


def test_what_came_from_a_cache_is_part_of_the_input_and_costs_its_own_price() -> None:
    price = ModelPrice(input=2, output=8, cached=0.5)
    assert price.micro_usd(input_tokens=100, output_tokens=10, cached_tokens=40) == 60 * 2 + 40 * 0.5 + 10 * 8
    assert price.micro_usd(input_tokens=10, output_tokens=0, cached_tokens=40) == 5


def test_a_cached_token_is_never_dearer_in_the_list() -> None:
    assert all(0 < price.cached <= price.input <= price.output for price in LIST_PRICES.models.values())


def test_usage_as_a_table_has_no_formula() -> None:
    table = show_csv([Usage(person='=HYPERLINK("x")', counts=Counts(messages=2, estimated_usd=0.5))])
    head, row, rest = table.split("\r\n")
    assert head.startswith("day,session,agent,person,model,messages,")
    assert row == """,,,"'=HYPERLINK(""x"")",,2,0,0,0,0,0,0,0.0,0.5"""
    assert rest == ""
