"""The broker's answers to one agent's questions: passed on, changed, or first confirmed at this machine's terminal."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from broker.domain.approvals.answers import ApprovalAnswer
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Spawn
from connect.policy.decision import AskAnswer, Passed
from connect.policy.gate import Gate

_MOST_ANSWERED = 100
"""Questions of one agent that are remembered once they are answered."""


class Answers:
    """What one agent waits for. The first answer to a question counts; one to no question is dropped."""

    def __init__(
        self,
        gate: Gate,
        spawn: Spawn,
        *,
        give: Callable[[ApprovalRequested, Passed], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """`give` hands an answer to the agent; `failed` hears what went wrong while a person was asked."""
        self._gate = gate
        self._spawn = spawn
        self._give = give
        self._failed = failed
        self._asked: dict[str, ApprovalRequested] = {}
        self._confirming: dict[str, asyncio.Task[None]] = {}
        self._answered: deque[str] = deque(maxlen=_MOST_ANSWERED)

    def expect(self, asked: ApprovalRequested) -> None:
        """The agent asks."""
        self._asked[asked.native_id] = asked

    def withdraw(self, native_id: str) -> None:
        """It does not ask any more."""
        self._asked.pop(native_id, None)
        if confirming := self._confirming.pop(native_id, None):
            confirming.cancel()

    def take(self, native_id: str, answer: ApprovalAnswer) -> None:
        """The broker answers."""
        asked = self._asked.get(native_id)
        if asked is None or native_id in self._confirming:
            return
        weighed = self._gate.weigh_answer(asked, answer)
        if isinstance(weighed, AskAnswer):
            self._confirming[native_id] = asyncio.ensure_future(self._confirm(asked, weighed))
        else:
            self._pass_on(asked, weighed)

    @property
    def answered(self) -> list[str]:
        """The latest questions, by their ids, that it waits for no more."""
        return [native_id for native_id in self._answered if native_id not in self._asked]

    def close(self) -> None:
        """The agent is over: nobody waits for answers."""
        for native_id in list(self._asked):
            self.withdraw(native_id)

    async def _confirm(self, asked: ApprovalRequested, wanted: AskAnswer) -> None:
        try:
            passed = await self._gate.confirm_answer(self._spawn, asked, wanted)
            del self._confirming[asked.native_id]
            self._pass_on(asked, passed)
        except Exception as error:
            self._failed(error)

    def _pass_on(self, asked: ApprovalRequested, passed: Passed) -> None:
        del self._asked[asked.native_id]
        self._answered.append(asked.native_id)
        self._give(asked, passed)
