"""What one agent is held up for until hooks have answered: its tools, its prompts, and the ends of its turns.

A request for permission is put to the broker with what hooks said to it; the broker alone decides (`domain.approvals.
decision`). What an agent would do without asking for permission is refused or let go here.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from broker.domain.approvals.tool_use import ToolUse, tool_use
from broker.domain.hooks.answers import HookSays, Opined
from broker.domain.hooks.blocking import MOST_CONTINUED
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.happenings import relative_files
from broker.domain.ids import MessageId
from broker.protocol.agents.events import AgentEvent, ApprovalRequested, ApprovalWithdrawn, HookOpinion, TurnEnded
from broker.protocol.agents.session import Frame, HookQuestion, HookReply
from broker.protocol.proxy import Deliver, Spawn
from connect.machine.hooks.guards import Asked, Counsel, GuardBook, happening

_MOST_REMEMBERED = 1000
"""Uses of tools whose request for permission may still come."""
_SHOWN = 500
_GO_ON = HookReply()
_INTERRUPTED = "it was interrupted before the agent had it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What is done with an agent once its hooks have answered."""

    put: Callable[[ApprovalRequested], None]
    """Put a request for permission to the broker."""
    settle: Callable[[str, HookReply], None]
    revise: Callable[[str, dict[str, Any]], ApprovalRequested | None]
    hand_over: Callable[[Deliver], None]
    refuse: Callable[[MessageId, str], None]
    say: Callable[[str], None]
    """Tell the agent's readers."""
    failed: Callable[[Exception], None]


class Guarding:
    """One agent's."""

    def __init__(self, book: GuardBook, spawn: Spawn, host: Host) -> None:
        self._book = book
        self._spawn = spawn
        self._host = host
        self._waiting: dict[str, asyncio.Task[None]] = {}
        """Requests and questions by their native id."""
        self._opinions: OrderedDict[str, tuple[HookOpinion, ...]] = OrderedDict()
        """On uses of tools that were asked about already, by their call."""
        self._prompts: deque[Deliver] = deque()
        self._prompting: asyncio.Task[None] | None = None
        self._continued = 0
        self._folder: str | None = None

    def stand_in(self, folder: str) -> None:
        """Where the agent works."""
        self._folder = folder

    def hold(self, frames: Sequence[Frame]) -> list[Frame]:
        """The frames without the requests for permission that hooks see first; those come when they have answered."""
        return [self._without_held(frame) for frame in frames]

    def consult(self, question: HookQuestion) -> None:
        """The agent asks before it goes on; asked again meanwhile, it gets the one answer."""
        if question.native_id in self._waiting:
            return
        if question.event is HookEvent.BEFORE_STOP:
            self._consult_on_stop(question)
            return
        use = question.use
        asked = self._about_use(use) if use and not use.relay_tool and not use.prompts else None
        hooks = self._book.matching(self._spawn, asked) if asked else []
        if use is None or asked is None or not hooks:
            self._host.settle(question.native_id, _GO_ON)
            return

        async def answer() -> None:
            counsel = await self._book.ask(self._spawn, asked, hooks)
            self._say_failures(counsel)
            self._settle_use(question.native_id, use, counsel)

        self._begin(question.native_id, answer())

    def holds(self, order: Deliver) -> bool:
        """Whether a prompt waits, for its hooks or for a prompt ahead of it; it is handed over in its time."""
        if not self._prompts and not self._book.matching(self._spawn, self._about_prompt(order)):
            return False
        self._prompts.append(order)
        if self._prompting is None:
            self._prompting = self._task(self._go_through())
        return True

    def interrupt(self) -> None:
        """What the agent does not have yet it is not given."""
        for order in self._take_prompts():
            self._host.refuse(order.message_id, _INTERRUPTED)

    def close(self) -> None:
        """The agent is over."""
        self._take_prompts()
        for task in self._waiting.values():
            task.cancel()
        self._waiting.clear()

    def _without_held(self, frame: Frame) -> Frame:
        kept: list[AgentEvent] = []
        for event in frame.events:
            if isinstance(event, ApprovalRequested):
                kept += self._first(event)
            elif isinstance(event, ApprovalWithdrawn) and self._forget(event.native_id):
                pass  # nobody was told of it
            else:
                kept.append(event)
            if isinstance(event, TurnEnded):
                self._continued = 0
        events = tuple(kept)
        return frame if events == frame.events else dataclasses.replace(frame, events=events)

    def _first(self, event: ApprovalRequested) -> list[ApprovalRequested]:
        """The request as it can be put now; nothing when hooks see it first."""
        known = self._opinions.pop(event.call_id, None) if event.call_id else None
        if known is not None:
            return [dataclasses.replace(event, hooks=known)]
        if event.native_id in self._waiting:  # a connection that was cut asks again
            return []
        if event.relay_tool or event.prompts:
            return [event]
        asked = self._about_use(event)
        hooks = self._book.matching(self._spawn, asked)
        if not hooks:
            return [event]

        async def weigh() -> None:
            counsel = await self._book.ask(self._spawn, asked, hooks)
            self._say_failures(counsel)
            self._put(event, counsel)

        self._begin(event.native_id, weigh())
        return []

    def _put(self, event: ApprovalRequested, counsel: Counsel) -> None:
        opinions = _opinions(counsel)
        opined = counsel.opined
        if opined is not None and opined.answer.says is HookSays.MODIFY and opined.answer.input is not None:
            revised = self._host.revise(event.native_id, opined.answer.input)
            if revised is None:
                why = f"{self._spawn.cli} cannot call {event.tool} with another input"
                opinions = (*opinions, HookOpinion(hook=opined.hook, says="deny", why=why))
            else:
                self._say_changed(opined, event, opined.answer.input)
                event = revised
        self._host.put(dataclasses.replace(event, hooks=opinions))

    def _settle_use(self, native_id: str, use: ApprovalRequested, counsel: Counsel) -> None:
        opined = counsel.opined
        if opined is None:
            self._host.settle(native_id, _GO_ON)
            return
        answer = opined.answer
        if answer.says is HookSays.DENY:
            self._host.say(f"hook {opined.hook} refused {use.title[:_SHOWN]}: {answer.reason}")
        elif use.call_id:
            self._opinions[use.call_id] = _opinions(counsel)
            if len(self._opinions) > _MOST_REMEMBERED:
                self._opinions.popitem(last=False)
        if answer.says is HookSays.MODIFY and answer.input is not None:
            self._say_changed(opined, use, answer.input)
        reply = HookReply(
            says=answer.says,
            reason=f"hook {opined.hook}: {answer.reason or answer.says}",
            input=answer.input,
            context=answer.context,
        )
        self._host.settle(native_id, reply)

    def _consult_on_stop(self, question: HookQuestion) -> None:
        asked = Asked(
            event=question.event,
            happening=happening(question.event, self._spawn, values={"last_message": question.last_message}),
            told={"last_message": question.last_message, "continued": self._continued},
        )
        hooks = self._book.matching(self._spawn, asked)
        if hooks and self._continued >= MOST_CONTINUED:
            self._host.say(f"hooks made it go on {MOST_CONTINUED} times in this turn: it may stop now")
            hooks = []
        if not hooks:
            self._host.settle(question.native_id, _GO_ON)
            return

        async def answer() -> None:
            counsel = await self._book.ask(self._spawn, asked, hooks)
            self._say_failures(counsel)
            opined = counsel.opined
            if opined is None or opined.answer.says is not HookSays.DENY:
                self._host.settle(question.native_id, _GO_ON)
                return
            self._continued += 1
            reason = opined.answer.reason or "go on"
            self._host.settle(question.native_id, HookReply(says=HookSays.DENY, reason=reason))

        self._begin(question.native_id, answer())

    async def _go_through(self) -> None:
        while self._prompts:
            order = self._prompts[0]
            asked = self._about_prompt(order)
            counsel = await self._book.ask(self._spawn, asked, self._book.matching(self._spawn, asked))
            self._prompts.popleft()
            self._say_failures(counsel)
            self._give(order, counsel.opined)
        self._prompting = None

    def _give(self, order: Deliver, opined: Opined | None) -> None:
        answer = opined.answer if opined else None
        if opined is None or answer is None:
            self._host.hand_over(order)
        elif answer.says is HookSays.DENY:
            self._host.refuse(order.message_id, f"hook {opined.hook}: {answer.reason or 'refused'}")
        elif answer.says is HookSays.ASK:
            why = f"hook {opined.hook} wants a person to decide, which a prompt cannot wait for: {answer.reason}"
            self._host.refuse(order.message_id, why)
        else:
            text = str(answer.input["prompt"]) if answer.input else order.text
            if answer.context:
                text = f"{text}\n\n{answer.context}"
            if text != order.text:
                self._host.say(f"hook {opined.hook} changed the prompt to: {text[:_SHOWN]}")
            self._host.hand_over(order.model_copy(update={"text": text}))

    def _about_use(self, event: ApprovalRequested) -> Asked:
        use = _use(event, self._folder)
        values = {"tool": event.tool, "command": use.command or "", "text": event.title}
        return Asked(
            event=HookEvent.BEFORE_TOOL,
            happening=happening(HookEvent.BEFORE_TOOL, self._spawn, values=values, tool=event.tool, use=use),
            told={
                "tool": event.tool,
                "kind": use.kind,
                "title": event.title,
                "command": use.command,
                "input": event.input,
                "files": list(use.paths),
                "cwd": use.folder,
            },
            files=relative_files(use.paths, self._folder),
        )

    def _about_prompt(self, order: Deliver) -> Asked:
        return Asked(
            event=HookEvent.BEFORE_TURN,
            happening=happening(HookEvent.BEFORE_TURN, self._spawn, values={"text": order.text}),
            told={"prompt": order.text, "message_id": order.message_id, "steer": order.steer},
        )

    def _say_failures(self, counsel: Counsel) -> None:
        """A guard that did not work is never silent, whichever way it is taken."""
        for opined in counsel.each:
            if opined.failed:
                taken = {HookSays.ALLOW: "it goes on all the same", HookSays.ASK: "a person is asked"}
                what = taken.get(opined.answer.says, "that counts as a no")
                self._host.say(f"hook {opined.hook} did not answer ({opined.failed}): {what}")

    def _say_changed(self, opined: Opined, event: ApprovalRequested, given: dict[str, Any]) -> None:
        before, after = repr(event.input)[:_SHOWN], repr(given)[:_SHOWN]
        self._host.say(f"hook {opined.hook} changed the input of {event.tool} from {before} to {after}")

    def _forget(self, native_id: str) -> bool:
        task = self._waiting.pop(native_id, None)
        if task is not None:
            task.cancel()
        return task is not None

    def _take_prompts(self) -> list[Deliver]:
        waiting = list(self._prompts)
        self._prompts.clear()
        if self._prompting is not None:
            self._prompting.cancel()
            self._prompting = None
        return waiting

    def _begin(self, native_id: str, work: Coroutine[Any, Any, None]) -> None:
        self._waiting[native_id] = task = self._task(work)
        task.add_done_callback(lambda done: self._over(native_id, done))

    def _over(self, native_id: str, done: asyncio.Task[None]) -> None:
        if self._waiting.get(native_id) is done:
            del self._waiting[native_id]

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def shielded() -> None:
            try:
                await work
            except Exception as error:
                self._host.failed(error)

        return asyncio.ensure_future(shielded())


def _use(event: ApprovalRequested, folder: str | None) -> ToolUse:
    return tool_use(
        tool=event.tool,
        command=event.command,
        paths=(*event.paths, *(change.path for change in event.changes)),
        given=event.input,
        folder=event.cwd or folder,
        widens=event.widens,
    )


_SAID: dict[HookSays, Literal["deny", "ask", "allow"]] = {
    HookSays.DENY: "deny",
    HookSays.ASK: "ask",
    HookSays.ALLOW: "allow",
}


def _opinions(counsel: Counsel) -> tuple[HookOpinion, ...]:
    """For the broker's decision; a failure that counts as a yes is no opinion."""
    given = list(counsel.each)
    if counsel.opined is not None and counsel.opined.answer.says is HookSays.DENY and counsel.opined not in given:
        given.append(counsel.opined)  # of two that contradict each other
    return tuple(
        HookOpinion(hook=each.hook, says=_SAID[each.answer.says], why=each.answer.reason)
        for each in given
        if each.answer.says in _SAID and (each.answer.says is not HookSays.ALLOW or each.allows)
    )
