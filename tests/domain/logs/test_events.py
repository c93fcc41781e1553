import pytest

from broker.domain.logs.events import Cursor, goes_on_from, lineage


@pytest.mark.parametrize(
    ("epoch", "parts"),
    [
        ("ab12", [("ab12", None)]),
        ("ab12.40-c3", [("ab12", 40), ("ab12.40-c3", None)]),
        ("ab12.40-c3.90-d4", [("ab12", 40), ("ab12.40-c3", 90), ("ab12.40-c3.90-d4", None)]),
        # The second store to take over had less than the first.
        ("ab12.40-c3.30-d4", [("ab12", 30), ("ab12.40-c3", 30), ("ab12.40-c3.30-d4", None)]),
        ("not.ours", [("not.ours", None)]),
    ],
)
def test_an_epoch_says_which_ones_it_goes_on_from_and_up_to_where(epoch: str, parts: list[object]) -> None:
    assert list(lineage(epoch)) == parts


@pytest.mark.parametrize(
    ("position", "goes_on"),
    [
        (Cursor("a.40-b", 50), True),
        (Cursor("a.40-b", 51), False),
        (Cursor("a", 40), True),
        (Cursor("a", 41), False),
        (Cursor("z", 1), False),
    ],
)
def test_a_reader_who_saw_no_lost_event_can_go_on(position: Cursor, goes_on: bool) -> None:
    assert goes_on_from(Cursor("a.40-b", 50), position) is goes_on
