"""The pending approvals, their short ids, and how one looks. Pure."""

from __future__ import annotations

from broker.domain.errors import BadRequest, NotFound
from broker.domain.ids import ApprovalId
from connect.sdk.types import Approval, Change
from connect.terminal.text import Line, box, inner_width, one_line, paragraph, wrap

_SHORTEST_ID = 4
_LONGEST_DIFF = 40
"""Lines of one file's diff that are shown; the dashboard has the rest."""


class Asked:
    """What agents wait for. A short id is the shortest ending that only one pending request has."""

    def __init__(self) -> None:
        self._pending: dict[ApprovalId, Approval] = {}

    def add(self, approval: Approval) -> bool:
        """A request came; False when it was known already."""
        new = approval.id not in self._pending
        self._pending[approval.id] = approval
        return new

    def remove(self, approval_id: ApprovalId) -> Approval | None:
        """A request is over."""
        return self._pending.pop(approval_id, None)

    def pending(self) -> list[Approval]:
        """The open requests, oldest first."""
        return list(self._pending.values())

    def short_id(self, approval_id: ApprovalId) -> str:
        """The ending people type."""
        others = [other for other in self._pending if other != approval_id]
        for length in range(_SHORTEST_ID, len(approval_id)):
            ending = approval_id[-length:]
            if not any(other.endswith(ending) for other in others):
                return ending
        return approval_id

    def find(self, typed: str | None) -> Approval:
        """The request meant by a short or whole id, or the only one; raise when that is unclear."""
        if not self._pending:
            raise NotFound("no agent waits for an approval", code="APPROVAL_NOT_FOUND")
        found = [each for each in self._pending.values() if typed is None or each.id.endswith(typed)]
        if len(found) == 1:
            return found[0]
        ids = ", ".join(map(self.short_id, self._pending))
        if typed is None or found:
            raise BadRequest(f"which one? pending: {ids}")
        raise NotFound(f"no pending approval ends in {one_line(typed)!r}; pending: {ids}", code="APPROVAL_NOT_FOUND")


def approval_box(approval: Approval, *, asker: str, short_id: str, width: int) -> list[Line]:
    """The question with command, folder and diff, and how to answer it."""
    inner = inner_width(width)
    body: list[Line] = []
    if approval.command:
        body += paragraph(f"$ {approval.command}", inner, style="class:strong")
    elif approval.title:
        body += paragraph(approval.title, inner, style="class:strong")
    if approval.cwd:
        body += paragraph(f"in {approval.cwd}", inner, style="class:dim")
    if approval.reason:
        body += paragraph(approval.reason, inner)
    for words in approval.widens:
        body += paragraph(f"and {words}", inner, style="class:warn")
    for reason in approval.risk_reasons if approval.risk != "low" else ():
        body += paragraph(f"! {reason}", inner, style="class:warn")
    for change in approval.changes:
        body += _change(change, inner)
    if approval.masked:
        body += paragraph(
            "A secret is masked here: what runs has it in place of [redacted:…].", inner, style="class:dim"
        )
    session = " · approve --session" if approval.can_allow_session else ""
    body += [(), *paragraph(f"approve {short_id} · deny {short_id} [note]{session}", inner, style="class:warn")]
    return box(f"{asker} asks: {approval.tool}", body, width=width, style="class:ask")


def _change(change: Change, width: int) -> list[Line]:
    lines = paragraph(f"{change.change} {change.path}", width, style="class:strong")
    diff = (change.diff or "").splitlines()
    for text in diff[:_LONGEST_DIFF]:
        style = {"+": "class:added", "-": "class:removed", "@": "class:dim"}.get(text[:1], "")
        lines += [((style, piece),) for piece in wrap(text, width)]
    if len(diff) > _LONGEST_DIFF:
        lines.append((("class:dim", f"… {len(diff) - _LONGEST_DIFF} more lines"),))
    return lines
