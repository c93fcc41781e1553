"""A chain of records: whatever is changed, taken away or moved shows."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.audit.chain import (
    Checkpoint,
    Entry,
    Head,
    Verification,
    first_seal,
    read_checkpoint,
    seals_of,
)
from broker.domain.ids import WorkspaceId

ACME = WorkspaceId("acme")
COUNT = 12


def a_trail(count: int = COUNT, *, sealed: int | None = None) -> tuple[Head, list[Entry]]:
    """A whole one."""
    records = [json.dumps({"number": n, "act": "member.added", "on": f"member {n}"}) for n in range(1, count + 1)]
    return the_head(records, sealed=count if sealed is None else sealed), entries_of(records, sealed=sealed)


def entries_of(records: Sequence[str], *, sealed: int | None = None) -> list[Entry]:
    seals = seals_of(first_seal(ACME), records)
    return [
        Entry(number=n, record=record, seal=seal if sealed is None or n <= sealed else None)
        for n, (record, seal) in enumerate(zip(records, seals, strict=True), start=1)
    ]


def the_head(records: Sequence[str], *, sealed: int) -> Head:
    begins = first_seal(ACME)
    seal = [begins, *seals_of(begins, records)][sealed]
    return Head(number=len(records), sealed=sealed, seal=seal, first=1, base=begins)


def checkpoint_of(entry: Entry) -> Checkpoint:
    return Checkpoint(workspace=ACME, number=entry.number, seal=entry.seal or "", at_ms=1)


def problems(head: Head, entries: Sequence[Entry], *checkpoints: Checkpoint) -> list[str]:
    verification = Verification(ACME, head, checkpoints)
    verification.feed(entries)
    return verification.finish()


def test_a_whole_trail_has_no_problem_also_with_records_that_are_not_sealed_yet() -> None:
    for sealed in (COUNT, 7, 0):
        head, entries = a_trail(sealed=sealed)
        assert problems(head, entries) == []
    head, entries = a_trail()
    assert problems(head, entries, checkpoint_of(entries[3]), checkpoint_of(entries[-1])) == []


def test_a_trail_of_which_nothing_was_recorded_is_whole() -> None:
    assert problems(*a_trail(0)) == []


@given(st.integers(0, COUNT - 1), st.integers(0, 200), st.integers(1, 255))
def test_any_byte_that_is_changed_is_found(at: int, byte: int, by: int) -> None:
    head, entries = a_trail()
    text = bytearray(entries[at].record.encode())
    text[byte % len(text)] ^= by
    changed = replace(entries[at], record=text.decode("latin-1"))
    assert any(f"record {at + 1}" in each for each in problems(head, [*entries[:at], changed, *entries[at + 1 :]]))


@given(st.integers(0, COUNT - 1))
def test_a_record_that_is_taken_away_is_found(at: int) -> None:
    head, entries = a_trail()
    assert problems(head, [*entries[:at], *entries[at + 1 :]])


@given(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1))
def test_two_records_that_change_places_are_found(one: int, other: int) -> None:
    head, entries = a_trail()
    moved = list(entries)
    moved[one], moved[other] = moved[other], moved[one]
    assert bool(problems(head, moved)) is (one != other)
    texts = list(entries)
    texts[one], texts[other] = (
        replace(entries[one], record=entries[other].record),
        replace(entries[other], record=entries[one].record),
    )
    assert bool(problems(head, texts)) is (one != other)


@given(st.integers(0, COUNT - 1))
def test_an_end_that_is_cut_off_is_found(left: int) -> None:
    head, entries = a_trail()
    assert any("the end was cut" in each for each in problems(head, entries[:left]))


def test_an_end_that_is_cut_off_with_what_the_store_says_of_it_is_found_by_a_checkpoint() -> None:
    _, entries = a_trail()
    cut_head, cut = a_trail(9)
    assert problems(cut_head, cut) == []
    assert problems(cut_head, cut, checkpoint_of(entries[-1])) == [
        "the end was cut: records 10 to 12 are missing",
    ]


def test_a_trail_that_was_written_anew_as_a_whole_is_found_by_a_checkpoint() -> None:
    _, entries = a_trail()
    forged = [entry.record.replace("member 5", "member 6") for entry in entries]
    head = the_head(forged, sealed=COUNT)
    assert problems(head, entries_of(forged)) == []
    for checkpoint in (checkpoint_of(entries[6]), checkpoint_of(entries[-1])):
        assert problems(head, entries_of(forged), checkpoint) == [
            f"record {checkpoint.number} is not what the checkpoint of 1 ms says"
        ]


def test_a_seal_that_is_lost_is_found() -> None:
    head, entries = a_trail()
    lost = [*entries[:4], replace(entries[4], seal=None), *entries[5:]]
    assert problems(head, lost) == ["record 5 has lost its seal"]


def test_a_trail_whose_oldest_records_are_not_kept_goes_on_from_the_seal_before_them() -> None:
    head, entries = a_trail()
    shortened = replace(head, first=5, base=entries[3].seal or "")
    assert problems(shortened, entries[4:], checkpoint_of(entries[3]), checkpoint_of(entries[8])) == []
    assert problems(shortened, entries[5:])
    assert problems(replace(shortened, base=entries[2].seal or ""), entries[4:])


def test_a_checkpoint_of_another_workspace_says_nothing() -> None:
    head, entries = a_trail()
    assert problems(head, entries, Checkpoint(workspace=WorkspaceId("other"), number=99, seal="x", at_ms=1)) == []


@pytest.mark.parametrize("line", ["", "{", "[]", "null", '{"workspace":"a"}', '{"workspace":"a","number":"x"}'])
def test_a_line_that_is_no_checkpoint_is_passed_over(line: str) -> None:
    assert read_checkpoint(line) is None


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    checkpoint = checkpoint_of(a_trail()[1][3])
    assert read_checkpoint(checkpoint.line) == checkpoint
