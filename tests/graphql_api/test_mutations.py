"""What can be changed: results, typed refusals and safe retries, through the running gateway."""

import asyncio
from dataclasses import replace
from typing import Any

from broker.domain.approvals.answers import AnswerOption
from broker.domain.plans.plans import Plan
from tests.fixtures.gateway import Gateway
from tests.fixtures.graphql import GraphQL
from tests.gateway.http.test_api import LS, QUESTION, ask

REFUSED = "... on Refusal { __typename code message retryable }"


async def mutate(graphql: GraphQL, field: str, shown: str, /, by: str = "", **given: Any) -> Any:
    """The result of one mutation."""
    kind = field[0].upper() + field[1:] + "Input"
    kind = {"JoinChannelInput": "ChannelInput", "LeaveChannelInput": "ChannelInput"}.get(kind, kind)
    query = f"mutation($input: {kind}!) {{ {field}(input: $input) {{ __typename {shown} {REFUSED} }} }}"
    return (await graphql.ok(query, token=by, input=given))[field]


async def test_a_session_is_made_once_and_removed_for_good(graphql: GraphQL) -> None:
    made = await mutate(graphql, "createSession", "... on SessionCreated { session { id key } }", name="demo")
    again = await mutate(graphql, "createSession", "... on SessionCreated { session { id key } }", name="demo")
    assert made == again
    session = made["session"]
    gone = {"session": session["id"], "clientMutationId": "1"}
    for _ in range(2):
        deleted = await mutate(graphql, "deleteSession", "... on SessionDeleted { key }", **gone)
        assert deleted == {"__typename": "SessionDeleted", "key": session["key"]}
    refused = await mutate(graphql, "deleteSession", "", session=session["id"])
    assert (refused["__typename"], refused["code"]) == ("NotFoundRefusal", "SESSION_NOT_FOUND")
    assert await graphql.ok("query($id: ID!) { node(id: $id) { id } }", id=session["id"]) == {"node": None}


async def test_an_agent_is_spawned_interrupted_and_released(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        asked = {"session": "main", "name": "Worker", "cli": "demo", "clientMutationId": "spawn-1"}
        shown = "... on AgentSpawned { agent { id key state } }"
        spawned = await mutate(graphql, "spawnAgent", shown, wait=True, **asked)
        assert spawned["agent"]["state"] == "IDLE"
        again = await mutate(graphql, "spawnAgent", shown, wait=True, **asked)
        assert again["agent"]["key"] == spawned["agent"]["key"]
        agent = spawned["agent"]["id"]
        stopped = await mutate(graphql, "interruptAgent", "... on AgentInterrupted { wasRunning }", agent=agent)
        assert stopped["wasRunning"] is False
        shown = "... on AgentReleased { agent { state ended } }"
        for _ in range(2):
            released = await mutate(graphql, "releaseAgent", shown, agent=agent, wait=True)
            assert released["agent"] == {"state": "RELEASED", "ended": True}


async def test_an_ended_agent_is_brought_back_once(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        shown = "... on AgentSpawned { agent { id } }"
        made = await mutate(graphql, "spawnAgent", shown, session="main", name="Worker", cli="demo", wait=True)
        agent = made["agent"]["id"]
        shown = "... on AgentResumed { agent { id state generation } }"
        for _ in range(2):
            await mutate(graphql, "releaseAgent", "", agent=agent, wait=True)
            back = await mutate(graphql, "resumeAgent", shown, agent=agent, clientMutationId="back")
            assert (back["agent"]["id"], back["agent"]["generation"]) == (agent, 2)
        assert back["agent"]["state"] == "RELEASED"


async def test_releasing_by_id_spares_a_later_agent_of_the_same_name(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        ids = []
        for _ in range(2):
            shown = "... on AgentSpawned { agent { id } }"
            made = await mutate(graphql, "spawnAgent", shown, session="main", name="Worker", cli="demo", wait=True)
            ids.append(made["agent"]["id"])
            await mutate(graphql, "releaseAgent", "", agent=ids[0], wait=True)
        found = await graphql.ok('{ session(key: "main") { agent(name: "Worker") { id } } }')
        assert found["session"]["agent"]["id"] == ids[1]


async def test_a_spawn_that_cannot_be_placed_says_why(graphql: GraphQL, gateway: Gateway) -> None:
    await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    refused = await mutate(graphql, "spawnAgent", "", session="main", name="Worker", cli="demo")
    assert (refused["__typename"], refused["code"], refused["retryable"]) == ("ConflictRefusal", "NO_PROXY", True)


async def test_a_message_sent_twice_with_one_id_is_one_message(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        asked = {"session": "main", "to": "Worker", "text": "hello", "mode": "STEER", "clientMutationId": "m"}
        shown = "... on MessageSent { sent { key mode deliveries { to } } }"
        first = await mutate(graphql, "sendMessage", shown, **asked)
        assert first["sent"]["deliveries"] == [{"to": "Worker"}]
        assert (await mutate(graphql, "sendMessage", shown, **asked))["sent"]["key"] == first["sent"]["key"]
        refused = await mutate(graphql, "sendMessage", shown, **{**asked, "text": "something else"})
        assert (refused["__typename"], refused["code"]) == ("ConflictRefusal", "IDEMPOTENCY_MISMATCH")
        refused = await mutate(graphql, "sendMessage", shown, session="main", to="Nobody", text="hello")
        assert (refused["__typename"], refused["code"]) == ("NotFoundRefusal", "AGENT_NOT_FOUND")


async def test_a_full_plan_says_its_limit_and_when_it_resets(graphql: GraphQL, gateway: Gateway) -> None:
    await gateway.adapters.workspaces.set_plan(gateway.workspace, Plan.FREE)
    async with gateway.machine():
        shown = "... on QuotaExceeded { limit resetsAt }"
        for name in ("One", "Two"):
            result = await mutate(graphql, "spawnAgent", shown, session="main", name=name, cli="demo", wait=True)
        assert (result["__typename"], result["limit"], result["resetsAt"]) == ("QuotaExceeded", 1, None)
        for _ in range(101):
            result = await mutate(graphql, "sendMessage", shown, session="main", to="One", text="x")
        assert (result["__typename"], result["limit"]) == ("QuotaExceeded", 100)
        assert result["resetsAt"].endswith("T00:00:00.000Z")
        today = (await graphql.ok("{ workspace { messagesToday { count limit resetsAt } } }"))["workspace"]
        assert today["messagesToday"] == {"count": 100, "limit": 100, "resetsAt": result["resetsAt"]}


async def test_an_answer_counts_once_and_a_repeat_is_told_the_same(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        approval = await ask(gateway, machine)
        given = {"approval": approval, "verdict": "ALLOW", "clientMutationId": "yes"}
        shown = "... on ApprovalAnswered { approval { status answeredBy } }"
        for _ in range(2):
            answered = await mutate(graphql, "answerApproval", shown, **given)
            assert answered["approval"] == {"status": "ALLOWED", "answeredBy": "operator"}
        refused = await mutate(graphql, "answerApproval", shown, approval=approval, verdict="DENY")
        assert (refused["__typename"], refused["code"]) == ("ConflictRefusal", "APPROVAL_ALREADY_ANSWERED")


async def test_a_question_is_answered_by_its_prompts(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        await ask(gateway, machine, asked=QUESTION)
        shown = "id key prompts { key header text choices { label } multiSelect freeText }"
        found = await graphql.ok(
            f"{{ workspace {{ questions {{ {shown} }} approvals {{ nodes {{ question {{ id }} }} }} }} }}"
        )
        (question,) = found["workspace"]["questions"]
        assert found["workspace"]["approvals"]["nodes"] == [{"question": {"id": question["id"]}}]
        assert question["prompts"][1]["choices"] == [{"label": "API"}, {"label": "UI"}]
        node = await graphql.ok("query($id: ID!) { node(id: $id) { ... on Question { status } } }", id=question["id"])
        assert node == {"node": {"status": "PENDING"}}
        result = "... on QuestionAnswered { question { status answers { prompt texts } } }"
        partly = [{"prompt": "db", "texts": ["A"]}]
        refused = await mutate(graphql, "answerQuestion", result, question=question["id"], answers=partly)
        assert (refused["__typename"], refused["code"]) == ("InvalidInput", "BAD_ANSWER")
        answers = [*partly, {"prompt": "parts", "texts": ["API", "UI"]}]
        given = {"question": question["id"], "answers": answers, "clientMutationId": "q"}
        for _ in range(2):
            answered = await mutate(graphql, "answerQuestion", result, **given)
            assert answered["question"] == {"status": "ANSWERED", "answers": answers}
        assert (await graphql.ok("{ workspace { questions { key } } }"))["workspace"]["questions"] == []


async def test_a_question_is_declined_with_a_note(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine() as machine:
        question = await ask(gateway, machine, asked=QUESTION)
        result = "... on QuestionAnswered { question { status note } }"
        declined = await mutate(graphql, "answerQuestion", result, question=question, decline=True, note="no")
        assert declined["question"] == {"status": "DENIED", "note": "no"}


async def test_an_option_is_chosen_by_its_id(graphql: GraphQL, gateway: Gateway) -> None:
    offered = tuple(AnswerOption(id=name, name=name, kind="allow_once") for name in ("alpha", "bravo"))
    async with gateway.machine() as machine:
        approval = await ask(gateway, machine, asked=replace(LS, options=offered))
        result = "... on ApprovalAnswered { approval { option told options { optionId name kind lasts } } }"
        given = {"approval": approval, "verdict": "ALLOW"}
        refused = await mutate(graphql, "answerApproval", result, **given)
        assert (refused["__typename"], refused["code"]) == ("ConflictRefusal", "CHOOSE_OPTION")
        answered = await mutate(graphql, "answerApproval", result, **given, optionId="alpha")
        assert (answered["approval"]["option"], answered["approval"]["told"]) == ("alpha", "alpha (allow_once)")


async def test_an_answer_for_always_puts_its_rule_first(graphql: GraphQL, gateway: Gateway) -> None:
    await mutate(graphql, "setRules", "", rules=[{"effect": "ASK", "tool": "Write"}])
    async with gateway.machine() as machine:
        approval = await ask(gateway, machine)
        rule = {"effect": "ALLOW", "tool": "Bash", "command": "ls*"}
        refused = await mutate(graphql, "answerApproval", "", approval=approval, verdict="DENY", always=rule)
        assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_ARGUMENT")
        await mutate(graphql, "answerApproval", "", approval=approval, verdict="ALLOW", always=rule)
        rules = (await graphql.ok("{ workspace { rules { effect tool command } } }"))["workspace"]["rules"]
        assert rules == [rule, {"effect": "ASK", "tool": "Write", "command": None}]


async def test_a_tokens_secret_is_shown_once(graphql: GraphQL) -> None:
    given = {"kind": "OBSERVER", "name": "screen", "clientMutationId": "t", "expiresAt": "2999-01-01T00:00:00Z"}
    shown = "... on TokenMinted { secret token { id key kind name expiresAt } }"
    minted = await mutate(graphql, "mintToken", shown, **given)
    assert minted["token"]["expiresAt"] == "2999-01-01T00:00:00.000Z"
    assert (await graphql.ok("{ viewer { kind } }", token=minted["secret"]))["viewer"] == {"kind": "OBSERVER"}
    again = await mutate(graphql, "mintToken", shown, **given)
    assert (again["__typename"], again["code"]) == ("ConflictRefusal", "ALREADY_DONE")
    assert minted["token"]["key"] in again["message"]
    for _ in range(2):
        gone = {"token": minted["token"]["id"], "clientMutationId": "r"}
        assert (await mutate(graphql, "revokeToken", "", **gone))["__typename"] == "TokenRevoked"
    assert await graphql.refusal("{ viewer { kind } }", token=minted["secret"]) == "UNAUTHENTICATED"


async def test_a_token_shows_who_made_it_and_what_ends_with_it(graphql: GraphQL, gateway: Gateway) -> None:
    made = await mutate(
        graphql, "mintToken", "... on TokenMinted { secret token { id key } }", kind="WORKSPACE", name="alice"
    )
    alice = made["secret"]
    await gateway.ok("POST", "/v1/tokens", {"kind": "observer", "name": "screen"}, token=alice)
    fields = "key name madeBy { name memberKey tokenKey } ends { tokens machines agents }"
    listed = (await graphql.ok(f"{{ workspace {{ tokens {{ nodes {{ {fields} }} }} }} }}"))["workspace"]["tokens"]
    by_name = {each["name"]: each for each in listed["nodes"]}
    own = by_name["operator"]
    assert (own["madeBy"], own["ends"]) == (None, {"tokens": 2, "machines": 0, "agents": 0})
    assert by_name["alice"]["madeBy"] == {"name": "operator", "memberKey": None, "tokenKey": own["key"]}
    assert by_name["screen"]["madeBy"]["name"] == "alice"
    shown = "... on TokenRevoked { key ended { tokens machines agents } }"
    given = {"token": made["token"]["id"], "clientMutationId": "r"}
    first, again = [await mutate(graphql, "revokeToken", shown, **given) for _ in range(2)]
    assert first["ended"] == {"tokens": 1, "machines": 0, "agents": 0}
    assert again["ended"] is None


async def test_an_observers_token_can_be_for_one_session(graphql: GraphQL, gateway: Gateway) -> None:
    for name in ("main", "other"):
        await gateway.ok("POST", "/v1/sessions", {"name": name})
    shown = "... on TokenMinted { secret }"
    minted = await mutate(graphql, "mintToken", shown, kind="OBSERVER", name="x", session="main")
    query = '{ workspace { sessions { nodes { name } } } session(key: "other") { key } }'
    found = await graphql.ok(query, token=minted["secret"])
    assert found == {"workspace": {"sessions": {"nodes": [{"name": "main"}]}}, "session": None}


async def test_what_is_not_permitted_is_a_typed_refusal(graphql: GraphQL, gateway: Gateway) -> None:
    _, observer = await gateway.token("observer")
    refused = await mutate(graphql, "createSession", "", by=observer, name="demo")
    assert (refused["__typename"], refused["code"]) == ("NotPermitted", "NOT_PERMITTED")
    refused = await mutate(graphql, "createSession", "", name="not a name")
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_NAME")


async def test_an_id_of_another_type_is_refused(graphql: GraphQL, gateway: Gateway) -> None:
    session = await gateway.ok("POST", "/v1/sessions", {"name": "main"})
    found = await graphql.ok("query($key: String!) { session(key: $key) { id } }", key=session["id"])
    refused = await mutate(graphql, "releaseAgent", "", agent=found["session"]["id"])
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_ID")


async def test_two_of_the_same_at_once_carry_it_out_once(graphql: GraphQL) -> None:
    given = {"kind": "OBSERVER", "name": "screen", "clientMutationId": "same"}
    results = await asyncio.gather(*(mutate(graphql, "mintToken", "", **given) for _ in range(5)))
    assert [each["__typename"] for each in results].count("TokenMinted") == 1
    query = "{ workspace { tokens { nodes { name } } } }"
    names = [each["name"] for each in (await graphql.ok(query))["workspace"]["tokens"]["nodes"]]
    assert names.count("screen") == 1


async def test_channels_are_joined_and_left(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine():
        await gateway.ok("POST", "/v1/sessions/main/agents", {"name": "Worker", "cli": "demo"})
        given = {"session": "main", "channel": "#review", "agent": "Worker"}
        for field, member in (("joinChannel", True), ("leaveChannel", False)):
            changed = await mutate(graphql, field, "... on ChannelChanged { channel agent member }", **given)
            assert (changed["channel"], changed["agent"], changed["member"]) == ("#review", "Worker", member)


async def test_a_machine_is_forgotten_when_it_is_gone(graphql: GraphQL, gateway: Gateway) -> None:
    query = "{ workspace { proxies { nodes { id } } } }"
    async with gateway.machine():
        (machine,) = (await graphql.ok(query))["workspace"]["proxies"]["nodes"]
        refused = await mutate(graphql, "forgetProxy", "", proxy=machine["id"])
        assert (refused["__typename"], refused["code"]) == ("ConflictRefusal", "PROXY_ONLINE")


async def test_a_person_is_added_changed_and_removed(graphql: GraphQL, gateway: Gateway) -> None:
    shown = "... on MemberInvited { signInUrl expiresAt member { id key name role } }"
    given = {"name": "Ada", "role": "VIEWER", "clientMutationId": "ada"}
    added = await mutate(graphql, "addMember", shown, **given)
    again = await mutate(graphql, "addMember", shown, **given)
    assert added["member"] == again["member"]
    assert added["signInUrl"].startswith(f"{gateway.url}/sign-in#oc_live_")
    assert added["signInUrl"] != again["signInUrl"]
    member = added["member"]["id"]
    changed = await mutate(
        graphql, "setMemberRole", "... on MemberChanged { member { role } }", member=member, role="ADMIN"
    )
    assert changed["member"] == {"role": "ADMIN"}
    query = "{ workspace { members { nodes { key } } } }"
    assert (await graphql.ok(query))["workspace"]["members"]["nodes"] == [{"key": added["member"]["key"]}]
    for _ in range(2):
        removed = await mutate(graphql, "removeMember", "", member=member, clientMutationId="out")
        assert removed["__typename"] == "MemberRemoved"
    refused = await mutate(graphql, "inviteMember", "", member=member)
    assert (refused["__typename"], refused["code"]) == ("NotFoundRefusal", "MEMBER_NOT_FOUND")


async def test_a_shared_session_is_all_its_link_shows(graphql: GraphQL, gateway: Gateway) -> None:
    for name in ("main", "other"):
        await gateway.ok("POST", "/v1/sessions", {"name": name})
    shown = "... on SessionShared { url token { id sessionKey } }"
    given: dict[str, Any] = {"session": "main", "expiresInSeconds": 60, "clientMutationId": "link"}
    shared = await mutate(graphql, "shareSession", shown, **given)
    secret = shared["url"].partition("#share=")[2]
    found = await graphql.ok("{ workspace { sessions { nodes { name key } } } }", token=secret)
    (session,) = found["workspace"]["sessions"]["nodes"]
    assert session == {"name": "main", "key": shared["token"]["sessionKey"]}
    assert (await mutate(graphql, "shareSession", shown, **given))["code"] == "ALREADY_DONE"
    await mutate(graphql, "revokeToken", "", token=shared["token"]["id"])
    assert await graphql.refusal("{ viewer { kind } }", token=secret) == "UNAUTHENTICATED"


async def test_a_failure_is_dismissed_and_what_waits_is_not(graphql: GraphQL) -> None:
    shown = "... on FailuresDismissed { dismissed }"
    for _ in range(2):
        assert (await mutate(graphql, "dismissFailures", shown, keys=["agent|gone|1"]))["dismissed"] == 0
    refused = await mutate(graphql, "dismissFailures", shown, keys=["approval|1"])
    assert refused["code"] == "NOT_DISMISSABLE"
