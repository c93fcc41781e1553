"""What an Agent Client Protocol agent asks of people: permission by options, and questions by forms or links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.approvals.answers import AnswerOption, ApprovalAnswer, Verdict, plain_option
from broker.domain.approvals.questions import QuestionPrompt
from broker.protocol.agents.elicitation import elicitation_result, form_prompts, link_prompts
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.jsonrpc import PeerRequest
from broker.protocol.wire import CamelWire

PERMISSION = "session/request_permission"
ELICITATION = "elicitation/create"
"""Stable since 2026-07-24; an agent sends it to a client that says that it can (`CAPABILITY`)."""
CAPABILITY: dict[str, Any] = {"form": {}, "url": {}}

_UNCLEAR = "it was allowed, but none of the answers it offers is a plain yes: it was told that the request is cancelled"
_CANCELLED: dict[str, Any] = {"outcome": {"outcome": "cancelled"}}


class Elicitation(CamelWire):
    """`elicitation/create`."""

    session_id: str | None = None
    mode: str = "form"
    message: str = ""
    requested_schema: Any = None
    url: str | None = None

    @property
    def prompts(self) -> tuple[QuestionPrompt, ...] | None:
        """What it asks; None for what cannot be put to a person here."""
        if self.mode == "url" and self.url is not None:
            return link_prompts(self.message, self.url)
        return form_prompts(self.message, self.requested_schema) if self.mode == "form" else None

    def to_event(self, native_id: str, prompts: tuple[QuestionPrompt, ...]) -> ApprovalRequested:
        """The event for it."""
        return ApprovalRequested(
            native_id=native_id,
            tool="elicitation",
            title=self.message or prompts[0].text,
            can_allow_session=False,
            prompts=prompts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRequest:
    """A request that waits for a person."""

    request: PeerRequest
    options: tuple[AnswerOption, ...] = ()
    call_id: str = ""
    """Of the tool that permission is asked for."""
    prompts: tuple[QuestionPrompt, ...] = ()

    @property
    def cancelled(self) -> dict[str, Any]:
        """The answer when its turn is stopped, and to what nobody can answer."""
        return {"action": "cancel"} if self.request.method == ELICITATION else _CANCELLED

    def result(self, answer: ApprovalAnswer) -> dict[str, Any]:
        """What the agent is told."""
        if self.prompts and self.request.method == PERMISSION:
            return self._select(answer) | {"answers": _in_order(self.prompts, answer)}
        if self.prompts:
            return elicitation_result(self.prompts, answer)
        return self._select(answer)

    def _select(self, answer: ApprovalAnswer) -> dict[str, Any]:
        option = self._option(answer)
        return {"outcome": {"outcome": "selected", "optionId": option.id}} if option else _CANCELLED

    def problem(self, answer: ApprovalAnswer) -> str | None:
        """Why it is not told what was answered."""
        unclear = not self.prompts and answer.verdict is Verdict.ALLOW and self._option(answer) is None
        return _UNCLEAR if unclear else None

    def _option(self, answer: ApprovalAnswer) -> AnswerOption | None:
        """The one of that id, else the one that the verdict stands for; ids differ from agent to agent."""
        if answer.option_id is not None:
            return next((option for option in self.options if option.id == answer.option_id), None)
        plain = plain_option(self.options, answer.verdict)
        if plain is None and self.prompts:  # the answers say all there is to say: the first that sends them will do
            plain = next((each for each in self.options if each.verdict is answer.verdict and not each.lasts), None)
        return plain


def _in_order(prompts: Sequence[QuestionPrompt], answer: ApprovalAnswer) -> dict[str, str]:
    """Answers as Qwen Code wants them beside the outcome: by the places of the questions, from 0 on."""
    given = answer.answers or {}
    return {str(place): ", ".join(given[prompt.id]) for place, prompt in enumerate(prompts) if prompt.id in given}
