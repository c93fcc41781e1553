"""Steps that wait for a person: gates, asked in the inbox of approvals."""

from __future__ import annotations

from typing import Any

import orjson

from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.approvals import Approval
from broker.domain.errors import NotFound
from broker.domain.ids import ApprovalId
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.journal import AttemptEnded, Outcome
from broker.services.ports import Approvals
from broker.services.redaction import Redaction
from broker.services.workflows.scene import Progress, Scene, name_output


class Gates:
    """Asks people whether a run may go on. Only that step waits: what does not depend on it goes on."""

    def __init__(self, approvals: Approvals, redaction: Redaction) -> None:
        self._approvals = approvals
        self._redaction = redaction

    async def carry(self, scene: Scene, name: str) -> Progress:
        """Ask, or look whether somebody has answered."""
        standing = scene.standing(name)
        gate = ApprovalId(effect_id(scene.row.id, name, standing.attempt))
        asked = await self._find_asked(scene, gate)
        if asked is None and standing.stopping is None:
            await self._ask(scene, name, gate)
            return Progress()
        if asked is not None and asked.status is ApprovalStatus.PENDING:
            if standing.stopping is None:
                return Progress()
            await self._approvals.withdraw_gate(scene.workspace, gate, why=standing.stopping)
        return _report_end(scene, name, asked)

    async def _find_asked(self, scene: Scene, gate: ApprovalId) -> Approval | None:
        try:
            return await self._approvals.approval(scene.workspace, gate)
        except NotFound:
            return None

    async def _ask(self, scene: Scene, name: str, gate: ApprovalId) -> None:
        step = scene.entry(name)
        message = await scene.fill_in(step.message or step.description or f"May {name} go on?")
        redactor = await self._redaction.redactor(scene.workspace)
        body: dict[str, Any] = {
            "tool": "workflow",
            "title": redactor.text(message).text,
            "command": None,
            "cwd": None,
            "changes": [],
            "input": {"run": scene.row.id, "workflow": scene.row.name, "step": name},
            "reason": None,
            "can_allow_session": False,
            "risk": "medium",
            "risk_reasons": [],
            "suggested_rules": [],
        }
        await self._approvals.ask_gate(
            scene.workspace,
            gate,
            run=scene.row.id,
            session=scene.session.id,
            name=f"workflow {scene.row.name}",
            body=orjson.dumps(body),
        )


def _report_end(scene: Scene, name: str, asked: Approval | None) -> Progress:
    standing = scene.standing(name)
    note = (asked.note if asked else None) or ""
    status = asked.status if asked else ApprovalStatus.WITHDRAWN
    match status:
        case ApprovalStatus.ALLOWED:
            outcome, reason = Outcome.SUCCEEDED, ""
        case ApprovalStatus.DENIED:
            by = asked.answered_by if asked else None
            outcome, reason = Outcome.DENIED, f"denied by {by or 'somebody'}" + (f": {note}" if note else "")
        case _:
            outcome, reason = Outcome.FAILED, standing.stopping or "nobody answered"
    kept, outputs = name_output(note) if note and outcome is Outcome.SUCCEEDED else ("", {})
    fact = AttemptEnded(step=name, attempt=standing.attempt, outcome=outcome, reason=reason, output=kept)
    return Progress(fact=fact, outputs=outputs)
