import pytest

from broker.domain.approvals import Scope, Verdict
from broker.domain.messages import Mode
from broker.domain.stops import StopHow
from connect.terminal.commands import (
    Agents,
    Answer,
    Command,
    Exit,
    Help,
    Interrupt,
    Logs,
    Machines,
    Misused,
    Release,
    ResumeAll,
    Search,
    Send,
    Sessions,
    Spawn,
    StopAll,
    Tell,
    Trace,
    read_command,
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", None),
        ("   ", None),
        ("Play tic-tac-toe with a Codex agent", Tell(text="Play tic-tac-toe with a Codex agent")),
        ("> send me a report", Tell(text="send me a report")),
        ("help me with the build", Tell(text="help me with the build")),
        ("spawn Opponent codex", Spawn(name="Opponent", cli="codex")),
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
        ("deny f3a2 use  npm ci", Answer(verdict=Verdict.DENY, short_id="f3a2", note="use  npm ci")),
        ("trace 0192", Trace(message_id="0192")),
        ("/agents", Agents()),
        ("machines", Machines()),
        ("sessions", Sessions()),
        ("sessions are slow", Tell(text="sessions are slow")),
        ("machines need a fan", Tell(text="machines need a fan")),
        ("HELP", Help()),
        ("quit", Exit()),
    ],
)
def test_a_line_is_read_as_typed(line: str, command: Command | None) -> None:
    assert read_command(line) == command


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
        "release a b",
        "trace",
        "search",
    ],
)
def test_a_command_with_the_wrong_words_tells_its_usage(line: str) -> None:
    assert isinstance(read_command(line), Misused)
