import pytest

from broker.domain.agents.stops import StopHow
from broker.domain.approvals.answers import Scope, Verdict
from broker.domain.messages.messages import Mode
from connect.terminal.input.commands import (
    HELP,
    WORDS,
    Agents,
    Answer,
    Attach,
    Channels,
    Command,
    Detach,
    Exit,
    Help,
    Interrupt,
    Join,
    Leave,
    Logs,
    Machines,
    Misused,
    Release,
    ResumeAll,
    Search,
    Send,
    Sessions,
    Show,
    Spawn,
    StopAll,
    Tell,
    Trace,
)
from connect.terminal.input.grammar import Known, read_command

HERE = Known(agents=["Lead", "Opponent"], clis=["claude", "codex", "scripted"], waiting=["eecf"])


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", None),
        ("   ", None),
        ("Play tic-tac-toe with a Codex agent", Tell(text="Play tic-tac-toe with a Codex agent")),
        ("> send me a report", Tell(text="send me a report")),
        ("help me with the build", Tell(text="help me with the build")),
        ("spawn Opponent codex", Spawn(name="Opponent", cli="codex")),
        ("spawn Two codex", Spawn(name="Two", cli="codex")),
        ("spawn two codex agents", Tell(text="spawn two codex agents", instead_of="spawn")),
        ("spawn W codex Build it --on box", Spawn(name="W", cli="codex", task="Build it", on="box")),
        (
            "spawn W codex --model=gpt --on box Build it",
            Spawn(name="W", cli="codex", task="Build it", on="box", model="gpt"),
        ),
        (
            'spawn W codex --cwd "/tmp/my dir" Build it',
            Spawn(name="W", cli="codex", task="Build it", cwd="/tmp/my dir"),
        ),
        (
            "spawn W codex Build it --cwd '/tmp/my dir'",
            Spawn(name="W", cli="codex", task="Build it", cwd="/tmp/my dir"),
        ),
        ("spawn W codex --cwd=/tmp/my\\ dir", Spawn(name="W", cli="codex", cwd="/tmp/my dir")),
        (
            'spawn W codex --on "build box" --cwd "/a \\"b\\""',
            Spawn(name="W", cli="codex", on="build box", cwd='/a "b"'),
        ),
        ('spawn W codex "Build it"', Spawn(name="W", cli="codex", task="Build it")),
        ('spawn W codex Say "hi" and "bye"', Spawn(name="W", cli="codex", task='Say "hi" and "bye"')),
        ("spawn W codex Don't stop", Spawn(name="W", cli="codex", task="Don't stop")),
        ("spawn W codex document --cwd", Spawn(name="W", cli="codex", task="document --cwd")),
        ("send Lead  two  spaces kept", Send(to="Lead", text="two  spaces kept")),
        ("send #review --steer look here", Send(to="#review", text="look here", mode=Mode.STEER)),
        ("send --interrupt * stop --steer", Send(to="*", text="stop --steer", mode=Mode.INTERRUPT)),
        ("interrupt Lead", Interrupt(name="Lead")),
        ("release Lead", Release(name="Lead")),
        ("stop", StopAll()),
        ("/stop", StopAll()),
        ("stop --release --note it loops", StopAll(how=StopHow.RELEASE, note="it loops")),
        ("stop --machine build-box --note why not", StopAll(machine="build-box", note="why not")),
        ('stop --machine "build box"', StopAll(machine="build box")),
        ("stop --workspace", StopAll(everywhere=True)),
        ("stop using tabs", Tell(text="stop using tabs")),
        ("stop --workspace --machine box", Tell(text="stop --workspace --machine box")),
        ("> stop", Tell(text="stop")),
        ("resume", ResumeAll()),
        ("resume --workspace --note fixed", ResumeAll(everywhere=True, note="fixed")),
        ("resume the work on the parser", Tell(text="resume the work on the parser")),
        ("resume --release", Tell(text="resume --release")),
        ("logs", Logs()),
        ("logs Lead", Logs(name="Lead")),
        ('search kind:command  "exit 1" -lint', Search(query='kind:command  "exit 1" -lint')),
        ("> search the web for it", Tell(text="search the web for it")),
        ("approve", Answer(verdict=Verdict.ALLOW)),
        ("approve f3a2 --session", Answer(verdict=Verdict.ALLOW, short_id="f3a2", scope=Scope.SESSION)),
        ("approve f3a2 --always 2", Answer(verdict=Verdict.ALLOW, short_id="f3a2", always=2)),
        ("deny f3a2 use  npm ci", Answer(verdict=Verdict.DENY, short_id="f3a2", note="use  npm ci")),
        ("trace 412", Trace(message="412")),
        ("trace #412", Trace(message="412")),
        ("show #412", Show(number=412)),
        ("logs Lead --last 200 --before #412", Logs(name="Lead", last=200, before=412)),
        (
            'spawn W codex --cwd "/tmp/my dir" Build it',
            Spawn(name="W", cli="codex", task="Build it", cwd="/tmp/my dir"),
        ),
        ("spawn W codex --worktree Build it", Spawn(name="W", cli="codex", task="Build it", worktree=True)),
        ("spawn W codex Build it --worktree", Spawn(name="W", cli="codex", task="Build it", worktree=True)),
        ("spawn W codex --on box --worktree", Spawn(name="W", cli="codex", on="box", worktree=True)),
        ("spawn W codex say --worktree is new", Spawn(name="W", cli="codex", task="say --worktree is new")),
        ("spawn W codex fix it --cwd '/tmp/my dir'", Spawn(name="W", cli="codex", task="fix it", cwd="/tmp/my dir")),
        ("spawn W scripted do this", Spawn(name="W", cli="scripted", task="do this")),
        ("send @Opponent well played", Send(to="@Opponent", text="well played")),
        ("send Bob the report", Send(to="Bob", text="the report")),
        ("search connection refused", Search(query="connection refused")),
        ("search 'the' or \"to be\"", Search(query="'the' or \"to be\"")),
        ("deny because of the tests", Answer(verdict=Verdict.DENY, note="because of the tests")),
        ("deny eecf use npm", Answer(verdict=Verdict.DENY, short_id="eecf", note="use npm")),
        ("approve m1", Answer(verdict=Verdict.ALLOW, short_id="m1")),
        ("/agents", Agents()),
        ("machines", Machines()),
        ("channels", Channels()),
        ("attach Lead", Attach(name="Lead")),
        ("detach", Detach()),
        ("detach the listeners", Tell(text="detach the listeners")),
        ("channels are noisy", Tell(text="channels are noisy")),
        ("join #dev Lead @Opponent", Join(channel="#dev", names=("Lead", "Opponent"))),
        ("leave #dev Lead", Leave(channel="#dev", names=("Lead",))),
        ("send #dev well played", Send(to="#dev", text="well played")),
        ("sessions", Sessions()),
        ("sessions are slow", Tell(text="sessions are slow")),
        ("machines need a fan", Tell(text="machines need a fan")),
        ("HELP", Help()),
        ("quit", Exit()),
    ],
)
def test_a_line_is_read_as_typed(line: str, command: Command | None) -> None:
    assert read_command(line, HERE) == command


@pytest.mark.parametrize(
    "line",
    [
        "spawn W codex --cwd",
        'spawn W codex --cwd "/tmp/my dir',
        "spawn W codex Build it --cwd '/tmp/my dir",
        "spawn",
        "spawn One",
        "send Lead",
        "send --steer",
        "release",
        "release Lead now",
        "trace",
        "search",
        "answer",
        "logs Lead x",
        "join",
        "join #dev",
        "leave #dev",
    ],
)
def test_a_command_with_the_wrong_words_tells_its_usage(line: str) -> None:
    assert isinstance(read_command(line, HERE), Misused)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("Spawn a codex agent that reviews this", "spawn"),
        ("spawn workers for the tests", "spawn"),
        ("spawn reviewers until it is green", "spawn"),
        ("search the code for TODO comments and fix them", "search"),
        ("search https://docs.python.org for the new syntax", "search"),
        ("send the report to Bob", "send"),
        ("send an e-mail", "send"),
        ("release version 2 of the package", "release"),
        ("interrupt handlers are missing, add them", "interrupt"),
        ("trace the request through the code", "trace"),
        ("show me the diff", "show"),
        ("join the two tables in the report", "join"),
        ("leave the tests alone", "leave"),
        ("attach the log to the issue", "attach"),
        ("logs are too noisy, fix that", "logs"),
        ("approve the plan and go on", "approve"),
    ],
)
def test_a_sentence_is_for_lead_and_says_which_command_it_was_not_taken_for(line: str, word: str) -> None:
    assert read_command(line, HERE) == Tell(text=line, instead_of=word)
    assert not isinstance(read_command(f"/{line}", HERE), Tell)
    assert read_command(f"> {line}", HERE) == Tell(text=line)


def test_without_anything_that_waits_a_denial_is_a_sentence() -> None:
    assert read_command("deny access to strangers in the API") == Tell(
        text="deny access to strangers in the API", instead_of="deny"
    )


def test_a_program_that_nobody_has_told_of_can_be_spawned_where_no_machine_is_known() -> None:
    assert read_command("spawn W banner say hello", Known()) == Spawn(name="W", cli="banner", task="say hello")


def test_the_help_names_every_command_and_what_forces_one() -> None:
    assert [word for word in WORDS if word not in HELP] == []
    assert "'> stop'" in HELP
    assert "Ctrl-C" in HELP
    assert "Esc" in HELP
