"""Hooks that their machine's owner has allowed, as real processes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from broker.domain.hooks.answers import HookSays
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.runs import RunState
from connect.machine.hooks.consent_file import to_toml
from connect.policy.allow_file import hash_of
from tests.connect.machine.hooks.ground import Ground, alive, ground


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncGenerator[Ground]:
    async with ground(tmp_path, LANG="C.UTF-8", CI="1", OPENAI_API_KEY="sk-none", RELAYCAST_TOKEN="none") as made:
        yield made


async def test_an_allowed_hook_gets_its_words_its_event_and_nothing_else(machine: Ground) -> None:
    machine.program("lint")
    (machine.project / "a b.ts").touch()
    order = machine.order(
        "lint --fix -- ${file}",
        files=["a b.ts"],
        event={"type": "on_file_change", "text": "ü\n"},
        env=["CI", "OPENAI_API_KEY", "RELAYCAST_TOKEN", "MISSING"],
    )
    await machine.allow(order)
    ran = await machine.run(order)
    assert (ran.state, ran.exit_code, ran.reason) == (RunState.COMPLETED, 0, "")
    assert ran.argv == [str(machine.programs / "lint"), "--fix", "--", "a b.ts"]
    [call] = machine.recorded()
    assert (call["argv"], call["cwd"], call["umask"]) == (["--fix", "--", "a b.ts"], str(machine.project), 0o077)
    assert call["in"] == call["file"] == json.dumps(order.event, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert not Path(call["env"]["RELAYCAST_EVENT_FILE"]).exists()
    inherited = set(call["env"]) - {"LC_CTYPE", "PWD", "__CF_USER_TEXT_ENCODING"}
    ours = {"RELAYCAST_HOOK", "RELAYCAST_RUN", "RELAYCAST_EVENT_FILE", "RELAYCAST_PROCESS"}
    assert inherited == {"PATH", "HOME", "LANG", "CI"} | ours
    assert [each.state for each in machine.reports() if each.run == order.run] == [
        RunState.STARTED,
        RunState.COMPLETED,
    ]


async def test_a_hook_that_nobody_allowed_is_refused_with_the_command_that_allows_it(machine: Ground) -> None:
    machine.program("lint")
    first = await machine.run(machine.order("lint", hook="my-lint"))
    again = await machine.run(machine.order("lint", hook="my-lint"))
    assert first.state is again.state is RunState.REFUSED
    assert "`relay-connect hooks allow my-lint`" in first.reason
    assert first.argv == ["lint"]
    assert len(machine.warnings()) == 1
    assert "`relay-connect hooks allow my-lint`" in machine.warnings()[0]
    assert machine.recorded() == []


async def test_a_denied_hook_is_refused_and_nobody_here_is_told(machine: Ground) -> None:
    machine.program("lint")
    order = machine.order("lint")
    await machine.allow(order)
    denied = to_toml(machine.consents.current().with_denied("h1"))
    machine.consents.expect(hash_of(denied))
    machine.file.put(denied)
    before = len(machine.warnings())
    ran = await machine.run(order)
    assert (ran.state, "has denied it" in ran.reason) == (RunState.REFUSED, True)
    assert len(machine.warnings()) == before


async def test_a_program_that_is_not_here_is_skipped_and_told_of_once(machine: Ground) -> None:
    for _ in range(2):
        ran = await machine.run(machine.order("afplay /System/Library/Sounds/Glass.aiff"))
        assert (ran.state, "program not found: afplay" in ran.reason) == (RunState.SKIPPED, True)
    [told] = machine.warnings()
    assert "program not found: afplay" in told


async def test_how_a_program_ends_is_told(machine: Ground) -> None:
    machine.program("three", "#!/bin/sh\necho out; echo err >&2; exit 3\n")
    machine.program("killed", "#!/bin/sh\nkill -9 $$\n")
    machine.program("broken", "no program at all")
    orders = {name: machine.order(name, hook=name) for name in ("three", "killed", "broken")}
    for order in orders.values():
        await machine.allow(order)
    three, killed, broken = [await machine.run(order) for order in orders.values()]
    assert (three.state, three.exit_code, three.reason) == (RunState.FAILED, 3, "exit code 3")
    assert three.output == "out\n[standard error]\nerr\n"
    assert (killed.state, killed.exit_code) == (RunState.FAILED, -signal.SIGKILL)
    assert (broken.state, "could not be started: Exec format error" in broken.reason) == (RunState.FAILED, True)


async def test_a_hook_runs_in_the_folder_it_names_and_files_are_named_from_there(machine: Ground) -> None:
    machine.program("lint")
    (machine.project / "web" / "src").mkdir(parents=True)
    (machine.project / "web" / "src" / "x.ts").touch()
    order = machine.order("lint ${file}", cwd="web", files=["web/src/x.ts"])
    await machine.allow(order)
    assert (await machine.run(order)).state is RunState.COMPLETED
    [call] = machine.recorded()
    assert (call["cwd"], call["argv"]) == (str(machine.project / "web"), ["src/x.ts"])


@pytest.mark.parametrize("cwd", ["..", "/", "/etc", "out", "gone", "~"])
async def test_a_folder_outside_of_the_agents_own_is_refused(machine: Ground, cwd: str) -> None:
    machine.program("lint")
    (machine.project / "out").symlink_to(machine.folder)
    ran = await machine.run(machine.order("lint", cwd=cwd))
    assert ran.state is RunState.REFUSED
    assert machine.recorded() == []


async def test_several_calls_of_one_run_follow_each_other_and_the_failed_one_is_told(machine: Ground) -> None:
    machine.python(
        "each",
        "import sys\nprint('begin', sys.argv[1])\nprint('end', sys.argv[1])\nsys.exit('b' in sys.argv[1])",
    )
    for name in "abc":
        (machine.project / name).touch()
    order = machine.order("each --file=${file}", files=["a", "b", "c"])
    await machine.allow(order)
    ran = await machine.run(order)
    assert ran.output.split() == [
        word for name in "abc" for word in ("begin", f"--file={name}", "end", f"--file={name}")
    ]
    assert (ran.state, ran.argv[1:]) == (RunState.FAILED, ["--file=b"])


async def test_the_machine_itself_says_where_the_project_is(machine: Ground) -> None:
    machine.program("lint")
    (machine.project / ".git").mkdir()
    order = machine.order("lint ${project} ${cwd}", values={"project": "/etc", "cwd": "/etc"})
    await machine.allow(order)
    await machine.run(order)
    assert machine.recorded()[0]["argv"] == [str(machine.project)] * 2


async def test_a_hook_without_a_file_to_name_is_skipped(machine: Ground) -> None:
    machine.program("lint")
    (machine.project / "here").touch()
    order = machine.order("lint ${file}", files=["here"])
    await machine.allow(order)
    ran = await machine.run(order.model_copy(update={"run": "r-gone", "files": ["gone", "../x", "/etc/passwd"]}))
    assert (ran.state, "3 were left out" in ran.reason) == (RunState.SKIPPED, True)


async def test_a_run_that_comes_again_is_answered_and_not_started_again(machine: Ground) -> None:
    machine.program("lint")
    order = machine.order("lint")
    await machine.allow(order)
    first = await machine.run(order)
    for _ in range(3):
        machine.runner.take(order)
    ends = [each for each in machine.reports() if each.run == order.run and each.state is not RunState.STARTED]
    assert [each.state for each in ends] == [RunState.COMPLETED] * 4
    assert first.argv == ends[0].argv
    assert len(machine.recorded()) == 1


async def test_a_hook_that_takes_too_long_is_ended_with_what_it_has_started(
    machine: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.machine.commands.calls.TERM_GRACE_S", 0.3)
    machine.python(
        "stubborn",
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        print('child', os.getpid(), flush=True); time.sleep(600)\n"
        "    os._exit(0)\n"
        "print('leader', os.getpid(), flush=True); time.sleep(600)",
    )
    order = machine.order("stubborn", timeout_s=1.5)
    await machine.allow(order)
    ran = await machine.run(order)
    assert (ran.state, ran.reason) == (RunState.FAILED, "it took longer than 1.5 s and was ended")
    pids = [int(line.split()[1]) for line in ran.output.splitlines()]
    assert len(pids) == 2
    assert not any(map(alive, pids))


async def test_nothing_is_left_behind_by_a_hook_that_ends_by_itself(machine: Ground) -> None:
    machine.python(
        "forks",
        "import os, sys, time\n"
        "child = os.fork()\n"
        "if child == 0:\n    os.setsid(); time.sleep(600)\n"
        "print(child, flush=True)",
    )
    order = machine.order("forks")
    await machine.allow(order)
    ran = await machine.run(order)
    assert ran.state is RunState.COMPLETED
    assert not alive(int(ran.output))


async def test_a_hundred_megabytes_of_output_are_kept_by_their_beginning_and_end(machine: Ground) -> None:
    machine.python(
        "loud",
        "import sys\nfor stream in (sys.stdout, sys.stderr):\n"
        "    stream.write('begin\\n')\n"
        "    for _ in range(50): stream.write('x' * 1024 * 1024)\n"
        "    stream.write('\\nend\\n')",
    )
    order = machine.order("loud")
    await machine.allow(order)
    ran = await machine.run(order)
    assert ran.state is RunState.COMPLETED
    assert ran.output.startswith("begin\n")
    assert ran.output.endswith("\nend\n")
    assert ran.output.count("the middle of 52428811 bytes is left out") == 2
    assert len(ran.output) < 2 * 64 * 1024 + 500


async def test_secrets_in_the_output_are_masked(machine: Ground) -> None:
    machine.program(
        "tells",
        "#!/bin/sh\necho ghp_'16C7e42F292c6912E7710c838347Ae178B4a'\necho nt_live_secret-of-the-proxy\n",
    )
    order = machine.order("tells")
    await machine.allow(order)
    output = (await machine.run(order)).output
    assert "16C7e42F" not in output
    assert "secret-of-the-proxy" not in output
    assert "[redacted" in output


async def test_stopping_ends_what_runs_and_tells_of_it(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        machine.python("sleeps", "import time; print('up', flush=True); time.sleep(600)")
        order = machine.order("sleeps")
        await machine.allow(order)
        machine.runner.take(order)
        machine.runner.take(waiting := machine.order("sleeps"))
        await machine.told(lambda each: each.run == order.run and each.state is RunState.STARTED)
    ends = [machine.journal.of(each.run) for each in (order, waiting)]
    assert [each.report.state for each in ends if each] == [RunState.INTERRUPTED, RunState.SKIPPED]


async def test_more_than_fit_are_skipped_with_their_number_and_none_twice(machine: Ground) -> None:
    machine.program("note", f"#!/bin/sh\ncat >> {machine.log}\n")
    order = machine.order("note")
    await machine.allow(order)
    orders = [machine.order("note", event={"number": number}) for number in range(300)]
    for each in orders:
        machine.runner.take(each)
    ends = [await machine.end_of(each.run) for each in orders]
    ran = [each for each in ends if each.state is RunState.COMPLETED]
    skipped = [each for each in ends if each.state is RunState.SKIPPED]
    assert (len(ran), len(skipped)) == (101, 199)
    assert "199 were skipped so far" in skipped[-1].reason
    assert [event["number"] for event in machine.recorded()] == list(range(101)), "in their order"


async def test_four_run_at_once_and_those_of_one_agent_one_after_the_other(machine: Ground) -> None:
    fifo = machine.folder / "fifo"
    os.mkfifo(fifo)
    machine.program("waits", f"#!/bin/sh\nread line < {fifo}\n")
    orders = [machine.order("waits", hook=f"h{number}") for number in range(6)]
    for order in orders:
        await machine.allow(order)
    for order in orders:
        machine.runner.take(order)

    def started() -> list[str]:
        return [each.run for each in machine.reports() if each.state is RunState.STARTED]

    await machine.told(lambda _: len(started()) == 4)
    assert set(started()) == {order.run for order in orders[:4]}
    feed = os.open(fifo, os.O_RDWR)
    os.write(feed, b"\n" * 100)
    for order in orders:
        assert (await machine.end_of(order.run)).state is RunState.COMPLETED
    os.close(feed)


async def test_an_order_that_came_too_late_expires(machine: Ground) -> None:
    machine.program("lint")
    order = machine.order("lint", not_after_ms=1)
    machine.clock.set(2)
    assert (await machine.run(order)).state is RunState.EXPIRED


@pytest.mark.parametrize(
    ("code", "state", "says"),
    [
        ('print(json.dumps({"decision": "allow"}))', RunState.COMPLETED, HookSays.ALLOW),
        ('sys.exit("no" if not event["data"] else 2)', RunState.COMPLETED, HookSays.DENY),
        ("", RunState.COMPLETED, None),
        ('print(json.dumps({"decision": "modify", "input": {}}))', RunState.FAILED, None),
        ("sys.exit(1)", RunState.FAILED, None),
    ],
    ids=["allows", "denies", "no opinion", "modifies", "fails"],
)
async def test_a_hook_that_the_broker_asks_to_decide_is_told_of_with_its_answer(
    machine: Ground, code: str, state: RunState, says: HookSays | None
) -> None:
    machine.python("guard", f"import json, sys\nevent = json.load(sys.stdin)\n{code}")
    order = machine.order("guard", answers=HookEvent.APPROVAL_NEEDED, event={"data": {"tool": "Bash"}})
    await machine.allow(order)
    ran = await machine.run(order)
    assert (ran.state, ran.answer and ran.answer.says) == (state, says)
    assert ran.on is None
