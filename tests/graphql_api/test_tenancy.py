"""Who may ask what: every field that the schema begins with, by every kind of caller, as one table says.

The cases are made from the schema: a field that the table does not have fails, and so does one below it that refuses
or shows what its parent does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
import pytest_asyncio
from graphql import GraphQLObjectType, build_schema, parse_const_value, value_from_ast_untyped

from broker.domain.ids import WorkspaceId
from broker.domain.plans.api_limits import ApiLimits
from broker.settings import GraphQLSettings
from graphql_api.schema import COMMITTED
from tests.fixtures.callers import MAY, a_caller, elsewhere
from tests.fixtures.everything import Everything
from tests.fixtures.gateway import gateway_for, serving
from tests.fixtures.graphql_world import SECRET, World, a_world
from tests.gateway.test_who_may_what import OF_A_PERSON, in_both

SCHEMA = build_schema(COMMITTED.read_text())

# What each field needs; "any" is for whoever has a token.
TABLE = {
    "Query.node": "any",
    "Query.viewer": "any",
    "Query.workspace": "any",
    "Query.session": "read",
    "Query.ruleTrial": "read_workspace",
    "Query.hooks": "read_workspace",
    "Query.hookRuns": "read_workspace",
    "Query.workflowRuns": "read",
    "Query.workflowRun": "read",
    "Viewer.kind": "any",
    "Viewer.name": "any",
    "Viewer.role": "any",
    "Viewer.memberKey": "any",
    "Viewer.permissions": "any",
    "Viewer.sessionKey": "any",
    "Viewer.personalTokens": "signed in",
    "Viewer.workspace": "any",
    "Viewer.workspaces": "any",
    "Workspace.key": "any",
    "Workspace.id": "any",
    "Workspace.name": "any",
    "Workspace.slug": "any",
    "Workspace.plan": "any",
    "Workspace.limits": "any",
    "Workspace.version": "any",
    "Workspace.sessions": "read",
    "Workspace.proxies": "read_workspace",
    "Workspace.stops": "read",
    "Workspace.needs": "read",
    "Workspace.approvals": "read",
    "Workspace.questions": "read",
    "Workspace.rules": "read_workspace",
    "Workspace.savedViews": "read_workspace",
    "Workspace.tokens": "administer",
    "Workspace.serviceAccounts": "administer",
    "Workspace.machineCodes": "administer",
    "Workspace.members": "administer",
    "Workspace.invitations": "administer",
    "Workspace.groups": "read_workspace",
    "Workspace.group": "read_workspace",
    "Workspace.groupMembers": "administer",
    "Workspace.audit": "administer",
    "Workspace.hasSingleSignOn": "any",
    "Workspace.singleSignOn": "administer",
    "Workspace.usage": "meter",
    "Workspace.budgets": "read budgets",
    "Workspace.pauses": "read budgets",
    "Workspace.messagesToday": "meter",
    "Workspace.logs": "read",
    "Workspace.histogram": "read",
    "Workspace.facets": "read",
    "Session.key": "read",
    "Session.id": "read",
    "Session.name": "read",
    "Session.url": "read",
    "Session.createdAt": "read",
    "Session.head": "read",
    "Session.archived": "read",
    "Session.searchable": "read",
    "Session.searchableTo": "read",
    "Session.stopped": "read",
    "Session.access": "read_workspace",
    "Session.agents": "read",
    "Session.agent": "read",
    "Session.events": "read",
    "Session.eventsAt": "read",
    "Session.eventsAround": "read",
    "Session.messages": "read",
    "Session.changes": "read",
    "Session.turnChanges": "read",
    "Session.message": "read",
    "Session.approvals": "read",
    "Session.questions": "read",
    "Session.pauses": "read",
    "Session.usage": "meter sessions",
    "Subscription.sessionEvents": "read",
    "Subscription.agents": "read",
    "Subscription.approvals": "read",
    "Subscription.needs": "read",
    "Subscription.receipts": "read",
    "Subscription.activity": "read",
    "Subscription.usage": "meter",
    "Subscription.budgets": "read budgets",
    # In this order each finds what it needs.
    "Mutation.createSession": "spawn",
    "Mutation.spawnAgent": "spawn",
    "Mutation.joinChannel": "send",
    "Mutation.leaveChannel": "send",
    "Mutation.sendMessage": "send",
    "Mutation.answerApproval": "approve",
    "Mutation.answerQuestion": "approve",
    "Mutation.dismissFailures": "approve",
    "Mutation.setBudget": "bill",
    "Mutation.raiseBudget": "bill",
    "Mutation.removeBudget": "bill",
    "Mutation.setRules": "administer",
    "Mutation.addRule": "administer",
    "Mutation.moveRule": "administer",
    "Mutation.removeRule": "administer",
    "Mutation.mintToken": "administer",
    "Mutation.rotateToken": "administer",
    "Mutation.revokeToken": "administer",
    "Mutation.createServiceAccount": "administer",
    "Mutation.mintServiceToken": "administer",
    "Mutation.createMachineCode": "administer",
    "Mutation.revokeMachineCode": "administer",
    "Mutation.mintPersonalToken": "signed in to read",
    "Mutation.removeServiceAccount": "administer",
    "Mutation.shareSession": "administer",
    "Mutation.addMember": "administer",
    "Mutation.inviteMember": "administer",
    "Mutation.createInvitation": "administer",
    "Mutation.resendInvitation": "administer",
    "Mutation.revokeInvitation": "administer",
    "Mutation.createGroup": "administer",
    "Mutation.renameGroup": "administer",
    "Mutation.changeGroup": "administer",
    "Mutation.setSessionAccess": "administer",
    "Mutation.removeGroup": "administer",
    "Mutation.setSingleSignOn": "own",
    "Mutation.removeSingleSignOn": "own",
    "Mutation.endMemberSignIns": "administer",
    "Mutation.suspendMember": "administer",
    "Mutation.reinstateMember": "administer",
    "Mutation.setMemberRole": "administer",
    "Mutation.removeMember": "administer",
    "Mutation.adoptProxy": "administer",
    "Mutation.forgetProxy": "administer",
    "Mutation.stopAll": "stop",
    "Mutation.resumeAll": "stop",
    "Mutation.saveView": "view",
    "Mutation.rerunWorkflow": "spawn",
    "Mutation.applyHooks": "administer",
    "Mutation.pauseHooks": "administer",
    "Mutation.removeView": "view",
    "Mutation.interruptAgent": "release",
    "Mutation.dismissAgent": "release",
    "Mutation.releaseAgent": "release",
    "Mutation.resumeAgent": "spawn",
    "Mutation.renameSession": "stop",
    "Mutation.archiveSession": "stop",
    "Mutation.deleteSession": "administer",
}
MAY_BE_NULL = {
    "Query.node",
    "Viewer.role",
    "Viewer.memberKey",
    "Viewer.sessionKey",
    "Session.searchableTo",
    "Session.stopped",
}
NEVER_REACHED = {
    *("PROXY_ONLINE", "SESSION_HAS_AGENTS", "AGENT_RUNS", "RUN_GOES_ON"),
    *("NOT_ROTATED", "EVENT_NOT_FOUND", "NO_LOG_STORE", "LOG_STORE_NOT_CONFIGURED"),
    *("OUTBOUND_NOT_ALLOWED", "NO_SINGLE_SIGN_ON"),
}
"""Refusals behind the question of permission: they too say that the caller may."""
NOT_ITS_OWN = {
    ("service in a session", "createSession"): "SESSION_NOT_FOUND",
    ("agent", "rerunWorkflow"): "NOT_PERMITTED",
}
"""What a token of some sessions does in no other, whatever its scopes, and an agent with no run but its own."""
_SILENCE_S = 3
"""A subscription that says nothing for so long has nothing to say to its caller."""
TRIED_ONE_BY_ONE = frozenset({"Query", "Mutation", "Subscription", "Viewer", "Workspace", "Session"})
EVERYTHING = Everything(SCHEMA, but_of=TRIED_ONE_BY_ONE)


def arguments(world: World) -> dict[str, str]:
    """For each field that needs some, as the document has them."""
    session, message, agent = world.id("Session"), world.id("Message"), world.id("Agent")
    member = world.id("Member")
    channel = f'session: "{session}", channel: "#dev", agent: "Worker"'
    budget = 'scope: "workspace", unit: USD, period: DAY'
    inputs = {
        "createSession": 'name: "another"',
        "spawnAgent": f'session: "{session}", name: "New", cli: "demo"',
        "joinChannel": channel,
        "leaveChannel": channel,
        "sendMessage": f'session: "{session}", to: "Worker", text: "hello"',
        "answerApproval": f'approval: "{world.id("Approval")}", verdict: ALLOW',
        "answerQuestion": f'question: "{world.id("Question")}", decline: true',
        "dismissFailures": "keys: []",
        "setBudget": f"{budget}, amount: 1",
        "raiseBudget": f"{budget}, amount: 1",
        "removeBudget": budget,
        "setRules": "rules: []",
        "saveView": 'page: HOME, name: "Mine", address: ""',
        "rerunWorkflow": f'run: "{world.keys["WorkflowRun"]}"',
        "applyHooks": 'text: "hooks: {}"',
        "pauseHooks": "paused: false",
        "removeView": 'page: HOME, name: "Mine"',
        "addRule": "rule: {effect: DENY}",
        "moveRule": "rule: {effect: DENY}",
        "removeRule": "rule: {effect: DENY}",
        "mintToken": 'kind: OBSERVER, name: "made"',
        "revokeToken": f'token: "{world.id("Token")}"',
        "createServiceAccount": 'name: "ci"',
        "createMachineCode": 'name: "box"',
        "revokeMachineCode": f'machineCode: "{world.keys["MachineCode"]}"',
        "mintServiceToken": 'serviceAccount: "ci", scopes: [READ]',
        "mintPersonalToken": 'name: "mine", scopes: [READ]',
        "rotateToken": f'token: "{world.id("Token")}"',
        "removeServiceAccount": 'serviceAccount: "ci"',
        "shareSession": f'session: "{session}"',
        "addMember": 'name: "Grace"',
        "inviteMember": f'member: "{member}"',
        "createInvitation": "role: MEMBER",
        "resendInvitation": f'invitation: "{world.keys["Invitation"]}"',
        "revokeInvitation": f'invitation: "{world.keys["Invitation"]}"',
        "createGroup": 'name: "Crew of mine"',
        "renameGroup": f'group: "{world.keys["Group"]}", name: "Renamed"',
        "changeGroup": f'group: "{world.keys["Group"]}", member: "{member}"',
        "setSessionAccess": f'session: "{session}", private: false',
        "removeGroup": f'group: "{world.keys["Group"]}"',
        "setSingleSignOn": 'issuer: "http://127.0.0.1:9", clientId: "x"',
        "removeSingleSignOn": "",
        "endMemberSignIns": f'member: "{member}"',
        "suspendMember": f'member: "{member}"',
        "reinstateMember": f'member: "{member}"',
        "setMemberRole": f'member: "{member}", role: MEMBER',
        "removeMember": f'member: "{member}"',
        "resumeAgent": f'agent: "{agent}"',
        "adoptProxy": f'proxy: "{world.id("Proxy")}"',
        "forgetProxy": f'proxy: "{world.id("Proxy")}"',
        "stopAll": f'session: "{session}"',
        "resumeAll": f'session: "{session}"',
        "interruptAgent": f'agent: "{agent}"',
        "dismissAgent": f'agent: "{agent}"',
        "releaseAgent": f'agent: "{agent}", wait: true',
        "renameSession": f'session: "{session}", name: "main"',
        "archiveSession": f'session: "{session}"',
        "deleteSession": f'session: "{session}"',
    }
    fields = {
        "ruleTrial": "effect: ALLOW",
        "groupMembers": f'group: "{world.keys["Group"]}"',
        "group": f'key: "{world.keys["Group"]}"',
        "node": f'id: "{session}"',
        "session": f'key: "{world.keys["Session"]}"',
        "workflowRun": f'key: "{world.keys["WorkflowRun"]}"',
        "usage": 'since: "2020-01-01", until: "2020-01-02", by: DAY',
        "logs": 'query: "x"',
        "histogram": 'query: "x"',
        "savedViews": "page: HOME",
        "facets": 'query: "x", field: KIND',
        "agent": 'name: "Worker"',
        "eventsAt": 'at: "2020-01-01T00:00:00Z"',
        "eventsAround": 'cursor: "0"',
        "turnChanges": 'cursor: "0"',
        "message": f'key: "{world.keys["Message"]}"',
        "receipts": f'message: "{message}"',
        "sessionEvents": f'session: "{session}", after: "0"',
    }
    return fields | {name: f"input: {{{given}}}" for name, given in inputs.items()}


class Asked(NamedTuple):
    """An operation: its document is the same for every world, which is in the variables."""

    document: str
    variables: dict[str, Any]

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        return {"query": self.document, "variables": self.variables}


class Case(NamedTuple):
    """One field of the table."""

    type: str
    field: str
    needs: str

    def asked(self, world: World) -> Asked:
        """An operation that asks for it, and for all that is below."""
        kind = SCHEMA.type_map[self.type]
        assert isinstance(kind, GraphQLObjectType)
        definition = kind.fields[self.field]
        given = value_from_ast_untyped(parse_const_value(f"{{{arguments(world).get(self.field, '')}}}"))
        variables = {name: value for name, value in given.items() if name in definition.args}
        declared = [f"${name}: {definition.args[name].type}" for name in variables]
        if self.type == "Session":
            variables, declared = {**variables, "of": world.keys["Session"]}, [*declared, "$of: String!"]
        passed = ", ".join(f"{name}: ${name}" for name in variables if name != "of")
        field = f"{self.field}{f'({passed})' if passed else ''} {_below(self.type, self.field)}"
        match self.type:
            case "Query" | "Mutation" | "Subscription":
                operation, selected = self.type.lower(), field
            case "Session":
                operation, selected = "query", f"session(key: $of) {{ {field} }}"
            case _:
                operation, selected = "query", f"{self.type.lower()} {{ {field} }}"
        parameters = f"({', '.join(declared)})" if declared else ""
        return Asked(f"{operation}{parameters} {{ {selected} }}", variables)


@cache
def _below(kind: str, field: str) -> str:
    found = SCHEMA.type_map[kind]
    assert isinstance(found, GraphQLObjectType)
    return EVERYTHING.below(found.fields[field])


CASES = [Case(kind, name, needs) for field, needs in TABLE.items() for kind, _, name in [field.partition(".")]]


def test_the_table_has_every_field() -> None:
    kinds = [SCHEMA.type_map[name] for name in TRIED_ONE_BY_ONE]
    assert TABLE.keys() == {f"{kind.name}.{name}" for kind in kinds for name in getattr(kind, "fields")}  # noqa: B009


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def generous_url(redis_url: str) -> AsyncIterator[str]:
    """Of a gateway whose limits let everything be asked at once."""
    most = 10**9
    limits = ApiLimits(
        max_aliases=most, max_fields=most, max_tokens=most, max_cost=most, max_source_length=most, max_depth=30,
        max_merges=most, rate_per_s=10**6, rate_burst=10**6,
    )  # fmt: skip
    async with serving(redis_url, graphql=GraphQLSettings(limits=limits)) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    redis_url: str, generous_url: str, client: httpx.AsyncClient, workspace: WorkspaceId
) -> AsyncIterator[World]:
    async with (
        gateway_for(workspace, url=generous_url, redis_url=redis_url, client=client) as gateway,
        a_world(gateway) as made,
    ):
        yield made


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller got for one field."""

    status: int
    text: str

    @property
    def codes(self) -> set[str]:
        """Of all errors and refusals."""
        return set(_codes(orjson.loads(self.text)))

    def value(self, case: Case) -> Any:
        """Of the field."""
        found = orjson.loads(self.text).get("data")
        for name in ({"Session": ["session"], "Viewer": ["viewer"], "Workspace": ["workspace"]}).get(case.type, []):
            found = found and found[name]
        return found and found[case.field]


def _codes(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("code"), str):
            yield value["code"]
        if value.get("__typename") in REFUSALS:
            yield from (text for name, text in value.items() if name.endswith("_code"))
        for each in value.values():
            yield from _codes(each)
    elif isinstance(value, list):
        for each in value:
            yield from _codes(each)


REFUSALS = {each.name for each in SCHEMA.get_possible_types(SCHEMA.type_map["Refusal"])}  # type: ignore[arg-type]


async def ask(world: World, case: Case, token: str | None, *, within: str = "") -> Told:
    """One field, over HTTP; `within`: the beginning of the address, which may name a workspace."""
    if case.type == "Subscription":
        return await follow(world, case, token, within=within)
    headers = {"content-type": "application/json"}
    answer = await world.gateway.call("POST", f"{within}/graphql", case.asked(world).body, token=token, **headers)
    return Told(answer.status_code, answer.text)


async def follow(world: World, case: Case, token: str | None, *, within: str = "") -> Told:
    """The first thing that a subscription tells, while something goes on in the session."""
    headers = {"Accept": "text/event-stream", **({"Authorization": f"Bearer {token}"} if token else {})}
    url, body = f"{world.gateway.url}{within}/graphql", case.asked(world).body
    stirring = asyncio.create_task(_stir(world))
    try:
        async with (
            asyncio.timeout(_SILENCE_S),
            world.gateway.client.stream("POST", url, json=body, headers=headers) as told,
        ):
            if told.status_code != 200:
                return Told(told.status_code, (await told.aread()).decode())
            async for line in told.aiter_lines():
                if line.startswith("data: "):
                    return Told(200, line.removeprefix("data: "))
    except TimeoutError:
        pass
    finally:
        stirring.cancel()
    return Told(200, "{}")


async def _stir(world: World) -> None:
    for _ in range(100):
        await world.gateway.ok("POST", "/v1/sessions/main/messages", {"to": "Worker", "text": SECRET})
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("caller", MAY)
async def test_each_caller_may_what_the_table_says_and_nothing_else(world: World, caller: str) -> None:
    token = world.lead_token if caller == "agent" else (await a_caller(world.gateway, world.machine, caller)).token
    for case in CASES:
        told = await ask(world, case, token)
        if (caller, case.field) in NOT_ITS_OWN:
            assert told.codes == {NOT_ITS_OWN[caller, case.field]}, (case, told)
        elif case.needs in MAY[caller]:
            assert told.codes <= NEVER_REACHED, (case, told)
            assert told.codes or told.value(case) is not None or f"{case.type}.{case.field}" in MAY_BE_NULL, case
        elif case.type == "Session":
            assert told.value(Case("Query", "session", "")) is None, (case, told)
            assert "NOT_PERMITTED" in told.codes, (case, told)
        elif caller == "billing":  # what is in a session is as what is not there
            assert {each for each in told.codes if not each.endswith("_NOT_FOUND")} <= {"NOT_PERMITTED"}, (case, told)
            assert told.codes, (case, told)
        else:
            assert told.codes == {"NOT_PERMITTED"}, (case, told)


async def test_without_a_good_token_no_field_says_anything(world: World) -> None:
    await world.gateway.ok("DELETE", f"/v1/tokens/{world.keys['Token']}")
    for token in (None, "rk_live_" + "x" * 43, world.lead_token[:-1], world.observer):
        for case in CASES:
            told = await ask(world, case, token)
            assert (told.status, told.codes) == (401, {"UNAUTHENTICATED"}), case


@pytest.mark.parametrize("caller", MAY)
async def test_whoever_was_revoked_is_told_nothing(world: World, caller: str) -> None:
    gone = await a_caller(world.gateway, world.machine, caller)
    await gone.end()
    for case in CASES:
        told = await ask(world, case, gone.token)
        assert (told.status, told.codes <= {"UNAUTHENTICATED", "TOKEN_REVOKED"}) == (401, True), (case, told)


@pytest.mark.parametrize("caller", OF_A_PERSON)
async def test_whoever_is_suspended_is_told_nothing(world: World, caller: str) -> None:
    suspended = await a_caller(world.gateway, world.machine, caller)
    assert suspended.suspend is not None
    await suspended.suspend()
    for case in CASES:
        told = await ask(world, case, suspended.token)
        assert (told.status, told.codes) == (401, {"SUSPENDED"}), (case, told)


@pytest.mark.parametrize("caller", MAY)
async def test_another_workspace_meets_nothing_of_this_one(world: World, caller: str) -> None:
    other = await elsewhere(world.gateway)
    async with other.machine(machine_id="theirs", name="theirs") as machine:
        stranger = (await a_caller(other, machine, caller)).token
        for case in CASES:
            told = await ask(world, case, stranger)
            assert_nothing_leaks(told, case.asked(world), world)
            behind = {code for code in told.codes - NEVER_REACHED if not code.endswith("_NOT_FOUND")}
            refused = set() if case.needs in MAY[caller] else {"NOT_PERMITTED"}
            assert behind <= refused, (case, told)
    await assert_untouched(world)


@pytest.mark.parametrize("role", ["admin", "viewer"])
async def test_a_person_in_both_workspaces_meets_nothing_of_one_in_the_other(world: World, role: str) -> None:
    """One sign-in, one process. That there is the other workspace they know."""
    other = await elsewhere(world.gateway)
    token = await in_both(world.gateway, other, role=role)
    for case in CASES:
        told = await ask(world, case, token, within=f"/w/{other.workspace}")
        assert_nothing_leaks(told, case.asked(world), world, but_of="Workspace")
        behind = {code for code in told.codes - NEVER_REACHED if not code.endswith("_NOT_FOUND")}
        assert behind <= (set() if case.needs in MAY[role] else {"NOT_PERMITTED"}), (case, told)
        unnamed = await ask(world, case, token)
        assert (unnamed.status, unnamed.codes) == (400, {"WORKSPACE_REQUIRED"}), case
    await world.gateway.ok("DELETE", "/v1/members/Ada")
    await assert_untouched(world)


async def test_ids_of_another_workspace_lead_nowhere(world: World) -> None:
    stranger = await world.gateway.another_workspace()
    kinds = [each.name for each in SCHEMA.get_possible_types(SCHEMA.type_map["Node"])]  # type: ignore[arg-type]
    assert set(kinds) <= world.keys.keys()
    for kind in kinds:
        query = f'{{ node(id: "{world.id(kind)}") {{ __typename id }} }}'
        headers = {"content-type": "application/json"}
        mine = await world.gateway.call("POST", "/graphql", {"query": query}, **headers)
        assert mine.json() == {"data": {"node": {"__typename": kind, "id": world.id(kind)}}}
        theirs = await world.gateway.call("POST", "/graphql", {"query": query}, token=stranger, **headers)
        assert theirs.json() == {"data": {"node": None}}, kind


async def test_who_was_shown_another_session_meets_nothing_of_this_one(world: World) -> None:
    await world.gateway.ok("POST", "/v1/sessions", {"name": "shown"})
    shared = await world.gateway.ok("POST", "/v1/sessions/shown/share", {})
    token = shared["url"].partition("share=")[2]
    for case in CASES:
        told = await ask(world, case, token)
        assert_nothing_leaks(told, case.asked(world), world, but_of="Workspace")
    await assert_untouched(world)


def assert_nothing_leaks(told: Told, asked: Asked, world: World, *, but_of: str = "") -> None:
    """What the caller said itself may come back in a refusal."""
    said = orjson.dumps(asked.variables).decode()
    assert SECRET not in told.text, (asked, told)
    for kind, key in world.keys.items():
        if kind != but_of and key not in said and world.id(kind) not in said:
            assert key not in told.text, (kind, asked, told)
            assert world.id(kind) not in told.text, (kind, asked, told)


async def assert_untouched(world: World) -> None:
    """Nothing that the caller tried did anything."""
    gateway = world.gateway
    agents = {each["name"]: each["state"] for each in (await gateway.ok("GET", "/v1/sessions/main/agents"))["agents"]}
    assert agents.keys() == {"Lead", "Worker"}
    assert not {"released", "releasing", "failed"} & set(agents.values())
    for kind in ("Approval", "Question"):
        assert (await gateway.ok("GET", f"/v1/approvals/{world.keys[kind]}"))["status"] == "pending"
    assert (await gateway.ok("GET", "/v1/rules"))["rules"][0]["command"] == f"{SECRET}*"
    assert (await gateway.call("GET", "/v1/whoami", token=world.observer)).status_code == 200
    assert [each["name"] for each in (await gateway.ok("GET", "/v1/proxies"))["proxies"]] == [SECRET]
    members = {each["id"]: each["role"] for each in (await gateway.ok("GET", "/v1/members"))["members"]}
    assert members == {world.keys["Member"]: "viewer"}
