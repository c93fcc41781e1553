"""What there is to see: a game that was played, a team at work, rules, and questions that wait."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from connect.sdk import AgentRelay
from tests.browser.site import Site, asked
from tests.browser.test_fleet import fail
from tests.fixtures.processes import machine, until

_REPORT = """say ## Review of the payment service

The **retry** logic is right, and two things are left:

1. `charge()` takes the amount as a float
2. a refund has no idempotency key

| check | result |
|---|---|
| unit tests | 214 passed |
| types | clean |
"""
_EDIT = "edit src/limits.py: MOST = 10  # of each => MOST = 20  # of each"


async def play(where: Site, relay: AgentRelay) -> None:
    """Play the scene to where everything waits for the person who looks."""
    await relay.spawn("Lead", "demo", "Play tic-tac-toe with a demo agent", on="desk")
    await until(relay, lambda event: "Good game" in str(event.data))
    await relay.spawn("Reviewer", "demo", on="desk")
    sent = await relay.send("Reviewer", _REPORT)
    await relay.wait_for(sent.message_id, timeout_s=30)
    for name, command in (("Backend", "alembic upgrade head"), ("Releaser", "rm -rf dist && git push --force")):
        await relay.spawn(name, "demo", f"ask permission: {command}", on="desk")
    await asked(relay, 2)
    await relay.spawn("Tester", "demo", "sleep 600", on="desk")
    for effect, command in (("deny", "git push --force*"), ("allow", "pytest *")):
        await where.ask("POST", "/v1/rules", {"effect": effect, "tool": "shell", "command": command})


@contextlib.asynccontextmanager
async def crew(where: Site, relay: AgentRelay) -> AsyncIterator[None]:
    """The scene with ten agents on three machines, of which one has failed and three ask."""
    folder = where.folder
    async with (
        machine(folder, where.url, where.key_file, name="build-1"),
        machine(folder, where.url, where.key_file, name="laptop"),
    ):
        await play(where, relay)
        (work := folder / "docs").mkdir()
        await relay.spawn("Docs", "demo", on="build-1", cwd=str(work))
        await fail(relay, "Docs", folder=work)
        await relay.spawn("Frontend", "demo", f"ask permission: {_EDIT}", on="laptop")
        await asked(relay, 3)
        await relay.spawn("Indexer", "demo", "sleep 600", on="build-1")
        await relay.spawn("Mailer", "demo", "say The bounce handler is done; 12 tests pass.", on="laptop")
        yield
