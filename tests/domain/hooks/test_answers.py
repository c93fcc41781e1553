"""What hooks that are waited for may say, and what several of them come to."""

import json
from itertools import combinations
from typing import Any

import pytest

from broker.domain.hooks.answers import BadAnswer, HookAnswer, HookSays, Opined, combine, read_answer, stand_in_answer
from broker.domain.hooks.events import HookEvent


def read(
    said: str, event: HookEvent = HookEvent.BEFORE_TOOL, *, code: int = 0, complaint: str = ""
) -> HookAnswer | None:
    value = json.loads(said) if said else None
    return read_answer(event, exit_code=code, value=value, empty=not said, complaint=complaint)


def opined(says: HookSays, hook: str = "", **given: Any) -> Opined:
    return Opined(hook=hook or says, answer=HookAnswer(says=says, **given))


def test_a_hook_says_no_with_json_or_with_exit_code_2() -> None:
    assert read('{"decision": "deny", "reason": "not here"}') == HookAnswer(says=HookSays.DENY, reason="not here")
    assert read("", code=2, complaint=" force pushes are off \n") == HookAnswer(
        says=HookSays.DENY, reason="force pushes are off"
    )
    assert read("") is None


@pytest.mark.parametrize(
    ("said", "event", "why"),
    [
        ("[]", HookEvent.BEFORE_TOOL, "not one JSON object"),
        ('{"decision": "block"}', HookEvent.BEFORE_TOOL, "its decision is 'block'"),
        ('{"decision": "deny", "stop": true}', HookEvent.BEFORE_TOOL, "its answer has stop"),
        ('{"decision": "deny", "reason": 5}', HookEvent.BEFORE_TOOL, "are texts"),
        ('{"decision": "modify"}', HookEvent.BEFORE_TOOL, "a modify has an `input`"),
        ('{"decision": "deny", "input": {}}', HookEvent.BEFORE_TOOL, "goes with the decision modify"),
        ('{"decision": "modify", "input": {"text": "x"}}', HookEvent.BEFORE_TURN, "with `prompt`, or a `context`"),
        ('{"decision": "ask"}', HookEvent.BEFORE_STOP, "before_stop takes allow, deny"),
    ],
)
def test_what_is_no_answer_is_a_failure_that_says_why(said: str, event: HookEvent, why: str) -> None:
    with pytest.raises(BadAnswer, match=why):
        read(said, event)


@pytest.mark.parametrize(("code", "why"), [(1, "exit code 1"), (-9, "ended by signal 9")])
def test_no_other_exit_code_is_an_answer_whatever_was_printed(code: int, why: str) -> None:
    with pytest.raises(BadAnswer, match=why):
        read('{"decision": "allow"}', code=code)


def test_a_prompt_is_replaced_or_extended() -> None:
    replaced = read('{"decision": "modify", "input": {"prompt": "do less"}}', HookEvent.BEFORE_TURN)
    assert replaced == HookAnswer(says=HookSays.MODIFY, input={"prompt": "do less"})
    extended = read('{"decision": "modify", "context": "It is Friday."}', HookEvent.BEFORE_TURN)
    assert extended == HookAnswer(says=HookSays.MODIFY, context="It is Friday.")


ORDER = [
    opined(HookSays.DENY),
    opined(HookSays.ASK),
    opined(HookSays.MODIFY, input={"command": "ls"}),
    opined(HookSays.ALLOW),
]


@pytest.mark.parametrize(("stronger", "weaker"), list(combinations(ORDER, 2)))
def test_the_stronger_of_two_answers_stands(stronger: Opined, weaker: Opined) -> None:
    for given in ([stronger, weaker], [weaker, stronger]):
        found = combine(given)
        assert found is not None
        assert (found.hook, found.answer.says) == (stronger.hook, stronger.answer.says)


def test_nobody_has_an_opinion() -> None:
    assert combine([]) is None


def test_two_that_change_the_same_call_in_other_ways_are_a_no() -> None:
    first, same = (opined(HookSays.MODIFY, hook, input={"command": "ls"}) for hook in ("a", "b"))
    other = opined(HookSays.MODIFY, "c", input={"command": "pwd"})
    agreed, torn = combine([first, same]), combine([first, other])
    assert agreed is not None and agreed.answer.input == {"command": "ls"}
    assert torn is not None and torn.answer == HookAnswer(says=HookSays.DENY, reason="they change it differently: a, c")


def test_what_hooks_want_the_agent_to_know_is_told_whoever_decides() -> None:
    found = combine(
        [opined(HookSays.ALLOW, context="It is Friday."), opined(HookSays.MODIFY, input={}, context="Be brief.")]
    )
    assert found is not None
    assert found.answer.context == "It is Friday.\nBe brief."


def test_a_failure_counts_as_the_definition_says_and_names_itself() -> None:
    assert stand_in_answer(HookSays.DENY, why="exit code 1") == HookAnswer(
        says=HookSays.DENY, reason="the hook failed: exit code 1"
    )
