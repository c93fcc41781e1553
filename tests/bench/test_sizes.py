"""What is reckoned from measured costs."""

from __future__ import annotations

from tests.bench.sizes import Costs, reckon

COSTS = Costs(
    memory_mib=500,
    idle_cores=0.1,
    agent_mib=0.5,
    agent_cores=0.0001,
    message_cpu_ms=5,
    messages_s=100,
    line_cpu_ms=0.1,
    lines_s=5000,
    line_bytes=200,
    busy_mib=24,
)


def test_half_a_core_is_used_at_the_peak_of_messages_and_of_four_times_the_average_lines() -> None:
    cores, _, _ = reckon(COSTS, 1000, 20, 8_640_000)
    # 0.1 idle, 0.1 for agents, 0.1 for messages, 0.04 for 400 lines a second
    assert round(cores, 6) == 2 * (0.1 + 0.1 + 0.1 + 0.04)


def test_memory_has_all_agents_and_disk_ninety_days_of_lines() -> None:
    _, memory_gib, disk_gb = reckon(COSTS, 1000, 0, 1_000_000)
    assert memory_gib == 1
    assert round(disk_gb, 1) == 24.9
