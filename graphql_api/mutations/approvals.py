"""Answering what agents ask permission for, and the rules that do so by themselves."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.approvals import rules
from broker.domain.approvals.answers import ApprovalAnswer, Scope, Verdict
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.risk.findings import Risk
from broker.domain.errors import BadRequest
from broker.domain.ids import ApprovalId
from broker.domain.people.access import MemberRole
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once, short, short_or_none
from graphql_api.node_ids import key_of
from graphql_api.refusals import Refused
from graphql_api.types.approvals import Approval, Rule
from graphql_api.types.scalars import JSON

_LONGEST_NOTE = 4000
_LONGEST_COMMAND = 1000
_LONGEST_PATH = 4096


@strawberry.input(description="A rule. It matches when each of its patterns, with `*` and `?`, does.")
class RuleInput:
    """A rule."""

    effect: Effect = strawberry.field(description="What it does where it matches.")
    tool: str = strawberry.field(default="*", description="A pattern for the tool's name or kind.")
    command: str | None = strawberry.field(default=None, description="A pattern for one command.")
    path: str | None = strawberry.field(default=None, description="A pattern for the paths of files.")
    risk: Risk | None = strawberry.field(
        default=None, description="Of one that requires people: the least risk that it matches; null is any."
    )
    role: MemberRole | None = strawberry.field(
        default=None, description="Of one that requires people: the role that they have, or one that includes it."
    )
    group: str | None = strawberry.field(default=None, description="The same: the group that they are in, by name.")
    people: int = strawberry.field(default=1, description="The same: how many different ones.")

    def rule(self) -> rules.Rule:
        """As the domain knows it. Raises `BadRequest`."""
        return rules.Rule(
            effect=self.effect,
            tool=short("tool", self.tool),
            command=short_or_none("command", self.command, most=_LONGEST_COMMAND),
            path=short_or_none("path", self.path, most=_LONGEST_PATH),
            risk=self.risk,
            role=self.role,
            group=short_or_none("group", self.group),
            people=self.people,
        )


@strawberry.input(description="An answer to a permission request.")
class AnswerApprovalInput(Repeatable):
    """An answer."""

    approval: ID = strawberry.field(description="The approval: its id or key.")
    verdict: Verdict = strawberry.field(description="Yes or no.")
    scope: Scope = strawberry.field(default=Scope.ONCE, description="How long the answer holds.")
    note: str = strawberry.field(default="", description="What to tell the agent when it is denied.")
    interrupt: bool = strawberry.field(default=False, description="When denied: whether to end the turn too.")
    always: RuleInput | None = strawberry.field(
        default=None,
        description="Also put this rule first, so that the next one like it answers itself. For who administers.",
    )
    option_id: str | None = strawberry.field(
        default=None,
        description=(
            "The id of the one of its `options` that is meant, where there are several of a kind. One that lasts is for"
            " who administers."
        ),
    )
    updated_input: JSON | None = strawberry.field(
        default=None, description="When allowed: an object to call the tool with instead. Claude only."
    )

    def answer(self) -> ApprovalAnswer:
        """What the agent is told. Raises `BadRequest`."""
        if self.updated_input is not None and not isinstance(self.updated_input, dict):
            raise BadRequest("updatedInput: an object")
        if len(self.note) > _LONGEST_NOTE:
            raise BadRequest(f"note: {_LONGEST_NOTE} characters at most")
        return ApprovalAnswer(
            verdict=self.verdict,
            scope=self.scope,
            note=self.note,
            interrupt=self.interrupt,
            updated_input=self.updated_input,
            option_id=short_or_none("optionId", self.option_id),
        )


@strawberry.type(description="The answer counts.")
class ApprovalAnswered:
    """The approval."""

    approval: Approval = strawberry.field(description="The approval as it is now.")


AnswerApprovalResult = Annotated[
    ApprovalAnswered | Refused,
    strawberry.union("AnswerApprovalResult", description="The approval, or why the answer does not count."),
]


@strawberry.input(description="All rules of the workspace.")
class SetRulesInput(Repeatable):
    """All rules."""

    rules: list[RuleInput] = strawberry.field(description="Those that replace the present ones, 200 at most.")


@strawberry.input(description="A rule that is to come or to go.")
class ChangeRuleInput(Repeatable):
    """One rule."""

    rule: RuleInput = strawberry.field(description="The rule.")


@strawberry.input(description="A rule that is to stand elsewhere.")
class MoveRuleInput(Repeatable):
    """Which, and where to."""

    rule: RuleInput = strawberry.field(description="The rule.")
    ahead_of: RuleInput | None = strawberry.field(default=None, description="The one behind it then; null: the end.")


@strawberry.type(description="The rules were changed.")
class RulesSet:
    """The rules."""

    rules: list[Rule] = strawberry.field(description="The rules as they are now.")


SetRulesResult = Annotated[
    RulesSet | Refused, strawberry.union("SetRulesResult", description="The rules, or why they are as they were.")
]


@strawberry.type
class ApprovalMutations:
    """Mutations of approvals and rules."""

    @mutation("Answer a permission request. The first answer wins.")
    async def answer_approval(self, info: Info, input: Annotated[AnswerApprovalInput, GIVEN]) -> AnswerApprovalResult:
        """A repeat answers with the approval, as it stands by then."""
        desk, principal = info.context.services.desk, info.context.principal
        approval, answer = ApprovalId(key_of("Approval", input.approval)), input.answer()
        always = input.always.rule() if input.always is not None else None

        async def act() -> str:
            return (await desk.answer(principal, approval, answer, always=always)).id

        answered = await once(info, input, act)
        return ApprovalAnswered(approval=Approval.of(await desk.get(principal, ApprovalId(answered.text))))

    @mutation("Replace the rules that answer approvals. For who administers.")
    async def set_rules(self, info: Info, input: Annotated[SetRulesInput, GIVEN]) -> SetRulesResult:
        """Twice is once."""
        wanted = [each.rule() for each in input.rules]
        kept = await info.context.services.rules.replace(info.context.principal, wanted)
        return RulesSet(rules=[Rule.of(each) for each in kept])

    @mutation("Put a rule ahead of the others, unless it is there. For who administers.")
    async def add_rule(self, info: Info, input: Annotated[ChangeRuleInput, GIVEN]) -> SetRulesResult:
        """Twice is once."""
        await info.context.services.rules.add(info.context.principal, input.rule.rule())
        return await _rules(info)

    @mutation("Take a rule away, wherever it stands by now. For who administers.")
    async def remove_rule(self, info: Info, input: Annotated[ChangeRuleInput, GIVEN]) -> SetRulesResult:
        """Twice is once."""
        await info.context.services.rules.remove(info.context.principal, input.rule.rule())
        return await _rules(info)

    @mutation("Move a rule ahead of another one, or to the end. For who administers.")
    async def move_rule(self, info: Info, input: Annotated[MoveRuleInput, GIVEN]) -> SetRulesResult:
        """Twice is once."""
        ahead_of = None if input.ahead_of is None else input.ahead_of.rule()
        await info.context.services.rules.move(info.context.principal, input.rule.rule(), ahead_of=ahead_of)
        return await _rules(info)


async def _rules(info: Info) -> RulesSet:
    kept = await info.context.services.rules.rules(info.context.principal)
    return RulesSet(rules=[Rule.of(each) for each in kept])
