"""Answering what agents ask permission for: people, rules and deadlines."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, assert_never

import orjson

from broker.domain.agents.sessions import Session
from broker.domain.approvals.approvals import (
    AnswerOption,
    Approval,
    ApprovalAnswer,
    ApprovalPlace,
    ApprovalStatus,
    Scope,
    Verdict,
    WaitingApprovals,
    plain_option,
)
from broker.domain.approvals.decision import Allowed, Asked, Decision, Denied, Grounds, Required, decide
from broker.domain.approvals.machine_word import MachineWord, machine_word
from broker.domain.approvals.questions import check_answers, shown_answers
from broker.domain.approvals.risk.assessment import assess, assess_request
from broker.domain.approvals.risk.findings import Assessment
from broker.domain.approvals.rules import Effect, Rule, rule_on
from broker.domain.approvals.suggested_rules import rules_for, suggested_rules
from broker.domain.approvals.tool_kinds import ToolKind
from broker.domain.approvals.tool_use import ToolUse, likeness, tool_use
from broker.domain.errors import BadRequest, Conflict, NotFound
from broker.domain.ids import AgentId, ApprovalId, WorkspaceId
from broker.domain.people.access import Permission, Principal
from broker.domain.timings import TIMINGS
from broker.protocol.agents.events import ApprovalRequested
from broker.services.permissions import checked_within, requires
from broker.services.ports import Approvals, Decided, DecidedApproval, Surroundings
from broker.services.redaction import Redaction

MAX_RULES = 200
MAX_PAGE = 100
_EXPIRED = "nobody answered in time"


class ApprovalDesk:
    """Reads, decides and answers approvals."""

    def __init__(
        self, approvals: Approvals, redaction: Redaction, *, deadline_s: int = TIMINGS.approval_deadline_s
    ) -> None:
        self._approvals = approvals
        self._redaction = redaction
        self._deadline_s = deadline_s

    async def decide(
        self, workspace: WorkspaceId, agent: AgentId, *, generation: int, event: ApprovalRequested
    ) -> DecidedApproval:
        """What happens to a new request, by the order of `domain.decision`; it may be that it waits for a person."""
        standing = await self._approvals.standing(workspace, agent)
        use = tool_use(
            tool=event.tool,
            command=event.command,
            paths=(*event.paths, *(change.path for change in event.changes)),
            given=event.input,
            folder=event.cwd or standing.folder,
            widens=event.widens,
        )
        alike = likeness(use, event.input, [(change.path, change.change) for change in event.changes])
        by = await self._approvals.granted(workspace, agent, alike) if alike else None
        remembered = f"{by}, for as long as the agent lives" if by else ""
        event = _shown(event, use)
        decision = decide(
            Grounds(
                ruling=rule_on(standing.rules, use, relay_tool=event.relay_tool),
                relay_tool=event.relay_tool,
                widens=bool(use.widens),
                only_people=bool(event.prompts)
                or (bool(event.options) and plain_option(event.options, Verdict.ALLOW) is None),
                remembered=remembered,
            )
        )
        answer = _given(decision, event.options)
        rests_on_it = remembered != "" and decision == Allowed(by=remembered)
        may_wait = (answer is None or rests_on_it) and not event.prompts
        assessment = _assessment(event, use) if may_wait else None
        lastable = isinstance(decision, Asked) and not decision.always and alike != "" and not event.prompts
        return DecidedApproval(
            agent=agent,
            generation=generation,
            id=ApprovalId(uuid.uuid4().hex),
            event=replace(event, can_allow_session=lastable),
            deadline_s=self._deadline_s,
            decided=_decided(decision, answer),
            told=told_words(event.options, answer) if answer else "",
            assessment=assessment,
            suggested_rules=rules_for(use, assessment.risk) if assessment else None,
            machine=await self._machine_word(workspace, agent, event) if may_wait else None,
            likeness=alike,
            remembered=rests_on_it,
        )

    async def _machine_word(
        self, workspace: WorkspaceId, agent: AgentId, event: ApprovalRequested
    ) -> MachineWord | None:
        around = (await self._approvals.surroundings(workspace, [agent]))[agent]
        return machine_word(around.policy, event, machine=around.machine)

    @requires(Permission.APPROVE)
    async def answer(
        self, principal: Principal, approval: ApprovalId, answer: ApprovalAnswer, *, always: Rule | None = None
    ) -> Approval:
        """Answer a request; the first answer wins. Raises `NotFound`, `NotPermitted`, `Conflict`, `BadRequest`.

        `always`, of who administers: put this rule first, too, so that the next request like it answers itself. It
        stays should the answer come too late, as it is what its author wants all the same.
        Where the agent's program offers several answers of one kind, `option_id` says which (`CHOOSE_OPTION`). One that
        lasts is for who administers: behind it the program asks no more, and no rule is looked at.
        """
        if always is not None:
            await self._add_rule_with(principal, always, answer.verdict)
        if answer.updated_input is not None and answer.verdict is Verdict.DENY:
            raise BadRequest("updated_input goes with verdict allow")
        asked = await self._approvals.approval(principal.workspace, approval)
        if asked.is_question and answer.verdict is Verdict.ALLOW:
            raise BadRequest("it is a question: it wants answers rather than a yes", code="IS_QUESTION")
        if asked.status is ApprovalStatus.PENDING:
            answer = _with_option(principal, asked, answer)
            if answer.verdict is Verdict.ALLOW:
                await self._require_undenied(principal.workspace, asked, answer.updated_input)
        redactor = await self._redaction.redactor(principal.workspace)
        status = ApprovalStatus.ALLOWED if answer.verdict is Verdict.ALLOW else ApprovalStatus.DENIED
        await self._approvals.answer(
            principal.workspace,
            approval,
            status=status,
            by=principal.name,
            note=redactor.text(answer.note).text,
            # What holds longer than once is kept here: a vendor would not ask again, and rules would not be looked at.
            answer=orjson.dumps(replace(answer, scope=Scope.ONCE)),
            lasting=principal.maker if _lasts(answer) else None,
            told=told_words(asked.options, answer),
            option=answer.option_id,
        )
        return await self._found(principal.workspace, approval)

    async def _add_rule_with(self, principal: Principal, rule: Rule, verdict: Verdict) -> None:
        wanted = Effect.ALLOW if verdict is Verdict.ALLOW else Effect.DENY
        if rule.effect is not wanted:
            raise BadRequest(f"always: a rule with the effect {wanted.name} goes with this verdict")
        await self.add_rule(principal, rule)

    @checked_within("reading approvals requires something")
    async def question(self, principal: Principal, question: ApprovalId) -> Approval:
        """One question. Raises `NotFound`, for a permission request too."""
        found = await self.get(principal, question)
        if not found.is_question:
            raise NotFound(f"no question {question[:80]!r}", code="QUESTION_NOT_FOUND")
        return found

    @requires(Permission.APPROVE)
    async def decline_question(self, principal: Principal, question: ApprovalId, *, note: str = "") -> Approval:
        """Tell the agent that nobody answers. Raises as `answer_question`."""
        _require_question(await self._approvals.approval(principal.workspace, question))
        return await self.answer(principal, question, ApprovalAnswer(verdict=Verdict.DENY, note=note))

    @requires(Permission.APPROVE)
    async def answer_question(
        self, principal: Principal, question: ApprovalId, answers: Mapping[str, Sequence[str]]
    ) -> Approval:
        """Answer a question, by its prompts' ids. The first answer wins.

        Raises `NotFound`, `NotPermitted`, `Conflict`, `BadRequest` (BAD_ANSWER; NOT_A_QUESTION: a permission request).
        """
        asked = await self._approvals.approval(principal.workspace, question)
        _require_question(asked)
        given = check_answers(asked.prompts, answers)
        redactor = await self._redaction.redactor(principal.workspace)
        shown = shown_answers(asked.prompts, given)
        await self._approvals.answer(
            principal.workspace,
            question,
            status=ApprovalStatus.ANSWERED,
            by=principal.name,
            note="",
            answer=orjson.dumps(ApprovalAnswer(verdict=Verdict.ALLOW, answers=given)),
            told="the answers",
            answers={name: [redactor.text(text).text for text in texts] for name, texts in shown.items()},
        )
        return await self._found(principal.workspace, question)

    async def _require_undenied(
        self, workspace: WorkspaceId, asked: Approval, updated_input: dict[str, Any] | None
    ) -> None:
        """Nobody's answer goes before a rule that denies: one made since it was asked, or one against other input."""
        standing = await self._approvals.standing(workspace, asked.agent_id)
        kept = (*asked.paths, *(str(change.get("path") or "") for change in asked.changes))
        use = tool_use(
            tool=asked.tool,
            command=asked.command if updated_input is None else None,
            paths=kept if updated_input is None else (),
            given=asked.input if updated_input is None else updated_input,
            folder=asked.cwd or standing.folder,
            widens=asked.widens,
        )
        ruling = rule_on(standing.rules, use)
        if ruling is not None and ruling.effect is Effect.DENY:
            raise Conflict(f"{ruling.rule.name} denies that", code="RULE_DENIES")

    async def expire(self, workspace: WorkspaceId, approval: ApprovalId) -> None:
        """Deny a request whose deadline has passed; nothing when it was answered or forgotten meanwhile."""
        try:
            await self._approvals.answer(
                workspace,
                approval,
                status=ApprovalStatus.EXPIRED,
                by="deadline",
                note=_EXPIRED,
                answer=orjson.dumps(ApprovalAnswer(verdict=Verdict.DENY, note=_EXPIRED)),
                at_deadline=True,
                told="no",
            )
        except (Conflict, NotFound):
            return

    @requires(Permission.READ)
    async def get(self, principal: Principal, approval: ApprovalId) -> Approval:
        """One request. Raises `NotFound`, for another session's too where the caller sees only its own."""
        found = await self._found(principal.workspace, approval)
        if principal.session not in {None, found.session_id}:
            raise NotFound(f"no approval {approval[:80]!r}", code="APPROVAL_NOT_FOUND")
        return found

    @requires(Permission.READ)
    async def of_session(
        self, principal: Principal, session: Session, *, status: ApprovalStatus | None, limit: int = MAX_PAGE
    ) -> list[Approval]:
        """A session's requests, the newest first."""
        found = await self._approvals.approvals(principal.workspace, session.id, status=status, limit=limit)
        return await self._weighed(principal.workspace, found)

    @requires(Permission.READ)
    async def waiting(
        self,
        principal: Principal,
        *,
        session: Session | None = None,
        limit: int = MAX_PAGE,
        after: ApprovalPlace | None = None,
    ) -> WaitingApprovals:
        """What waits for somebody, the longest waiting first: of one session, or of all that the caller may see."""
        only = session.id if session else principal.session
        limit = min(limit, MAX_PAGE)
        page = await self._approvals.waiting(principal.workspace, session=only, limit=limit, after=after)
        return replace(page, approvals=await self._weighed(principal.workspace, page.approvals))

    async def _found(self, workspace: WorkspaceId, approval: ApprovalId) -> Approval:
        (found,) = await self._weighed(workspace, [await self._approvals.approval(workspace, approval)])
        return found

    async def _weighed(self, workspace: WorkspaceId, approvals: Sequence[Approval]) -> list[Approval]:
        """With all that helps people to answer: earlier versions kept no risk, and a policy may have changed since."""
        waiting = {each.agent_id for each in approvals if each.status is ApprovalStatus.PENDING or each.risk is None}
        around = await self._approvals.surroundings(workspace, waiting) if waiting else {}
        return [_weighed(each, around.get(each.agent_id, Surroundings())) for each in approvals]

    @checked_within("an agent's own connection asks for what it waits for")
    async def pending_of(self, principal: Principal, agent: AgentId) -> dict[str, dict[str, Any] | None]:
        """What an agent waits for: its native request id → the tool's input."""
        return await self._approvals.pending(principal.workspace, agent)

    @requires(Permission.READ_WORKSPACE)
    async def rules(self, principal: Principal) -> list[Rule]:
        """The workspace's rules."""
        return await self._approvals.rules(principal.workspace)

    @requires(Permission.ADMINISTER)
    async def add_rule(self, principal: Principal, rule: Rule) -> None:
        """Put a rule ahead of the others, unless it is there. Raises `NotPermitted`, `Conflict` (TOO_MANY_RULES)."""
        await self._approvals.add_rule(principal.workspace, rule, most=MAX_RULES)

    @requires(Permission.ADMINISTER)
    async def remove_rule(self, principal: Principal, rule: Rule) -> bool:
        """Take a rule away; whether it was there. Raises `NotPermitted`."""
        return await self._approvals.remove_rule(principal.workspace, rule)

    @requires(Permission.ADMINISTER)
    async def set_rules(self, principal: Principal, rules: Sequence[Rule]) -> list[Rule]:
        """Replace the workspace's rules. Raises `NotPermitted`, `BadRequest`."""
        if len(rules) > MAX_RULES:
            raise BadRequest(f"{MAX_RULES} rules at most")
        await self._approvals.set_rules(principal.workspace, rules)
        return list(rules)


def _weighed(asked: Approval, around: Surroundings) -> Approval:
    """With risk, suggested rules and, while it waits, what the agent's machine makes of a yes."""
    folder, waits = asked.cwd or around.folder, asked.status is ApprovalStatus.PENDING
    if asked.risk is None:
        found = assess(asked, cwd=folder)
        asked = replace(asked, risk=found.risk, risk_reasons=found.reasons)
    if asked.suggested_rules is None:
        asked = replace(asked, suggested_rules=suggested_rules(asked, cwd=folder) if waits else ())
    if not waits or asked.is_question:
        return asked
    return replace(asked, machine=machine_word(around.policy, asked, machine=around.machine))


def _assessment(event: ApprovalRequested, use: ToolUse) -> Assessment:
    return assess_request(
        tool=event.tool,
        command=use.command,
        cwd=use.folder,
        changes=tuple(asdict(change) for change in event.changes),
        given=event.input,
        widens=use.widens,
    )


def _lasts(answer: ApprovalAnswer) -> bool:
    return answer.verdict is Verdict.ALLOW and answer.scope is Scope.SESSION and answer.updated_input is None


def _require_question(asked: Approval) -> None:
    if not asked.is_question:
        raise BadRequest("it asks for permission: allow or deny it", code="NOT_A_QUESTION")


def _shown(event: ApprovalRequested, use: ToolUse) -> ApprovalRequested:
    """What people are shown is what rules are asked about: the command where one is run, and the folder."""
    if use.kind is not ToolKind.SHELL:
        return event
    return replace(event, command=use.command, cwd=use.folder)


def _with_option(principal: Principal, asked: Approval, answer: ApprovalAnswer) -> ApprovalAnswer:
    """The answer with the option that it means. Raises `BadRequest`, `Conflict` (CHOOSE_OPTION), `NotPermitted`."""
    if answer.option_id is None:
        plain = plain_option(asked.options, answer.verdict)
        offered = [option for option in asked.options if option.verdict is answer.verdict]
        if plain is None and (offered or (asked.options and answer.verdict is Verdict.ALLOW)):
            names = "; ".join(f"{option.id}: {option.shown}" for option in offered or asked.options)
            raise Conflict(f"say which of its answers it is, by option_id: {names}"[:2000], code="CHOOSE_OPTION")
        return answer if plain is None else replace(answer, option_id=plain.id)
    chosen = next((option for option in asked.options if option.id == answer.option_id), None)
    if chosen is None:
        known = ", ".join(option.id for option in asked.options) or "none"
        raise BadRequest(f"no answer {answer.option_id[:80]!r} is offered; there are: {known}"[:2000])
    if chosen.verdict not in {None, answer.verdict}:
        raise BadRequest(f"{chosen.shown} does not mean {answer.verdict}")
    if chosen.lasts and chosen != plain_option(asked.options, answer.verdict):
        principal.require(Permission.ADMINISTER)
    return answer


def told_words(options: Sequence[AnswerOption], answer: ApprovalAnswer) -> str:
    """What the agent's program is told, for the record."""
    chosen = next((option for option in options if option.id == answer.option_id), None)
    if chosen is not None:
        return chosen.shown
    if options and answer.verdict is Verdict.DENY:
        return "cancelled: none of the answers it offers is a plain no"
    return "yes" if answer.verdict is Verdict.ALLOW else "no"


def _given(decision: Decision, options: Sequence[AnswerOption]) -> ApprovalAnswer | None:
    """The answer that a decision gives; None where people do."""
    match decision:
        case Denied():
            note = f"denied by {decision.by}" + (f": {decision.why}" if decision.why else "")
            answer = ApprovalAnswer(verdict=Verdict.DENY, note=note)
        case Allowed():
            answer = ApprovalAnswer(verdict=Verdict.ALLOW)
        case Asked() | Required():
            return None
        case _ as other:
            assert_never(other)
    plain = plain_option(options, answer.verdict)
    return answer if plain is None else replace(answer, option_id=plain.id)


def _decided(decision: Decision, answer: ApprovalAnswer | None) -> Decided | None:
    if answer is None or not isinstance(decision, Denied | Allowed):
        return None
    status = ApprovalStatus.ALLOWED if answer.verdict is Verdict.ALLOW else ApprovalStatus.DENIED
    return status, decision.by, orjson.dumps(answer)
