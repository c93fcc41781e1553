"""What becomes of a workflow's command on a machine: allowed or not, given its values, ended, told, never run twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.domain.ids import SessionId
from broker.domain.workflows.runs.commands import CommandKind, CommandState, check_template, digest_of, shell_template
from broker.protocol.proxy import AskedBy, StopCommand
from connect.machine.commands.journal import Journal
from connect.machine.spool import Spool
from connect.machine.workflows.consents import Consent, Consents
from connect.machine.workflows.refusals import read_refusals
from connect.machine.workflows.runner import MOST_AT_ONCE
from connect.policy.policy import Policy
from connect.system import process_tree
from tests.connect.machine.workflows.ground import Ground, an_agent, ground


async def test_a_command_that_nobody_allowed_needs_consent_and_says_how(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        order = machine.order("echo ran > ran", file="my flow")
        refused = await machine.take(order)
        assert refused.state is CommandState.NEEDS_CONSENT
        assert "`relay-connect workflow allow 'my flow'`" in refused.reason
        assert "relay-connect workflow allow 'my flow'" in machine.warnings()[0]
        assert not (machine.project / "ran").exists()
        machine.allow()
        ended = await machine.take(machine.order("echo ran > ran; cat ran; echo bad >&2; exit 3", file="my flow"))
        assert ended.state is CommandState.NEEDS_CONSENT, "another command is another consent"
        again = await machine.take(order.model_copy(update={"command": "again"}))
        assert (again.state, again.exit_code, again.output) == (CommandState.ENDED, 0, "")
        assert (machine.project / "ran").read_text() == "ran\n"


async def test_a_command_ends_with_its_code_both_outputs_and_where_it_ran(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        ended = await machine.run(machine.order("pwd; echo bad >&2; exit 3"))
        assert (ended.state, ended.exit_code, ended.signal) == (CommandState.ENDED, 3, None)
        assert (ended.output, ended.errors) == (f"{machine.project}\n", "bad\n")
        assert ended.folder == str(machine.project)
        states = [each.state for each in machine.reports() if each.command == ended.command]
        assert states == [CommandState.STARTED, CommandState.ENDED]


async def test_whoever_is_killed_by_a_signal_has_no_exit_code(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        ended = await machine.run(machine.order("kill -9 $$"))
        assert (ended.state, ended.exit_code, ended.signal) == (CommandState.ENDED, None, signal.SIGKILL)


HOSTILE = [
    "",
    "-rf --help",
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "a\nb\n\n",
    "\\",
    "$HOME ${IFS} *",
    "é \U0001f600 \u202e",
    "EOF\ntouch pwned\n",
    "%s%n\x1b[2J",
]
PLACES = {
    "bare": "printf '%s' {{steps.a.output}}",
    "double": 'printf "%s" "{{ steps.a.output }}"',
    "single": "printf '%s' '{{steps.a.output}}'",
    "joined": "x=pre-{{steps.a.output}}; printf '%s' \"${x#pre-}\"",
    "substituted": "printf '%s.' \"$(printf '%s.' {{steps.a.output}})\" | sed '$s/..$//'",
    "here": "cat <<EOF\n{{steps.a.output}}\nEOF\n",
}


@pytest.mark.parametrize("place", PLACES)
async def test_no_value_is_ever_shell_text(tmp_path: Path, place: str) -> None:
    async with ground(tmp_path) as machine:
        order = machine.order(PLACES[place])
        machine.runner.take(order.model_copy(update={"command": "first", "values": {"steps.a.output": ""}}))
        await machine.told(lambda each: each.state is CommandState.NEEDS_CONSENT)
        machine.allow()
        for number, value in enumerate(HOSTILE):
            given = {"command": f"v{number}", "values": {"steps.a.output": value}}
            ended = await machine.take(order.model_copy(update=given))
            assert (ended.exit_code, ended.errors) == (0, "")
            assert ended.output.removesuffix("\n" if place == "here" else "") == value
        assert not (machine.project / "pwned").exists()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_any_text_arrives_as_it_is(tmp_path: Path, value: str) -> None:
    async def arrives() -> None:
        async with ground(tmp_path) as machine:
            order = machine.order("printf '%s' {{name}}", values={"name": value}, command=os.urandom(8).hex())
            ended = await machine.run(order)
            assert ended.output == value.replace("\0", "").encode("utf-8", "replace").decode()

    asyncio.run(arrives())


async def test_a_value_may_be_trimmed_or_reached_as_a_file(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        text = "printf '%s|' {{steps.a.output | trim}}; wc -c < {{steps.a.file}}"
        long = "x" * 1_000_000
        ended = await machine.run(machine.order(text, values={"steps.a.output": " a \n"}))
        assert ended.output.split() == ["a|4"]
        first = machine.order("echo [{{steps.a.output | first-line}}]", values={"steps.a.output": "\n $(x) y \nz\n"})
        assert (await machine.run(first)).output == "[$(x) y]\n"
        ended = await machine.run(machine.order("wc -c < {{steps.a.file}}", values={"steps.a.output": long}))
        assert ended.output.strip() == "1000000"
        assert not list((machine.state / "workflow-values").iterdir())
        ended = await machine.run(machine.order("echo {{steps.a.output}}", values={"steps.a.output": long}))
        assert (ended.state, "{{steps.a.file}}" in ended.reason) == (CommandState.FAILED, True)


async def test_a_value_that_is_missing_is_said_and_nothing_runs(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        ended = await machine.run(machine.order("touch ran; echo {{name}}"))
        assert (ended.state, "{{name}}" in ended.reason) == (CommandState.FAILED, True)
        assert not (machine.project / "ran").exists()


async def test_a_value_where_no_quoting_would_do_is_refused(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        ended = await machine.take(machine.order("echo `echo {{name}}`", values={"name": "x"}))
        assert (ended.state, "backticks" in ended.reason) == (CommandState.REFUSED, True)


async def test_a_child_that_ignores_term_is_gone_when_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.machine.commands.calls.TERM_GRACE_S", 0.3)
    async with ground(tmp_path) as machine:
        text = "trap '' TERM; (trap '' TERM; echo $$ > pid; exec sleep 1000) & sleep 1000"
        ended = await machine.run(machine.order(text, timeout_ms=1000))
        assert (ended.state, "longer than 1 s" in ended.reason) == (CommandState.TIMED_OUT, True)
        assert not process_tree.is_running(process_tree.key_of(int((machine.project / "pid").read_text())))


async def test_what_a_command_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        ended = await machine.run(machine.order("sleep 1000 & echo $!"))
        assert ended.exit_code == 0
        assert not process_tree.is_running(process_tree.key_of(int(ended.output)))


async def test_of_very_much_output_beginning_and_end_are_kept(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        text = "echo first; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last"
        ended = await machine.run(machine.order(text, output_bytes=10_000))
        assert (ended.exit_code, ended.output_bytes) == (0, 100_000_012)
        assert ended.output.startswith("first\n")
        assert ended.output.endswith("last\n")
        assert len(ended.output) < 11_000


async def test_what_a_command_writes_is_told_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connect.machine.workflows.execution._FIRST_PAUSE_S", 0.05)
    async with ground(tmp_path) as machine:
        secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
        order = machine.order(f"echo {secret}; echo working; echo -n half; until test -e go; do sleep 0.05; done")
        assert (await machine.take(order)).state is CommandState.NEEDS_CONSENT
        machine.allow()
        order = order.model_copy(update={"command": "second"})
        machine.runner.take(order)
        async with asyncio.timeout(30):
            while not machine.outputs():
                machine.changed.clear()
                await machine.changed.wait()
        (machine.project / "go").touch()
        ended = await machine.end_of(order)
        [told, *_] = machine.outputs()
        assert (told.command, told.tail.splitlines()[-1]) == (order.command, "working")
        assert secret not in f"{told}{ended}"
        assert ended.output.endswith("working\nhalf")


async def test_a_command_gets_no_token_and_is_told_its_step(tmp_path: Path) -> None:
    tokens = {"ANTHROPIC_API_KEY": "x", "RELAYCAST_TOKEN": "x", "OPENAI_API_KEY": "x", "GITHUB_TOKEN": "x"}
    async with ground(tmp_path, environment={"JAVA_HOME": "/java", **tokens}) as machine:
        ended = await machine.run(machine.order("env", step="build", attempt=2))
        seen = dict(line.partition("=")[::2] for line in ended.output.splitlines())
        assert not tokens.keys() & seen.keys()
        assert seen["JAVA_HOME"] == "/java"
        assert (seen["RELAYCAST_RUN"], seen["RELAYCAST_STEP"], seen["RELAYCAST_ATTEMPT"]) == ("r1", "build", "2")


async def test_a_command_that_is_stopped_ends_with_all_it_started(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        order = machine.order("echo $$ > pid; sleep 1000")
        await machine.take(order)
        machine.allow()
        order = order.model_copy(update={"command": "second"})
        machine.runner.take(order)
        await machine.told(lambda each: each.command == order.command and each.state is CommandState.STARTED)
        machine.runner.stop(StopCommand(command=order.command, reason="the run was cancelled"))
        ended = await machine.end_of(order)
        assert (ended.state, ended.reason) == (CommandState.STOPPED, "the run was cancelled")


async def test_a_command_that_waits_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connect.machine.workflows.runner.MOST_AT_ONCE", 1)
    async with ground(tmp_path) as machine:
        first, second = machine.order("until test -e go; do sleep 0.05; done"), machine.order("touch second")
        templates = [first.template, second.template]
        first, second = (each.model_copy(update={"templates": templates}) for each in (first, second))
        await machine.take(first.model_copy(update={"command": "refused"}))
        machine.allow()
        machine.runner.take(first)
        machine.runner.take(second)
        machine.runner.stop(StopCommand(command=second.command, reason="the run was cancelled"))
        assert (await machine.end_of(second)).state is CommandState.STOPPED
        (machine.project / "go").touch()
        assert (await machine.end_of(first)).exit_code == 0
        assert not (machine.project / "second").exists()


async def test_a_command_runs_in_the_policys_folders_alone(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        (machine.project / "link").symlink_to("/")
        for cwd in ("/", "..", "link", "missing"):
            ended = await machine.take(machine.order("true", cwd=cwd))
            assert ended.state is CommandState.REFUSED, cwd


@pytest.mark.parametrize(
    ("asked_by", "allowed"),
    [
        (None, False),
        (AskedBy(kind="person", name="Eve", session=SessionId("elsewhere")), False),
        (AskedBy(kind="person", name="Eve", session=SessionId("s1")), True),
        (an_agent("stranger"), False),
    ],
)
async def test_whose_run_it_is_has_to_suit_the_policy(tmp_path: Path, asked_by: AskedBy | None, allowed: bool) -> None:
    async with ground(tmp_path, policy=Policy(folders=(tmp_path / "project",))) as machine:
        ended = await machine.run(machine.order("true", asked_by=asked_by))
        assert ended.state is (CommandState.ENDED if allowed else CommandState.REFUSED)
        assert allowed or "ASKER_NOT_ALLOWED" in ended.reason


async def test_an_order_that_is_at_odds_with_what_was_allowed_is_refused(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        order = machine.order("true")
        await machine.run(order)
        pretence = order.model_copy(update={"command": "x", "text": "touch pwned"})
        assert (await machine.take(pretence)).state is CommandState.REFUSED
        other = shell_template("touch pwned")
        beside = order.model_copy(update={"command": "y", "text": "touch pwned", "template": other})
        assert (await machine.take(beside)).state is CommandState.REFUSED
        more = beside.model_copy(update={"command": "z", "templates": [*order.templates, other]})
        changed = await machine.take(more)
        assert (changed.state, "changed since" in changed.reason) == (CommandState.NEEDS_CONSENT, True)
        check = order.model_copy(update={"command": "c", "template": check_template("true")})
        assert (await machine.take(check)).state is CommandState.REFUSED
        assert not (machine.project / "pwned").exists()


async def test_what_was_allowed_is_found_by_its_hash_alone(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        order = machine.order("echo done")
        consent = Consent(name="demo", digest=digest_of(order.templates), templates=(order.template,), root=tmp_path)
        machine.put(Consents().with_more(consent))
        long = order.model_copy(update={"templates": [], "digest": consent.digest})
        assert (await machine.take(long)).output == "done\n"
        for wrong in (
            {"text": "touch pwned", "template": shell_template("touch pwned")},
            {"digest": digest_of(["another"])},
            {"digest": ""},
            {"digest": consent.digest, "templates": [order.template, "another"]},
        ):
            pretence = long.model_copy(update={"command": f"x{wrong}", **wrong})
            assert not (await machine.take(pretence)).state.was_started, wrong
        assert not (machine.project / "pwned").exists()


async def test_of_texts_that_it_was_not_told_a_machine_says_that_the_file_is_to_be_shown(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        order = machine.order("true")
        ended = await machine.take(order.model_copy(update={"templates": [], "digest": digest_of(order.templates)}))
        assert ended.state is CommandState.NEEDS_CONSENT
        assert "relay-connect workflow allow FILE" in ended.reason
        assert read_refusals(machine.state) == []


async def test_a_list_that_was_changed_by_somebody_else_allows_nothing(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        order = machine.order("true")
        assert (await machine.run(order)).exit_code == 0
        machine.file.path.write_bytes((machine.file.content() or b"") + b"# more\n")
        ended = await machine.take(order.model_copy(update={"command": "again"}))
        assert (ended.state, "relay-connect workflow review" in ended.reason) == (CommandState.NEEDS_CONSENT, True)


async def test_a_list_that_has_lain_there_for_long_is_read_again_once_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ground(tmp_path) as machine:
        order = machine.order("true")
        assert (await machine.run(order)).exit_code == 0
        monkeypatch.setattr("connect.policy.allow_file._SETTLED_NS", 0)
        content = machine.file.content() or b""
        for number in range(3):
            assert (await machine.take(order.model_copy(update={"command": f"same-{number}"}))).exit_code == 0
        machine.file.path.write_bytes(content + b"# more\n")
        ended = await machine.take(order.model_copy(update={"command": "changed"}))
        assert (ended.state, "relay-connect workflow review" in ended.reason) == (CommandState.NEEDS_CONSENT, True)
        machine.file.path.write_bytes(content)
        assert (await machine.take(order.model_copy(update={"command": "as before"}))).exit_code == 0


async def test_a_workflow_that_was_denied_is_refused_and_not_offered(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        machine.put(Consents(deny=("demo",)))
        assert (await machine.take(machine.order("true"))).state is CommandState.REFUSED
        assert machine.warnings() == []


def repository(folder: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    (folder / "file").write_text("1")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)


async def test_a_worktree_is_made_once_and_taken_away(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        repository(machine.project)
        where = {"path": ".worktrees/api", "branch": "feature/api"}
        made = await machine.run(machine.look(CommandKind.WORKTREE_ADD, **where))
        place = machine.project / ".worktrees" / "api"
        assert (made.exit_code, made.output, made.folder) == (0, f"{place}\n", str(place))
        again = await machine.take(machine.look(CommandKind.WORKTREE_ADD, **where))
        assert (again.exit_code, again.output) == (0, f"{place}\n")
        assert (await machine.take(machine.look(CommandKind.GIT_CLEAN, cwd=".worktrees/api"))).exit_code == 0
        (place / "new").write_text("2")
        assert (await machine.take(machine.look(CommandKind.GIT_CLEAN, cwd=".worktrees/api"))).exit_code == 1
        refused = await machine.take(machine.look(CommandKind.WORKTREE_REMOVE, **where))
        assert refused.exit_code == 1
        assert "new" not in refused.output
        assert place.exists()
        (place / "new").unlink()
        assert (await machine.take(machine.look(CommandKind.WORKTREE_REMOVE, **where))).exit_code == 0
        assert not place.exists()


@pytest.mark.parametrize("path", ["../out", "/tmp/out", "link/out", "."])
async def test_a_worktree_lies_below_its_folder(tmp_path: Path, path: str) -> None:
    async with ground(tmp_path) as machine:
        repository(machine.project)
        (machine.project / "link").symlink_to(tmp_path)
        ended = await machine.run(machine.look(CommandKind.WORKTREE_ADD, path=path, branch="b"))
        assert ended.exit_code == 1
        assert not (tmp_path / "out").exists()


async def test_a_file_is_looked_for_in_the_policys_folders_alone(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        (machine.project / "sub").mkdir()
        (machine.project / "there").touch()
        found = {
            text: (await machine.take(machine.look(CommandKind.FILE_EXISTS, text=text, cwd="sub"))).exit_code
            for text in ("there", "missing", "../there", "/etc/passwd", "", str(machine.project / "there"))
        }
        assert found == {
            "there": 0,
            "missing": 1,
            "../there": 1,
            "/etc/passwd": 1,
            "": 1,
            str(machine.project / "there"): 0,
        }


async def test_a_file_is_waited_for_until_it_is_there_and_holds_up_nothing(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        waits = [machine.look(CommandKind.FILE_AWAITED, text=f"out/{n}") for n in range(MOST_AT_ONCE + 1)]
        for each in waits:
            machine.runner.take(each)
        assert (await machine.take(machine.order("true"))).state is CommandState.NEEDS_CONSENT
        machine.runner.stop(StopCommand(command=waits[0].command, reason="enough"))
        ended = await machine.end_of(waits[0])
        assert (ended.state, ended.reason) == (CommandState.STOPPED, "enough")
        (machine.project / "out").mkdir()
        for each in waits[1:]:
            (machine.project / each.text).touch()
        for each in waits[1:]:
            ended = await machine.end_of(each)
            assert (ended.exit_code, ended.output) == (0, f"{machine.project / each.text}\n")


@pytest.mark.parametrize(
    ("text", "state"),
    [("missing", CommandState.TIMED_OUT), ("../there", CommandState.ENDED), ("/etc/missing", CommandState.ENDED)],
)
async def test_a_wait_for_a_file_ends_with_its_time_or_at_once_where_none_could_come(
    tmp_path: Path, text: str, state: CommandState
) -> None:
    async with ground(tmp_path) as machine:
        ended = await machine.take(machine.look(CommandKind.FILE_AWAITED, text=text, timeout_ms=20))
        assert (ended.state, ended.exit_code == 0) == (state, False)


async def test_what_came_too_late_is_not_begun(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        machine.clock.set(10_000)
        ended = await machine.take(machine.order("touch ran", not_after_ms=9_000))
        assert ended.state is CommandState.EXPIRED


async def test_an_order_that_comes_again_runs_once(tmp_path: Path) -> None:
    async with ground(tmp_path) as machine:
        order = machine.order("echo x >> ran")
        await machine.take(order)
        machine.allow()
        order = order.model_copy(update={"command": "second"})
        for _ in range(3):
            machine.runner.take(order)
        await machine.end_of(order)
        machine.runner.take(order)
        assert (machine.project / "ran").read_text() == "x\n"


class Killed(BaseException):
    """The process is gone at this instruction."""


@pytest.mark.parametrize("write", range(1, 9))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_kill_at_any_write_starts_nothing_twice_and_leaves_one_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int, after: bool
) -> None:
    """Every write of the journal and of the spool, with relay-connect gone before it or right after it."""
    async with ground(tmp_path) as machine:
        order = machine.order("echo x >> ran")
        await machine.take(order)
        machine.allow()
        order = order.model_copy(update={"command": "second"})
        with monkeypatch.context() as patch:
            crash_at(write, patch, after=after)
            with contextlib.suppress(Killed):
                machine.runner.take(order)
                await asyncio.gather(*machine.runner.tasks)
        again = Ground(folder=machine.folder)
        again.runner.recover()
        again.runner.take(order)
        await asyncio.gather(*again.runner.tasks)
        ends = [each for each in again.reports() if each.command == order.command and each.state.is_end]
        assert len({(each.state, each.output, each.exit_code) for each in ends}) == 1
        ran = machine.project / "ran"
        started = ran.read_text().split() if ran.exists() else []
        assert len(started) <= 1
        assert (ends[0].state is CommandState.ENDED) <= (len(started) == 1)
        assert not started or ends[0].state.was_started
        again.spool.close()


def crash_at(number: int, patch: pytest.MonkeyPatch, *, after: bool) -> None:
    """The `number`th write of the journal or the spool is the last thing that this process does."""
    done = [0]

    def crashing(write: Callable[..., None]) -> Callable[..., None]:
        def counted(*arguments: object) -> None:
            done[0] += 1
            if done[0] > number or (done[0] == number and not after):
                raise Killed
            write(*arguments)
            if done[0] == number:
                raise Killed

        return counted

    patch.setattr(Journal, "_append", crashing(Journal._append))
    patch.setattr(Spool, "_write_unwritten", crashing(Spool._write_unwritten))
