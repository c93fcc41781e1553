"""What people are told that a machine makes of their yes is what it makes of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from broker.domain.approvals.answers import AnswerOption, ApprovalAnswer, Verdict
from broker.domain.approvals.machine_word import MachineSays, machine_word
from broker.domain.machines.policy import MachinePolicy
from broker.protocol.agents.events import ApprovalRequested, FileChange
from connect.policy.decision import AskAnswer, decide_answer
from connect.policy.policy import AlwaysAsked, Policy, Widening

RUN = ApprovalRequested(native_id="1", tool="Bash", title="run", command="ls", input={"command": "ls"})
EDIT = ApprovalRequested(native_id="1", tool="Edit", title="edit", changes=(FileChange(path="/p/a"),))
FOREVER = AnswerOption(id="ever", name="Always", kind="allow_always")
POLICIES = [
    Policy(strict=strict, ask=frozenset(asks), widening=widening)
    for strict, asks, widening in product((False, True), ([], [AlwaysAsked.SHELL]), Widening)
]


REQUESTS = [replace(each, lasting=lasting, options=(FOREVER,)) for each, lasting in product((RUN, EDIT), (False, True))]


def told(policy: Policy, *, terminal: bool) -> MachinePolicy:
    asks = tuple(sorted(what for what in AlwaysAsked if policy.asks(what)))
    return MachinePolicy(asks=asks, strict=policy.strict, widening=policy.on_widening, terminal=terminal)


def done(policy: Policy, asked: ApprovalRequested, option: str | None, *, terminal: bool) -> set[MachineSays]:
    """What the machine really does with a yes; where it asks and nobody is there, that is a no."""
    decision = decide_answer(policy, asked, ApprovalAnswer(verdict=Verdict.ALLOW, option_id=option))
    if isinstance(decision, AskAnswer):
        return {MachineSays.ASKS} if terminal else {MachineSays.ASKS, MachineSays.REFUSES}
    return {MachineSays.PASSES if decision.answer.verdict is Verdict.ALLOW else MachineSays.REFUSES}


@pytest.mark.parametrize("terminal", [True, False], ids=["somebody there", "nobody there"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: f"{policy.strict} {[*policy.ask]} {policy.widening}")
def test_a_machine_does_what_people_are_told_that_it_does(policy: Policy, terminal: bool) -> None:
    for asked in REQUESTS:
        word = machine_word(told(policy, terminal=terminal), asked, machine="build-box")
        yes, lasting = (word.yes, word.lasting) if word else (MachineSays.PASSES, MachineSays.PASSES)
        assert yes in done(policy, asked, None, terminal=terminal)
        assert lasting in done(policy, asked, FOREVER.id, terminal=terminal)
        if word is not None:
            assert word.why.startswith("The policy of build-box ")


def test_where_nobody_is_at_the_terminal_that_every_yes_needs_a_yes_is_refused() -> None:
    word = machine_word(told(Policy(strict=True), terminal=False), RUN, machine="box")
    assert word is not None
    assert word.yes is MachineSays.REFUSES
    assert word.why.endswith("nobody is there: a yes will be refused.")


def test_nothing_is_said_of_a_machine_that_tells_no_policy() -> None:
    assert machine_word(None, replace(RUN, lasting=True), machine="old") is None


def test_nothing_is_said_of_answers_that_last_where_none_is_offered() -> None:
    assert machine_word(told(Policy(widening=Widening.DROP), terminal=True), RUN, machine="box") is None
