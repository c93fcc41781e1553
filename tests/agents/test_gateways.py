"""Two machines, each at a gateway of its own on one store: agents talk across, also while a gateway is killed."""

import asyncio
import re

import pytest

from broker.domain.ids import MessageId
from tests.agents.model_server import ModelServer
from tests.agents.obedience import heard
from tests.agents.script import Answer, CallTool, ModelRequest, Say
from tests.agents.stage import Stage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

_RALLY = 8


class Rally:
    """Every agent answers "ball N from A" to A with the next ball, until the last one."""

    def __init__(self) -> None:
        self.half = asyncio.Event()
        self._played: set[str] = set()

    def __call__(self, request: ModelRequest) -> Answer:
        said = heard(request)[-1]
        ball = re.fullmatch(r"ball (\d+) to (\w+)", said)
        if ball is None or said in self._played:
            return Say("Played.")
        self._played.add(said)
        number, here = int(ball[1]), ball[2]
        if number == _RALLY // 2:
            self.half.set()
        if number == _RALLY:
            return Say("The last ball.")
        there = {"Left": "Right", "Right": "Left"}[here]
        return CallTool("relay_send", {"to": there, "text": f"ball {number + 1} to {there}"})


async def test_agents_at_two_gateways_lose_and_double_nothing_when_one_gateway_is_killed(
    model: ModelServer, stage: Stage
) -> None:
    model.script = rally = Rally()
    async with asyncio.timeout(120):
        redis = await stage.redis()
        await stage.worker(redis)
        first, second = await stage.gateway(redis), await stage.gateway(redis)
        left = await stage.machine("left", first, "claude")
        right = await stage.machine("right", second, "codex")
        relay = await stage.relay(first)
        log = await stage.log(relay)
        await relay.spawn("Left", "claude", "wait for the ball", on="left")
        await relay.spawn("Right", "codex", "wait for the ball", on="right")
        await relay.send("Right", "ball 1 to Right")

        await rally.half.wait()
        notices = len(right.process.frames)
        await second.process.kill()
        for number in range(3):
            await relay.send("Right", f"extra {number}")
        await stage.gateway(redis, port=second.port)
        await right.connected_again(notices)

        last = await log.until(
            lambda event: event.kind == "message.accepted" and event.data["text"].startswith(f"ball {_RALLY} ")
        )
        await log.answered(last.data["id"])
        accepted = log.matching(lambda event: event.kind == "message.accepted")
        for event in accepted:
            await log.answered(MessageId(event.data["id"]))

    sent = sorted(event.data["text"] for event in accepted)
    assert len(sent) == 2 + _RALLY + 3
    newest = [heard(request)[-1] for request in model.requests if not request.tool_results or request.starts_turn]
    assert sorted(newest) == sent
    assert not log.of("Left", "agent.restarting")
    assert not log.of("Right", "agent.restarting")
    assert len(left.notices("connected")) == 1
