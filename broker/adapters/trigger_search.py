"""Looks for all triggers of secrets in one pass over a text: every event that is stored is searched so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ahocorasick_rs import AhoCorasick, Implementation


def automaton(triggers: Sequence[str]) -> Callable[[str], bool]:
    """Implements `TriggerSearch` with a deterministic automaton: its time does not grow with the number of triggers."""
    matches = AhoCorasick(triggers, implementation=Implementation.DFA).find_matches_as_indexes
    return lambda lowered: bool(matches(lowered))
