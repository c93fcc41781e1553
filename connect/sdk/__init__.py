"""The Python SDK: spawn agents, talk to them, watch them, answer what they ask.

    async with AgentRelay() as relay:
        await relay.spawn("Worker", "codex", "Build the feature")
        await relay.send("Worker", "Add error handling")
        await relay.release("Worker")

Workflows are written with `connect.sdk.workflow`, which is imported for itself: whoever only talks to agents does not
wait for it.

Everything that changes something is sent with an idempotency key, so a call that is retried happens once. What a
broker refuses is raised as a `RelayError` of `broker.domain.errors`, by its stable code.
"""

from broker.domain.agents.stops import StopHow
from broker.domain.approvals.answers import Scope, Verdict
from broker.domain.errors import RelayError
from broker.domain.messages.messages import Mode
from broker.domain.messages.steps import ReceiptState
from connect.sdk.logs import LogHit, LogHits, LogLine
from connect.sdk.relay import AgentRelay
from connect.sdk.types import Agent, Approval, Event, Proxy, Question, Reset, Sent, Session, Stop, SuggestedRule, Trace

__all__ = [
    "Agent",
    "AgentRelay",
    "Approval",
    "Event",
    "LogHit",
    "LogHits",
    "LogLine",
    "Mode",
    "Proxy",
    "Question",
    "ReceiptState",
    "RelayError",
    "Reset",
    "Scope",
    "Sent",
    "Session",
    "Stop",
    "StopHow",
    "SuggestedRule",
    "Trace",
    "Verdict",
]
