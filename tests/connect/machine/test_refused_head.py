import pytest

from connect.machine.refused_head import RefusedHead


def test_a_report_refused_twice_at_the_head_is_the_one() -> None:
    refused = RefusedHead()
    assert not refused.note_closed(4413, acked=10, sent=50)
    assert refused.is_suspected(10)
    assert refused.note_closed(4413, acked=10, sent=11)
    assert not refused.is_suspected(10)


def test_reports_before_the_bad_one_are_taken_one_by_one_and_never_set_aside() -> None:
    refused = RefusedHead()
    assert not refused.note_closed(1009, acked=10, sent=50)
    assert not refused.note_closed(1009, acked=13, sent=20)
    assert refused.is_suspected(13)
    assert refused.note_closed(1009, acked=13, sent=14)


@pytest.mark.parametrize("code", [1000, 1006, 1011, 1012, 4400, 4408, 4410, 4501, 4509])
def test_a_connection_that_ends_for_another_reason_blames_no_report(code: int) -> None:
    refused = RefusedHead()
    assert not any(refused.note_closed(code, acked=0, sent=5) for _ in range(5))
    assert not refused.is_suspected(0)


def test_when_nothing_was_sent_no_report_is_blamed() -> None:
    refused = RefusedHead()
    assert not any(refused.note_closed(4500, acked=5, sent=5) for _ in range(5))


def test_when_all_that_was_sent_has_been_taken_they_go_together_again() -> None:
    refused = RefusedHead()
    refused.note_closed(4413, acked=10, sent=50)
    assert not refused.is_suspected(50)
