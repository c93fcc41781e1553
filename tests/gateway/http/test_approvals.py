"""Approvals over HTTP: an answer is a POST by somebody who may."""

from __future__ import annotations

from urllib.parse import urlencode

from broker.app import build_app
from broker.domain.approvals.answers import AnswerOption
from broker.domain.machines.policy import MachinePolicy
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
        ids = {
            **(await furnish(gateway, machine)).ids,
            "member": "owner",
            "workspace": gateway.workspace,
            "sign_in": "x",
            "effect": "x",
        }
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


STRICT = MachinePolicy(strict=True, asks=("folder", "shell", "spawn"), widening="ask")


async def a_request(
    gateway: Gateway, machine: Machine, command: str = "npm test", *, options: tuple[AnswerOption, ...] = ()
) -> str:
    """An agent asks to run a command; the approval's id."""
    await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
    (agent,) = [order for order in machine.commands if isinstance(order, Spawn)]
    event = ApprovalRequested(
        native_id="1", tool="Bash", title="t", command=command, cwd="/p", input={"command": command}, options=options
    )
    await machine.state(agent, event)
    await machine.until(lambda: machine.acked == machine.sent)
    (found,) = (await gateway.ok("GET", "/v1/sessions/main/approvals?status=pending"))["approvals"]
    return str(found["id"])


async def test_what_its_machine_will_refuse_anyway_says_so_wherever_it_is_seen(gateway: Gateway) -> None:
    async with gateway.machine(policy=STRICT) as machine:
        asked = await a_request(gateway, machine)
        found = await gateway.ok("GET", f"/v1/approvals/{asked}")
        assert found["machine"]["yes"] == "refuses"
        assert "asks for a second yes at its own terminal, and nobody is there" in found["machine"]["why"]
        shown = "machine { yes lasting why } risk suggestedRules { command }"
        query = {"query": f"{{ workspace {{ approvals(first: 5) {{ nodes {{ {shown} }} }} }} }}"}
        answer = await gateway.call("POST", "/graphql", query, **{"Content-Type": "application/json"})
        (node,) = answer.json()["data"]["workspace"]["approvals"]["nodes"]
        assert node["machine"]["why"] == found["machine"]["why"]
        assert (node["machine"]["yes"], node["risk"].lower()) == ("REFUSES", found["risk"])
        log = (await gateway.ok("GET", "/v1/sessions/main/log?limit=1000"))["events"]
        (event,) = [each["data"] for each in log if each["kind"] == "approval.requested"]
        assert (event["machine"], event["suggested_rules"]) == (found["machine"], found["suggested_rules"])


async def test_a_machine_with_the_usual_policy_has_a_word_on_what_lasts_alone(gateway: Gateway) -> None:
    offered = tuple(AnswerOption(id=kind, name=kind, kind=kind) for kind in ("allow_once", "allow_always"))
    async with gateway.machine(policy=MachinePolicy(asks=("folder",), widening="ask")) as machine:
        found = await gateway.ok("GET", f"/v1/approvals/{await a_request(gateway, machine, options=offered)}")
    assert (found["machine"]["yes"], found["machine"]["lasting"]) == ("passes", "asks")


async def test_a_suggested_rule_goes_with_an_answer_and_answers_the_next_one(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        asked = await a_request(gateway, machine, "git status")
        first = (await gateway.ok("GET", f"/v1/approvals/{asked}"))["suggested_rules"][0]
        nobody = {"risk": None, "group": None, "role": None, "people": 1}
        assert first == {"effect": "allow", "tool": "Bash", "command": "git status", "path": None, **nobody}
        wrong = await gateway.call("POST", f"/v1/approvals/{asked}/answer", {"verdict": "deny", "always": first})
        assert wrong.json()["error"]["code"] == "INVALID_ARGUMENT"
        await gateway.ok("POST", f"/v1/approvals/{asked}/answer", {"verdict": "allow", "always": first})
        [kept] = (await gateway.ok("GET", "/v1/rules"))["rules"]
        assert kept == {**first, "by": "operator", "at_ms": kept["at_ms"]}


async def test_what_a_rule_has_answered_is_weighed_too(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        await gateway.ok("PUT", "/v1/rules", {"rules": [{"effect": "deny", "command": "rm *"}]})
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        (agent,) = [order for order in machine.commands if isinstance(order, Spawn)]
        await machine.state(agent, ApprovalRequested(native_id="1", tool="Bash", title="t", command="rm -rf /"))
        await machine.until(lambda: machine.acked == machine.sent)
        (found,) = (await gateway.ok("GET", "/v1/sessions/main/approvals"))["approvals"]
    assert (found["status"], found["risk"], found["suggested_rules"]) == ("denied", "high", [])
