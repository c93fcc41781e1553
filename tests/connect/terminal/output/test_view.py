from typing import Any

import pytest

from broker.domain.errors import BadRequest
from connect.sdk.types import Agent, Event, LinkLost, LinkUp, Reset
from connect.terminal.output.view import View
from connect.terminal.session.asked import suggest_rule
from connect.terminal.text.layout import plain
from connect.terminal.verbosity import Verbosity


class _Session:
    """Feeds a view with events numbered as a log would."""

    def __init__(self, verbosity: Verbosity = Verbosity.NORMAL) -> None:
        self.view = View(verbosity, width=50)
        agents = [("Lead", "claude", None), ("Opponent", "codex", "Lead")]
        self.view.roster.learn(
            Agent.model_validate({"id": name, "name": name, "cli": cli, "state": "idle", "spawner": spawner})
            for name, cli, spawner in agents
        )
        self.offset = 0

    def tell(self, kind: str, data: dict[str, Any], *, name: str | None = None) -> str:
        self.offset += 1
        event = Event(epoch="e", offset=self.offset, kind=kind, at_ms=1000 + 12 * self.offset, name=name, data=data)
        return plain(self.view.show(event))

    def message(
        self,
        text: str,
        *,
        sender: str = "Lead",
        agent: str | None = "Lead",
        to: str = "Opponent",
        number: str = "m1",
        mode: str = "wait",
    ) -> str:
        origin = {"name": sender, "role": "lead" if agent else "human", "agent": agent}
        recipients = [{"agent": to, "name": to}]
        message = {"id": number, "from": origin, "to": to, "text": text, "mode": mode, "recipients": recipients}
        return self.tell("message.accepted", message)

    def says(self, text: str) -> str:
        return self.tell("agent.frame", {"events": [{"type": "text", "text": text}]}, name="Lead")

    def problem(self, detail: str, *, retry: bool = False) -> str:
        event = {"type": "problem", "detail": detail, "will_retry": retry}
        return self.tell("agent.frame", {"events": [event]}, name="Lead")

    def receipt(self, state: str, **more: str) -> str:
        return self.tell("message.receipt", {"message": "m1", "state": state, **more}, name="Opponent")

    def ended(self, text: str = "", outcome: str = "completed", *, name: str = "Lead", **more: Any) -> str:
        return self.tell("turn.ended", {"turn": "t", "outcome": outcome, "text": text, **more}, name=name)


_APPROVAL = {
    "id": "0192-f3a2",
    "agent": "Lead",
    "tool": "Bash",
    "title": "Run",
    "command": "rm -rf build\x1b[2K",
    "cwd": "/work",
    "changes": [{"path": "a.py", "change": "update", "diff": "-old\n+new"}],
}


def test_a_message_between_agents_is_a_box_with_both_names() -> None:
    assert _Session().message("Let's play.\nYour move.").split("\n") == [
        "",
        "┌─ Lead → Opponent ──────────────────────────────┐",
        "│ Let's play.                                    │",
        "│ Your move.                                     │",
        "└─────────────────────────────────────────── #1 ─┘",
    ]


def test_closing_words_are_a_box_with_the_agents_kind() -> None:
    assert "┌─ Lead (Claude) ──" in _Session().ended("Done.")


def test_an_agents_escape_codes_reach_the_screen_as_text() -> None:
    session = _Session()

    assert "\x1b" not in session.message("\x1b]0;owned\x07\x1b[31mred") + session.ended("\x1b[2J")


@pytest.mark.parametrize(
    ("verbosity", "shown"),
    [(Verbosity.QUIET, False), (Verbosity.NORMAL, True), (Verbosity.VERBOSE, True)],
)
def test_quiet_leaves_the_agents_talk_out(verbosity: Verbosity, shown: bool) -> None:
    assert bool(_Session(verbosity).message("hi")) is shown


def test_quiet_shows_the_result_of_what_a_human_asked_and_nothing_between() -> None:
    session = _Session(Verbosity.QUIET)
    session.message("Build it", sender="ann", agent=None, to="Lead")

    assert session.ended("thinking aloud", messages=["other"]) == ""
    assert "The result" in session.ended("The result", messages=["m1"])


def test_quiet_still_tells_failures_and_approvals() -> None:
    session = _Session(Verbosity.QUIET)

    assert "turn failed: boom" in session.ended(outcome="failed", reason="boom")
    assert "✗ Lead (Claude) failed: its program ended by itself" in session.tell(
        "agent.failed", {"reason": "exited"}, name="Lead"
    )
    assert "asks to run a command" in session.tell("approval.requested", _APPROVAL, name="Lead")


def test_a_masked_approval_says_that_something_else_runs_than_is_shown() -> None:
    note = "A secret is masked here"
    assert note in _Session().tell("approval.requested", {**_APPROVAL, "masked": True}, name="Lead")
    assert note not in _Session().tell("approval.requested", _APPROVAL, name="Lead")


def test_verbose_shows_tools_commands_and_files_and_does_not_say_a_text_twice() -> None:
    session = _Session(Verbosity.VERBOSE)
    events = [
        {"type": "tool_call", "call_id": "1", "tool": "relay_send", "input": {"to": "Opponent"}},
        {"type": "command", "call_id": "2", "command": "npm test", "exit_code": 1},
        {"type": "files", "call_id": "3", "changes": [{"path": "src/a.py", "change": "add"}]},
        {"type": "text", "text": "All done."},
        {"type": "from the future"},
    ]
    shown = session.tell("agent.frame", {"direction": "out", "frame_type": "x", "events": events}, name="Lead")

    assert "⚙ Lead uses relay_send" in shown
    assert "$ Lead ran npm test → exit 1" in shown
    assert "± Lead add src/a.py" in shown
    assert session.ended("All done.") == ""


def test_what_agents_do_is_left_out_otherwise() -> None:
    events = [{"type": "command", "call_id": "2", "command": "npm test", "exit_code": 0}]

    assert _Session().tell("agent.frame", {"events": events}, name="Lead") == ""


def test_what_an_agent_says_is_told_as_it_is_said_and_not_again_when_its_turn_ends() -> None:
    session = _Session()

    assert "I'll spawn a Codex opponent" in session.says("I'll spawn a Codex opponent and start the game.")
    assert "Now my move." in session.says("Now my move.")
    assert session.ended("Now my move.") == ""
    session.tell("turn.started", {"turn": "t2"}, name="Lead")
    assert "Now my move." in session.ended("Now my move.")


def test_a_message_to_an_agent_that_starts_is_told_when_it_is_there() -> None:
    session = _Session()
    session.tell("agent.spawning", {"name": "Helper", "cli": "codex", "spawner": "Lead"}, name="Helper")

    assert session.message("Build it", to="Helper") == ""
    ready = session.tell("agent.ready", {}, name="Helper").split("\n")
    assert ready[0] == "✓ Helper (Codex) spawned"
    assert ready[2].startswith("┌─ Lead → Helper ─")


def test_a_message_to_an_agent_that_never_starts_is_told_too() -> None:
    session = _Session()
    session.tell("agent.spawning", {"name": "Helper", "cli": "codex", "spawner": "Lead"}, name="Helper")
    session.message("Build it", to="Helper")

    assert "│ Build it" in session.tell("agent.failed", {"reason": "SPAWN_TIMEOUT"}, name="Helper")


@pytest.mark.parametrize("verbosity", [Verbosity.NORMAL, Verbosity.VERBOSE])
def test_trouble_is_told_once_and_again_when_it_has_grown(verbosity: Verbosity) -> None:
    session = _Session(verbosity)
    told = [session.problem(f"the model call failed (HTTP 401), attempt {n} of 10", retry=True) for n in range(1, 11)]

    assert told[0] == "! Lead: the model call failed (HTTP 401), attempt 1 of 10; it tries again"
    if verbosity is Verbosity.NORMAL:
        assert [n for n, line in enumerate(told, 1) if line] == [1, 3, 6, 10]
    else:
        assert all(told)


def test_a_trouble_that_was_over_is_told_anew() -> None:
    session = _Session()
    first = session.problem("Reconnecting... 1/5")

    assert session.problem("Reconnecting... 2/5") == ""
    session.says("Here I am.")
    assert session.problem("Reconnecting... 1/5") == first


def test_what_cannot_be_typed_here_comes_with_where_it_can() -> None:
    assert "log in with `claude` in a shell on its machine" in _Session().ended(
        outcome="failed", reason="Not logged in · Please run /login"
    )


def test_what_a_rule_denies_is_told() -> None:
    session = _Session()
    session.tell("approval.requested", {**_APPROVAL, "decided_by": "rule deny rm *"}, name="Lead")
    answer = {"id": "0192-f3a2", "status": "denied", "by": "rule deny rm *"}

    told = session.tell("approval.resolved", answer, name="Lead")
    assert told.startswith("! denied by rule deny rm * — Lead: rm -rf build")


def test_quiet_tells_the_result_of_delegated_work_when_all_of_it_is_there() -> None:
    session = _Session(Verbosity.QUIET)
    session.message("Play", sender="ann", agent=None, to="Lead", number="p1")
    session.message("I play 5", to="Opponent", number="p2")

    assert session.ended("I wait for the answer.", messages=["p1"]) == ""
    assert session.message("I play 1", sender="Opponent", agent="Opponent", to="Lead", number="p3") == ""
    assert session.ended(messages=["p2"], name="Opponent") == ""
    told = session.ended("I have won.", messages=["p3"])
    assert "I have won." in told
    assert "I wait" not in told


def test_quiet_does_not_hold_a_result_back_when_work_is_stopped() -> None:
    session = _Session(Verbosity.QUIET)
    session.message("Play", sender="ann", agent=None, to="Lead", number="p1")
    session.message("I play 5", to="Opponent", number="p2")
    session.ended("I wait for the answer.", messages=["p1"])

    stop = {"scope": "session", "name": "main", "by": "Ada", "note": "", "how": "pause"}
    assert "I wait for the answer." in session.tell("stop.ordered", stop)


def test_an_interrupted_turn_is_told_once_and_without_the_programs_own_diagnosis() -> None:
    session = _Session()

    assert "interrupted by ann" in session.tell("agent.interrupted", {"by": "ann"}, name="Lead")
    assert session.ended(outcome="interrupted", reason="[ede_diagnostic] result_type=user stop_reason=null") == ""


def test_who_joins_a_channel_is_told_with_whoever_put_it_there() -> None:
    session = _Session()
    joined = session.tell("channel.joined", {"channel": "#dev", "by": "ann"}, name="Lead")
    left = session.tell("channel.left", {"channel": "#dev", "by": "Lead"}, name="Lead")
    assert (joined, left) == ("✓ Lead joined #dev (by ann)", "✓ Lead left #dev")


def test_a_message_that_interrupts_is_not_said_to_wait() -> None:
    session = _Session()
    with session.view.own.sending("Opponent", "stop"):
        session.message("stop", sender="ann", agent=None, mode="interrupt")

    assert session.receipt("queued", because="agent_busy") == "· Opponent is interrupted for it"


def test_a_long_text_is_folded_and_says_how_to_see_it_whole() -> None:
    session = _Session()
    shown = session.message("\n".join(f"line {n}" for n in range(600)))

    assert "│ line 59 " in shown
    assert "line 60" not in shown
    assert "│ … 540 more lines: show 1 " in shown


def test_who_works_for_this_terminal_are_those_it_has_asked_and_those_they_have_started() -> None:
    session = _Session()
    session.view.own.addressed.add("Lead")
    for name in ("Lead", "Opponent", "Stranger"):
        session.tell("turn.started", {"turn": name}, name=name)

    assert session.view.own_working() == ["Lead", "Opponent"]
    session.ended("Done")
    assert session.view.own_working() == ["Opponent"]


def test_spawned_and_connected_tell_who_started_the_agent() -> None:
    session = _Session()

    assert session.tell("agent.ready", {}, name="Lead") == "✓ Lead connected"
    assert session.tell("agent.ready", {}, name="Opponent") == "✓ Opponent (Codex) spawned"
    place = {"machine": "box", "folder": "/src"}
    assert session.tell("agent.ready", place, name="Lead") == "✓ Lead connected on box in /src"
    back = session.tell("agent.ready", {**place, "resumed": True}, name="Lead")
    assert back == "✓ Lead (Claude) is back, with its conversation, on box in /src"
    assert (
        session.tell("agent.ready", {"resumed": True}, name="Lead") == "✓ Lead (Claude) is back, with its conversation"
    )


def test_an_approval_shows_command_folder_diff_and_how_to_answer() -> None:
    shown = _Session().tell("approval.requested", _APPROVAL, name="Lead")

    for part in ("$ rm -rf build␛[2K", "in /work", "update a.py", "-old", "+new", "approve f3a2 · deny f3a2"):
        assert part in shown


def test_an_approval_shows_its_risk_what_its_machine_makes_of_a_yes_and_the_rules_that_would_allow_it() -> None:
    why = "The policy of build-box asks for a second yes at its own terminal, and nobody is there."
    weighed = {
        "risk": "medium",
        "risk_reasons": ["talks to the network", "edits files"],
        "machine": {"yes": "refuses", "lasting": "refuses", "why": why},
        "suggested_rules": [{"effect": "allow", "tool": "Bash", "command": "npm ci", "path": None}],
    }
    session = _Session()
    shown = " ".join(session.tell("approval.requested", {**_APPROVAL, **weighed}, name="Lead").replace("│", "").split())
    assert "! some risk: talks to the network ! edits files" in shown
    assert f"! {why}" in shown
    assert "rule 1) allow Bash: npm ci approve f3a2 --always <rule>" in shown
    asked = session.view.asked.find("f3a2")
    rule = suggest_rule(asked, 1)
    assert rule is not None
    assert rule.command == "npm ci"
    with pytest.raises(BadRequest, match="it suggests 1 rules"):
        suggest_rule(asked, 2)


def test_an_answered_approval_is_told_once_with_who_answered() -> None:
    session = _Session()
    session.tell("approval.requested", _APPROVAL, name="Lead")
    answer = {"id": "0192-f3a2", "status": "allowed", "by": "ann"}

    assert session.tell("approval.resolved", answer, name="Lead").startswith("✓ allowed by ann — Lead: rm -rf build")
    assert session.tell("approval.resolved", answer, name="Lead") == ""


def test_a_request_says_who_has_to_allow_it_and_who_is_still_missing() -> None:
    session = _Session()
    needs = [{"rule": "rule require *", "of": "group", "name": "ops", "missing": 2, "words": "2 people of ops"}]
    box = session.tell("approval.requested", {**_APPROVAL, "needs": needs}, name="Lead")
    assert "needs 2 people of ops" in box
    left = [{**needs[0], "missing": 1, "words": "1 more person of ops"}]
    told = session.tell("approval.assented", {"id": _APPROVAL["id"], "by": "ann", "needs": left}, name="Lead")
    assert told.startswith("· ann says yes; it needs 1 more person of ops — Lead: rm -rf build")


def test_what_a_rule_answers_is_not_shown_as_a_question() -> None:
    assert _Session().tell("approval.requested", {**_APPROVAL, "decided_by": "rule allow *"}, name="Lead") == ""


def test_an_own_message_is_not_repeated_but_its_receipts_are_told() -> None:
    session = _Session()
    with session.view.own.sending("Opponent", "hi"):
        assert session.message("hi", sender="ann", agent=None) == ""

    assert session.receipt("queued", because="agent_busy") == "· Opponent is working; it gets this after its turn"
    assert session.receipt("queued", because="agent_busy") == ""
    assert session.receipt("handed") == ""
    assert session.receipt("in_turn") == "✓ Opponent has it (48 ms) · #1"
    assert not session.view.own.all_settled
    assert session.receipt("answered") == ""
    assert session.view.own.all_settled


def test_an_own_message_that_cannot_be_delivered_is_told_with_the_reason() -> None:
    session = _Session()
    with session.view.own.sending("Opponent", "hi"):
        session.message("hi", sender="ann", agent=None)

    assert session.receipt("undeliverable", reason="agent_failed") == "✗ not delivered to Opponent: it failed"
    assert session.view.own.all_settled


def test_a_refused_message_is_not_waited_for() -> None:
    session = _Session()
    with pytest.raises(ValueError, match="refused"), session.view.own.sending("Opponent", "hi"):
        raise ValueError("refused")

    assert session.view.own.all_settled


def test_the_connections_state_is_told_truthfully() -> None:
    view = View(Verbosity.NORMAL)

    assert view.show(LinkUp(epoch="e", offset=1)) == []
    assert "connection lost (gone)" in plain(view.show(LinkLost(reason="gone")))
    assert not view.connected
    assert "connected again" in plain(view.show(LinkUp(epoch="e", offset=1)))
    assert "the log starts at 9" in plain(view.show(Reset(epoch="e", offset=9)))


def test_unknown_kinds_and_broken_events_show_nothing() -> None:
    session = _Session()

    assert session.tell("something.new", {"a": 1}) == ""
    assert session.tell("turn.ended", {"nonsense": True}, name="Lead") == ""


@pytest.mark.parametrize("verbosity", Verbosity)
def test_a_stop_is_told_with_who_and_why_and_what_goes_on(verbosity: Verbosity) -> None:
    session = _Session(verbosity)
    about = {"scope": "session", "name": "main", "by": "Ada", "note": "it loops"}
    assert session.tell("stop.ordered", {**about, "how": "pause"}) == (
        "! Ada stopped session main: it loops (no turn begins and messages wait)"
    )
    assert session.tell("stop.finished", {**about, "how": "pause", "agents": 3}) == ""
    assert session.tell("stop.lifted", {**about, "by": "Bob", "note": ""}) == "✓ Bob resumed session main"
    everything = {"scope": "workspace", "name": "", "by": "Ada", "note": "", "how": "release"}
    assert session.tell("stop.ordered", everything) == "! Ada stopped the workspace (agents are released)"


def test_an_own_message_to_one_who_is_stopped_says_so() -> None:
    session = _Session()
    with session.view.own.sending("Opponent", "go on"):
        told = session.message("go on", sender="operator", agent=None)
    assert told == ""
    assert session.receipt("queued", because="stopped") == (
        "! Opponent is stopped; it gets this when somebody resumes it"
    )


def test_a_hook_that_did_not_do_what_it_should_is_told_and_one_that_did_is_not() -> None:
    session = _Session()
    about: dict[str, Any] = {"hook": "lint", "run": "r1", "argv": ["npm"]}
    for state in ("ordered", "started", "completed"):
        assert session.tell(f"hook.{state}", {**about, "state": state, "exit_code": 0}, name="Lead") == ""
    failed = session.tell("hook.failed", {**about, "state": "failed", "exit_code": 2}, name="Lead")
    assert failed == "! hook lint for Lead (Claude) failed: exit 2"
    expired = session.tell("hook.expired", {**about, "state": "expired", "reason": "not in time"}, name="Lead")
    assert expired == "! hook lint for Lead (Claude) expired: not in time"
