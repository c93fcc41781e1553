"""What a rule would do: with requests that were made, and with commands and files near the one that is asked for."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from broker.domain.approvals.approvals import Approval
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.patterns import Match
from broker.domain.approvals.requirements import requirements_on
from broker.domain.approvals.risk.assessment import assess
from broker.domain.approvals.rules import Rule, match, rule_on
from broker.domain.approvals.tool_use import ToolUse, tool_use
from broker.domain.ids import AgentId


class TrialOutcome(StrEnum):
    """What a rule would have done with a request that it matches."""

    ALLOWS = "allows"
    ASKS = "asks"
    REQUIRES = "requires"
    DENIES = "denies"
    OVERRULED = "overruled"
    """Another rule goes over it."""


_OF_EFFECT = {
    Effect.ALLOW: TrialOutcome.ALLOWS,
    Effect.ASK: TrialOutcome.ASKS,
    Effect.REQUIRE: TrialOutcome.REQUIRES,
    Effect.DENY: TrialOutcome.DENIES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRequest:
    """A request that a rule matches."""

    approval: Approval
    outcome: TrialOutcome
    by: Rule
    """The rule that decides: the tried one, or the one that goes over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A command or a file, and whether a rule covers it: tried, not guessed."""

    text: str
    covered: bool


def use_of(asked: Approval, folder: str | None) -> ToolUse:
    """What was asked for, as rules see it."""
    return tool_use(
        tool=asked.tool,
        command=asked.command,
        paths=(*asked.paths, *(str(change.get("path") or "") for change in asked.changes)),
        given=asked.input,
        folder=asked.cwd or folder,
        widens=asked.widens,
    )


def try_rules(
    rule: Rule, others: Iterable[Rule], asked: Iterable[Approval], folders: Mapping[AgentId, str | None]
) -> list[TriedRequest]:
    """Those of some requests that a rule, put first, matches."""
    rules = [rule, *(each for each in others if each != rule)]
    found: list[TriedRequest] = []
    for approval in asked:
        folder = folders.get(approval.agent_id)
        use = use_of(approval, folder)
        if rule.effect is Effect.REQUIRE:
            found += _try_requiring(rule, rules, approval, use, folder)
            continue
        ruling = rule_on(rules, use)
        if ruling is None or match(rule, use) is Match.NO or rule_on([rule], use) is None:
            continue
        required = ruling.effect is not Effect.DENY and _find_required(rules, approval, use, folder)
        by = required or ruling.rule
        outcome = _OF_EFFECT[ruling.effect] if by == rule else TrialOutcome.OVERRULED
        found.append(TriedRequest(approval=approval, outcome=outcome, by=by))
    return found


def _find_required(rules: Iterable[Rule], asked: Approval, use: ToolUse, folder: str | None) -> Rule | None:
    """The first rule that requires people for it."""
    for rule in rules:
        if requirements_on([rule], use, lambda: asked.risk or assess(asked, cwd=folder).risk):
            return rule
    return None


def _try_requiring(
    rule: Rule, rules: Iterable[Rule], asked: Approval, use: ToolUse, folder: str | None
) -> Iterator[TriedRequest]:
    """A rule that requires people is overruled by one that denies alone: beside another of its kind, both hold."""
    if _find_required([rule], asked, use, folder) is None:
        return
    ruling = rule_on(rules, use)
    denying = ruling.rule if ruling is not None and ruling.effect is Effect.DENY else None
    outcome = TrialOutcome.OVERRULED if denying else TrialOutcome.REQUIRES
    yield TriedRequest(approval=asked, outcome=outcome, by=denying or rule)


def examples(rule: Rule, asked: ToolUse) -> tuple[Example, ...]:
    """What a rule covers and what it does not, around the request that it is suggested for."""
    return tuple(Example(text=text, covered=rule_on([rule], use) is not None) for text, use in _near(asked))


def _near(asked: ToolUse) -> Iterator[tuple[str, ToolUse]]:
    if asked.command is not None:
        first, *_ = [*asked.command.split(), asked.command]
        for text in dict.fromkeys(
            (
                asked.command,
                f"{asked.command} --help",
                f"{first} --version",
                f"{asked.command} && rm -rf ~",
                f"{asked.command} > ~/.bashrc",
                "rm -rf ~",
            )
        ):
            yield text, replace(asked, command=text)
        return
    for path in asked.paths[:1]:
        folder = posixpath.dirname(path)
        ending = posixpath.splitext(path)[1]
        others = (f"{folder}/another{ending}", f"{folder}/below/another{ending}", f"{folder}/.env", "/etc/passwd")
        for text in dict.fromkeys((path, *others)):
            yield text, replace(asked, paths=(text,))
