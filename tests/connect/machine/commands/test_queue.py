from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ids import AgentId
from broker.protocol.proxy import RunHook
from connect.machine.commands.queue import RunQueue
from connect.machine.hooks.runner import line_of


def order(hook: str, agent: str, number: int) -> RunHook:
    return RunHook(agent=AgentId(agent), generation=1, run=str(number), hook=hook, command="x")


LINES = st.sampled_from([("h1", "a1"), ("h1", "a2"), ("h2", "a1")])


@given(st.lists(st.one_of(LINES, st.integers(0, 3)), max_size=60))
def test_a_few_run_at_once_and_each_line_keeps_its_order(acts: list[tuple[str, str] | int]) -> None:
    """An act is a run of a hook and an agent, or the end of one of those that run."""
    queue = RunQueue(line=line_of, at_once=2, waiting=5)
    running: list[RunHook] = []
    begun: list[RunHook] = []
    offered = 0
    for number, act in enumerate(acts):
        if isinstance(act, tuple):
            offered += queue.offer(order(*act, number))
        elif act < len(running):
            queue.finish(running.pop(act))
        while (following := queue.next()) is not None:
            running.append(following)
            begun.append(following)
        lines = [(each.hook, each.agent) for each in running]
        assert len(lines) == len(set(lines)) <= 2
    for line in {(each.hook, each.agent) for each in begun}:
        numbers = [int(each.run) for each in begun if (each.hook, each.agent) == line]
        assert numbers == sorted(numbers)
    assert offered == len(begun) + len(queue.empty())


def test_what_finds_no_place_is_counted_and_what_could_begin_at_once_does() -> None:
    queue = RunQueue(line=line_of, at_once=2, waiting=1)
    assert queue.offer(order("h1", "a1", 1))
    assert queue.next() is not None
    assert queue.offer(order("h1", "a1", 2))
    assert not queue.offer(order("h1", "a1", 3))
    assert queue.offer(order("h2", "a1", 4)), "it does not wait"
    assert queue.dropped == 1
