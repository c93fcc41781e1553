"""The order of decisions: each source against each other, in every pair."""

from dataclasses import replace
from itertools import combinations

import pytest

from broker.domain.approvals.decision import (
    Allowed,
    Asked,
    Assent,
    Decision,
    Denied,
    Grounds,
    Opinion,
    Required,
    Requirement,
    Signatories,
    decide,
    is_met,
)
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.rules import Rule, Ruling
from broker.domain.ids import MemberId


def opinion(effect: Effect, by: str) -> Opinion:
    return Opinion(effect=effect, by=by)


def ruling(effect: Effect, *, unsure: bool = False) -> Ruling:
    return Ruling(effect=effect, rule=Rule(effect=effect), why="unsure" if unsure else "")


ADMIN = Requirement(by="rule", of=Signatories.ROLE, name="admin")
ADA = Assent(member=MemberId("ada"), roles=frozenset({"member"}), groups=frozenset({"ops"}))
BOB = Assent(member=MemberId("bob"), roles=frozenset({"member", "admin"}))

# The strongest first; each alone gives the outcome beside it.
ORDER: list[tuple[str, Grounds, type[Decision]]] = [
    ("machine denies", Grounds(machine=opinion(Effect.DENY, "machine")), Denied),
    ("rule denies", Grounds(ruling=ruling(Effect.DENY)), Denied),
    ("hook denies", Grounds(hooks=(opinion(Effect.DENY, "hook"),)), Denied),
    ("required", Grounds(requirements=(ADMIN,)), Required),
    ("rule asks", Grounds(ruling=ruling(Effect.ASK)), Asked),
    ("machine asks", Grounds(machine=opinion(Effect.ASK, "machine")), Asked),
    ("hook asks", Grounds(hooks=(opinion(Effect.ASK, "hook"),)), Asked),
    ("rule allows", Grounds(ruling=ruling(Effect.ALLOW)), Allowed),
    ("remembered", Grounds(remembered="ada"), Allowed),
    ("relay tool", Grounds(relay_tool=True), Allowed),
    ("hook allows", Grounds(hooks=(opinion(Effect.ALLOW, "hook"),)), Allowed),
    ("machine allows", Grounds(machine=opinion(Effect.ALLOW, "machine")), Allowed),
]
BY = {"machine denies": "machine", "rule denies": "rule deny *", "hook denies": "hook"}


def together(first: Grounds, second: Grounds) -> Grounds | None:
    """Both grounds in one; None where they are about the same source, which has one word."""
    if (first.machine and second.machine) or (first.ruling and second.ruling):
        return None
    return Grounds(
        machine=first.machine or second.machine,
        ruling=first.ruling or second.ruling,
        hooks=first.hooks + second.hooks,
        requirements=first.requirements + second.requirements,
        relay_tool=first.relay_tool or second.relay_tool,
        remembered=first.remembered or second.remembered,
    )


@pytest.mark.parametrize(("name", "grounds", "outcome"), ORDER, ids=[each[0] for each in ORDER])
def test_a_source_alone_decides(name: str, grounds: Grounds, outcome: type[Decision]) -> None:
    assert isinstance(decide(grounds), outcome), name


PAIRS = [
    (f"{a[0]} over {b[0]}", both, a[2], BY.get(a[0]))
    for a, b in combinations(ORDER, 2)
    if (both := together(a[1], b[1])) is not None
]


@pytest.mark.parametrize(("name", "grounds", "outcome", "by"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_the_stronger_of_two_sources_decides(
    name: str, grounds: Grounds, outcome: type[Decision], by: str | None
) -> None:
    decision = decide(grounds)
    assert isinstance(decision, outcome), name
    if isinstance(decision, Denied):
        assert decision.by == by


def test_without_a_word_from_anybody_a_person_is_asked() -> None:
    assert decide(Grounds()) == Asked()


def test_what_a_rule_asks_is_asked_each_time() -> None:
    decision = decide(Grounds(ruling=ruling(Effect.ASK), remembered="ada"))
    assert isinstance(decision, Asked)
    assert decision.always


def test_a_hook_and_a_machine_never_widen_what_a_rule_asks() -> None:
    allow = opinion(Effect.ALLOW, "hook")
    assert isinstance(decide(Grounds(ruling=ruling(Effect.ASK), hooks=(allow,), machine=allow)), Asked)


def test_a_request_for_more_than_the_use_of_a_tool_is_allowed_by_people_alone() -> None:
    wide = Grounds(widens=True)
    assert isinstance(decide(replace(wide, ruling=ruling(Effect.ALLOW))), Asked)
    assert isinstance(decide(replace(wide, hooks=(opinion(Effect.ALLOW, "hook"),))), Asked)
    assert isinstance(decide(replace(wide, machine=opinion(Effect.ALLOW, "machine"))), Asked)
    assert isinstance(decide(replace(wide, remembered="ada")), Allowed)


@pytest.mark.parametrize(
    "requirement",
    [
        ADMIN,
        Requirement(by="rule", of=Signatories.GROUP, name="ops"),
        Requirement(by="rule", of=Signatories.PEOPLE, count=2),
    ],
    ids=["role", "group", "two people"],
)
def test_nothing_satisfies_a_requirement_but_the_people_it_names(requirement: Requirement) -> None:
    everything = Grounds(
        requirements=(requirement,),
        ruling=ruling(Effect.ALLOW),
        machine=opinion(Effect.ALLOW, "machine"),
        hooks=(opinion(Effect.ALLOW, "hook"),),
        relay_tool=True,
        remembered="ada",
    )
    assert decide(everything) == Required(requirements=(requirement,))
    assert decide(replace(everything, assents=(ADA, BOB))) == Allowed(by="ada, bob")


def test_one_person_is_not_two() -> None:
    two = Requirement(by="rule", of=Signatories.PEOPLE, count=2)
    nobody = Assent(member=MemberId(""))
    assert not is_met(two, [ADA, ADA])
    assert not is_met(two, [ADA, nobody])
    assert is_met(two, [ADA, BOB])
    assert not is_met(Requirement(by="rule", of=Signatories.PEOPLE, count=0), [])


def test_a_role_is_not_a_group_and_nobody_elses_yes_counts() -> None:
    assert not is_met(ADMIN, [ADA])
    assert is_met(ADMIN, [BOB])
    assert not is_met(Requirement(by="rule", of=Signatories.GROUP, name="admin"), [BOB])


def test_all_requirements_must_be_met() -> None:
    ops = Requirement(by="hook", of=Signatories.GROUP, name="ops")
    assert decide(Grounds(requirements=(ADMIN, ops), assents=(BOB,))) == Required(requirements=(ops,))
    assert isinstance(decide(Grounds(requirements=(ADMIN, ops), assents=(BOB, ADA))), Allowed)


def test_people_who_are_named_cannot_allow_what_is_denied() -> None:
    for denied in (
        Grounds(machine=opinion(Effect.DENY, "m")),
        Grounds(ruling=ruling(Effect.DENY)),
        Grounds(hooks=(opinion(Effect.ALLOW, "a"), opinion(Effect.DENY, "b"))),
    ):
        assert isinstance(decide(replace(denied, requirements=(ADMIN,), assents=(BOB,), remembered="bob")), Denied)
