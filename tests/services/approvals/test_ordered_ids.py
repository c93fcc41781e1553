import uuid

from broker.services.approvals.ordered_ids import OrderedIds


def test_ids_of_one_moment_sort_as_they_were_made_also_when_the_clock_goes_back() -> None:
    times = iter([*[1_700_000_000_000] * 5_000, *[1_699_999_999_000] * 100, 1_700_000_000_500])
    ids = OrderedIds(clock_ms=lambda: next(times))
    made = [ids.make() for _ in range(5_101)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_is_a_uuid_that_begins_with_its_time() -> None:
    made = uuid.UUID(OrderedIds(clock_ms=lambda: 0x0123456789AB).make())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.hex.startswith("0123456789ab")
