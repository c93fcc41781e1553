"""What there is to see: a game that was played, a team at work, and questions that wait."""

from __future__ import annotations

from connect.sdk import AgentRelay
from tests.browser.site import asked
from tests.fixtures.processes import until

_REPORT = """say ## Review of the payment service

The **retry** logic is right, and two things are left:

1. `charge()` takes the amount as a float
2. a refund has no idempotency key

| check | result |
|---|---|
| unit tests | 214 passed |
| types | clean |
"""


async def play(relay: AgentRelay) -> None:
    """Play the scene to where everything waits for the person who looks."""
    await relay.spawn("Lead", "demo", "Play tic-tac-toe with a demo agent")
    await until(relay, lambda event: "Good game" in str(event.data))
    await relay.spawn("Reviewer", "demo")
    sent = await relay.send("Reviewer", _REPORT)
    await relay.wait_for(sent.message_id, timeout_s=30)
    for name, command in (("Backend", "alembic upgrade head"), ("Releaser", "rm -rf dist && git push --force")):
        await relay.spawn(name, "demo", f"ask permission: {command}")
    await asked(relay, 2)
    await relay.spawn("Tester", "demo", "sleep 600")
