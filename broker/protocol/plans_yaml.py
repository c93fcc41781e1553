"""An operator's own plans: a YAML file that changes what is built in, member by member.

What is not in the file stays as `relaycast plans` prints it. Everything that is wrong is said at once, each thing with
its line and column; a file with problems is not taken at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broker.domain.plans.plans import BUILT_IN, Feature, Limits, Meter, Metered, Plan, PlanTable, Terms
from broker.domain.plans.prices import ModelPrice, PriceTable
from broker.protocol.yaml_document import Document, Path, Position, YamlProblem, read_document

_MOST = 10**15
_Count = Annotated[int, Field(ge=0, le=_MOST, strict=True)]
_Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
_LONGEST_LINK = 500


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something that is wrong in a file, both numbers from 1."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlansFile:
    """What a text says: the whole table, or what is wrong with it."""

    table: PlanTable | None = None
    problems: tuple[Problem, ...] = ()


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Limits(_Part):
    agents: _Count | None = None
    messages_per_day: _Count | None = None
    members: _Count | None = None
    log_days: Annotated[int, Field(ge=1, le=3650, strict=True)] | None = None
    api_points_per_s: _Count | None = None


class _Metered(_Part):
    included: _Count = 0
    per: Annotated[int, Field(ge=1, le=_MOST, strict=True)] = 1
    cents: _Count = 0


class _Terms(_Part):
    title: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    price_cents: _Count | None = None
    per_seat: Annotated[bool, Field(strict=True)] | None = None
    limits: _Limits = _Limits()
    features: list[Feature] | None = None
    meters: dict[Meter, _Metered] | None = None


class _Price(_Part):
    input: _Dollars
    output: _Dollars
    cached: _Dollars | None = None
    """None: as the input."""


class _File(_Part):
    link: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=_LONGEST_LINK)] | None = None
    plans: dict[Plan, _Terms] = {}
    prices: dict[Annotated[str, Field(min_length=1, max_length=100)], _Price | None] = {}
    """None takes one out."""


def read_plans(text: str) -> PlansFile:
    """Read a file of plans; nothing that it contains raises."""
    try:
        document = read_document(text)
    except YamlProblem as problem:
        return PlansFile(problems=(_problem(problem.position, str(problem)),))
    try:
        file = _File.model_validate(document.value)
    except ValidationError as invalid:
        found = (_locate(each, document) for each in invalid.errors(include_url=False))
        return PlansFile(problems=tuple(sorted(set(found))))
    terms = {plan: _change_terms(BUILT_IN[plan], file.plans.get(plan, _Terms())) for plan in Plan}
    prices = _change_prices(BUILT_IN.prices, file.prices)
    return PlansFile(table=PlanTable(terms=terms, prices=prices, link=file.link or BUILT_IN.link))


def _change_prices(prices: PriceTable, said: Mapping[str, _Price | None]) -> PriceTable:
    kept = {model: price for model, price in prices.models.items() if model not in said}
    new = {
        model: ModelPrice(
            input=each.input, output=each.output, cached=each.input if each.cached is None else each.cached
        )
        for model, each in said.items()
        if each is not None
    }
    return PriceTable(models={**kept, **new})


def _change_terms(terms: Terms, said: _Terms) -> Terms:
    meters: Mapping[Meter, Metered] = terms.meters
    if said.meters is not None:
        meters = {**meters, **{meter: Metered(**each.model_dump()) for meter, each in said.meters.items()}}
    return replace(
        terms,
        **{name: value for name in ("title", "price_cents", "per_seat") if (value := getattr(said, name)) is not None},
        limits=Limits(**{**asdict(terms.limits), **said.limits.model_dump(exclude_none=True)}),
        features=terms.features if said.features is None else frozenset(said.features),
        meters=meters,
    )


def _locate(mistake: Any, document: Document) -> Problem:
    path: Path = tuple(each for each in mistake["loc"] if each != "[key]")
    is_key = mistake["type"] == "extra_forbidden" or "[key]" in mistake["loc"]
    position = document.key_position(path) if is_key else document.position(path)
    message: str = mistake["msg"]
    if mistake["type"] == "extra_forbidden":
        message = f"{path[-1]!r} is not known here"
    return _problem(position, message.replace("Input should be", "this should be").replace("dictionary", "mapping"))


def _problem(position: Position, message: str) -> Problem:
    return Problem(line=position.line, column=position.column, message=message)
