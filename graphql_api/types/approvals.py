"""Permission requests, and the rules that answer them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import ID

from broker.domain.approvals import approvals as domain
from broker.domain.approvals import machine_word as domain_word
from broker.domain.approvals import rules
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.decision import Signatories
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.machine_word import MachineSays
from broker.domain.approvals.requirements import Need, OwnYes
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rule_trial import examples, use_of
from broker.domain.approvals.tool_use import ToolUse
from broker.domain.ids import SessionId
from broker.domain.people.access import MemberRole
from graphql_api.context import Info
from graphql_api.pagination import Place
from graphql_api.types.fields import resolve
from graphql_api.types.log.contents import FileChange
from graphql_api.types.node import Node
from graphql_api.types.questions import Question
from graphql_api.types.scalars import JSON, DateTime

if TYPE_CHECKING:
    from graphql_api.types.sessions import Session


@strawberry.type(description="A command or a file, and whether a rule covers it.")
class RuleExample:
    """One try."""

    text: str = strawberry.field(description="The command or the file.")
    covered: bool = strawberry.field(description="Whether the rule answers it.")


@strawberry.type(description="Answers approvals without a person. It matches when each of its patterns does.")
class Rule:
    """One rule."""

    effect: Effect = strawberry.field(
        description="What it does where it matches: deny goes over require, that over ask, that over allow."
    )
    tool: str = strawberry.field(
        description="A pattern for the tool's name, any vendor's, or for its kind; `*` is any."
    )
    command: str | None = strawberry.field(description="A pattern for one command; null is any, and no command.")
    path: str | None = strawberry.field(description="A pattern for the paths of files; null is any, and none.")
    risk: Risk | None = strawberry.field(description="Of one that requires people: the least risk that it matches.")
    role: MemberRole | None = strawberry.field(description="The role that those people have, or one that includes it.")
    group: str | None = strawberry.field(description="The name of the group that those people are in.")
    people: int = strawberry.field(description="How many different people it requires.")
    made_by: str | None = strawberry.field(
        description="Who made it; null for a suggestion, and for one of a version that did not write it down."
    )
    made_at: DateTime | None = strawberry.field(description="When.")
    examples: list[RuleExample] = strawberry.field(
        description="Of a suggestion: what it covers and what not, around what is asked for. Each was tried."
    )

    @classmethod
    def of(cls, kept: rules.KeptRule, *, near: ToolUse | None = None) -> Self:
        """As the domain knows it."""
        rule = kept.rule
        tries = examples(rule, near) if near else ()
        return cls(
            effect=rule.effect,
            tool=rule.tool,
            command=rule.command,
            path=rule.path,
            risk=rule.risk,
            role=rule.role,
            group=rule.group,
            people=rule.people,
            made_by=kept.by,
            made_at=None if kept.at_ms is None else DateTime(kept.at_ms),
            examples=[RuleExample(text=each.text, covered=each.covered) for each in tries],
        )


@strawberry.type(description="One of the answers that an agent's program offers.")
class AnswerOption:
    """An answer."""

    option_id: str = strawberry.field(description="The program's own id of it, for `optionId` of an answer.")
    name: str = strawberry.field(description="What it says.")
    kind: str = strawberry.field(
        description="`allow_once`, `allow_always`, `reject_once`, `reject_always`, or a word of the program's own."
    )
    lasts: bool = strawberry.field(
        description="It may hold for more than this request: the program asks no more, and rules are not looked at."
    )


@strawberry.type(
    description="What the policy of an agent's machine makes of a yes from afar. The machine decides by itself."
)
class MachineWord:
    """A machine's word."""

    yes: MachineSays = strawberry.field(description="To a plain yes.")
    lasting: MachineSays = strawberry.field(description="To one of the program's own answers that last.")
    why: str = strawberry.field(description="In words for the person who answers.")

    @classmethod
    def of(cls, word: domain_word.MachineWord) -> Self:
        """As the domain knows it."""
        return cls(yes=word.yes, lasting=word.lasting, why=word.why)


@strawberry.type(description="People whose yes a rule requires and who have not said it.")
class ApprovalNeed:
    """Who is missing."""

    rule: str = strawberry.field(description="The rule, in words.")
    group: str | None = strawberry.field(description="The group that they are in; null where none is named.")
    role: str | None = strawberry.field(description="The role that they have, or one that includes it; null for any.")
    missing: int = strawberry.field(description="How many of them.")
    words: str = strawberry.field(description="As it is told: `1 more person of the group ops`.")

    @classmethod
    def of(cls, need: Need) -> Self:
        """As the domain knows it."""
        return cls(
            rule=need.rule,
            group=need.name if need.of is Signatories.GROUP else None,
            role=need.name if need.of is Signatories.ROLE else None,
            missing=need.missing,
            words=need.words,
        )


@strawberry.type(description="A yes that is kept until those that are missing are there, too.")
class ApprovalAssent:
    """One yes."""

    by: str = strawberry.field(description="Who said it.")
    member_key: ID = strawberry.field(description="The member.")
    at: DateTime = strawberry.field(description="When.")


@strawberry.type(description="Something an agent asks permission for, or a question of it.")
class Approval(Node):
    """One permission request."""

    agent: str = strawberry.field(description="The agent's name.")
    agent_key: ID = strawberry.field(description="The agent.")
    session_key: ID = strawberry.field(description="The session.")
    status: ApprovalStatus = strawberry.field(description="Where it stands.")
    tool: str = strawberry.field(description="The tool the agent wants to use.")
    title: str = strawberry.field(description="What it is about to do, in few words.")
    command: str | None = strawberry.field(description="The command line it wants to run.")
    cwd: str | None = strawberry.field(description="The folder it would run in.")
    changes: list[FileChange] = strawberry.field(description="The files it wants to change.")
    paths: list[str] = strawberry.field(description="All files it is about, those it only reads too.")
    widens: list[str] = strawberry.field(
        description="What it asks for beyond this use of the tool, in words. No rule allows such a request."
    )
    input: JSON | None = strawberry.field(description="What the tool would be called with, secrets masked.")
    reason: str | None = strawberry.field(description="Why the agent asks, in its own words.")
    can_allow_session: bool = strawberry.field(description="Whether an answer can hold as long as the agent lives.")
    masked: bool = strawberry.field(
        description="Secrets were cut out of it: what runs is not byte for byte what is shown."
    )
    asked_at: DateTime = strawberry.field(description="When it was asked.")
    deadline: DateTime = strawberry.field(description="When it is denied if nobody has answered.")
    answered_by: str | None = strawberry.field(description="Who answered, or the rule that did.")
    note: str | None = strawberry.field(description="What the agent was told with the answer.")
    detail: str = strawberry.field(description="Text that the request carries besides; may be empty.")
    options: list[AnswerOption] = strawberry.field(
        description="The answers that the agent's program offers; empty where it takes a mere yes or no."
    )
    option: str | None = strawberry.field(description="The id of the one that was chosen.")
    told: str | None = strawberry.field(description="What the agent's program was told; null while it waits.")
    told_at: DateTime | None = strawberry.field(
        description="When its machine took the answer over; null as long as it has not."
    )
    question: Question | None = strawberry.field(
        description="What it asks in words; null for a permission request. `answerQuestion` answers it."
    )
    risk: Risk = strawberry.field(
        description="How carefully to look before allowing it. It helps people and decides nothing."
    )
    risk_reasons: list[str] = strawberry.field(description="Why, in words for people, the weightiest reason first.")
    suggested_rules: list[Rule] = strawberry.field(
        description="Rules that would have allowed this, the narrowest first; none when it is risky, or was answered."
    )
    machine: MachineWord | None = strawberry.field(
        description="What the agent's machine makes of a yes, while it waits; null where that passes, or is not known."
    )

    needs: list[ApprovalNeed] = strawberry.field(
        description="While it waits: whose yes the rules require, as far as it is missing. Others may only deny."
    )
    assents: list[ApprovalAssent] = strawberry.field(description="Of those that are required, who has said yes.")
    own_yes: OwnYes | None = strawberry.field(
        description="What a yes of the caller comes to; null once it does not wait, and for a question."
    )

    @classmethod
    def of(cls, approval: domain.Approval) -> Self:
        """As the domain knows it, weighed by the service of approvals."""
        assert approval.risk is not None
        return cls(
            key=ID(approval.id),
            agent=approval.agent,
            agent_key=ID(approval.agent_id),
            session_key=ID(approval.session_id),
            status=approval.status,
            tool=approval.tool,
            title=approval.title,
            command=approval.command,
            cwd=approval.cwd,
            changes=[FileChange(source=change) for change in approval.changes],
            paths=list(approval.paths),
            widens=list(approval.widens),
            input=None if approval.input is None else JSON(approval.input),
            reason=approval.reason,
            can_allow_session=approval.can_allow_session,
            masked=approval.masked,
            asked_at=DateTime(approval.asked_at_ms),
            deadline=DateTime(approval.deadline_ms),
            answered_by=approval.answered_by,
            note=approval.note,
            detail=approval.detail,
            options=[
                AnswerOption(option_id=each.id, name=each.name, kind=each.kind, lasts=each.lasts)
                for each in approval.options
            ],
            option=approval.option,
            told=approval.told,
            told_at=None if approval.told_at_ms is None else DateTime(approval.told_at_ms),
            question=Question.of(approval) if approval.is_question else None,
            risk=approval.risk,
            risk_reasons=list(approval.risk_reasons),
            suggested_rules=[
                Rule.of(rules.KeptRule(rule=each), near=use_of(approval, None))
                for each in approval.suggested_rules or ()
            ],
            machine=MachineWord.of(approval.machine) if approval.machine else None,
            needs=[ApprovalNeed.of(each) for each in approval.needs],
            assents=[
                ApprovalAssent(by=each.by, member_key=ID(each.member), at=DateTime(each.at_ms))
                for each in approval.assents
            ],
            own_yes=approval.own_yes,
        )

    @resolve("The session.")
    async def session(self, info: Info) -> Annotated[Session, strawberry.lazy("graphql_api.types.sessions")]:
        """Loaded once for all approvals of an answer."""
        from graphql_api.types.sessions import session_of

        return await session_of(info, SessionId(self.session_key))


def approval_place(approval: domain.Approval) -> Place:
    """The newest first."""
    return Place(-approval.asked_at_ms, approval.id)
