"""Looks at what came of a step, in a time that neither an expression nor a schema of the file's author decides."""

from __future__ import annotations

from collections.abc import Sequence

from broker.domain.workflows.files.definition import Verification
from broker.domain.workflows.runs import evidence as looks
from broker.domain.workflows.runs.evidence import Evidence
from broker.services.time_bound import TakesTooLong, within

_LOOK_S = 0.25
"""A result of 128 KB against an ordinary schema takes a tenth of it."""


def unmet(conditions: Sequence[Verification], evidence: Evidence, *, task: str = "") -> str | None:
    """Why the first condition does not hold, see `evidence.unmet`; also that a look at them took too long."""
    if not conditions:
        return None
    try:
        return within(_LOOK_S, lambda: looks.unmet(conditions, evidence, task=task))
    except TakesTooLong:
        return f"looking at the output takes more than {_LOOK_S:g} s: its regex or schema is too costly"


def choice_of(evidence: Evidence) -> str | None:
    """What a voter has chosen, see `evidence.choice_of`; nothing when that takes too long to find."""
    try:
        return within(_LOOK_S, lambda: looks.choice_of(evidence))
    except TakesTooLong:
        return None
