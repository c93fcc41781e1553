"""Approvals over HTTP: an answer is a POST by somebody who may."""

from __future__ import annotations

from urllib.parse import urlencode

from broker.app import build_app
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Answer, Spawn
from broker.settings import Settings
from tests.fixtures.gateway import Gateway, Machine
from tests.gateway.test_shared_sessions import served
from tests.gateway.test_tenancy import furnish

_ANSWER = {"verdict": "allow", "scope": "session", "answer": "allow", "note": "", "status": "allowed"}
_MUTATION = 'mutation { answerApproval(input: {approval: "%s", verdict: ALLOW}) { __typename } }'


async def is_pending(gateway: Gateway, machine: Machine, approval: str) -> bool:
    found = await gateway.ok("GET", f"/v1/approvals/{approval}")
    return found["status"] == "pending" and not [order for order in machine.commands if isinstance(order, Answer)]


async def test_a_get_never_answers_anything(gateway: Gateway) -> None:
    """On every path that is served, with a key that may answer, and whatever the query says."""
    paths = sorted({path for _, path in served(build_app(Settings(), adapters=gateway.adapters))})
    async with gateway.machine() as machine:
        ids = {**(await furnish(gateway, machine)).ids, "member": "owner"}
        query = urlencode({**_ANSWER, "approval": ids["approval"], "query": _MUTATION % ids["approval"]})
        for path in paths:
            for method in ("GET", "HEAD"):
                await gateway.call(method, f"{path.format(**ids)}?{query}")
                assert await is_pending(gateway, machine, ids["approval"]), (method, path)
        await gateway.ok("POST", f"/v1/approvals/{ids['approval']}/answer", {"verdict": "allow"})
        assert not await is_pending(gateway, machine, ids["approval"])


async def test_what_waits_says_how_risky_it_is(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        (agent,) = [order for order in machine.commands if isinstance(order, Spawn)]
        event = ApprovalRequested(native_id="1", tool="Bash", title="clean", command="rm -rf build", paths=("/p/x",))
        await machine.state(agent, event)
        await machine.until(lambda: machine.acked == machine.sent)
        (found,) = (await gateway.ok("GET", "/v1/sessions/main/approvals?status=pending"))["approvals"]
        assert found["risk"] == "high"
        assert "deletes folders with everything in them" in found["risk_reasons"]
        assert found["paths"] == ["/p/x"]
