"""The pending approvals, their short ids, and how one looks. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from broker.domain.approvals.answers import Verdict
from broker.domain.approvals.tool_kinds import ToolKind, tool_kind
from broker.domain.errors import BadRequest, NotFound
from broker.domain.ids import ApprovalId
from connect.sdk.types import AnswerOption, Approval, ApprovalNeed, Change, MachineWord, SuggestedRule
from connect.terminal.text.layout import Line, box, inner_width, one_line, paragraph, wrap

_SHORTEST_ID = 4
_LONGEST_INPUT = 20
"""Lines of a tool's input that are shown."""
_KINDS = {
    ToolKind.SHELL: "to run a command",
    ToolKind.READ: "to read a file",
    ToolKind.SEARCH: "to search in files",
    ToolKind.LIST: "to list files",
    ToolKind.EDIT: "to change files",
    ToolKind.DELETE: "to delete files",
    ToolKind.MOVE: "to move files",
    ToolKind.FETCH: "to fetch from the network",
}
_RISKS = {"medium": "some risk", "high": "high risk"}
_LASTING = {"asks": "; its machine asks, too", "refuses": "; its machine refuses that"}
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

    def note_needs(self, approval_id: ApprovalId, needs: Sequence[ApprovalNeed]) -> Approval | None:
        """Somebody has said yes, and others are missing; the request as it is now."""
        known = self._pending.get(approval_id)
        if known is not None:
            self._pending[approval_id] = known.model_copy(update={"needs": tuple(needs)})
        return known

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

    def find_question(self, typed: str) -> tuple[Approval, str]:
        """The question meant by a first word that is its id, or the only one; and the answer."""
        questions = [each for each in self._pending.values() if each.prompts]
        first, _, rest = typed.partition(" ")
        named = [each for each in questions if len(first) >= _SHORTEST_ID and each.id.endswith(first)]
        if len(named) == 1 and rest.strip():
            return named[0], rest.strip()
        if len(questions) == 1:
            return questions[0], typed
        if not questions:
            raise NotFound("no agent waits for an answer to a question", code="QUESTION_NOT_FOUND")
        raise BadRequest(f"which one? pending: {', '.join(self.short_id(each.id) for each in questions)}")


def describe_request(tool: str) -> str:
    """What a request is for, whichever vendor's word the tool has."""
    server, separator, name = tool.removeprefix("mcp__").partition("__")
    if tool.startswith("mcp__") and separator:
        return f"to use {name} of {server}"
    return _KINDS.get(tool_kind(tool), "for permission" if tool == "other" else f"to use {tool}")


def option_id(approval: Approval, typed: str | None) -> str | None:
    """The id of the offered answer that was typed: its place in the list, or the id itself. Raises `BadRequest`."""
    if typed is None or typed in {option.id for option in approval.options}:
        return typed
    if typed.isdecimal() and 1 <= int(typed) <= len(approval.options):
        return approval.options[int(typed) - 1].id
    raise BadRequest(f"it offers {len(approval.options)} answers; {one_line(typed)!r} is none of them")


def suggest_rule(approval: Approval, typed: int | None) -> SuggestedRule | None:
    """The suggested rule of that place in the list. Raises `BadRequest`."""
    rules = approval.suggested_rules or ()
    if typed is None:
        return None
    if not 1 <= typed <= len(rules):
        raise BadRequest(f"it suggests {len(rules)} rules; {typed} is none of them")
    return rules[typed - 1]


def approval_box(approval: Approval, *, asker: str, short_id: str, width: int) -> list[Line]:
    """The question with command, folder and diff, and how to answer it."""
    inner = inner_width(width)
    body: list[Line] = []
    if approval.command:
        body += paragraph(f"$ {approval.command}", inner, style="class:strong", exact=True)
    elif approval.title:
        body += paragraph(approval.title, inner, style="class:strong", exact=True)
    if approval.command is None and tool_kind(approval.tool) is ToolKind.SHELL:
        body += paragraph("Its program does not say which command.", inner, style="class:warn")
    if approval.command is None and not approval.changes:
        body += _input(approval, inner)
    if approval.detail:
        body += paragraph(approval.detail, inner, exact=True)
    if approval.cwd:
        body += paragraph(f"in {approval.cwd}", inner, style="class:dim", exact=True)
    if approval.reason:
        body += paragraph(approval.reason, inner)
    for words in approval.widens:
        body += paragraph(f"and {words}", inner, style="class:warn")
    body += _risk(approval, inner)
    if approval.needs:
        body += paragraph(f"needs {join_needs(approval.needs)}", inner, style="class:warn")
    for change in approval.changes:
        body += _change(change, inner)
    if approval.masked:
        body += paragraph(
            "A secret is masked here: what runs has it in place of [redacted:…].", inner, style="class:dim"
        )
    if approval.machine is not None and approval.machine.yes != "passes":
        body += paragraph(f"! {approval.machine.why}", inner, style="class:warn")
    session = f" · approve {short_id} --session" if approval.can_allow_session else ""
    body += [(), *_options(approval, inner, short_id=short_id), *_suggest(approval, inner, short_id=short_id)]
    body += paragraph(f"approve {short_id} · deny {short_id} [note]{session}", inner, style="class:warn")
    return box(f"{asker} asks {describe_request(approval.tool)}", body, width=width, style="class:ask")


def join_needs(needs: Sequence[ApprovalNeed]) -> str:
    """Whose yes is missing, in words."""
    return " and ".join(dict.fromkeys(one_line(need.words) for need in needs))


def _input(approval: Approval, width: int) -> list[Line]:
    """What the tool is called with, a line for each member that the title does not say already."""
    lines = [
        line
        for name, value in (approval.input or {}).items()
        if name != "title"
        for line in paragraph(f"{name}: {value if isinstance(value, str) else json.dumps(value)}", width, exact=True)
    ]
    more = [(("class:dim", f"… {len(lines) - _LONGEST_INPUT} more lines"),)] if len(lines) > _LONGEST_INPUT else []
    return [*lines[:_LONGEST_INPUT], *more]


def _options(approval: Approval, width: int, *, short_id: str) -> list[Line]:
    """The answers that its program offers, where there are more than one plain yes and no."""
    if len(approval.options) <= len(Verdict):
        return []
    lines = [
        line
        for place, option in enumerate(approval.options, 1)
        for line in paragraph(f"{place}) {option.name}{_reach(option, approval.machine)}", width)
    ]
    how = f"approve {short_id} --option <number> · deny {short_id} --option <number>"
    return [*lines, *paragraph(how, width, style="class:dim")]


def _risk(approval: Approval, width: int) -> list[Line]:
    """How carefully to look, and why; a broker of an earlier version may not say."""
    if approval.risk in {None, "low"}:
        return []
    first, *more = approval.risk_reasons or ("",)
    words = f"{_RISKS.get(approval.risk or '', approval.risk)}: {first}".removesuffix(": ")
    return [line for text in (words, *more) for line in paragraph(f"! {text}", width, style="class:warn")]


def _suggest(approval: Approval, width: int, *, short_id: str) -> list[Line]:
    """The rules that would have allowed it."""
    rules = approval.suggested_rules or ()
    if not rules:
        return []
    lines = [
        line
        for place, rule in enumerate(rules, 1)
        for line in paragraph(f"rule {place}) allow {rule.tool}: {rule.command or rule.path or 'all'}", width)
    ]
    return [*lines, *paragraph(f"approve {short_id} --always <rule>", width, style="class:dim")]


def _reach(option: AnswerOption, machine: MachineWord | None) -> str:
    match option.kind:
        case "allow_once" | "reject_once":
            return ""
        case "allow_always" | "reject_always":
            return f" (lasts: rules are not asked again{_LASTING.get(machine.lasting if machine else '', '')})"
        case _:
            return f" (of an unknown kind: {option.kind})"


def _change(change: Change, width: int) -> list[Line]:
    lines = paragraph(f"{change.change} {change.path}", width, style="class:strong", exact=True)
    diff = (change.diff or "").splitlines()
    for text in diff[:_LONGEST_DIFF]:
        style = {"+": "class:added", "-": "class:removed", "@": "class:dim"}.get(text[:1], "")
        lines += [((style, piece),) for piece in wrap(text, width)]
    if len(diff) > _LONGEST_DIFF:
        lines.append((("class:dim", f"… {len(diff) - _LONGEST_DIFF} more lines"),))
    return lines
