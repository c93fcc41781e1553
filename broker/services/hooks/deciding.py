"""Hooks that answer what waits for people: who is asked, and what comes of what they say.

Whoever carries this out may be killed anywhere: who is asked is kept before the first begins, the end of each run is
looked at again until it was dealt with, and a request is answered once.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from broker.domain.approvals.answers import ApprovalStatus, Verdict, plain_option
from broker.domain.approvals.approvals import Approval
from broker.domain.approvals.decision import Allowed, Denied, Grounds, Opinion, decide
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.requirements import requirements_on
from broker.domain.approvals.risk.assessment import assess
from broker.domain.approvals.rules import rule_on
from broker.domain.approvals.tool_use import tool_use
from broker.domain.errors import Conflict, NotFound
from broker.domain.hooks.definitions import Hook
from broker.domain.hooks.runs import HookRunId
from broker.domain.hooks.votes import describe, voter_of, weigh
from broker.domain.ids import ApprovalId, WorkspaceId
from broker.services.approvals.given import describe_answer, read_given
from broker.services.ports import Approvals, Assenting, HookRecords
from broker.services.redaction import Redaction

_LONGEST_NOTE = 4_000


class HookDecisions:
    """Answers requests as hooks say, by the one order of decisions."""

    def __init__(self, records: HookRecords, approvals: Approvals, redaction: Redaction) -> None:
        self._records = records
        self._approvals = approvals
        self._redaction = redaction

    async def ask(self, workspace: WorkspaceId, approval: ApprovalId, asked: Sequence[tuple[Hook, HookRunId]]) -> None:
        """Keep which runs are to answer a request, before the first of them begins."""
        await self._records.await_votes(workspace, approval, [voter_of(hook, run) for hook, run in asked])

    async def take(self, workspace: WorkspaceId, run: HookRunId) -> None:
        """A run has ended: answer what it was asked about, if that settles it; nothing for a run that answers none."""
        found = await self._records.votes(workspace, run)
        opinions = weigh(found[1]) if found else None
        if found is None or opinions is None:
            return
        approval, votes = found
        try:
            if not await self._answer(workspace, approval, opinions):
                said = (await self._redaction.redactor(workspace)).text(describe(votes)).text
                if said:
                    await self._records.note_votes(workspace, approval, said[:_LONGEST_NOTE])
        except (Conflict, NotFound):  # somebody was faster, or nobody waits any more
            return

    async def _answer(self, workspace: WorkspaceId, approval: ApprovalId, opinions: tuple[Opinion, ...]) -> bool:
        """Whether it is answered. Raises `Conflict`, `NotFound`."""
        asked = await self._approvals.approval(workspace, approval)
        if asked.status is not ApprovalStatus.PENDING:
            return True
        grounds, rules_seen = await self._grounds(workspace, asked, opinions)
        decision = decide(grounds)
        answer = read_given(decision, asked.options)
        if answer is None or not isinstance(decision, Allowed | Denied):
            return False
        redactor = await self._redaction.redactor(workspace)
        await self._approvals.answer(
            workspace,
            approval,
            status=ApprovalStatus.ALLOWED if answer.verdict is Verdict.ALLOW else ApprovalStatus.DENIED,
            by=decision.by,
            note=redactor.text(answer.note).text,
            answer=orjson.dumps(answer),
            told=describe_answer(asked.options, answer),
            option=answer.option_id,
            assenting=Assenting(rules_seen=rules_seen) if isinstance(decision, Allowed) else None,
        )
        return True

    async def _grounds(
        self, workspace: WorkspaceId, asked: Approval, opinions: tuple[Opinion, ...]
    ) -> tuple[Grounds, str]:
        """As when it was asked, with the rules of now, and which those are: one that was made since goes before hooks,
        too."""
        standing = await self._approvals.standing(workspace, asked.agent_id)
        use = tool_use(
            tool=asked.tool,
            command=asked.command,
            paths=(*asked.paths, *(str(change.get("path") or "") for change in asked.changes)),
            given=asked.input,
            folder=asked.cwd or standing.folder,
            widens=asked.widens,
        )
        before = (Opinion(effect=Effect.ASK, by=f"hook {asked.hook_asks}"),) if asked.hook_asks else ()
        grounds = Grounds(
            requirements=requirements_on(standing.rules, use, lambda: asked.risk or assess(asked, cwd=use.folder).risk),
            ruling=rule_on(standing.rules, use),
            hooks=(*opinions, *before),
            widens=bool(use.widens),
            only_people=bool(asked.options) and plain_option(asked.options, Verdict.ALLOW) is None,
        )
        return grounds, standing.rules_seen
