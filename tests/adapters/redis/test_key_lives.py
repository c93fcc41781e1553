"""Every key has an end and a bound in bytes: stated here, and seen after a broker was driven through everything."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from broker.adapters.embedded import embedded_redis
from broker.adapters.redis import keys
from broker.domain.ids import MemberId, ProviderId, WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.single_sign_on import Identity, IdentityProvider, ProviderTerms
from broker.domain.plans.plans import Plan
from broker.domain.views.views import ViewPage
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Deliver, Spawn
from broker.services.ports import ProviderFailure
from tests.fixtures.gateway import A_WORKFLOW, Gateway, Machine, gateway_for, serving


class End(Enum):
    """What a key ends with."""

    TIME = auto()
    """By itself: it has a time to live."""
    AGENT = auto()
    """With an agent: when the agent has ended, or 30 days later, or with its session."""
    SESSION = auto()
    MACHINE = auto()
    """When the machine is forgotten: by DELETE, or 90 days after it was seen last."""
    WORKSPACE = auto()
    ACCOUNT = auto()
    """When its person is in no workspace any more."""
    TOKEN = auto()
    """With the token's row in `tokens`, or by itself when it has a time to live."""
    INSTALLATION = auto()


MIB = 1024 * 1024
LIVES: dict[str, tuple[End, str]] = {
    "slugs": (End.INSTALLATION, "MAX_FORMER + 1 for each workspace; gone with it"),
    "administrators": (End.INSTALLATION, "one for each data folder"),
    "ending": (End.INSTALLATION, "workspaces whose data is being removed"),
    "account": (End.ACCOUNT, "one field"),
    "memberships": (End.ACCOUNT, "the workspaces a person is in"),
    "sign_ins": (End.TIME, "MAX_SIGN_INS ids; 30 days after the last use of one"),
    "workspace": (End.WORKSPACE, "a few fields"),
    "tokens": (End.WORKSPACE, "MAX_TOKENS, that people made; they revoke them"),
    "token_uses": (End.WORKSPACE, "MAX_TOKENS numbers; removed with the token"),
    "service_accounts": (End.WORKSPACE, "MAX_SERVICE_ACCOUNTS of a name"),
    "revoked_keys": (End.WORKSPACE, "1000 hashes"),
    "sign_in": (End.TIME, "four fields; 30 days after its last use, like its token, or after a provider's hours"),
    "family": (End.TIME, "one caller and a few hashes; 30 days after its last use"),
    "families": (End.TIME, "MAX_FAMILIES ids; 30 days after the last use of one"),
    "people": (End.WORKSPACE, "MAX_MEMBERS"),
    "suspended": (End.WORKSPACE, "MAX_MEMBERS"),
    "held_tokens": (End.WORKSPACE, "MAX_TOKENS"),
    "people_names": (End.WORKSPACE, "MAX_MEMBERS"),
    "owners": (End.WORKSPACE, "MAX_MEMBERS"),
    "person": (End.WORKSPACE, "MAX_MEMBERS of a few fields; removed with the member"),
    "invitations": (End.WORKSPACE, "MAX_INVITATIONS of MAX_INVITED_GROUPS ids; 30 days, or until they are used"),
    "single_sign_on": (End.WORKSPACE, "MAX_DOMAINS names and a URL, 16 KiB; removed with the provider"),
    "provider_failure": (End.TIME, "a sentence; a week"),
    "identities": (End.WORKSPACE, "MAX_MEMBERS hashes; removed with the member, or the provider"),
    "link_commands": (End.TIME, "command_room ids and those of checks; 30 days after the last, or with the machine"),
    "groups": (End.WORKSPACE, "MAX_GROUPS"),
    "group_names": (End.WORKSPACE, "MAX_GROUPS"),
    "group_members": (End.WORKSPACE, "MAX_MEMBERS; removed with the group"),
    "member_groups": (End.WORKSPACE, "MAX_GROUPS; removed with the member"),
    "private_sessions": (End.WORKSPACE, "MAX_SESSIONS of MAX_NAMED ids; removed with what is left of the session"),
    "machine_codes": (End.TIME, "MAX_CODES of a name and a hash; 10 min after the last"),
    "session_names": (End.WORKSPACE, "MAX_SESSIONS"),
    "session_makers": (End.WORKSPACE, "MAX_SESSIONS, as each of them has a session; with the last of theirs"),
    "proxies": (End.WORKSPACE, "MAX_MACHINES"),
    "proxy_owners": (End.WORKSPACE, "MAX_MACHINES"),
    "live": (End.WORKSPACE, "the agents that run"),
    "rules": (End.WORKSPACE, "MAX_RULES"),
    "customers": (End.INSTALLATION, "one for each workspace that ever chose a plan; gone with it"),
    "billing": (End.WORKSPACE, "a few fields, 1 KiB"),
    "usage_sent": (End.TIME, "three fields for each meter; 40 days"),
    "rule_makers": (End.WORKSPACE, "MAX_RULES"),
    "budgets": (End.WORKSPACE, "budgets"),
    "pauses": (End.TIME, "200 of a few words; 40 days after the last"),
    "wide_pauses": (End.TIME, "200 of a few words; 40 days after the last"),
    "session_pauses": (End.TIME, "50 of a few words; 40 days after the last, or with the session"),
    "agent_pauses": (End.TIME, "50 of a few words; 40 days after the last, or with the agent"),
    "redaction": (End.WORKSPACE, "the number and length of rules"),
    "usage": (End.TIME, "counters; 40 days"),
    "history": (End.WORKSPACE, "one digit"),
    "unshipped": (End.WORKSPACE, "MAX_SESSIONS"),
    "removed": (End.WORKSPACE, "sessions deleted within 15 minutes; none without a log store"),
    "shipper": (End.TIME, "one id; 15 s"),
    "allowance": (End.TIME, "one number for each token in use; seconds"),
    "pending_approvals": (End.WORKSPACE, "what waits; each ends by its deadline"),
    "leases": (End.WORKSPACE, "MAX_MACHINES, and agents that connect themselves"),
    "views": (End.WORKSPACE, "MAX_VIEWS of 2 KiB for each page; people delete them"),
    "stops": (End.WORKSPACE, "MAX_SESSIONS and MAX_MACHINES of 2 KiB; resumed, or gone with the session or machine"),
    "stopping": (End.TIME, "an id for each session and agent that is met still; gone when all are, or after 30 days"),
    "failures": (End.TIME, "500 ids; 30 days after the last"),
    "timers": (
        End.WORKSPACE,
        "a few for each message that waits, approval, agent and machine; gone when due",
    ),
    "once": (End.TIME, "one answer; 60 s, or 24 h once carried out"),
    "session": (End.SESSION, "a few fields"),
    "log": (End.SESSION, "64 MiB, or 8 MiB behind what was shipped and 256 MiB that wait; one event more"),
    "sizes": (End.SESSION, "a mark for each 256 KiB of the log"),
    "names": (End.SESSION, "the agents that run"),
    "members": (End.SESSION, "agents that run or ended within 30 days"),
    "session_live": (End.SESSION, "the agents that run"),
    "channel": (End.SESSION, "the agents that run; 100 channels each"),
    "session_messages": (End.TIME, "128 MiB of messages; 16 days after the last"),
    "session_approvals": (End.TIME, "1000; 60 days after the last"),
    "agent": (End.AGENT, "the length of a name, a folder, instructions"),
    "queue": (End.AGENT, "1000 messages"),
    "inflight": (End.AGENT, "one, and those that join its turn while its machine takes its commands"),
    "inbox": (End.TIME, "1000 ids; 16 days after the last"),
    "settled": (End.AGENT, "numbers of messages that were settled out of turn"),
    "asks": (End.AGENT, "what waits; 64 MiB in a session"),
    "answering": (End.AGENT, "answers in the mailbox of its machine"),
    "granted": (End.AGENT, "500 digests, names and ids"),
    "agent_channels": (End.AGENT, "100 names"),
    "seen_frames": (End.TIME, "4096 ids; a day"),
    "secrets": (End.WORKSPACE, "MAX_SECRETS of 16 KiB, twice while a replaced value holds"),
    "audit": (End.WORKSPACE, "200000 records of some 500 bytes, and those that no worker has sealed"),
    "audit_seals": (End.WORKSPACE, "200000 hashes"),
    "audit_state": (End.WORKSPACE, "a few fields"),
    "audit_imported": (End.WORKSPACE, "MAX_IMPORTED_TRAILS of a few fields"),
    "audit_imported_records": (End.WORKSPACE, "200000 records of 8000 characters at most"),
    "audit_once": (End.TIME, "one digit; 60 s"),
    "hooks": (End.WORKSPACE, "1 MB of text"),
    "hooks_version": (End.WORKSPACE, "one number"),
    "hooks_due": (End.WORKSPACE, "MAX_SESSIONS"),
    "hooks_holder": (End.TIME, "one id; 15 s"),
    "hook_hold": (End.TIME, "one event and 1000 names of files; 7 days after the last"),
    "hooks_quiet": (End.WORKSPACE, "what waits to be let go; gone with the next look"),
    "hook_runs": (End.TIME, "1000 ids; 7 days after the last"),
    "hook_session": (End.TIME, "the ids of 4 hooks; 400 days"),
    "hook_rate": (End.TIME, "one number; 60 s"),
    "hook_deliveries": (End.WORKSPACE, "2000 ids"),
    "hook_endpoints": (End.WORKSPACE, "MAX_HOOKS of a few words; gone when the hooks are applied anew"),
    "hook_dead": (End.TIME, "1000 ids; 30 days after the last"),
    "hook_run": (
        End.TIME,
        "a few fields; 128 KiB of output, or 20 kB to send and 4 KiB of each answer; 30 days",
    ),
    "workflow_run": (End.TIME, "a few fields, and values of a request; 90 days after its end, 400 without one"),
    "workflow_journal": (End.TIME, "a few entries for each attempt; like its run"),
    "workflow_outputs": (End.TIME, "64 MiB; like its run"),
    "errand": (End.TIME, "two fields; 20 s after the last request was begun"),
    "workflow_ended": (End.TIME, "of those, the ids that have ended; 400 days, gone with the end of the run"),
    "workflow_commands": (End.TIME, "an id for each command under way; 400 days, gone with the end of the run"),
    "workflow_definition": (End.TIME, "900,000 characters; like the last run of it"),
    "workflow_runs": (End.TIME, "10,000 ids; 400 days after the last"),
    "workflow_open": (End.WORKSPACE, "2,000 ids; gone with the end of each run"),
    "workflow_due": (End.WORKSPACE, "2,000 ids; gone with the end of each run"),
    "session_runs": (End.SESSION, "2,000 ids; gone with the end of each run"),
    "session_listeners": (End.SESSION, "2,000 ids; gone with the end of each run"),
    "message": (End.TIME, "256 KiB of text, twice, and of each answer; 128 MiB in a session; 8 days"),
    "recipients": (End.TIME, "the agents of a session; 8 days"),
    "approval": (End.TIME, "64 MiB in a session; 30 days, or a day more than its deadline"),
    "command": (End.TIME, "a few fields, 4 MiB of output; 30 days after the last news of it"),
    "link": (End.MACHINE, "64 KiB of hello"),
    "outbox": (End.MACHINE, "32 MiB, and what must not wait"),
    "link_agents": (End.MACHINE, "the agents that run there"),
}
"""By name of the key table: what ends a key, and what bounds its size."""

ELSEWHERE: dict[str, tuple[End, str]] = {
    r"rc:workspaces": (End.INSTALLATION, "an id for each workspace"),
    r"rc:token:[0-9a-f]{64}": (End.TOKEN, "one caller"),
    r"rc:sign-in:.+": (End.TIME, "one member; 10 min"),
    r"rc:invitation:.+": (End.TIME, "two ids; 30 days"),
    r"rc:machine-code:.+": (End.TIME, "one name; 10 min"),
    r"rc:failed-sign-ins:.+": (End.TIME, "30 ids; 60 s"),
    r"rc:format": (End.INSTALLATION, "three fields"),
    r"rc:format:lock": (End.TIME, "one id; 60 s"),
    r"rc:\{installation\}:(slugs|administrators|ending|customers)": (End.INSTALLATION, "see the table"),
    r"rc:\{account\.[0-9a-f]+\}:(account|memberships)": (End.ACCOUNT, "see the table"),
    r"rc:\{account\.[0-9a-f]+\}:(sign-ins|si:.+)": (End.TIME, "see the table; 30 days after its last use"),
    r"rc:installation": (End.INSTALLATION, "three fields"),
    r"rc:probe(:\d+)?": (End.TIME, "one digit; 10 s"),
    r"rc:\{processes\}": (End.INSTALLATION, "an id for each process; those that are gone leave when it is read"),
    r"rc:\{processes\}:.+": (End.TIME, "a few fields; 20 s"),
}
"""The same, by pattern, outside any workspace."""


def test_every_key_of_the_table_states_its_end_and_its_bound() -> None:
    channels = {name for name in keys._TEMPLATES if name.endswith("_channel")}
    assert set(LIVES) == set(keys._TEMPLATES) - channels
    assert all(bound for _, bound in (*LIVES.values(), *ELSEWHERE.values()))


def name_of(key: str, root: str) -> str:
    """Which key of the table that is. Fails when it is none."""
    found = []
    for name, template in keys._TEMPLATES.items():
        part = ".+" if name == "once" else "(?:direct:)?[^:]+"
        if re.fullmatch(re.escape(root) + part.join(map(re.escape, template.split("%s"))), key):
            found.append(name)
    kept = [name for name in found if not name.endswith("_channel")]
    assert kept, f"{key} is in no table"
    return max(kept, key=lambda name: len(keys._TEMPLATES[name].replace("%s", "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    name: str
    life: End | None
    ttl_s: int


async def all_keys(gateway: Gateway) -> list[Key]:
    """Every key of the store. Fails when one is in no table."""
    redis, root, found = gateway.adapters.redis, keys.root(gateway.workspace), []
    cursor = 0
    while True:
        cursor, names = await redis.scan(cursor, count=1000)
        pipe = redis.pipeline(transaction=False)
        for name in names:
            pipe.ttl(name)
        for name, ttl_s in zip(names, await pipe.execute(), strict=True):
            if name.startswith(root):
                found.append(Key(name=name, life=LIVES[name_of(name, root)][0], ttl_s=ttl_s))
            else:
                (life,) = [end for pattern, (end, _) in ELSEWHERE.items() if re.fullmatch(pattern, name)]
                found.append(Key(name=name, life=life, ttl_s=ttl_s))
        if cursor == 0:
            return found


@pytest.fixture
async def broker(tmp_path: Path, workspace: WorkspaceId) -> AsyncIterator[Gateway]:
    async with (
        embedded_redis(tmp_path) as redis_url,
        serving(redis_url) as url,
        httpx.AsyncClient(timeout=30) as client,
        gateway_for(workspace, url=url, redis_url=redis_url, client=client) as gateway,
    ):
        yield gateway


S = "/v1/sessions/main"


async def spawned(gateway: Gateway, machine: Machine, name: str) -> Spawn:
    await gateway.ok("POST", f"{S}/agents", {"name": name, "cli": "demo", "task": "begin"})
    await machine.until(lambda: any(isinstance(c, Spawn) and c.name == name for c in machine.commands))
    (order,) = [c for c in machine.commands if isinstance(c, Spawn) and c.name == name]
    return order


async def asked(gateway: Gateway, machine: Machine, agent: Spawn, native: str) -> str:
    command = f"ls {native}"
    event = ApprovalRequested(native_id=native, tool="Bash", title="list", command=command, input={"command": command})
    await machine.state(agent, event)
    await machine.until(lambda: machine.acked == machine.sent)
    waiting = await gateway.ok("GET", f"{S}/approvals?status=pending")
    return str(waiting["approvals"][0]["id"])


async def through_everything(gateway: Gateway, machine: Machine) -> None:
    """A session with all that one can have, and people around it."""
    lead, worker = [await spawned(gateway, machine, name) for name in ("Lead", "Worker")]
    await gateway.ok("POST", f"{S}/channels/%23dev/members", {"agent": "Worker"})
    await gateway.ok("POST", f"{S}/channels/%23dev/members", {"agent": "Lead"})
    for to in ("Worker", "#dev", "*"):
        await gateway.ok("POST", f"{S}/messages", {"to": to, "text": "hello"}, **{"Idempotency-Key": uuid4().hex})
    machine.answering = False
    await gateway.ok("POST", f"{S}/messages", {"to": "Worker", "text": "late", "ttl_s": 3600})
    await gateway.ok("POST", f"{S}/messages", {"to": "Worker", "text": "later"})
    approval = await asked(gateway, machine, lead, "1")
    await gateway.ok("POST", f"/v1/approvals/{approval}/answer", {"verdict": "allow", "scope": "session"})
    await asked(gateway, machine, lead, "2")
    await machine.until(lambda: len([c for c in machine.commands if isinstance(c, Deliver)]) >= 6)
    await gateway.ok("POST", f"{S}/share", {})
    await gateway.token("observer")
    await gateway.ok("PUT", "/v1/rules", {"rules": []})
    await gateway.adapters.views.save(gateway.workspace, page=ViewPage.HOME, name="Mine", address="q=x", by="Ada")
    await gateway.ok("POST", "/v1/secrets", {"name": "HOOK_SECRET", "value": "x"})
    member = await gateway.ok("POST", "/v1/members", {"name": "Ada", "role": "member"})
    await gateway.ok("POST", "/v1/groups", {"name": "Crew"})
    await gateway.ok("POST", "/v1/invitations", {"role": "member", "groups": ["Crew"]})
    await gateway.ok("PUT", "/v1/groups/Crew/members/Ada")
    await gateway.ok("PUT", f"{S}/access", {"private": True, "groups": {"Crew": "driver"}})
    await sign_on(gateway)
    code = member["url"].partition("#")[2]
    assert (await gateway.call("POST", "/v1/sign-in", {"code": code}, token=None)).status_code == 200
    pair = await gateway.ok("POST", "/v1/auth/exchange", {"for": "terminal"})
    await gateway.ok("POST", "/v1/auth/refresh", {"refresh_token": pair["refresh_token"]}, token=None)
    await gateway.call("POST", "/v1/sign-in", {"code": "wrong"}, token=None)
    await gateway.ok("POST", "/v1/machine-codes", {"name": "build box"})
    await gateway.ok("POST", f"{S}/agents/Worker/interrupt")
    await gateway.ok("POST", "/v1/workflows/runs", {"text": A_WORKFLOW, "session": "main"})
    del worker


async def test_every_key_ends_and_nothing_of_a_session_or_a_machine_is_left_behind_it(broker: Gateway) -> None:
    session = await broker.ok("POST", "/v1/sessions", {"name": "main"})
    await broker.ok("POST", "/v1/sessions", {"name": "another"})
    async with broker.machine(session="main") as machine:
        await through_everything(broker, machine)
        present = await all_keys(broker)
        assert {key.name for key in present if key.life is End.TIME and key.ttl_s < 0} == set()
        for name in ("Lead", "Worker"):
            await broker.ok("DELETE", f"{S}/agents/{name}")
    await offline(broker)
    left = {key.name for key in await all_keys(broker) if key.life is End.AGENT and key.ttl_s < 0}
    assert left == set()

    agents = [spawn.agent for spawn in machine.commands if isinstance(spawn, Spawn)]
    await broker.ok("DELETE", S)
    await broker.ok("DELETE", f"/v1/proxies/{machine.welcome.proxy_id}")
    after = await all_keys(broker)
    theirs = [session["id"], machine.welcome.proxy_id, *agents]
    root = keys.root(broker.workspace)
    assert [key.name for key in after if any(each in key.name for each in theirs)] == []
    assert {key.name for key in after if key.life in {End.AGENT, End.MACHINE}} == set()
    assert {key.name for key in after if key.name.startswith((f"{root}:m:", f"{root}:ap:", f"{root}:l:"))} == set()
    assert await broker.adapters.redis.zrange(f"{root}:timers", 0, -1) == []
    assert await broker.adapters.redis.hgetall(f"{root}:leases") == {}


async def sign_on(gateway: Gateway) -> None:
    """Somebody comes in by an identity provider, and somebody else cannot."""
    identities, workspace = gateway.adapters.identities, gateway.workspace
    terms = ProviderTerms(issuer="https://login.example.com", client_id="relaycast", joins_as=MemberRole.MEMBER)
    provider = IdentityProvider(id=ProviderId("p1"), terms=terms)
    await identities.put(workspace, provider)
    grace = Identity(issuer=terms.issuer, subject="grace")
    await identities.let_in(workspace, provider, grace, member=MemberId("e" * 16), name="Grace", plan=Plan.TEAM)
    failure = ProviderFailure(at_ms=1, code="NO_MEMBERSHIP", message="ask for an invitation")
    await identities.note_failure(workspace, failure)


async def offline(gateway: Gateway) -> None:
    """The machine's connection has ended, for the store as well."""
    async with asyncio.timeout(10):
        while await gateway.adapters.links.leases(gateway.workspace):
            await asyncio.sleep(0.01)
