"""Every Redis key and channel, in one place for Python and Lua.

All keys of one workspace begin with `rc:{<workspace>}`: the hash tag keeps them in one slot, so that one script may
touch them all and Redis Cluster works. The table below is the only description; `lua_prelude` turns it into Lua.
"""

from __future__ import annotations

import re

from broker.domain.ids import AccountId, WorkspaceId
from broker.domain.people.workspaces import ACCOUNT_TAG

_TEMPLATES: dict[str, str] = {
    # name            suffix               type and content
    # Of the whole installation, under a tag of its own: see INSTALLATION_TAG.
    "slugs": ":slugs",  # hash: slug -> workspace id, of those that workspaces have and had
    "administrators": ":administrators",  # hash: SHA-256 of a key of the installation -> JSON of who has it
    "customers": ":customers",  # hash: Stripe's id of a customer -> workspace
    "ending": ":ending",  # set: workspaces whose data is being removed
    # Of one person, under a tag of their own: see `account_tag`.
    "account": ":account",  # hash: when it was made
    "memberships": ":memberships",  # hash: workspace -> what the person is there
    "sign_ins": ":sign-ins",  # zset: where the person is signed in, by last use; each has a `sign_in` here too
    # Of one workspace.
    "workspace": "",  # hash: name, slug, former, plan, state, since, ends, created, key, access, privacy, clock_at…
    "tokens": ":tokens",  # hash: token id -> JSON (never the secret)
    "token_uses": ":tokens:uses",  # hash: token id -> when it was used last, ms
    "service_accounts": ":service-accounts",  # hash: id -> JSON of a name for programs
    "revoked_keys": ":tokens:revoked",  # zset: hashes of keys of the workspace that people ended, by time
    "sign_in": ":si:%s",  # hash: whose sign-in that is, and the generation of the member's sign-ins it is of
    "family": ":f:%s",  # hash: short-lived tokens that were renewed one from the other, and what they hang on
    "families": ":fs:%s",  # zset: those of one token or one member, by last use
    "people": ":people",  # zset: member ids in the order they came
    "people_names": ":people:names",  # hash: lower-case name -> member id
    "owners": ":people:owners",  # set: members whose role is owner
    "suspended": ":people:suspended",  # set: members who are suspended
    "held_tokens": ":tokens:held",  # set: tokens that those, and what they made, have made: they are on hold
    "person": ":p:%s",  # hash: a member; generation counts when its sign-ins were ended
    "invitations": ":invitations",  # hash: invitation id -> JSON: hash of its link, role, name, groups, who made it, …
    "single_sign_on": ":sso",  # string: JSON of the workspace's identity provider; its id is in `workspace`, too
    "provider_failure": ":sso:failure",  # string: JSON of why somebody could not sign in by it lately
    "identities": ":identities",  # hash: hash of issuer and subject -> member who is that
    "groups": ":groups",  # hash: group id -> JSON of its name and when it was made
    "group_names": ":groups:names",  # hash: lower-case name -> group id
    "group_members": ":g:%s",  # set: members in a group
    "member_groups": ":p:%s:groups",  # set: groups that a member is in
    "private_sessions": ":sessions:private",  # hash: session id -> JSON of the people and groups it is open to
    "session_names": ":sessions",  # hash: session name -> session id
    "session_makers": ":sessions:makers",  # hash: who made sessions -> how many there are of theirs
    "proxies": ":proxies",  # hash: machine id -> proxy id
    "proxy_owners": ":proxies:owners",  # hash: machine id -> id of the token that links it
    "live": ":live",  # set: agents that count against the plan
    "rules": ":rules",  # string: JSON list of approval rules
    "rule_makers": ":rules:made",  # hash: a rule's JSON, as in `rules` -> JSON of who made it and when
    "redaction": ":redaction",  # string: JSON list of [name, expression] of the workspace's own redaction rules
    "usage": ":usage:%s",  # hash: day -> counters
    "billing": ":billing",  # hash: customer, since, copy (JSON of the subscription), tickets, copied, at_ms, …
    "usage_sent": ":usage:%s:sent",  # hash: meter -> units of a day that Stripe was told; ":part", ":base"
    "history": ":history",  # string: set once the workspace's logs are shipped to the log store
    "unshipped": ":unshipped",  # set: sessions with events that the log store has not
    "removed": ":removed",  # zset: sessions that were deleted, by time, until nothing of them can turn up
    "shipper": ":shipper",  # string: who ships this workspace, for as long as it lives
    "budgets": ":budgets",  # hash: "<scope> <unit> <period>", of a run ":<run>" -> JSON: limit, spent, since when, …
    "pauses": ":pauses",  # list: JSON of what a budget or a limit has made wait, the latest first
    "wide_pauses": ":pauses:wide",  # list: those of them that may be over agents of any session
    "session_pauses": ":s:%s:pauses",  # list: those that were noticed in a session
    "agent_pauses": ":a:%s:pauses",  # list: those of budgets whose rest an agent's turn has spent
    "allowance": ":allowance:%s",  # string: when a token's allowance is whole again, ms; gone when it is
    "pending_approvals": ":approvals",  # zset: approvals that wait, of all sessions, by time asked
    "leases": ":leases",  # hash: link that is online -> "<fence> <renewals>"
    "stops": ":stops",  # hash: "workspace", "machine:<proxy>" or "session:<session>" -> JSON of who stopped it
    "stopping": ":stopping:%s",  # list: what a stop, or its lifting, has still to do; the last is its JSON
    "failures": ":failures",  # zset: "agent|<id>|<generation>" and "message|<id>|<agent>" nobody has looked at, by time
    "timers": ":timers",  # zset: "kind|reference…" by due time, ms
    "once": ":once:%s",  # string: JSON of a repeatable request and, once carried out, of what it came to
    "session": ":s:%s",  # hash: name, epoch, offset, shipped, created, maker, place, history, bytes of several kinds
    "log": ":s:%s:log",  # stream: <offset>-0, field e = the event's JSON
    "names": ":s:%s:names",  # hash: lower-case agent name -> agent id, while it lives
    "members": ":s:%s:agents",  # zset: all agents in the order they came
    "session_live": ":s:%s:live",  # set: live agents
    "channel": ":s:%s:ch:%s",  # set: agents in a channel
    "session_messages": ":s:%s:messages",  # zset: "<message>:<bytes>" by time sent
    "sizes": ":s:%s:sizes",  # zset: "<offset>:<bytes up to and with it>" by offset, one for some bytes of the log
    "session_approvals": ":s:%s:approvals",  # zset: approvals in the order they were asked
    "agent": ":a:%s",  # hash
    "queue": ":a:%s:queue",  # zset: messages that wait for the agent, by number, interrupts first
    "inflight": ":a:%s:inflight",  # list: messages handed over whose turn has not ended
    "inbox": ":a:%s:inbox",  # stream: <number>-0, the agent's mailbox
    "settled": ":a:%s:settled",  # zset: settled numbers above the cumulative ack
    "asks": ":a:%s:asks",  # hash: native request id -> approval id, while pending
    "answering": ":a:%s:answering",  # set: approvals whose answer its machine has not taken yet
    "granted": ":a:%s:granted",  # hash: likeness of a request -> JSON of who allowed it for good, see `lib/grants`
    "agent_channels": ":a:%s:channels",  # set: names of the channels it is in
    "seen_frames": ":a:%s:frames",  # sorted set: latest frame uuids of a directly connected agent
    "message": ":m:%s",  # hash: body, wire text, and per recipient r:, b:, t:
    "recipients": ":m:%s:to",  # set: agents a message went to
    "approval": ":ap:%s",  # hash
    "secrets": ":secrets",  # hash: name -> JSON of a sealed secret: by, at_ms, key, sealed, previous
    "audit": ":audit",  # stream: <number>-0, field r = the JSON of a record of who did what
    "audit_seals": ":audit:seals",  # stream: <number>-0, field h = the seal of that record, see `domain.audit.chain`
    "audit_state": ":audit:state",  # hash: number of the last record, sealed and seal, first that is kept and its base
    "audit_once": ":audit:once:%s",  # string: a refusal that was recorded lately
    "audit_imported": ":audit:imported",  # hash: id of a trail that came with an archive -> JSON: at_ms, trail
    "audit_imported_records": ":audit:imported:%s",  # stream: <number>-0, fields r and h as in the two streams above
    "views": ":views:%s",  # hash: name of a view of a page -> JSON of address, by, at_ms
    "hooks": ":hooks",  # hash: text, version, by, author, at_ms, guards, paused (1); there while there are hooks
    "hooks_version": ":hooks:version",  # string: counts the changes of the hooks
    "hooks_due": ":hooks:due",  # zset: sessions with events that hooks wait for, by the first offset not looked at
    "hooks_holder": ":hooks:holder",  # string: who looks at them, for as long as it lives
    "hook_hold": ":hooks:hold:%s:%s",  # hash: what of an agent has set a hook off lately, and what is held back of it
    "hooks_quiet": ":hooks:quiet",  # zset: "hook|agent" whose quiet has come, by then
    "hook_runs": ":hooks:runs",  # zset: the latest runs, by time
    "hook_session": ":hooks:session:%s",  # string: JSON list of the hooks that have led to a session
    "hook_rate": ":hooks:rate:%s",  # string: runs of a hook in this minute
    "hook_deliveries": ":hooks:deliveries",  # zset: runs that another service is called for, by when next, ms
    "hook_endpoints": ":hooks:endpoints",  # hash: hook whose deliveries fail -> JSON: since, stopped (why)
    "hook_dead": ":hooks:dead",  # zset: runs that were given up, by time
    "hook_run": ":hr:%s",  # hash: a run of a hook: state, hook, session, agent, name, causes, data, its delivery
    "command": ":wc:%s",  # hash: a command of a run: state, run, step, attempt, kind, session, link, told
    "workflow_run": ":wr:%s",  # hash: a run of a workflow: state, definition, by, fence, entries, …
    "workflow_journal": ":wr:%s:journal",  # stream: <number>-0, field e = an entry's JSON
    "workflow_outputs": ":wr:%s:outputs",  # hash: what entries name as outputs, "submitted:<effect>", "errand:<effect>"
    "errand": ":wr:%s:errand:%s",  # hash: who does at another service what an attempt is for; lives while that is held
    "workflow_commands": ":wr:%s:commands",  # set: ids of commands ordered by the journal, until it has their end
    "workflow_ended": ":wr:%s:ended",  # set: of these, the ones that have ended
    "workflow_definition": ":wd:%s",  # string: the text of a workflow file, by its SHA-256
    "workflow_runs": ":workflows:runs",  # zset: the latest runs, in the order they began
    "workflow_open": ":workflows:open",  # set: runs that have not ended
    "workflow_due": ":workflows:due",  # zset: runs, by when they are to be looked at, ms
    "session_runs": ":s:%s:runs",  # set: runs in a session that have not ended
    "session_listeners": ":s:%s:listeners",  # set: those of them that wait for what may happen anywhere in it
    "machine_codes": ":machine-codes",  # hash: id of a code that links a machine -> JSON: what lists show, and its hash
    "link": ":l:%s",  # hash: machine, hello, whose it is, its connection (fence, online, boot) and what both have seen
    "link_commands": ":l:%s:commands",  # set: of workflows' runs, that it was given and has not begun
    "outbox": ":l:%s:out",  # stream: <number>-0, field c = the command's JSON
    "link_agents": ":l:%s:agents",  # set: agents carried by the link
    "session_channel": ":s:%s",  # pub/sub: events
    "activity_channel": ":activity",  # pub/sub: "<session> <event>" of all sessions, without frames and receipts
    "glimpses_channel": ":glimpses",  # pub/sub: "<session> <agent>" when what is shown of an agent in lists has changed
    "budgets_channel": ":budgets:news",  # pub/sub: word that `budgets` has changed
    "failures_channel": ":failures:news",  # pub/sub: word that `failures` has changed
    "link_channel": ":l:%s",  # pub/sub: "<number>:<command>", "!fence:<n>", "!kick", "!orphaned"
}

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
WORKSPACES = "rc:workspaces"
"""Set of all workspace ids: what a worker sweeps for due timers."""
FORMAT = "rc:format"
"""Hash: version, oldest, by. See `store_format`."""
FORMAT_LOCK = "rc:format:lock"
"""String: who brings the data forward, for as long as it lives."""
PROCESSES = "rc:{processes}"
"""Set: ids of the broker's processes that may live."""
INSTALLATION = "rc:installation"
"""String: JSON of whose store this is, see `services.installation`."""
INSTALLATION_TAG = WorkspaceId("installation")
"""Stands where scripts expect a workspace, for keys of the whole installation; no workspace can be called so."""
PROBE = "rc:probe"
"""String: written to see whether a write is possible; lives for seconds."""
TIMER_CHANNEL = "rc:timers"
"""Pub/sub: "<workspace root> <due in ms>" when a timer becomes the earliest, so that a worker need not poll."""
SHIP_CHANNEL = "rc:ship"
"""Pub/sub: a workspace's root when one of its sessions begins to have unshipped events."""
ACCESS_CHANNEL = "rc:access"
"""Pub/sub: JSON of whose access has become less, see `access_changes.RedisAccessChanges`."""

HOOK_CHANNEL = "rc:hooks"
"""Pub/sub: a workspace's root when one of its sessions begins to have events that hooks wait for."""
WORKFLOW_CHANNEL = "rc:workflows"
"""Pub/sub: "<workspace root> <due in ms>" when a run becomes a workspace's next that is to be looked at."""
DELIVERY_CHANNEL = "rc:deliveries"
"""Pub/sub: a workspace's root when something in it is to be delivered sooner than was known."""

_CHANNELS = {
    "ACCESS_CHANNEL": ACCESS_CHANNEL,
    "DELIVERY_CHANNEL": DELIVERY_CHANNEL,
    "HOOK_CHANNEL": HOOK_CHANNEL,
    "SHIP_CHANNEL": SHIP_CHANNEL,
    "TIMER_CHANNEL": TIMER_CHANNEL,
    "WORKFLOW_CHANNEL": WORKFLOW_CHANNEL,
}


def account_tag(account: AccountId) -> WorkspaceId:
    """Stands where scripts expect a workspace, for keys of one person; no workspace can be called so."""
    return WorkspaceId(f"{ACCOUNT_TAG}{account}")


def root(workspace: WorkspaceId) -> str:
    """The common beginning of a workspace's keys, and the routing key of every script."""
    return f"rc:{{{workspace}}}"


def workspace_of(its_root: str) -> WorkspaceId:
    """The workspace whose `root` that is; scripts know nothing but the root and publish it."""
    return WorkspaceId(its_root.removeprefix("rc:{").removesuffix("}"))


def key(workspace: WorkspaceId, name: str, *parts: str) -> str:
    """The key called `name`, for the given ids."""
    return root(workspace) + _TEMPLATES[name] % parts


def is_id(text: str) -> bool:
    """Whether `text` can be an id of ours; anything else might name a part of another key."""
    return _ID.fullmatch(text) is not None


def token(sha256: str) -> str:
    """Where a token's owner is found; outside any workspace, as the caller is not known yet."""
    return f"rc:token:{sha256}"


def sign_in_code(sha256: str) -> str:
    """Who may sign in with a one-time code; outside any workspace, for the same reason."""
    return f"rc:sign-in:{sha256}"


def invitation(sha256: str) -> str:
    """String: JSON of the workspace and the id of an invitation, by its link's hash; outside any workspace, too."""
    return f"rc:invitation:{sha256}"


def machine_code(sha256: str) -> str:
    """Which machine a one-time code links; outside any workspace, for the same reason."""
    return f"rc:machine-code:{sha256}"


def failed_sign_ins(address: str) -> str:
    """Set: the failures to sign in that came from an address lately."""
    return f"rc:failed-sign-ins:{address}"


def process(process_id: str) -> str:
    """String: JSON of a process of the broker, for some seconds after it last said that it lives."""
    return f"{PROCESSES}:{process_id}"


def bus_channel(bus: str) -> str:
    """Pub/sub: what one process says to itself, to know that it hears."""
    return f"rc:bus:{bus}"


def lua_prelude(script: str) -> str:
    """What `script` uses of the same table, as Lua: `K.agent(id)` is an agent's key in the workspace of `KEYS[1]`."""
    lines = ["local ROOT = KEYS[1]", "local K = {}"]
    for name in sorted(set(re.findall(r"\bK\.(\w+)\(", script))):
        suffix = _TEMPLATES[name]
        arguments = ", ".join("ab"[: suffix.count("%s")])
        body = " .. ".join(["ROOT", *_lua_parts(suffix)])
        lines.append(f"function K.{name}({arguments}) return {body} end")
    lines += [f"local {name} = '{channel}'" for name, channel in _CHANNELS.items()]
    return "\n".join(lines)


def _lua_parts(suffix: str) -> list[str]:
    parts: list[str] = []
    names = iter("ab")
    for index, text in enumerate(suffix.split("%s")):
        if index:
            parts.append(next(names))
        if text:
            parts.append(f"'{text}'")
    return parts
