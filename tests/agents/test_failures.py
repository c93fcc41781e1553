"""Agents that do not start, that cannot log in, and that fall silent: said with the reason, or healed."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from broker.domain.errors import SpawnFailed
from connect.sdk.types import Event
from tests.agents.model_server import ModelServer
from tests.agents.obedience import Obedient, heard
from tests.agents.script import Fail
from tests.agents.stage import Stage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

_DEAF_S = 30
"""Within this an agent that holds its pipes but does not react must be known to be deaf."""


def _tells_why(event: Event) -> bool:
    """Claude tries again for minutes, and says so; the others end the turn."""
    told = [each.get("detail") for each in event.data.get("events", ()) if each["type"] == "problem"]
    reason = " ".join(filter(None, [*told, event.data.get("reason") if event.kind == "turn.ended" else None]))
    return "401" in reason or "not valid" in reason


@pytest.mark.parametrize("cli", ["claude", "codex", "gemini"])
async def test_a_login_that_the_vendor_refuses_is_reported_with_the_reason(
    model: ModelServer, stage: Stage, cli: str
) -> None:
    model.script = lambda _: Fail(401, "this key is not valid")
    async with asyncio.timeout(60):
        _, _, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, "hello")
        await log.until(_tells_why)
        await relay.release("Worker")
        await stage.no_agent_remains()


async def test_an_agent_that_ends_at_its_start_is_reported_with_its_last_words(stage: Stage, tmp_path: Path) -> None:
    broken = tmp_path / "claude"
    broken.write_text(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 2.1.330 && exit\necho 'no licence for you' >&2\nexit 7\n"
    )
    broken.chmod(0o755)
    async with asyncio.timeout(60):
        _, _, relay, log = await stage.desk(claude=str(broken))
        with pytest.raises(SpawnFailed, match="Worker did not start"):
            await relay.spawn("Worker", "claude", "hello")
        failed = await log.until(lambda event: event.kind == "agent.failed")

    assert "no licence for you" in failed.data["detail"]


@pytest.mark.parametrize("cli", ["claude", "codex"])
async def test_an_agent_that_has_gone_deaf_is_noticed_started_again_and_gets_the_message(
    model: ModelServer, stage: Stage, cli: str
) -> None:
    model.script = Obedient()
    async with asyncio.timeout(90):
        _, machine, relay, log = await stage.desk(cli)
        await relay.spawn("Worker", cli, "hello")
        await log.turns_ended("Worker", 1)

        for pid in stage.agent_processes():
            os.kill(pid, signal.SIGSTOP)
        sent = await relay.send("Worker", "are you there?")
        async with asyncio.timeout(_DEAF_S):
            await log.until(lambda event: event.kind == "agent.deaf")
        assert await log.answered(sent.message_id) == "Done: are you there?"

    assert machine.notices("agent_ended")[0]["reason"] == "replaced"
    assert sum(heard(request)[-1] == "are you there?" for request in model.requests) == 1
