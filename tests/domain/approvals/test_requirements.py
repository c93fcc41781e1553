"""Whom rules require, for which uses of tools, and in which words that is said. Pure."""

from __future__ import annotations

import pytest

from broker.domain.approvals.decision import Requirement, Signatories
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.requirements import need_of, requirements_on
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import Rule, check_rule, rule_on
from broker.domain.approvals.tool_use import tool_use
from broker.domain.errors import BadRequest
from broker.domain.people.access import MemberRole

RM = tool_use(tool="Bash", command="rm -rf build", paths=(), given={"command": "rm -rf build"}, folder="/p")
HIDDEN = tool_use(tool="Bash", command="eval $X", paths=(), given={"command": "eval $X"}, folder="/p")
TWO = Rule(effect=Effect.REQUIRE, people=2)
OPS = Rule(effect=Effect.REQUIRE, command="rm *", group="ops")
ADMIN = Rule(effect=Effect.REQUIRE, role=MemberRole.ADMIN, risk=Risk.HIGH)


@pytest.mark.parametrize("floor", list(Risk))
@pytest.mark.parametrize("risk", list(Risk))
def test_a_rule_for_a_risk_holds_from_that_risk_on(floor: Risk, risk: Risk) -> None:
    order = list(Risk)
    found = requirements_on([Rule(effect=Effect.REQUIRE, people=2, risk=floor)], RM, lambda: risk)
    assert bool(found) == (order.index(risk) >= order.index(floor))


def test_the_risk_is_asked_for_only_where_a_rule_depends_on_it() -> None:
    def unknown() -> Risk:
        raise AssertionError("nobody needs it")

    other = Rule(effect=Effect.REQUIRE, tool="read", people=2, risk=Risk.LOW)
    assert requirements_on([TWO, OPS, other], RM, unknown) == (
        Requirement(by="rule require *", count=2),
        Requirement(by="rule require * rm *", of=Signatories.GROUP, name="ops"),
    )


def test_a_rule_that_only_may_apply_requires_its_people() -> None:
    assert requirements_on([OPS], HIDDEN, lambda: Risk.HIGH)


def test_the_relays_own_tools_are_required_for_only_by_name() -> None:
    assert not requirements_on([TWO], RM, lambda: Risk.HIGH, relay_tool=True)


def test_a_rule_that_requires_is_no_word_of_its_own_to_what_allows_asks_or_denies() -> None:
    for effect in (Effect.ALLOW, Effect.ASK, Effect.DENY):
        other = Rule(effect=effect, tool="Bash")
        ruling = rule_on([TWO, other], RM)
        assert ruling is not None
        assert ruling.rule == other
    assert rule_on([TWO], RM) is None


@pytest.mark.parametrize(
    ("rule", "count", "missing", "words"),
    [
        (TWO, 2, 2, "2 people"),
        (TWO, 2, 1, "1 more person"),
        (OPS, 1, 1, "1 person of the group ops"),
        (Rule(effect=Effect.REQUIRE, group="ops", people=3), 3, 2, "2 more people of the group ops"),
        (ADMIN, 1, 1, "1 person with the role admin or above"),
        (Rule(effect=Effect.REQUIRE, role=MemberRole.OWNER), 1, 1, "1 person with the role owner"),
    ],
)
def test_what_is_missing_is_said_in_words(rule: Rule, count: int, missing: int, words: str) -> None:
    (requirement,) = requirements_on([rule], RM, lambda: Risk.HIGH)
    assert requirement.count == count
    assert need_of(requirement, missing=missing).words == words


@pytest.mark.parametrize(
    "rule",
    [
        Rule(effect=Effect.REQUIRE),
        Rule(effect=Effect.REQUIRE, people=0),
        Rule(effect=Effect.REQUIRE, people=6),
        Rule(effect=Effect.REQUIRE, role=MemberRole.ADMIN, group="ops"),
        Rule(effect=Effect.REQUIRE, role=MemberRole.VIEWER),
        Rule(effect=Effect.REQUIRE, role=MemberRole.BILLING),
        Rule(effect=Effect.ALLOW, people=2),
        Rule(effect=Effect.DENY, risk=Risk.HIGH),
        Rule(effect=Effect.ASK, group="ops"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule: Rule) -> None:
    with pytest.raises(BadRequest) as refused:
        check_rule(rule)
    assert refused.value.code == "BAD_RULE"


@pytest.mark.parametrize("rule", [TWO, OPS, ADMIN, Rule(effect=Effect.DENY), Rule(effect=Effect.ALLOW, path="*")])
def test_a_rule_that_means_something_is_not(rule: Rule) -> None:
    assert check_rule(rule) == rule
