"""From an event of a log to the hooks that it sets off."""

from typing import Any

import pytest

from broker.domain.hooks.definitions import Hook
from broker.domain.hooks.events import HookEvent
from broker.domain.hooks.happenings import Happening, events_for, happenings, relative_files
from broker.domain.hooks.matching import About, HookIndex, loops, run_key
from broker.protocol.hooks_yaml.reader import read_hooks

ABOUT = About(kind="codex", session="payments", labels=frozenset({"gpu", "box"}))


def event(kind: str, data: dict[str, Any], *, offset: int = 5) -> dict[str, Any]:
    return {"epoch": "e", "offset": offset, "at_ms": 1, "kind": kind, "agent": "a1", "name": "Worker-1", "data": data}


def one(kind: str, data: dict[str, Any]) -> Happening:
    (found,) = happenings(event(kind, data))
    return found


def frame(*contents: Any) -> dict[str, Any]:
    return event("agent.frame", {"events": list(contents)})


def hooks(text: str) -> tuple[Hook, ...]:
    read = read_hooks(text)
    assert not read.problems
    return read.hooks


def set_off(text: str, happening: Happening, *, files: tuple[str, ...] = ()) -> list[str]:
    return [matched.hook.id for matched in HookIndex(hooks(text)).match(happening, ABOUT, files=files)]


DONE = {"turn": "t1", "outcome": "completed", "text": "All green", "messages": ["m1", "m2"], "reason": None}


def test_a_turn_that_ends_well_is_complete_and_any_other_has_failed() -> None:
    done = one("turn.ended", DONE)
    assert (done.event, done.turn, done.messages) == (HookEvent.TURN_COMPLETE, "t1", ("m1", "m2"))
    assert (done.values["last_message"], done.values["message_id"]) == ("All green", "m2")
    stopped = one("turn.ended", {**DONE, "outcome": "interrupted"})
    assert (stopped.event, stopped.values["reason"]) == (HookEvent.TURN_FAILED, "interrupted")


def test_a_command_and_its_failure_are_found_in_an_agents_frame() -> None:
    bad = {"type": "command", "command": "make", "exit_code": 2, "tool": "Bash", "output": "no rule"}
    found = list(happenings(frame({**bad, "exit_code": 0}, bad, {"type": "text", "text": "hm"}, 7)))
    assert [each.event for each in found] == [HookEvent.COMMAND, HookEvent.COMMAND, HookEvent.COMMAND_FAILED]
    assert (found[-1].exit_code, found[-1].values["command"], found[-1].values["exit_code"]) == (2, "make", "2")


def test_changed_files_are_those_that_are_still_there_under_their_new_names() -> None:
    changes = [{"path": "a.py", "change": "update"}, {"path": "b.py", "change": "delete"}]
    changes.append({"path": "c.py", "change": "update", "moved_to": "d.py"})
    (found,) = happenings(frame({"type": "files", "changes": changes, "tool": "Edit"}))
    assert (found.event, found.files) == (HookEvent.FILE_CHANGE, ("a.py", "d.py"))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"status": "pending", "id": "p1", "tool": "Bash", "command": "rm x"}, [HookEvent.APPROVAL_NEEDED]),
        ({"status": "pending", "prompts": [{"text": "Which?"}]}, [HookEvent.INPUT_NEEDED]),
        ({"status": "pending", "decided_by": "rule allow *"}, []),
    ],
)
def test_a_person_is_needed_only_when_nothing_else_has_answered(data: dict[str, Any], found: list[HookEvent]) -> None:
    assert [each.event for each in happenings(event("approval.requested", data))] == found


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        ("agent.ready", {}, [HookEvent.AGENT_SPAWNED]),
        ("agent.ready", {"resumed": True}, []),
        ("agent.exited", {"expected": False, "reason": "exited"}, [HookEvent.AGENT_CRASHED]),
        ("agent.exited", {"expected": True}, []),
        ("agent.deaf", {"stuck_at": "handed"}, [HookEvent.AGENT_DEAF]),
        ("agent.state", {"state": "idle"}, [HookEvent.AGENT_IDLE]),
        ("agent.state", {"state": "working"}, []),
        ("agent.released", {}, [HookEvent.AGENT_RELEASED]),
        ("message.receipt", {"state": "undeliverable", "reason": "agent_failed"}, [HookEvent.UNDELIVERED]),
        ("message.receipt", {"state": "received"}, []),
        ("hook.completed", {}, []),
        ("session.created", {}, []),
    ],
)
def test_an_agents_life_is_found_in_its_events(kind: str, data: dict[str, Any], found: list[HookEvent]) -> None:
    assert [each.event for each in happenings(event(kind, data))] == found


def test_a_message_happens_to_each_of_those_it_is_for_and_not_to_its_sender() -> None:
    recipients = [{"agent": "a2", "name": "Lead"}, {"agent": "a3", "name": "Tester"}]
    data = {"id": "m1", "from": {"name": "hook:tell"}, "to": "*", "text": "hello", "recipients": recipients}
    found = list(happenings(event("message.accepted", data)))
    assert [(each.event, each.agent, each.name) for each in found] == [
        (HookEvent.MESSAGE, "a2", "Lead"),
        (HookEvent.MESSAGE, "a3", "Tester"),
    ]
    assert found[0].values == {"message_id": "m1", "text": "hello", "from": "hook:tell"}
    assert found[0].messages == ("m1",), "what a hook has sent is known by its id"


def test_a_hook_about_messages_chooses_by_who_has_sent_them() -> None:
    data = {"id": "m1", "from": {"name": "Lead"}, "text": "hi", "recipients": [{"agent": "a2", "name": "W"}]}
    (found,) = happenings(event("message.accepted", data))
    for sender, expected in (("Le*", ["h"]), ("Other", [])):
        text = f'hooks: {{"*": {{on_message: {{id: h, relay: L, when: {{from: "{sender}"}}}}}}}}'
        assert set_off(text, found) == expected


@pytest.mark.parametrize(
    ("reason", "reset_at"),
    [
        ("You've hit your usage limit. Try again in 2 hours.", "1970-01-01T02:00:00Z"),
        ("usageLimitExceeded", ""),
    ],
)
def test_a_turn_that_a_vendors_limit_has_ended_has_failed_and_says_until_when(reason: str, reset_at: str) -> None:
    failed, limit = happenings(event("turn.ended", {**DONE, "outcome": "failed", "text": "", "reason": reason}))
    assert (failed.event, limit.event, limit.turn) == (HookEvent.TURN_FAILED, HookEvent.LIMIT, "t1")
    assert limit.values == {"reason": reason, "reset_at": reset_at}


def test_words_about_a_limit_in_a_turn_that_went_well_are_no_limit() -> None:
    assert one("turn.ended", {**DONE, "text": "I raised the rate limit"}).event is HookEvent.TURN_COMPLETE


def test_a_budget_says_how_much_of_it_is_spent() -> None:
    for kind, spent, percent in (("budget.warning", 82.5, "82"), ("budget.spent", 101, "101")):
        found = one(kind, {"text": "the budget of the agent Worker is …", "spent": spent, "limit": 100})
        assert (found.event, found.name, found.values["percent"]) == (HookEvent.BUDGET, "Worker-1", percent)


@pytest.mark.parametrize(
    ("kind", "data", "found", "reason"),
    [
        ("workflow.started", {"workflow": "ship"}, HookEvent.RUN_STARTED, ""),
        ("workflow.ended", {"state": "completed"}, HookEvent.RUN_COMPLETED, ""),
        ("workflow.ended", {"state": "completed_early", "reason": "2 of 3"}, HookEvent.RUN_COMPLETED, "2 of 3"),
        ("workflow.ended", {"state": "failed", "reason": "no tests"}, HookEvent.RUN_FAILED, "no tests"),
        ("workflow.ended", {"state": "cancelled"}, HookEvent.RUN_FAILED, "cancelled"),
        ("workflow.ended", {"state": "needs_human", "reason": "vote"}, HookEvent.RUN_NEEDS_HUMAN, "vote"),
        ("step.started", {"step": "test"}, HookEvent.STEP_STARTED, ""),
        ("step.changed", {"step": "test", "state": "completed"}, HookEvent.STEP_COMPLETED, ""),
        ("step.changed", {"step": "test", "state": "failed", "reason": "exit 1"}, HookEvent.STEP_FAILED, "exit 1"),
        ("step.changed", {"step": "test", "state": "needs_human"}, HookEvent.STEP_NEEDS_HUMAN, ""),
        ("step.changed", {"step": "test", "state": "waiting_retry"}, None, ""),
        ("step.changed", {"step": "test", "state": "completed", "kept_from": "r0"}, None, ""),
    ],
)
def test_what_happens_to_a_run_and_its_steps_happens_to_no_agent(
    kind: str, data: dict[str, Any], found: HookEvent | None, reason: str
) -> None:
    happened = list(happenings({**event(kind, {"run": "r1", **data}), "agent": None, "name": None}))
    assert [each.event for each in happened] == ([found] if found else [])
    assert all((each.agent, each.values["run"], each.values["reason"]) == ("", "r1", reason) for each in happened)


def test_hooks_about_runs_are_found_by_session_or_for_all() -> None:
    text = """
hooks:
  "*": {on_run_failed: {id: any, relay: L}}
  "session:pay*": {on_run_failed: {id: session, relay: L}}
  "session:other": {on_run_failed: {id: no, relay: L}}
"""
    (failed,) = happenings(event("workflow.ended", {"run": "r1", "state": "failed"}))
    found = HookIndex(hooks(text)).match(failed, About(kind="", session="payments"), files=())
    assert [each.hook.id for each in found] == ["any", "session"]


def test_of_a_log_only_what_can_set_a_hook_off_is_read() -> None:
    turns = events_for({HookEvent.TURN_COMPLETE})
    edits = events_for({HookEvent.FILE_CHANGE, HookEvent.TURN_COMPLETE})
    done, changed = event("turn.ended", DONE), frame({"type": "files", "changes": [{"path": "a"}]})
    piece = event("agent.frame", {"transient": True, "events": [{"type": "text_delta", "delta": "a"}]})
    assert [turns.admits(each) for each in (done, changed, piece)] == [True, False, False]
    assert [edits.admits(each) for each in (done, changed, piece)] == [True, True, False]


def test_hooks_that_agents_wait_for_are_looked_for_in_no_log() -> None:
    guards = HookIndex(hooks('hooks: {"*": {before_tool: {id: guard, command: guard}}}'))
    assert guards.events == frozenset()
    assert [hook.id for hook in guards.select(HookEvent.BEFORE_TOOL, name="W", about=ABOUT)] == ["guard"]
    assert not events_for(guards.events).admits(event("session.created", {}))


def test_selectors_choose_by_program_name_session_and_machine() -> None:
    text = """
hooks:
  codex: {on_turn_complete: {id: kind, relay: L}}
  claude: {on_turn_complete: {id: other, relay: L}}
  "*": {on_turn_complete: {id: any, relay: L}}
  "agent:Worker-*": {on_turn_complete: {id: name, relay: L}}
  "agent:Worker-1": {on_turn_complete: {id: exact, relay: L}}
  "agent:Lead": {on_turn_complete: {id: lead, relay: L}}
  "session:pay*": {on_turn_complete: {id: session, relay: L}}
  "machine:gpu": {on_turn_complete: {id: machine, relay: L}}
  "machine:cpu": {on_turn_complete: {id: cpu, relay: L}}
"""
    assert set_off(text, one("turn.ended", DONE)) == ["kind", "any", "name", "exact", "session", "machine"]


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("{exit_code: 2}", True),
        ("{exit_code: [0, 1]}", False),
        ("{tool: shell}", True),
        ("{tool: edit}", False),
        ("{agent: 'Worker-?'}", True),
        ("{agent: Lead}", False),
        ("{text: '*rule*'}", True),
        ("{text: rule}", False),
        ("{glob: '*.py'}", False),
    ],
)
def test_every_condition_has_to_hold(when: str, *, holds: bool) -> None:
    bad = {"type": "command", "command": "make", "exit_code": 2, "tool": "Bash", "output": "no rule to make"}
    failed = list(happenings(frame(bad)))[1]
    text = f"hooks: {{codex: {{on_command_failed: {{id: h, relay: L, when: {when}}}}}}}"
    assert set_off(text, failed) == (["h"] if holds else [])


def test_a_hook_for_some_files_is_told_of_those() -> None:
    text = "hooks: {codex: {on_file_change: {id: h, command: 'lint ${file}', when: {glob: ['*.ts', '!x.ts']}}}}"
    (changed,) = happenings(frame({"type": "files", "changes": [{"path": "a.ts"}]}))
    (matched,) = HookIndex(hooks(text)).match(changed, ABOUT, files=("a.ts", "x.ts", "b.py"))
    assert matched.files == ("a.ts",)
    assert set_off(text, changed, files=("x.ts",)) == []


def test_a_disabled_hook_is_not_set_off() -> None:
    assert set_off("hooks: {codex: {on_turn_complete: {relay: L, enabled: false}}}", one("turn.ended", DONE)) == []


def test_once_per_turn_is_one_run_for_all_events_of_the_turn() -> None:
    (each,) = hooks("hooks: {codex: {on_turn_complete: {relay: L}}}")
    (turn,) = hooks("hooks: {codex: {on_turn_complete: {relay: L, when: {once_per: turn}}}}")
    (session,) = hooks("hooks: {codex: {on_turn_complete: {relay: L, when: {once_per: session}}}}")
    done = one("turn.ended", DONE)
    assert run_key(each, done) == "e:5"
    assert run_key(each, done, place=1) == "e:5#1"
    assert run_key(turn, done) == "turn:t1"
    assert run_key(session, done) == "session"


def test_a_hook_is_not_set_off_by_what_it_caused_nor_at_the_end_of_a_long_chain() -> None:
    (hook,) = hooks("hooks: {codex: {on_turn_complete: {id: h, relay: L}}}")
    assert loops(hook, ()) == ""
    assert loops(hook, ("other",)) == ""
    assert "caused by itself" in loops(hook, ("other", "h"))
    assert "set each other off" in loops(hook, ("a", "b", "c"))


def test_files_stand_from_the_agents_folder() -> None:
    files = ("/home/ada/app/src/a.ts", "src/b.ts", "/etc/hosts", "../x")
    assert relative_files(files, "/home/ada/app") == ("src/a.ts", "src/b.ts", "/etc/hosts", "/home/ada/x")
    assert relative_files(("a",), None) == ("a",)
