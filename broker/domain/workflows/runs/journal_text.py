"""Entries of a journal as JSON text, and back. What was once written is read by every later version."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from broker.domain.workflows.runs.journal import Command, Entry, Fact

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def kind_of(what: Fact | Command) -> str:
    """How a fact or a decision is called in the text, as `attempt_ended`."""
    return _kind(type(what).__name__)


@cache
def _kind(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()


@cache
def _members() -> dict[type, tuple[str, ...]]:
    return {each: tuple(one.name for one in fields(each)) for each in (*get_args(Fact), *get_args(Command))}


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    return {_kind(each.__name__): TypeAdapter(each) for each in (*get_args(Fact), *get_args(Command))}


def write_entry(entry: Entry) -> str:
    """One entry as one line. What it tells of stands apart: a timer has an `at_ms` of its own."""
    named = ((name, getattr(entry.what, name)) for name in _members()[type(entry.what)])
    what = {name: value for name, value in named if value is not None}
    return to_json({"at_ms": entry.at_ms, "kind": kind_of(entry.what), "what": what}).decode()


def read_entry(text: str) -> Entry:
    """The entry that was written so. Raises `ValueError` for what no version has written."""
    found = from_json(text)
    kind = found["kind"]
    adapter = _adapters().get(kind)
    if adapter is None:
        raise ValueError(f"no entry of a journal is called {kind!r}")
    return Entry(at_ms=found["at_ms"], what=adapter.validate_python(found["what"]))
