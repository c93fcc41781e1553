"""An agent that is only greeted is gone afterwards, with all it has started."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from connect.doctor.greeting import greet
from connect.machine.agent_programs import CliCatalogue
from connect.settings import AgentSettings
from connect.system.process_tree import is_running, key_of


async def test_what_a_greeted_agent_has_started_is_gone(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"setsid sleep 600 & echo $! > {pids}; pwd >> {pids}; printf '%s\\n' '{_ANSWER}'; exec sleep 600"
    agents = {"own": AgentSettings(command=("/bin/sh", "-c", script))}
    cli = await CliCatalogue(agents, cache=tmp_path / "versions.json").find("own")
    assert cli is not None
    async with asyncio.timeout(30):
        greeted = await greet(cli, environment=dict(os.environ), begin=False)
    pid, folder = pids.read_text().split()
    assert (greeted.version, greeted.refusal) == ("9.9.9", None)
    assert not is_running(key_of(int(pid)))
    assert not Path(folder).exists()


_ANSWER = '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1,"agentInfo":{"version":"9.9.9"}}}'
