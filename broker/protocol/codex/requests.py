"""What Codex asks of its client: approvals, which people answer, and the rest, which is declined at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from broker.domain.approvals.answers import AnswerOption, ApprovalAnswer, Verdict
from broker.domain.approvals.questions import Choice, QuestionPrompt
from broker.domain.approvals.relay_tools import SERVER, is_relay_tool
from broker.domain.approvals.tool_use import paths_in
from broker.protocol.agents.elicitation import elicitation_result, form_prompts, link_prompts
from broker.protocol.agents.events import ApprovalRequested, FileChange
from broker.protocol.codex.items import plain_command
from broker.protocol.json_text import dumps
from broker.protocol.jsonrpc import PeerRequest
from broker.protocol.wire import CamelWire, Wire

RELAY_SERVER = SERVER

_PERMISSIONS = "item/permissions/requestApproval"
_USER_INPUT = "item/tool/requestUserInput"
_ELICITATION = "mcpServer/elicitation/request"

_DECLINED: dict[str, dict[str, Any]] = {
    _PERMISSIONS: {"permissions": {}},
    _USER_INPUT: {"answers": {}},
    "item/tool/call": {"contentItems": [{"type": "inputText", "text": "There is no such tool."}], "success": False},
    _ELICITATION: {"action": "decline"},
}
"""Answers by which a request gets nothing and the turn goes on; a request outside the table gets an error."""


_PLAIN = (
    AnswerOption(id="accept", name="Yes, this once", kind="allow_once"),
    AnswerOption(id="decline", name="No", kind="reject_once"),
)


class _NetworkContext(CamelWire):
    host: str
    protocol: str = ""


class _CommandQuestion(CamelWire):
    kind: str = "command"
    """`writeStdin`: the command is typed into a program that runs already."""
    command: str | None = None
    cwd: str | None = None
    reason: str | None = None
    additional_permissions: dict[str, Any] | None = None
    network_approval_context: _NetworkContext | None = None
    available_decisions: list[Any] | None = None

    @property
    def widens(self) -> tuple[str, ...]:
        """What it asks for beyond the command."""
        words = []
        if self.kind == "writeStdin":
            words.append("types this into a program that is running")
        if network := self.network_approval_context:
            words.append(f"reaches {network.host} on the network ({network.protocol})")
        if self.additional_permissions:
            words.append(f"runs with more permissions: {dumps(self.additional_permissions).decode()}")
        return tuple(words)


class _FileQuestion(CamelWire):
    item_id: str
    reason: str | None = None
    grant_root: str | None = None
    """A folder whose files may all be changed from then on."""


class _PermissionsQuestion(CamelWire):
    permissions: dict[str, Any]
    cwd: str | None = None
    reason: str | None = None


class _InputOption(CamelWire):
    label: str
    description: str = ""


class _InputQuestion(CamelWire):
    id: str
    header: str = ""
    question: str
    is_other: bool = False
    is_secret: bool = False
    options: list[_InputOption] | None = None

    @property
    def prompt(self) -> QuestionPrompt:
        """As people are asked it."""
        return QuestionPrompt(
            id=self.id,
            header=self.header,
            text=self.question,
            choices=tuple(Choice(label=each.label, description=each.description) for each in self.options or ()),
            free_text=self.is_other or not self.options,
            secret=self.is_secret,
        )


class _InputRequest(CamelWire):
    questions: list[_InputQuestion]


class _ToolCallMeta(Wire):
    codex_approval_kind: Literal["mcp_tool_call"]
    tool_name: str
    tool_params: dict[str, Any] | None = None


class _Elicitation(CamelWire):
    server_name: str
    message: str = ""
    mode: str = "form"
    requested_schema: Any = None
    url: str | None = None

    @property
    def prompts(self) -> tuple[QuestionPrompt, ...]:
        """What it asks; nothing for what cannot be put to a person here."""
        if self.mode == "url" and self.url is not None:
            return link_prompts(self.message, self.url)
        return form_prompts(self.message, self.requested_schema) or ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingApproval:
    """A request that waits for a person: where its answer goes and in which vocabulary."""

    request: PeerRequest
    thread: object
    """Its thread's id; sub-agents have threads of their own."""
    prompts: tuple[QuestionPrompt, ...] = ()
    """Of a question."""

    def result(self, answer: ApprovalAnswer) -> dict[str, Any]:
        """What Codex wants to hear.

        Never `acceptForSession` but where it is chosen by its name: behind it rules would not be asked again.
        """
        match self.request.method:
            case "mcpServer/elicitation/request":
                return elicitation_result(self.prompts, answer) if self.prompts else _elicitation_result(answer)
            case "item/tool/requestUserInput":
                given = answer.answers if answer.verdict is Verdict.ALLOW else None
                return {"answers": {name: {"answers": texts} for name, texts in (given or {}).items()}}
            case "item/permissions/requestApproval":
                granted = self.request.params.get("permissions") if answer.verdict is Verdict.ALLOW else {}
                return {"permissions": granted, "scope": "turn"}
            case _ if answer.verdict is Verdict.DENY:
                return {"decision": "cancel" if answer.interrupt else "decline"}
            case _:
                lasting = _lasting_decisions(self.request.params.get("availableDecisions"))
                return {"decision": lasting.get(answer.option_id or "", "accept")}


def decline_request(method: str) -> dict[str, Any] | None:
    """The result that gives a request nothing; None when only an error does."""
    return _DECLINED.get(method)


def approval_requested(
    native_id: str, request: PeerRequest, *, changes: Mapping[str, tuple[FileChange, ...]]
) -> ApprovalRequested | None:
    """The event for an approval, None for any other request. `changes` are those of the edits begun, by item."""
    match request.method:
        case "item/commandExecution/requestApproval":
            return _command_approval(native_id, _CommandQuestion.model_validate(request.params))
        case "item/fileChange/requestApproval":
            question = _FileQuestion.model_validate(request.params)
            return _file_approval(native_id, question, changes=changes.get(question.item_id, ()))
        case "item/permissions/requestApproval":
            return _permissions_approval(native_id, _PermissionsQuestion.model_validate(request.params))
        case "item/tool/requestUserInput":
            asked = _InputRequest.model_validate(request.params)
            return _question(native_id, "requestUserInput", tuple(each.prompt for each in asked.questions))
        case "mcpServer/elicitation/request" if _asks_for_tool(request.params):
            return _tool_approval(native_id, request.params)
        case "mcpServer/elicitation/request":
            form = _Elicitation.model_validate(request.params)
            return _question(native_id, f"mcp__{form.server_name}__elicitation", form.prompts, title=form.message)
        case _:
            return None


def _elicitation_result(answer: ApprovalAnswer) -> dict[str, Any]:
    if answer.verdict is Verdict.DENY:
        return {"action": "cancel" if answer.interrupt else "decline"}
    return {"action": "accept", "content": {}}


def _question(
    native_id: str, tool: str, prompts: tuple[QuestionPrompt, ...], *, title: str = ""
) -> ApprovalRequested | None:
    """The event for a question; None where there is nothing that a person can be asked."""
    if not prompts:
        return None
    said = title or prompts[0].text
    return ApprovalRequested(native_id=native_id, tool=tool, title=said, can_allow_session=False, prompts=prompts)


def _permissions_approval(native_id: str, question: _PermissionsQuestion) -> ApprovalRequested:
    widens = (f"runs with more permissions until the turn ends: {dumps(question.permissions).decode()}",)
    return ApprovalRequested(
        native_id=native_id,
        tool="permissions",
        title=_compose_title("more permissions", widens),
        cwd=question.cwd,
        widens=widens,
        lasting=True,
        input=question.permissions,
        reason=question.reason,
    )


def _options(decisions: list[Any] | None) -> tuple[AnswerOption, ...]:
    lasting = _lasting_decisions(decisions).items()
    return (
        *_PLAIN,
        *(AnswerOption(id=name, name=_decision_words(name, each), kind="allow_always") for name, each in lasting),
    )


def _lasting_decisions(decisions: Any) -> dict[str, Any]:
    """Those of the offered decisions that hold for more than this request, by their names."""
    found: dict[str, Any] = {}
    for decision in decisions if isinstance(decisions, list) else ():
        match decision:
            case "acceptForSession":
                found[decision] = decision
            case {"acceptWithExecpolicyAmendment": _} | {"applyNetworkPolicyAmendment": _}:
                (name,) = decision
                # Several amendments of one kind may be offered.
                found[name if name not in found else f"{name}-{len(found) + 1}"] = decision
            case _:
                continue
    return found


def _decision_words(name: str, decision: Any) -> str:
    match decision:
        case {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": [*words]}}:
            return f"Yes, and from now on allow {' '.join(map(str, words))} … without asking"
        case {"applyNetworkPolicyAmendment": {"network_policy_amendment": {"action": action, "host": host}}}:
            return f"Yes, and from now on {action} {host} on the network"
        case "acceptForSession":
            return "Yes, and allow the same until its process ends without asking"
        case _:
            return name


def _command_approval(native_id: str, question: _CommandQuestion) -> ApprovalRequested:
    command = plain_command(question.command) if question.command else None
    return ApprovalRequested(
        native_id=native_id,
        tool="commandExecution",
        title=_compose_title(command or question.reason or "a command", question.widens),
        command=command,
        cwd=question.cwd,
        widens=question.widens,
        reason=question.reason,
        options=_options(question.available_decisions),
    )


def _compose_title(title: str, widens: tuple[str, ...]) -> str:
    """What people read first says all that is asked for."""
    return "; ".join((title, *widens))


def _file_approval(native_id: str, question: _FileQuestion, *, changes: tuple[FileChange, ...]) -> ApprovalRequested:
    root = question.grant_root
    widens = (f"may change everything in {root} from then on",) if root else ()
    paths = tuple(path for change in changes for path in (change.path, change.moved_to) if path)
    return ApprovalRequested(
        native_id=native_id,
        tool="fileChange",
        title=_compose_title(", ".join(paths) or "a file change", widens),
        changes=changes,
        paths=(*paths, root) if root else paths,
        widens=widens,
        lasting=bool(root),
        reason=question.reason,
        options=_PLAIN,
    )


def _tool_approval(native_id: str, params: dict[str, Any]) -> ApprovalRequested:
    asked, call = _Elicitation.model_validate(params), _ToolCallMeta.model_validate(params["_meta"])
    return ApprovalRequested(
        native_id=native_id,
        tool=f"mcp__{asked.server_name}__{call.tool_name}",
        title=asked.message or call.tool_name,
        paths=paths_in(call.tool_params),
        input=call.tool_params,
        relay_tool=is_relay_tool(asked.server_name, call.tool_name),
    )


def _asks_for_tool(params: dict[str, Any]) -> bool:
    meta = params.get("_meta")
    return isinstance(meta, dict) and meta.get("codex_approval_kind") == "mcp_tool_call"
