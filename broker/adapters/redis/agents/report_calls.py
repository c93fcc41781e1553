"""A peer's reports as calls of scripts. What is kept for readers is masked here, on its way into the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import assert_never

from broker.adapters.redis.scripts import Argument, Call, Given
from broker.domain.agents.glimpse import glimpse
from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.errors import Fenced
from broker.domain.ids import LinkId
from broker.domain.logs.redaction import Redactor
from broker.domain.plans.budgets import MOST, PER_UNIT, Unit
from broker.domain.plans.prices import NO_PRICES, PriceTable
from broker.protocol.agents.events import (
    AgentBroken,
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    PromptAccepted,
    PromptJoinedTurn,
    PromptRefused,
    StateEvent,
    TurnEnded,
    TurnStarted,
)
from broker.protocol.json_text import dumps
from broker.protocol.proxy import (
    CommandOutput,
    CommandRan,
    Exited,
    Expired,
    FrameRecorded,
    Handed,
    HookRan,
    ReportsLost,
    SpoolOverflowed,
    Started,
    StateChanged,
)
from broker.services.ports import DecidedApproval, NumberedFact

_FRAMES_AT_ONCE = 100
"""For one script: it takes 1-2 ms, in which nobody else is served."""
_SHOWN_OUTPUT = 4 * 1024
"""Characters of what a command wrote, in the log."""
_TOO_MUCH = dumps(
    ApprovalAnswer(verdict=Verdict.DENY, note="too much waits for an answer in this session; ask again later")
)


class ReportCalls:
    """Makes the calls for one link's reports."""

    def __init__(
        self, link: LinkId, redactor: Redactor, *, fence: int, spool: str, prices: PriceTable = NO_PRICES
    ) -> None:
        self._prices = prices
        self._link = link
        self._redactor = redactor
        self._fence = fence
        self._spool = spool

    def of(self, facts: Sequence[NumberedFact]) -> Iterator[Call]:
        """One script for each report, but one for as many neighbouring frames of an agent as there are."""
        for _, run in groupby(enumerate(facts), key=_run):
            neighbours = [fact for _, fact in run]
            while neighbours:
                yield self._call(neighbours[:_FRAMES_AT_ONCE])
                del neighbours[:_FRAMES_AT_ONCE]

    def _call(self, run: Sequence[NumberedFact]) -> Call:
        fact = run[0].fact
        of_link: dict[str, Argument] = {"link": self._link, "fence": self._fence, "spool": self._spool}
        place = {**of_link, "number": run[0].seq}
        if isinstance(fact, SpoolOverflowed):
            return Call("report_overflow", **place, dropped=fact.dropped_frames)
        if isinstance(fact, ReportsLost):
            return Call("report_lost", **place, lost=fact.lost, sent_again=fact.sent_again, states=_flag(fact.states))
        if isinstance(fact, CommandOutput):
            told = self._mask_json(dumps({"tail": fact.tail, "output_bytes": fact.bytes}))
            return Call("report_command_output", **place, command=fact.command, told=told)
        if isinstance(fact, CommandRan):
            return self._command_call(fact, place)
        if isinstance(fact, HookRan):
            return self._hook_call(fact, place)
        of_agent: dict[str, Argument] = {"agent": fact.agent, "generation": fact.generation}
        about = {**place, **of_agent}
        match fact:
            case FrameRecorded():
                frames = [(each.fact, each.frame_id) for each in run if isinstance(each.fact, FrameRecorded)]  # all
                return Call("report_frames", **of_link, first=run[0].seq, **of_agent, **self._frames(frames))
            case StateChanged():
                return self._state_call(fact.event, about)
            case DecidedApproval():
                return self._approval_call(fact, about)
            case Handed():
                return Call("report_handed", **about, message=fact.message_id)
            case Expired():
                return Call("report_expired", **about, message=fact.message_id)
            case Started():
                return Call(
                    "report_started",
                    **about,
                    version=fact.version or "",
                    transport=fact.transport,
                    folder=fact.cwd,
                    branch=fact.branch or "",
                    token=fact.token_sha256,
                )
            case Exited():
                reason, detail = self._mask(fact.reason), self._mask(fact.detail)
                return Call("report_exit", **about, expected=_flag(fact.expected), reason=reason, detail=detail)
            case _ as other:
                assert_never(other)

    def _frames(self, frames: Sequence[tuple[FrameRecorded, str]]) -> dict[str, Given]:
        """Frames with their own ids, and what they change in what is shown of their agent, masked as they are."""
        seen = glimpse(event for frame, _ in frames for event in frame.events)
        return {
            "said": self._mask(seen.said),
            "call": seen.call,
            "doing": self._mask(seen.doing),
            "over": dumps(seen.over),
            "ids": _some([own_id for _, own_id in frames]),
            "spent": _some([_spent(frame) for frame, _ in frames]),
            "reported": [self._masked(frame) for frame, _ in frames],
        }

    def _masked(self, frame: FrameRecorded) -> str:
        return self._redactor.json_text(frame.model_dump_json(exclude={"type", "agent", "generation"})).text

    def _state_call(self, event: StateEvent, about: dict[str, Argument]) -> Call:
        match event:
            case AgentReady():
                return Call(
                    "report_ready",
                    **about,
                    native=event.native_id,
                    resumed=_flag(event.resumed),
                    model=event.model or "",
                    version=event.version or "",
                    can_steer=_flag(event.can_steer),
                    prices=dumps(
                        [(name, each.input, each.output, each.cached) for name, each in self._prices.in_order()]
                    ),
                )
            case PromptAccepted():
                return _prompt_call(about, event.message_id, verdict="seen" if event.already_seen else "accepted")
            case PromptJoinedTurn():
                return _prompt_call(about, event.message_id, verdict="joined", detail=event.turn_id)
            case PromptRefused():
                return _prompt_call(about, event.message_id, verdict="refused", detail=self._mask(event.reason))
            case TurnStarted():
                prompts = [event.message_id] if event.message_id else []
                data = dumps({"turn": event.turn_id, "message": event.message_id})
                return Call("report_turn", **about, phase="started", turn=event.turn_id, data=data, messages=prompts)
            case TurnEnded():
                closing, answered = self._mask_json(_closing(event)), event.message_ids
                return Call("report_turn", **about, phase="ended", turn=event.turn_id, data=closing, messages=answered)
            case ApprovalWithdrawn():
                return Call("report_withdrawn", **about, native=event.native_id)
            case AgentBroken():
                return Call("report_broken", **about, code=event.code, detail=self._mask(event.detail))
            case ApprovalRequested():
                raise Fenced("an approval request must be decided before it is applied")
            case _ as other:
                assert_never(other)

    def _approval_call(self, fact: DecidedApproval, about: dict[str, Argument]) -> Call:
        body = _pack_asked(fact)
        shown = self._mask_json(body)
        is_masked = shown != body.decode()
        if is_masked:
            # A rule that is made of what is masked would not cover what is asked.
            shown = self._mask_json(_pack_asked(replace(fact, suggested_rules=() if fact.suggested_rules else None)))
            shown = f'{shown[:-1]},"masked":true}}'
        # An agent that is allowed to go on gets its input back as it gave it: it is kept until then, and no longer.
        given = dumps(fact.event.input) if is_masked and (fact.remembered or not fact.decided) else b""
        decided, rule, answer = fact.decided or ("", "", b"")
        return Call(
            "report_approval",
            **about,
            id=fact.id,
            native=fact.event.native_id,
            body=shown,
            deadline_ms=fact.deadline_s * 1000,
            decided=decided,
            rule=rule,
            answer=answer,
            given=given,
            too_much=_TOO_MUCH,
            likeness=fact.likeness,
            told=fact.told,
            remembered=_flag(fact.remembered),
        )

    def _hook_call(self, fact: HookRan, place: dict[str, Argument]) -> Call:
        told = fact.model_dump(mode="json", exclude={"type", "agent", "generation"})
        if fact.on is not None:
            told |= {"event": fact.on, "does": "command"}
        return Call(
            "report_hook",
            **place,
            agent=fact.agent,
            run=fact.run,
            state=fact.state,
            data=self._mask_json(dumps(told)),
            hook=fact.hook,
            on=fact.on or "",
        )

    def _command_call(self, fact: CommandRan, place: dict[str, Argument]) -> Call:
        """What it wrote is kept with the command; the log has the end of it."""
        told = {
            "reason": fact.reason,
            "exit_code": fact.exit_code,
            "signal": fact.signal,
            "output_bytes": fact.output_bytes,
            "duration_ms": fact.duration_ms,
            "folder": fact.folder,
        }
        output, errors = self._mask(fact.output), self._mask(fact.errors)
        tail = {"tail": output[-_SHOWN_OUTPUT:], "errors_tail": errors[-_SHOWN_OUTPUT:]}
        return Call(
            "report_command",
            **place,
            command=fact.command,
            state=fact.state,
            told=self._mask_json(dumps(told)),
            shown=dumps(tail if fact.state.is_end else {}),
            output=output,
            errors=errors,
        )

    def _mask(self, text: str) -> str:
        return self._redactor.text(text).text

    def _mask_json(self, text: bytes) -> str:
        return self._redactor.json_text(text.decode()).text


def _run(placed: tuple[int, NumberedFact]) -> tuple[object, ...]:
    """The same for frames of one agent whose numbers are consecutive."""
    index, numbered = placed
    fact = numbered.fact
    return (fact.agent, fact.generation, numbered.seq - index) if isinstance(fact, FrameRecorded) else (index,)


def _prompt_call(about: dict[str, Argument], message: str, *, verdict: str, detail: str = "") -> Call:
    return Call("report_prompt", **about, message=message, verdict=verdict, detail=detail)


def _closing(event: TurnEnded) -> bytes:
    return dumps(
        {
            "turn": event.turn_id,
            "outcome": event.outcome,
            "messages": event.message_ids,
            "text": event.text,
            "reason": event.reason,
        }
    )


def _pack_asked(fact: DecidedApproval) -> bytes:
    event, assessment = fact.event, fact.assessment
    return dumps(
        {
            "tool": event.tool,
            "title": event.title,
            "command": event.command,
            "cwd": event.cwd,
            "changes": event.changes,
            "paths": event.paths,
            "widens": event.widens,
            "input": event.input,
            "reason": event.reason,
            "can_allow_session": event.can_allow_session,
            "detail": event.detail,
            "options": event.options,
            "prompts": event.prompts,
            "risk": assessment.risk if assessment else None,
            "risk_reasons": assessment.reasons if assessment else (),
            "suggested_rules": fact.suggested_rules,
            "lasting": event.lasting,
            "machine": fact.machine,
            "needs": fact.needs,
            "hook_asks": next((each.hook for each in event.hooks if each.says == "ask"), ""),
        }
    )


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _some(texts: Sequence[str]) -> Argument:
    """A JSON list; '' when all of them are empty."""
    return dumps(texts) if any(texts) else ""


def _spent(frame: FrameRecorded) -> str:
    """What a frame says was spent, for budgets; '' when it says nothing. Peers are of any version."""
    used = [event for event in frame.events if event.get("type") == "usage"]
    if not used:
        return ""
    last = used[-1]
    read, written, hit = (_amount(last.get(f"{name}_tokens")) for name in ("input", "output", "cached"))
    told: dict[str, int | bool] = {"tokens": read + written, "cumulative": last.get("cumulative") is True}
    if last.get("cost_usd") is None:
        told |= {"input": read, "output": written, "cached": min(hit, read)}
    else:
        told |= {"usd": _amount(last["cost_usd"], times=PER_UNIT[Unit.USD])}
    return dumps(told).decode()


def _amount(value: object, *, times: int = 1) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value * times <= MOST
    return round(value * times) if is_number else 0  # type: ignore[operator]  # it is a number
