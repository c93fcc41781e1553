"""Answering what agents ask permission for: people, rules and deadlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import orjson

from broker.domain.agents.sessions import Session
from broker.domain.approvals.answers import ApprovalAnswer, ApprovalStatus, Scope, Verdict, plain_option
from broker.domain.approvals.approvals import BUDGET_TOOL, Approval, ApprovalPlace, WaitingApprovals
from broker.domain.approvals.decision import (
    Allowed,
    Asked,
    Decision,
    Denied,
    Grounds,
    Opinion,
    Required,
    Requirement,
    decide,
)
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.file_limits import beyond
from broker.domain.approvals.machine_word import MachineWord, machine_word
from broker.domain.approvals.questions import check_answers, show_answers
from broker.domain.approvals.requirements import Need, OwnYes, need_of, requirements_on
from broker.domain.approvals.risk.assessment import assess, assess_request
from broker.domain.approvals.risk.findings import Assessment, Risk
from broker.domain.approvals.rule_trial import use_of
from broker.domain.approvals.rules import Rule, rule_on
from broker.domain.approvals.suggested_rules import rules_for, suggest_rules
from broker.domain.approvals.tool_kinds import ToolKind
from broker.domain.approvals.tool_use import ToolUse, likeness, tool_use
from broker.domain.errors import BadRequest, Conflict, NotFound
from broker.domain.ids import AgentId, ApprovalId, MemberId, WorkspaceId
from broker.domain.people.access import Permission, Principal
from broker.domain.people.privacy import Level
from broker.domain.people.token_kinds import TokenKind
from broker.domain.timings import TIMINGS
from broker.protocol.agents.events import ApprovalRequested, HookOpinion
from broker.services.acting import drive
from broker.services.approvals.given import describe_answer, read_given
from broker.services.approvals.ordered_ids import OrderedIds
from broker.services.approvals.rule_book import RuleBook
from broker.services.permissions import check_within, requires
from broker.services.ports import Approvals, Assenting, Decided, DecidedApproval, Standing, Surroundings
from broker.services.redaction import Redaction

MAX_PAGE = 100
_EXPIRED = "nobody answered in time"
_MOST_CHANGES = 5
"""How often the rules may change while one answer is given; then its author is told to answer again."""


class ApprovalDesk:
    """Reads, decides and answers approvals."""

    def __init__(
        self, approvals: Approvals, redaction: Redaction, *, deadline_s: int = TIMINGS.approval_deadline_s
    ) -> None:
        self._approvals = approvals
        self._rules = RuleBook(approvals)
        self._redaction = redaction
        self._deadline_s = deadline_s
        self._ids = OrderedIds()

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
        by = await self._approvals.find_grant(workspace, agent, alike) if alike else None
        remembered = f"{by}, for as long as the agent lives" if by else ""
        event = _show_as_judged(event, use)
        assess_now = cache(lambda: _assessment(event, use))
        decision = decide(
            Grounds(
                requirements=()
                if event.prompts
                else requirements_on(standing.rules, use, lambda: assess_now().risk, relay_tool=event.relay_tool),
                run=None if event.prompts or event.relay_tool else _of_run(standing, use),
                ruling=rule_on(standing.rules, use, relay_tool=event.relay_tool),
                hooks=tuple(map(_opinion, event.hooks)),
                relay_tool=event.relay_tool,
                widens=bool(use.widens),
                only_people=bool(event.prompts)
                or (bool(event.options) and plain_option(event.options, Verdict.ALLOW) is None),
                remembered=remembered,
            )
        )
        if isinstance(decision, Asked) and (asking := next((each for each in event.hooks if each.says == "ask"), None)):
            event = replace(event, reason=f"hook {asking.hook}: {asking.why}")
        answer = read_given(decision, event.options)
        rests_on_it = remembered != "" and decision == Allowed(by=remembered)
        may_wait = (answer is None or rests_on_it) and not event.prompts
        assessment = assess_now() if may_wait else None
        lastable = isinstance(decision, Asked) and not decision.always and alike != "" and not event.prompts
        return DecidedApproval(
            agent=agent,
            generation=generation,
            id=ApprovalId(self._ids.make()),
            event=replace(event, can_allow_session=lastable),
            deadline_s=self._deadline_s,
            decided=_read_decided(decision, answer),
            told=describe_answer(event.options, answer) if answer else "",
            assessment=assessment,
            suggested_rules=rules_for(use, assessment.risk) if assessment else None,
            machine=await self._machine_word(workspace, agent, event) if may_wait else None,
            needs=_needs(decision.requirements) if isinstance(decision, Required) else (),
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
        Where rules require people, a yes of one of them is kept until nobody is missing (`Approval.needs`); one who is
        none of them may only deny (`APPROVAL_REQUIRES`).
        """
        if always is not None:
            await self._add_rule_with(principal, always, answer.verdict)
        if answer.updated_input is not None and answer.verdict is Verdict.DENY:
            raise BadRequest("updated_input goes with verdict allow")
        asked = await self._require_seen(principal, approval, to_answer=True)
        if asked.is_question and answer.verdict is Verdict.ALLOW:
            raise BadRequest("it is a question: it wants answers rather than a yes", code="IS_QUESTION")
        if asked.status is ApprovalStatus.PENDING:
            answer = _with_option(principal, asked, answer)
            _require_purse(principal, asked, answer)
        for _ in range(_MOST_CHANGES):
            try:
                await self._give(principal, asked, answer)
            except Conflict as error:
                if error.code != "RULES_CHANGED":
                    raise
            else:
                return await self._require_approval(principal, approval)
        raise Conflict("the rules keep changing: answer it again", code="RULES_CHANGED")

    async def _give(self, principal: Principal, asked: Approval, answer: ApprovalAnswer) -> None:
        """Answer, by the rules of now. Raises as `answer`, and `Conflict` (RULES_CHANGED)."""
        assenting = None
        if asked.status is ApprovalStatus.PENDING and answer.verdict is Verdict.ALLOW:
            assenting = await self._measure(principal, asked, answer)
        redactor = await self._redaction.redactor(principal.workspace)
        status = ApprovalStatus.ALLOWED if answer.verdict is Verdict.ALLOW else ApprovalStatus.DENIED
        await self._approvals.answer(
            principal.workspace,
            asked.id,
            status=status,
            by=principal.name,
            note=redactor.text(answer.note).text,
            # What holds longer than once is kept here: a vendor would not ask again, and rules would not be looked at.
            answer=orjson.dumps(replace(answer, scope=Scope.ONCE)),
            # What people are required for they are asked for each time.
            lasting=principal.maker if answer.lasts and not (assenting and assenting.requirements) else None,
            told=describe_answer(asked.options, answer),
            option=answer.option_id,
            assenting=assenting,
        )

    async def _add_rule_with(self, principal: Principal, rule: Rule, verdict: Verdict) -> None:
        wanted = Effect.ALLOW if verdict is Verdict.ALLOW else Effect.DENY
        if rule.effect is not wanted:
            raise BadRequest(f"always: a rule with the effect {wanted.name} goes with this verdict")
        await self._rules.add(principal, rule)

    @check_within("reading approvals requires something")
    async def question(self, principal: Principal, question: ApprovalId) -> Approval:
        """One question. Raises `NotFound`, for a permission request too."""
        found = await self.get(principal, question)
        if not found.is_question:
            raise NotFound(f"no question {question[:80]!r}", code="QUESTION_NOT_FOUND")
        return found

    @requires(Permission.APPROVE)
    async def decline_question(self, principal: Principal, question: ApprovalId, *, note: str = "") -> Approval:
        """Tell the agent that nobody answers. Raises as `answer_question`."""
        _require_question(await self._require_seen(principal, question, to_answer=True))
        return await self.answer(principal, question, ApprovalAnswer(verdict=Verdict.DENY, note=note))

    @requires(Permission.APPROVE)
    async def answer_question(
        self, principal: Principal, question: ApprovalId, answers: Mapping[str, Sequence[str]]
    ) -> Approval:
        """Answer a question, by its prompts' ids. The first answer wins.

        Raises `NotFound`, `NotPermitted`, `Conflict`, `BadRequest` (BAD_ANSWER; NOT_A_QUESTION: a permission request).
        """
        asked = await self._require_seen(principal, question, to_answer=True)
        _require_question(asked)
        given = check_answers(asked.prompts, answers)
        redactor = await self._redaction.redactor(principal.workspace)
        shown = show_answers(asked.prompts, given)
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
        return await self._require_approval(principal, question)

    async def _measure(self, principal: Principal, asked: Approval, answer: ApprovalAnswer) -> Assenting:
        """What the rules of now say of a yes: one may have been made since it was asked, or be against other input.

        Nobody's answer goes before a rule that denies: raises `Conflict` (RULE_DENIES).
        """
        standing = await self._approvals.standing(principal.workspace, asked.agent_id)
        updated_input = answer.updated_input
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
        plain = plain_option(asked.options, Verdict.ALLOW)
        chosen = answer.option_id is not None and (plain is None or answer.option_id != plain.id)
        return Assenting(
            rules_seen=standing.rules_seen,
            requirements=requirements_on(standing.rules, use, lambda: _risk_of(asked, use, updated_input)),
            signer=_signer(principal),
            alone=updated_input is not None or chosen,
        )

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
        return (await self._weigh(principal, [await self._require_seen(principal, approval)]))[0]

    @requires(Permission.READ)
    async def of_session(
        self, principal: Principal, session: Session, *, status: ApprovalStatus | None, limit: int = MAX_PAGE
    ) -> list[Approval]:
        """A session's requests, the newest first."""
        found = await self._approvals.approvals(principal.workspace, session.id, status=status, limit=limit)
        return await self._weigh(principal, found)

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
        workspace, seen = principal.workspace, None if principal.sees_all else principal.sees
        page = await self._approvals.waiting(workspace, session=only, limit=limit, after=after, seen=seen)
        return replace(page, approvals=await self._weigh(principal, page.approvals))

    async def _require_seen(self, principal: Principal, approval: ApprovalId, *, to_answer: bool = False) -> Approval:
        """One of a session that the caller sees, or drives; others are not there. Raises `NotFound`, `NotPermitted`."""
        found = await self._approvals.approval(principal.workspace, approval)
        if not principal.sees(found.session_id):
            raise NotFound(f"no approval {approval[:80]!r}", code="APPROVAL_NOT_FOUND")
        if to_answer:
            drive(principal, found.session_id)
        return found

    async def _require_approval(self, principal: Principal, approval: ApprovalId) -> Approval:
        (found,) = await self._weigh(principal, [await self._approvals.approval(principal.workspace, approval)])
        return found

    async def _weigh(self, principal: Principal, approvals: Sequence[Approval]) -> list[Approval]:
        """With all that helps the caller to answer: earlier versions kept no risk, a policy may have changed since."""
        workspace = principal.workspace
        waiting = {each.agent_id for each in approvals if each.status is ApprovalStatus.PENDING or each.risk is None}
        around = await self._approvals.surroundings(workspace, waiting) if waiting else {}
        weighed = [_weigh(each, around.get(each.agent_id, Surroundings())) for each in approvals]
        if any(_may_need_people(each) for each in weighed):
            weighed = await self._with_needs(principal, weighed, around)
        return [_with_own_yes(principal, each) for each in weighed]

    async def _with_needs(
        self, principal: Principal, approvals: Sequence[Approval], around: Mapping[AgentId, Surroundings]
    ) -> list[Approval]:
        """With those whose yes is missing, by the rules of now, and whether the caller is one of them."""
        rules = [each for each in await self._approvals.rules(principal.workspace) if each.effect is Effect.REQUIRE]
        if not rules:
            return list(approvals)
        required = {
            each.id: found
            for each in approvals
            if _may_need_people(each) and (found := _requirements(each, rules, around.get(each.agent_id)))
        }
        if not required:
            return list(approvals)
        said = await self._approvals.needs(principal.workspace, list(required.items()), member=_signer(principal))
        known = dict(zip(required, said, strict=True))
        return [
            replace(each, own_yes=known[each.id][0], needs=known[each.id][1]) if each.id in known else each
            for each in approvals
        ]

    @check_within("an agent's own connection asks for what it waits for")
    async def pending_of(self, principal: Principal, agent: AgentId) -> dict[str, dict[str, Any] | None]:
        """What an agent waits for: its native request id → the tool's input."""
        return await self._approvals.pending(principal.workspace, agent)


def _weigh(asked: Approval, around: Surroundings) -> Approval:
    """With risk, suggested rules and, while it waits, what the agent's machine makes of a yes."""
    folder, waits = asked.cwd or around.folder, asked.status is ApprovalStatus.PENDING
    if asked.risk is None:
        found = assess(asked, cwd=folder)
        asked = replace(asked, risk=found.risk, risk_reasons=found.reasons)
    if asked.suggested_rules is None:
        asked = replace(asked, suggested_rules=suggest_rules(asked, cwd=folder) if waits else ())
    if not waits or asked.is_question:
        return asked
    return replace(asked, machine=machine_word(around.policy, asked, machine=around.machine))


def _may_need_people(asked: Approval) -> bool:
    return asked.status is ApprovalStatus.PENDING and not asked.is_question


def _needs(requirements: Sequence[Requirement]) -> tuple[Need, ...]:
    """What is missing as long as nobody has said yes."""
    return tuple(need_of(each, missing=each.count) for each in requirements)


def _requirements(asked: Approval, rules: Sequence[Rule], around: Surroundings | None) -> tuple[Requirement, ...]:
    use = use_of(asked, around.folder if around else None)
    return requirements_on(rules, use, lambda: asked.risk or Risk.HIGH)


def _signer(principal: Principal) -> MemberId | None:
    """Whose yes it is, where people are required: they sign in and say it themselves."""
    return principal.member if principal.kind is TokenKind.MEMBER else None


def _with_own_yes(principal: Principal, asked: Approval) -> Approval:
    """With what a yes of the caller comes to: what rules require of others is known by now."""
    if not _may_need_people(asked):
        return replace(asked, own_yes=None)
    if Permission.APPROVE not in principal.permissions or principal.level_in(asked.session_id) is not Level.DRIVER:
        return replace(asked, own_yes=OwnYes.NOT_PERMITTED)
    if _is_of_purse(asked) and Permission.ADMINISTER not in principal.permissions:
        return replace(asked, own_yes=OwnYes.NOT_NAMED)
    return asked if asked.own_yes else replace(asked, own_yes=OwnYes.COUNTS)


def _risk_of(asked: Approval, use: ToolUse, updated_input: dict[str, Any] | None) -> Risk:
    """Of what would run."""
    if updated_input is None:
        return asked.risk or assess(asked, cwd=use.folder).risk
    found = assess_request(
        tool=asked.tool, command=use.command, cwd=use.folder, given=updated_input, widens=asked.widens
    )
    return found.risk


def _assessment(event: ApprovalRequested, use: ToolUse) -> Assessment:
    return assess_request(
        tool=event.tool,
        command=use.command,
        cwd=use.folder,
        changes=tuple(asdict(change) for change in event.changes),
        given=event.input,
        widens=use.widens,
    )


def _require_question(asked: Approval) -> None:
    if not asked.is_question:
        raise BadRequest("it asks for permission: allow or deny it", code="NOT_A_QUESTION")


def _show_as_judged(event: ApprovalRequested, use: ToolUse) -> ApprovalRequested:
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


def _of_run(standing: Standing, use: ToolUse) -> Opinion | None:
    why = beyond(standing.writes, use, folder=standing.folder)
    return Opinion(effect=Effect.DENY, by="the file of its run", why=why) if why else None


def _opinion(said: HookOpinion) -> Opinion:
    return Opinion(effect=Effect(said.says), by=f"hook {said.hook}", why=said.why)


def _read_decided(decision: Decision, answer: ApprovalAnswer | None) -> Decided | None:
    if answer is None or not isinstance(decision, Denied | Allowed):
        return None
    status = ApprovalStatus.ALLOWED if answer.verdict is Verdict.ALLOW else ApprovalStatus.DENIED
    return status, decision.by, orjson.dumps(answer)


def _require_purse(principal: Principal, asked: Approval, answer: ApprovalAnswer) -> None:
    """More is spent on the word of those alone who could set the budget."""
    if _is_of_purse(asked) and answer.verdict is Verdict.ALLOW:
        principal.require(Permission.ADMINISTER)


def _is_of_purse(asked: Approval) -> bool:
    return asked.tool == BUDGET_TOOL and not asked.agent_id
