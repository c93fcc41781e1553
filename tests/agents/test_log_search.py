"""What real CLIs did in a run is found in the log by natural queries: each command, diff and message."""

import asyncio

import pytest

from connect.sdk import AgentRelay
from tests.agents.model_server import ModelServer
from tests.agents.script import CallTool, Say, by_agent, in_order, named_in_text
from tests.agents.stage import Stage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(120)]

_AGENT_OF = named_in_text(r'You are the agent "([^"]+)"')
_PATCH = """apply_patch <<'EOF'
*** Begin Patch
*** Add File: review.txt
+the heron wants more cobalt
*** End Patch
EOF"""


async def test_commands_edits_and_messages_of_claude_and_codex_are_found(model: ModelServer, stage: Stage) -> None:
    async with asyncio.timeout(90):
        broker, machine, relay, log = await stage.desk("claude", "codex")
        model.script = by_agent(
            {
                "Painter": in_order(
                    CallTool("shell", {"command": "echo heron > bird.txt", "description": "name the bird"}),
                    CallTool("shell", {"command": "ls no-such-folder", "description": "look around"}),
                    CallTool("Write", {"file_path": str(machine.project / "colours.txt"), "content": "vermilion\n"}),
                    CallTool("relay_send", {"to": "Reviewer", "text": "please review the heron"}),
                    Say("The picture hangs in the gallery."),
                ),
                "Reviewer": in_order(CallTool("shell", {"command": _PATCH}), Say("Cobalt is missing.")),
            },
            agent_of=_AGENT_OF,
        )
        await stage.set_rules(broker, [{"effect": "allow"}])
        await relay.spawn("Reviewer", "codex")
        await relay.spawn("Painter", "claude", "paint a heron")
        asked = await log.until(lambda e: e.kind == "message.accepted" and e.name == "Painter")
        await log.answered(asked.data["id"])
        await log.turns_ended("Painter", 1)
        await log.turns_ended("Reviewer", 1)
        await _searchable(relay)

        for query in (
            'agent:Painter kind:command command:"echo heron*" exit:0',
            'agent:Painter tool:Bash failed:true "no-such-folder"',
            "agent:Painter kind:files path:*/colours.txt vermilion",
            "agent:Painter kind:tool tool:relay_send failed:false",
            'kind:message "please review the heron"',
            'agent:Painter kind:text "hangs in the gallery"',
            "agent:Reviewer kind:files path:*review.txt cobalt",
            'agent:Reviewer kind:text "cobalt is missing"',
            "agent:Painter,Reviewer kind:turn",
        ):
            assert (await relay.search_logs(query)).hits, query
        for query in ("vermilion -vermilion", "agent:Reviewer vermilion", "ultramarine"):
            assert not (await relay.search_logs(query)).hits, query


async def _searchable(relay: AgentRelay) -> None:
    """Wait until the log store has all that has happened; a moment later, for nothing happens any more."""
    for query in ('agent:Painter kind:turn "gallery"', 'agent:Reviewer kind:turn "cobalt"'):
        while not (await relay.search_logs(query)).hits:
            await asyncio.sleep(0.1)
