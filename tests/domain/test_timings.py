"""What the numbers of policy must keep between them."""

from broker.domain.timings import TIMINGS


def test_a_machine_gives_a_start_up_before_the_broker_does() -> None:
    at_the_machine = TIMINGS.resume_delay_s + TIMINGS.ready_within_s
    assert TIMINGS.ready_deadline_ms > at_the_machine * 1000


def test_a_deaf_agent_is_known_within_twenty_seconds() -> None:
    assert TIMINGS.proof_ms + 2 * TIMINGS.probe_ms <= 20_000


def test_a_message_is_kept_for_longer_than_it_may_wait() -> None:
    assert TIMINGS.message_kept_s > TIMINGS.longest_message_life_s >= TIMINGS.message_life_s
