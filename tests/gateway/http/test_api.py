"""The HTTP API: each route's good answer, stable codes for bad input, limits."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from broker.domain.approvals.answers import AnswerOption
from broker.domain.approvals.questions import Choice, QuestionPrompt
from broker.domain.ids import AgentId, SessionId
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Deliver, Exited, Spawn, StateChanged
from tests.fixtures.gateway import Gateway, Machine

S = "/v1/sessions/main"


async def refusal(gateway: Gateway, method: str, path: str, body: object = None, **options: Any) -> tuple[int, str]:
    answer = await gateway.call(method, path, body, **options)
    assert answer.json()["ok"] is False
    return answer.status_code, answer.json()["error"]["code"]


async def test_sessions_are_made_found_and_listed(gateway: Gateway) -> None:
    made = await gateway.ok("POST", "/v1/sessions", {"name": "demo"})
    assert made["url"] == f"{gateway.url}/session/{made['id']}"
    assert (await gateway.ok("POST", "/v1/sessions", {"name": "demo"}))["id"] == made["id"]
    for reference in ("demo", made["id"]):
        assert (await gateway.ok("GET", f"/v1/sessions/{reference}"))["name"] == "demo"
    assert [s["id"] for s in (await gateway.ok("GET", "/v1/sessions"))["sessions"]] == [made["id"]]


async def test_nobody_takes_a_session_over_by_its_name(gateway: Gateway) -> None:
    victim = (await gateway.ok("POST", "/v1/sessions", {"name": "victim"}))["id"]
    _, share = await shared(gateway, victim)
    async with gateway.machine(session="victim") as machine:
        agent = await gateway.ok("POST", f"/v1/sessions/{victim}/agents", {"name": "Worker", "cli": "demo"})
        refused = await gateway.call("POST", "/v1/sessions", {"name": victim})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "INVALID_NAME")
        impostor = SessionId(uuid4().hex)  # as an earlier version took it
        await gateway.adapters.registry.create_session(gateway.workspace, impostor, name=victim, epoch="e")
        for token in ("", share, machine.tokens[agent["id"]]):
            assert (await gateway.ok("GET", f"/v1/sessions/{victim}", token=token))["name"] == "victim"
        assert (await gateway.ok("POST", "/v1/sessions", {"name": "x"}, token=machine.tokens[agent["id"]]))[
            "id"
        ] == victim
    assert (await gateway.ok("GET", f"/v1/sessions/{impostor}"))["id"] == impostor
    problems = (await gateway.ok("GET", "/v1/status"))["problems"]
    assert [each for each in problems if "looks like an id" in each and impostor in each]


async def shared(gateway: Gateway, session: str) -> tuple[str, str]:
    """The id and the secret of a share link's token."""
    made = await gateway.ok("POST", f"/v1/sessions/{session}/share", {})
    return made["token_id"], made["url"].rpartition("=")[2]


async def test_whoami_tells_the_workspace_and_what_one_may_do(gateway: Gateway) -> None:
    told = await gateway.ok("GET", "/v1/whoami")
    assert told["workspace"]["id"] == gateway.workspace
    assert "administer" in told["permissions"]
    _, observer = await gateway.token("observer")
    assert (await gateway.ok("GET", "/v1/whoami", token=observer))["permissions"] == ["read", "read_workspace"]


async def test_an_agent_is_spawned_spoken_to_traced_and_released(gateway: Gateway) -> None:
    async with gateway.machine():
        agent = await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo", "task": "begin"})
        assert (agent["name"], agent["machine"]) == ("Worker", "laptop")
        assert agent["state"] in {"idle", "working"}
        sent = await gateway.ok("POST", f"{S}/messages", {"to": "worker", "text": "hello"})
        (delivery,) = await answered(gateway, sent["message_id"])
        assert delivery["answer"] == f"re: {sent['message_id']}"
        assert [a["name"] for a in (await gateway.ok("GET", f"{S}/agents"))["agents"]] == ["Worker"]
        assert (await gateway.ok("DELETE", f"{S}/agents/Worker"))["state"] == "released"
        # The first answer may have been lost: asked again, it is the same agent.
        again = await gateway.ok("DELETE", f"{S}/agents/Worker")
        assert (again["id"], again["state"]) == (agent["id"], "released")
        assert await refusal(gateway, "DELETE", f"{S}/agents/Nobody") == (404, "AGENT_NOT_FOUND")


async def test_a_worktree_is_ordered_from_a_machine_that_makes_them(gateway: Gateway) -> None:
    asked = {"name": "Worker", "cli": "demo", "worktree": True, "wait": False}
    async with gateway.machine() as machine:
        await gateway.ok("POST", f"{S}/agents", asked)
        await machine.until(lambda: any(c.type == "spawn" for c in machine.commands))
        assert [c.worktree for c in machine.commands if isinstance(c, Spawn)] == [True]
    async with gateway.machine(machine_id="machine-2", name="old", makes_worktrees=False):
        assert await refusal(gateway, "POST", f"{S}/agents", {**asked, "name": "Two", "on": "old"}) == (
            409,
            "NO_WORKTREES",
        )


async def test_a_released_agent_is_resumed(gateway: Gateway) -> None:
    async with gateway.machine():
        agent = await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        await gateway.ok("DELETE", f"{S}/agents/Worker")
        for reference in ("worker", agent["id"]):
            again = await gateway.ok("POST", f"{S}/agents/{reference}/resume")
            assert (again["id"], again["generation"], again["state"]) == (agent["id"], 2, "idle")
        await gateway.ok("DELETE", f"{S}/agents/Worker")
        assert await refusal(gateway, "POST", f"{S}/agents/Nobody/resume") == (404, "AGENT_NOT_FOUND")
    assert await refusal(gateway, "POST", f"{S}/agents/Worker/resume") == (409, "NO_PROXY")


async def answered(gateway: Gateway, message: str) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        async with gateway.events("main", after="0") as socket:
            async for _ in socket:
                deliveries: list[dict[str, Any]] = (await gateway.ok("GET", f"{S}/messages/{message}"))["deliveries"]
                if all(d["state"] in {"answered", "undeliverable"} for d in deliveries):
                    return deliveries
    raise AssertionError


async def test_an_interrupt_answers_with_the_agent(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        machine.answering = False
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo", "task": "begin"})
        agent = await gateway.ok("POST", f"{S}/agents/Worker/interrupt")
        assert agent["name"] == "Worker"
        await machine.until(lambda: any(c.type == "interrupt" for c in machine.commands))


async def test_channels_have_members(gateway: Gateway) -> None:
    async with gateway.machine():
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        assert await refusal(gateway, "POST", f"{S}/messages", {"to": "#dev", "text": "x"}) == (404, "NO_RECIPIENTS")
        await gateway.ok("POST", f"{S}/channels/%23dev/members", {"agent": "Worker"})
        listed = await gateway.ok("GET", f"{S}/channels")
        assert listed == {"channels": [{"name": "#dev", "members": ["Worker"]}]}
        sent = await gateway.ok("POST", f"{S}/messages", {"to": "#dev", "text": "x"})
        assert [d["to"] for d in sent["deliveries"]] == ["Worker"]
        await gateway.ok("DELETE", f"{S}/channels/%23dev/members/Worker")
        assert await refusal(gateway, "POST", f"{S}/channels/dev/members", {"agent": "Worker"}) == (
            400,
            "INVALID_ADDRESS",
        )


async def test_an_approval_is_answered_once(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        approval = await ask(gateway, machine)
        pending = (await gateway.ok("GET", f"{S}/approvals?status=pending"))["approvals"]
        assert [a["id"] for a in pending] == [approval]
        path = f"/v1/approvals/{approval}"
        done = await gateway.ok("POST", f"{path}/answer", {"verdict": "deny", "note": "not now"})
        assert (done["status"], done["note"], done["answered_by"]) == ("denied", "not now", "operator")
        assert await refusal(gateway, "POST", f"{path}/answer", {"verdict": "allow"}) == (
            409,
            "APPROVAL_ALREADY_ANSWERED",
        )
        assert (await gateway.ok("GET", path))["status"] == "denied"
        await machine.until(lambda: any(c.type == "answer" for c in machine.commands))


QUESTION = ApprovalRequested(
    native_id="1",
    tool="AskUserQuestion",
    title="Which?",
    prompts=(
        QuestionPrompt(id="db", header="DB", text="Which?", choices=(Choice(label="A"), Choice(label="B"))),
        QuestionPrompt(id="parts", text="Parts?", choices=(Choice(label="API"), Choice(label="UI")), multi_select=True),
    ),
)


async def test_a_question_is_listed_shown_and_answered_once(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        question = await ask(gateway, machine, asked=QUESTION)
        (listed,) = (await gateway.ok("GET", f"{S}/questions?status=pending"))["questions"]
        assert listed["id"] == question
        assert [prompt["id"] for prompt in listed["prompts"]] == ["db", "parts"]
        path = f"/v1/questions/{question}"
        assert (await gateway.ok("GET", path))["prompts"] == listed["prompts"]
        assert await refusal(gateway, "POST", f"{path}/answer", {"answers": {"db": ["A"]}}) == (400, "BAD_ANSWER")
        assert await refusal(gateway, "POST", f"/v1/approvals/{question}/answer", {"verdict": "allow"}) == (
            400,
            "IS_QUESTION",
        )
        answers = {"db": ["something else"], "parts": ["API", "UI"]}
        done = await gateway.ok("POST", f"{path}/answer", {"answers": answers})
        assert (done["status"], done["answers"]) == ("answered", answers)
        assert await refusal(gateway, "POST", f"{path}/answer", {"decline": True}) == (409, "APPROVAL_ALREADY_ANSWERED")
        await machine.until(lambda: any(c.type == "answer" for c in machine.commands))


async def test_a_question_may_be_declined(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        path = f"/v1/questions/{await ask(gateway, machine, asked=QUESTION)}"
        done = await gateway.ok("POST", f"{path}/answer", {"decline": True, "note": "decide yourself"})
        assert (done["status"], done["note"]) == ("denied", "decide yourself")


async def test_an_approval_is_answered_by_the_option_that_is_named(gateway: Gateway) -> None:
    offered = tuple(AnswerOption(id=name, name=name.title(), kind="allow_once") for name in ("alpha", "bravo"))
    asked = ApprovalRequested(native_id="1", tool="mcp__x__y", title="Which?", options=offered)
    async with gateway.machine() as machine:
        path = f"/v1/approvals/{await ask(gateway, machine, asked=asked)}/answer"
        assert await refusal(gateway, "POST", path, {"verdict": "allow"}) == (409, "CHOOSE_OPTION")
        done = await gateway.ok("POST", path, {"verdict": "allow", "option_id": "bravo"})
        assert (done["option"], done["told"]) == ("bravo", "Bravo (allow_once)")


LS = ApprovalRequested(native_id="1", tool="Bash", title="run ls", command="ls", input={"command": "ls"})


async def ask(
    gateway: Gateway, machine: Machine, *, name: str = "Worker", native: str = "1", asked: ApprovalRequested = LS
) -> str:
    """An agent that waits for permission to run ls, or for something else; the approval's id."""
    await gateway.ok("POST", f"{S}/agents", {"name": name, "cli": "demo"})
    return await ask_more(gateway, machine, name=name, native=native, asked=asked)


async def ask_more(gateway: Gateway, machine: Machine, *, name: str, native: str, asked: ApprovalRequested) -> str:
    """The same of an agent that is there."""
    (spawn,) = [c for c in machine.commands if isinstance(c, Spawn) and c.name == name]
    event = replace(asked, native_id=native)
    await machine.report(StateChanged(agent=AgentId(spawn.agent), generation=1, event=event))
    await machine.until(lambda: machine.acked == machine.sent)
    rows = (await gateway.ok("GET", f"{S}/approvals"))["approvals"]
    return str(next(row["id"] for row in rows if row["agent"] == name))


async def test_rules_answer_for_people(gateway: Gateway) -> None:
    rule = {"effect": "allow", "tool": "Bash", "command": "ls*", "path": None}
    [kept] = (await gateway.ok("PUT", "/v1/rules", {"rules": [rule]}))["rules"]
    of_require = {"risk": None, "role": None, "group": None, "people": 1}
    assert kept == {**rule, **of_require, "by": "operator", "at_ms": kept["at_ms"]}
    # What was read may be written back: who made it stays.
    assert (await gateway.ok("PUT", "/v1/rules", {"rules": [{**kept, "by": "somebody"}]}))["rules"] == [kept]
    assert (await gateway.ok("GET", "/v1/rules"))["rules"] == [kept]
    async with gateway.machine() as machine:
        approval = await ask(gateway, machine)
        assert (await gateway.ok("GET", f"/v1/approvals/{approval}"))["status"] == "allowed"


async def test_machines_are_listed_and_forgotten(gateway: Gateway) -> None:
    async with gateway.machine():
        (machine,) = (await gateway.ok("GET", "/v1/proxies"))["proxies"]
        assert (machine["name"], machine["online"], machine["clis"][0]["cli"]) == ("laptop", True, "demo")
        path = f"/v1/proxies/{machine['id']}"
        assert await refusal(gateway, "DELETE", path) == (409, "PROXY_ONLINE")
    assert await refusal(gateway, "DELETE", "/v1/proxies/nothing") == (404, "PROXY_NOT_FOUND")


async def test_tokens_are_shown_once_and_revoked(gateway: Gateway) -> None:
    token_id, secret = await gateway.token("observer")
    listed = await gateway.call("GET", "/v1/tokens")
    assert secret not in listed.text
    assert token_id in listed.text
    await gateway.ok("GET", "/v1/sessions", token=secret)
    await gateway.ok("DELETE", f"/v1/tokens/{token_id}")
    assert await refusal(gateway, "GET", "/v1/sessions", token=secret) == (401, "UNAUTHENTICATED")
    assert await refusal(gateway, "DELETE", f"/v1/tokens/{token_id}") == (404, "TOKEN_NOT_FOUND")
    assert await refusal(gateway, "POST", "/v1/tokens", {"kind": "agent", "name": "x"}) == (400, "INVALID_ARGUMENT")


async def test_a_repeated_request_is_carried_out_once(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        machine.answering = False
        key = {"Idempotency-Key": str(uuid4())}
        spawns = [
            await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo", "task": "x"}, **key)
            for _ in range(2)
        ]
        assert spawns[0]["id"] == spawns[1]["id"]
        sends = [await gateway.ok("POST", f"{S}/messages", {"to": "Worker", "text": "x"}, **key) for _ in range(2)]
        assert sends[0] == sends[1]
        assert await refusal(gateway, "POST", f"{S}/messages", {"to": "Worker", "text": "y"}, **key) == (
            409,
            "IDEMPOTENCY_MISMATCH",
        )
        await machine.until(lambda: any(isinstance(c, Deliver) for c in machine.commands))


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/v1/sessions", {}, "INVALID_ARGUMENT"),
        ("POST", "/v1/sessions", {"name": "a b"}, "INVALID_NAME"),
        ("POST", "/v1/sessions", {"name": "x", "extra": 1}, "INVALID_ARGUMENT"),
        ("POST", "/v1/sessions", [], "INVALID_ARGUMENT"),
        ("POST", f"{S}/agents", {"name": "all", "cli": "demo"}, "INVALID_NAME"),
        ("POST", f"{S}/agents", {"name": "W", "cli": "demo", "timeout_s": 0}, "INVALID_ARGUMENT"),
        ("POST", f"{S}/messages", {"to": "#Bad!", "text": "x"}, "INVALID_ADDRESS"),
        ("POST", f"{S}/messages", {"to": "W", "text": ""}, "INVALID_ARGUMENT"),
        ("POST", f"{S}/messages", {"to": "W", "text": "x" * 300_000}, "TOO_LARGE"),
        ("POST", f"{S}/messages", {"to": "W", "text": "x", "mode": "now"}, "INVALID_ARGUMENT"),
        ("POST", f"{S}/messages", {"to": "W", "text": "x", "ttl_s": 0}, "INVALID_ARGUMENT"),
        ("POST", f"{S}/messages", {"to": "W", "text": "x" * 1_100_000}, "TOO_LARGE"),
        ("GET", f"{S}/approvals?status=odd", None, "INVALID_ARGUMENT"),
        ("GET", f"{S}/events?limit=0", None, "INVALID_ARGUMENT"),
        ("GET", f"{S}/events?limit={'9' * 5000}", None, "INVALID_ARGUMENT"),
        ("GET", f"{S}/events?after=x", None, "INVALID_ARGUMENT"),
        ("GET", f"{S}/events?after=e:{'9' * 30}", None, "INVALID_ARGUMENT"),
        ("PUT", "/v1/rules", {"rules": [{"effect": "maybe"}]}, "INVALID_ARGUMENT"),
        ("PUT", "/v1/rules", {"rules": [{"effect": "deny"}] * 201}, "INVALID_ARGUMENT"),
        ("POST", "/v1/tokens", {"kind": "root", "name": "x"}, "INVALID_ARGUMENT"),
        ("PUT", "/v1/budgets", {"scope": "workspace", "unit": "usd", "amount": "inf"}, "INVALID_ARGUMENT"),
        ("PUT", "/v1/budgets", {"scope": "workspace", "unit": "usd", "amount": "nan"}, "INVALID_ARGUMENT"),
        ("PUT", "/v1/hooks", {"text": "hooks: {codex: {on_command: [{relay: {to: L, mode: []}}]}}"}, "INVALID_HOOKS"),
    ],
)
async def test_bad_input_is_refused_with_a_stable_code(
    gateway: Gateway, method: str, path: str, body: object, code: str
) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    assert await refusal(gateway, method, path, body) == (413 if code == "TOO_LARGE" else 400, code)


async def test_text_that_is_no_json_is_refused(gateway: Gateway) -> None:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    for content in (b"{", b"\xff\xfe", b'{"name": "\\ud800"}'):
        answer = await gateway.client.post(f"{gateway.url}/v1/sessions", content=content, headers=headers)
        assert answer.status_code == 400


async def test_a_long_idempotency_key_is_refused(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    key = {"Idempotency-Key": "x" * 201}
    assert await refusal(gateway, "POST", f"{S}/messages", {"to": "W", "text": "x"}, **key) == (
        400,
        "INVALID_ARGUMENT",
    )


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/sessions/nothing", "SESSION_NOT_FOUND"),
        ("/v1/sessions/a%3Alog", "SESSION_NOT_FOUND"),
        (f"{S}/messages/nothing", "MESSAGE_NOT_FOUND"),
        (f"{S}/messages/x%3Ato", "MESSAGE_NOT_FOUND"),
        ("/v1/approvals/nothing", "APPROVAL_NOT_FOUND"),
        ("/v1/questions/nothing", "APPROVAL_NOT_FOUND"),
        ("/v2/odd", "PATH_NOT_FOUND"),
    ],
)
async def test_what_is_not_there_is_not_found(gateway: Gateway, path: str, code: str) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    assert await refusal(gateway, "GET", path) == (404, code)


async def test_another_method_is_refused(gateway: Gateway) -> None:
    assert await refusal(gateway, "PATCH", "/v1/sessions") == (405, "METHOD_NOT_ALLOWED")


async def test_nothing_can_be_spawned_without_a_machine(gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    answer = await gateway.call("POST", f"{S}/agents", {"name": "W", "cli": "demo"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "NO_PROXY")
    assert answer.json()["error"]["retryable"] is True
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_spawn_that_does_not_become_ready_says_so(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        machine.readying = False
        assert await refusal(gateway, "POST", f"{S}/agents", {"name": "W", "cli": "demo", "timeout_s": 0.1}) == (
            502,
            "SPAWN_TIMEOUT",
        )
        agent = await gateway.ok("POST", f"{S}/agents", {"name": "X", "cli": "demo", "wait": False})
        assert agent["state"] == "starting"


async def test_events_are_read_in_pages(gateway: Gateway) -> None:
    async with gateway.machine():
        await gateway.ok("POST", f"{S}/agents", {"name": "Worker", "cli": "demo"})
        offsets: list[int] = []
        after = "0"
        while True:
            page = await gateway.ok("GET", f"{S}/events?after={after}&limit=2")
            if not page["events"]:
                break
            offsets += [event["offset"] for event in page["events"]]
            after = page["next"]
        assert offsets == list(range(1, len(offsets) + 1))
        assert (await gateway.ok("GET", f"{S}/events?after=other:7"))["reset"] is True


async def test_health_and_metrics_need_no_token(gateway: Gateway) -> None:
    for path, word in (("/healthz", "version"), ("/readyz", "ready"), ("/metrics", "relaycast_request_seconds")):
        answer = await gateway.call("GET", path, token=None)
        assert answer.status_code == 200
        assert word in answer.text


async def test_why_an_agent_did_not_start_reaches_whoever_wanted_it(gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        machine.readying = False
        asked = asyncio.create_task(gateway.call("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"}))
        await machine.until(lambda: [c for c in machine.commands if isinstance(c, Spawn)])
        (spawn,) = (c for c in machine.commands if isinstance(c, Spawn))
        words = "Please log in first: run foo login"
        await machine.report(
            Exited(agent=spawn.agent, generation=1, code=1, expected=False, reason="exited", detail=words)
        )
        async with asyncio.timeout(10):
            answer = await asked
    assert answer.status_code == 502
    assert answer.json()["error"]["message"] == f"Worker did not start: exited: {words}"
