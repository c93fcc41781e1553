"""What each vendor's real CLI asks its user in words, answered through the broker."""

import asyncio
import json

import pytest

from tests.agents.model_server import ModelServer
from tests.agents.obedience import Obedient
from tests.agents.stage import Stage
from tests.agents.vendors import VENDORS

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

_OPTIONS = [{"label": "SQLite", "description": "a file"}, {"label": "Postgres", "description": "a server"}]
_QUESTION = {"question": "Which database?", "header": "DB", "options": _OPTIONS}


@pytest.mark.parametrize("cli", [cli for cli, vendor in VENDORS.items() if vendor.asks_with])
async def test_a_question_is_shown_with_its_choices_and_the_model_is_told_the_answer(
    model: ModelServer, stage: Stage, cli: str
) -> None:
    model.script = Obedient()
    async with asyncio.timeout(60):
        _, _, relay, log = await stage.desk(cli)
        arguments = {"questions": [{**_QUESTION, **VENDORS[cli].question}]}
        await relay.spawn("Worker", cli, f"call {VENDORS[cli].asks_with} {json.dumps(arguments)}")
        await log.asked("Worker")
        (question,) = await relay.questions()
        (prompt,) = question.prompts
        assert (prompt.text, [choice.label for choice in prompt.choices]) == ("Which database?", ["SQLite", "Postgres"])
        await relay.answer_question(question.id, {prompt.id: "Postgres"})
        await log.turns_ended("Worker", 1)
    assert "Postgres" in model.requests[-1].tool_results[-1].text
    assert "SQLite" not in model.requests[-1].tool_results[-1].text
