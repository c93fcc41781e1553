"""What models cost, for vendors that report no cost: list prices. What follows from them is shown as an estimate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSource:
    """Where a price stands, and whether somebody has read it there."""

    page: str
    """The vendor's own."""
    as_of: str
    """2026-11-30: when it was read; 2025-10 where it was not: when it is said to have been so."""
    is_checked: bool
    """False: it was not compared with that page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """Dollars for a million tokens. One token for a dollar a million is a millionth of a dollar."""

    input: float
    output: float
    cached: float
    """For those of the input that came from a cache."""
    source: PriceSource | None = None
    """None: the operator's file."""

    def micro_usd(self, *, input_tokens: int, output_tokens: int, cached_tokens: int) -> int:
        """What so many cost, in millionths of a dollar. `cached_tokens`: of the input."""
        cached = min(cached_tokens, input_tokens)
        return round((input_tokens - cached) * self.input + cached * self.cached + output_tokens * self.output)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Prices by the beginning of a model's name; the longest one that fits counts."""

    models: Mapping[str, ModelPrice] = field(default_factory=dict)

    def find(self, model: str) -> ModelPrice | None:
        """The price of a model; None: nothing is estimated. `gpt-5` is none for `gpt-5.4`: another model."""
        return next((price for prefix, price in self.in_order() if _begins(model, prefix)), None)

    def in_order(self) -> Iterator[tuple[str, ModelPrice]]:
        """The longest names first, as they are looked for."""
        for prefix in sorted(self.models, key=lambda each: (-len(each), each)):
            yield prefix, self.models[prefix]


def _begins(model: str, prefix: str) -> bool:
    rest = model.removeprefix(prefix) if model.startswith(prefix) else "."
    return not rest.startswith((".", *"0123456789"))


NO_PRICES = PriceTable()
