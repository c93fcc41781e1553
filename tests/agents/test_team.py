"""Three vendors' agents as a team: one spawns the others by tool, they play by messages, all are released."""

import asyncio
import re

import pytest

from tests.agents.model_server import ModelServer
from tests.agents.obedience import heard
from tests.agents.script import Answer, CallTool, CallTools, ModelRequest, Say, by_agent, named_in_text
from tests.agents.stage import Stage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

_MOVES = 5
_GAME = {str(move): cell for move, cell in enumerate((5, 1, 3, 7, 9), start=1)}
_AGENT_OF = named_in_text(r'You are the agent "([^"]+)"')


def _move(number: int) -> str:
    return f"move {number}: {'XO'[(number + 1) % 2]} takes {_GAME[str(number)]}"


class _Player:
    """Answers each move with the next one; the lead begins, and tells the judge when the last move is made."""

    def __init__(self, opponent: str, *, opening: tuple[CallTool, ...] = ()) -> None:
        self._opponent = opponent
        self._opening = list(opening)
        self._answered: set[str] = set()

    def __call__(self, request: ModelRequest) -> Answer:
        if self._opening:
            return self._opening.pop(0)
        said = heard(request)[-1]
        if said in self._answered:
            return Say("Your turn.")
        self._answered.add(said)
        if said == "release them":
            return CallTools(tuple(CallTool("relay_release", {"name": name}) for name in ("Opponent", "Judge")))
        move = re.fullmatch(r"move (\d): . takes \d", said)
        if move is None:
            return Say(f"Noted: {said}")
        if int(move[1]) == _MOVES:
            return CallTool("relay_send", {"to": "Judge", "text": "the game is over"})
        return CallTool("relay_send", {"to": self._opponent, "text": _move(int(move[1]) + 1)})


class _Judge:
    """Thanks whoever tells it that the game is over."""

    def __call__(self, request: ModelRequest) -> Answer:
        if heard(request)[-1] == "the game is over" and not request.tool_results:
            return CallTool("relay_send", {"to": "Lead", "text": "well played"})
        return Say("I am watching.")


async def test_claude_spawns_codex_they_play_gemini_joins_and_all_are_released(
    model: ModelServer, stage: Stage
) -> None:
    opening = (
        CallTool("relay_spawn", {"name": "Judge", "cli": "gemini", "task": "watch the game"}),
        CallTool("relay_spawn", {"name": "Opponent", "cli": "codex", "task": _move(1)}),
    )
    lead = _Player("Opponent", opening=opening)
    model.script = by_agent({"Lead": lead, "Opponent": _Player("Lead"), "Judge": _Judge()}, agent_of=_AGENT_OF)
    async with asyncio.timeout(120):
        _, _, relay, log = await stage.desk("claude", "codex", "gemini")
        await relay.spawn("Lead", "claude", "Play tic-tac-toe with a Codex agent")
        thanks = await log.until(lambda event: event.kind == "message.accepted" and event.data["text"] == "well played")
        await log.answered(thanks.data["id"])
        agents = await relay.agents()
        messages = log.matching(lambda event: event.kind == "message.accepted")
        released = await relay.send("Lead", "release them")
        await log.answered(released.message_id)
        states = {agent.name: agent.state for agent in await relay.agents()}
        await relay.release("Lead")
        await stage.no_agent_remains()

    assert {(agent.name, agent.cli, agent.spawner) for agent in agents} == {
        ("Lead", "claude", "operator"),
        ("Opponent", "codex", "Lead"),
        ("Judge", "gemini", "Lead"),
    }
    assert [(event.name, event.data["to"], event.data["text"]) for event in messages] == [
        ("operator", "Lead", "Play tic-tac-toe with a Codex agent"),
        ("Lead", "Judge", "watch the game"),
        ("Lead", "Opponent", _move(1)),
        ("Opponent", "Lead", _move(2)),
        ("Lead", "Opponent", _move(3)),
        ("Opponent", "Lead", _move(4)),
        ("Lead", "Opponent", _move(5)),
        ("Opponent", "Judge", "the game is over"),
        ("Judge", "Lead", "well played"),
    ]
    assert states == {"Lead": "idle", "Opponent": "released", "Judge": "released"}
    assert not log.matching(lambda event: event.kind == "approval.requested")
    assert all(log.receipts(event.data["id"])[-1] == "answered" for event in messages)
