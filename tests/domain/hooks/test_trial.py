"""How often hooks would have run, by the rules of real runs."""

from typing import Any

from broker.domain.hooks.definitions import CommandAction, Hook, OncePer, Scope, Selector, When
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.trial import Tally
from broker.domain.ids import AgentId, SessionId
from broker.domain.logs.events import Cursor

SESSION = SessionId("s")


def a_hook(**more: Any) -> Hook:
    action = CommandAction(command="say")
    return Hook(id="h", event=HookEvent.TURN_COMPLETE, selector=Selector(Scope.ANY), action=action, **more)


def runs(hook: Hook, *times_ms: int, turns: tuple[str | None, ...] = (), agents: tuple[str, ...] = ()) -> int:
    tally = Tally()
    for number, at_ms in enumerate(times_ms):
        happening = Happening(
            event=hook.event,
            at=Cursor("e", number + 1),
            at_ms=at_ms,
            agent=AgentId(agents[number] if agents else "a"),
            name="Worker",
            turn=turns[number] if turns else None,
        )
        tally.add(hook, happening, SESSION, place=0)
    return tally.runs["h"]


def test_each_happening_is_a_run() -> None:
    assert runs(a_hook(), 0, 1, 2) == 3


def test_not_more_than_so_many_in_a_minute() -> None:
    assert runs(a_hook(max_per_minute=2), 0, 1, 2, 59_999, 60_000) == 3


def test_what_comes_before_it_is_quiet_is_one_run_of_each_agent() -> None:
    hook = a_hook(debounce_s=5)
    assert runs(hook, 0, 4_000, 8_000, 13_000) == 2
    assert runs(hook, 0, 1, agents=("a", "b")) == 2


def test_once_for_a_turn_or_a_session() -> None:
    assert runs(a_hook(when=When(once_per=OncePer.SESSION)), 0, 1, 2) == 1
    turn = a_hook(when=When(once_per=OncePer.TURN))
    assert runs(turn, 0, 1, 2, turns=("t1", "t1", "t2")) == 2
    assert runs(turn, 0, 1, turns=(None, None)) == 2
