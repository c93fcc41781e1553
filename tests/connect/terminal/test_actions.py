import pytest

from broker.domain.errors import BadRequest
from connect.sdk import AgentRelay
from connect.terminal.actions import Actions, LeadAgent
from connect.terminal.input.commands import (
    Agents,
    Channels,
    Command,
    Join,
    Machines,
    ResumeAll,
    Search,
    Spawn,
    StopAll,
    Tell,
)
from connect.terminal.output.view import View
from connect.terminal.text.layout import plain
from connect.terminal.verbosity import Verbosity
from tests.connect.api_double import SESSION, ApiDouble, granted, refusal


@pytest.fixture
async def actions(relay: AgentRelay) -> Actions:
    await relay.session()
    return Actions(relay, View(Verbosity.NORMAL), lead=LeadAgent())


async def test_a_search_shows_hits_and_that_there_are_more(actions: Actions, broker: ApiDouble) -> None:
    hits = [
        {"session": SESSION, "epoch": "e1", "offset": n, "at_ms": 1, "kind": "text", "text": f"word {n}"}
        for n in range(30, 10, -1)
    ]
    broker.broken_answers = [granted({"hits": hits, "next": "cursor"})]
    reply = await actions.run(Search(query="word"))
    lines = plain(reply.lines).split("\n")
    assert len(lines) == 21
    assert lines[0].endswith("text      word 30")
    assert "the newest 20" in lines[-1]
    assert isinstance(reply.result, dict)
    assert reply.result["next"] == "cursor"


async def test_a_search_that_cannot_be_read_is_refused(actions: Actions, broker: ApiDouble) -> None:
    broker.broken_answers = [refusal(400, "INVALID_QUERY", "there is no field knid (column 1)\n  knid:x\n  ^")]
    with pytest.raises(BadRequest):
        await actions.run(Search(query="knid:x"))


async def test_machines_are_listed_with_whose_they_are(actions: Actions, broker: ApiDouble) -> None:
    clis = [{"cli": "demo", "dialect": "acp", "version": "1", "supported": True, "transport": "stdio"}]
    gone = {"owner": "x", "owner_name": None, "orphaned": True}
    machines = [
        {"id": "1", "name": "anns", "online": True, "owner": "a", "owner_name": "Ann", "clis": clis, "agents": 2},
        {"id": "2", "name": "ours", "labels": ["gpu"]},
        {"id": "3", "name": "left", **gone},
        {"id": "4", "name": "kept", **gone, "adoption": {"by": None}},
    ]
    broker.broken_answers = [granted({"proxies": machines})]
    reply = await actions.run(Machines())
    rows = [[cell.strip() for cell in line.split("  ") if cell] for line in plain(reply.lines).split("\n")]
    assert rows == [
        ["MACHINE", "STATE", "OWNER", "AGENTS", "PROGRAMS", "LABELS"],
        ["anns", "online", "Ann", "2", "demo", "-"],
        ["ours", "away", "workspace", "0", "-", "gpu"],
        ["left", "away", "owner removed: adopt or forget it", "0", "-", "-"],
        ["kept", "away", "adopted, not linked again yet", "0", "-", "-"],
    ]


async def test_there_may_be_no_machine(actions: Actions) -> None:
    assert plain((await actions.run(Machines())).lines) == "no machine was ever linked"


@pytest.mark.parametrize(
    ("typed", "on", "cwd"),
    [
        (Spawn(name="W", cli="codex"), "here", "/home/a/project"),
        (Spawn(name="W", cli="codex", cwd="src"), "here", "/home/a/project/src"),
        (Spawn(name="W", cli="codex", cwd="/srv"), "here", "/srv"),
        (Spawn(name="W", cli="codex", cwd="~/other"), "here", "~/other"),
        (Spawn(name="W", cli="codex", on="box", cwd="src"), "here", "/home/a/project/src"),
        (Spawn(name="W", cli="codex", on="here"), "here", "/home/a/project"),
        (Spawn(name="W", cli="codex", on="there"), "there", None),
        (Spawn(name="W", cli="codex", on="there", cwd="src"), "there", "src"),
        (Tell(text="Build it"), "here", "/home/a/project"),
    ],
)
async def test_what_is_typed_at_a_terminal_happens_on_its_machine_and_in_its_folder_unless_it_says_otherwise(
    relay: AgentRelay, broker: ApiDouble, typed: Command, on: str, cwd: str | None
) -> None:
    actions = Actions(relay, View(Verbosity.NORMAL), lead=LeadAgent(on="here", cwd="/home/a/project", machine="box"))
    await actions.run(typed)
    [(_, _, body)] = [call for call in broker.calls if call[0] == "POST" and call[1].endswith("/agents")]
    assert (body["on"], body.get("cwd")) == (on, cwd)


STOP = {
    "id": "s1",
    "place": {"scope": "session", "id": SESSION},
    "name": "main",
    "how": "pause",
    "by": "Ada",
    "agents": 3,
    "finished": True,
}


async def test_stop_and_resume_say_what_became_of_it(actions: Actions, broker: ApiDouble) -> None:
    broker.broken_answers = [granted({"stop": STOP}), granted({"stop": STOP}), granted({"stop": None})]
    stopped = await actions.run(StopAll(note="it loops"))
    resumed = await actions.run(ResumeAll())
    again = await actions.run(ResumeAll())
    assert plain(stopped.lines) == "✓ stopped session main: 3 agents paused; `resume` lets it go on"
    assert plain(resumed.lines) == "✓ resumed session main"
    assert plain(again.lines) == "it was not stopped"
    assert broker.calls[-3:] == [
        ("POST", f"/v1/sessions/{SESSION}/stop", {"how": "pause", "note": "it loops"}),
        ("POST", f"/v1/sessions/{SESSION}/resume", {"note": ""}),
        ("POST", f"/v1/sessions/{SESSION}/resume", {"note": ""}),
    ]


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (StopAll(machine="build box"), "/v1/proxies/build%20box/stop"),
        (StopAll(everywhere=True), "/v1/workspace/stop"),
    ],
)
async def test_a_machine_or_the_workspace_is_stopped_by_name(
    actions: Actions, broker: ApiDouble, command: StopAll, path: str
) -> None:
    broker.broken_answers = [granted({"stop": {**STOP, "finished": False}})]
    reply = await actions.run(command)
    assert "3 agents so far paused" in plain(reply.lines)
    assert broker.calls[-1][1] in {path, path.replace("%20", " ")}


async def test_channels_are_joined_and_stand_in_the_lists(actions: Actions, broker: ApiDouble) -> None:
    agents = [{"id": f"a_{name}", "name": name, "cli": "codex", "state": "idle"} for name in ("Lead", "Two")]
    channels = granted({"channels": [{"name": "#dev", "members": ["Lead"]}]})
    broker.broken_answers = [granted({}), granted({}), channels, granted({"agents": agents}), channels]
    await actions.run(Join(channel="#dev", names=("Lead", "Two")))
    assert broker.calls[-2:] == [
        ("POST", f"/v1/sessions/{SESSION}/channels/%23dev/members", {"agent": name}) for name in ("Lead", "Two")
    ]
    assert plain((await actions.run(Channels())).lines).split() == ["CHANNEL", "MEMBERS", "#dev", "Lead"]
    head, first, second = plain((await actions.run(Agents())).lines).split("\n")
    assert (head.split()[-1], first.split()[-1], second.split()[-1]) == ("CHANNELS", "#dev", "-")


async def test_the_agents_of_a_broker_that_lists_no_channels_are_listed_without_them(
    actions: Actions, broker: ApiDouble
) -> None:
    agent = {"id": "a", "name": "Lead", "cli": "codex", "state": "idle"}
    broker.broken_answers = [granted({"agents": [agent]}), refusal(404, "NOT_FOUND", "no such route")]
    head, _ = plain((await actions.run(Agents())).lines).split("\n")
    assert head.split()[-1] == "FOLDER"
