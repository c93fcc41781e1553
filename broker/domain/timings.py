"""The numbers of policy: how long things may take, how often they are tried, how much is kept. One place for all sides.

The scripts of the store are given what they use of `TIMINGS` as the table `T` (`broker/adapters/redis/scripts.py`); the
broker's settings and services, `relay-connect` and the tests read it here. What is only about how work is cut up, such
as a page's size, stays where the work is done.
"""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE_S = 60
_DAY_S = 24 * 3600
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Units are in the names; what has none is a count."""

    # An agent's start and end.
    start_deadline_ms: int = 120_000
    """From the order until its machine says that it starts the process; a person there may be asked first."""
    ready_within_s: int = 120
    """At its machine, from the process' start to a conversation: Gemini on a cold disk measured 5 s."""
    resume_delay_s: int = 61
    """What a vendor may have to be waited for ahead of that: Gemini numbers its conversations by the clock's minute."""
    ready_margin_s: int = 15
    """For the machine to give up first, and to say why; then the broker does."""
    stop_ms: int = 20_000
    """From the order to stop until it counts as done: the machine's own EOF, TERM and KILL take 12 s at most."""
    restarts: int = 3
    """Within `restart_window_ms`; a process that dies faster is broken."""
    restart_window_ms: int = 600_000
    restart_pause_ms: int = 500
    """Ahead of the first restart; four times that ahead of the second, and so on."""
    stop_work_kept_s: int = 30 * _DAY_S
    """What a stop of many has still to do, for as long as no worker is there to do it."""
    glimpse_ms: int = 2_000
    """How old it may be when a list last heard of an agent whose frames say nothing that lists show."""
    ended_agent_kept_s: int = 30 * _DAY_S
    """How long an ended agent can be looked up; the log keeps its story."""

    # What failed, for people to look at.
    failures: int = 500
    """Of a workspace, that nobody has looked at; the oldest go first."""
    failure_kept_s: int = 30 * _DAY_S
    """After the last of them; what is told of one is kept no longer."""

    # Signs of life.
    proof_ms: int = 10_000
    """A vendor confirms a prompt within milliseconds; silence this long is deafness."""
    probe_ms: int = 5_000
    """For a link to acknowledge a probe; with the first wait, a deaf agent is known within 20 s."""
    stuck_turn_ms: int = 20_000
    """Vendors stop a turn within a second of being told."""
    overload_ms: int = 2_000
    """Until an agent that was overloaded is given the same message again."""
    away_ms: int = 30_000
    """A laptop that changes networks is back within seconds; after this its agents are lost."""
    elsewhere_ms: int = 10_000
    """For the process that holds a machine id to give a sign of life, when another comes with it."""
    unused_machine_ms: int = 90 * _DAY_S * 1000
    """A machine that nothing hangs on is forgotten this long after it was seen last."""

    # The store's clock, when it is set.
    clock_back_ms: int = 1_000
    """It is never found to have gone back by less: a round trip takes time, and none takes less than none."""
    clock_ahead_ms: int = 60_000
    """It is found to have gone ahead by so much only; less may be a store that took its time."""
    clock_noted_ms: int = 60_000
    """How old what a workspace notes of it may be, by which those who start find that it was set back meanwhile."""

    # Messages.
    message_life_s: int = _DAY_S
    """How long a message waits where its sender does not say."""
    longest_message_life_s: int = 7 * _DAY_S
    late_ms: int = 10_000
    """Beyond its time: a report that a message was handed over is under way for a round trip."""
    attempts: int = 5
    """Deliveries of one message before it is a dead letter."""
    queue_messages: int = 1_000
    """That may wait for one agent."""
    session_message_bytes: int = 128 * _MIB
    """Of one session; the oldest of those that are settled are forgotten first."""
    answer_bytes: int = 256 * 1024
    """Of an answer that is shown with its message; the log has all of it."""
    channels: int = 100
    """That one agent may be in."""
    outbox_commands: int = 10_000
    """That a machine may have not taken; what can wait then waits elsewhere."""
    outbox_bytes: int = 32 * _MIB

    # Approvals.
    approval_deadline_s: int = _DAY_S
    approval_kept_s: int = 30 * _DAY_S
    session_approval_bytes: int = 64 * _MIB
    """Of what was asked in one session; the oldest that are answered are forgotten first."""
    grants: int = 500
    """Answers "for as long as it lives" of one agent; beyond them an answer holds once."""

    # Plans.
    pauses: int = 200
    """Of what a budget or a limit has made wait: the latest are told, as long as counters are kept."""
    pauses_of_one: int = 50
    """The same of one session, and of one agent, however many others have."""
    budgets: int = 200
    """Of one workspace, beside what each run has spent of those that are for runs."""
    plan_warning_percent: int = 80
    """Of a limit: from there on a session is told, once a day, and again when it is reached."""
    least_limit_warned: int = 5
    """Of a smaller limit four fifths are no step of their own."""
    budget_look_ms: int = 60_000
    """While turns wait for what running ones have set aside of a budget, it is added up anew this often."""
    usage_kept_s: int = 40 * _DAY_S
    """Of a day's counters; the log store keeps what was used for longer."""
    log_announced_days: int = 30
    """After a change to a plan that keeps logs for a shorter time: what is there stays for as long, to be exported."""
    billing_grace_s: int = 14 * _DAY_S
    """After a payment has failed, until the workspace is read-only."""
    billing_read_only_s: int = 14 * _DAY_S
    """From then on, until it is on the plan Free."""
    billing_checked_s: int = _DAY_S
    """How old the copy of a subscription may get before Stripe is asked again, whatever webhooks tell."""

    # A session's log.
    tail_events: int = 100_000
    """Kept without a long history; older ones are told to readers as a reset, never hidden."""
    tail_bytes: int = 64 * _MIB
    shipped_tail_bytes: int = 8 * _MIB
    """Kept in Redis of what the long history has."""
    backlog_events: int = 1_000_000
    """That may wait for the long history; then nothing more is accepted into the session."""
    backlog_bytes: int = 256 * _MIB
    workspace_log_bytes: int = 2048 * _MIB
    """Of all logs of one workspace in Redis; then nothing more is accepted into any of its sessions."""
    crowded_tail_bytes: int = 2 * _MIB
    """Kept of each, once they take half of that; and nothing at all of what the long history has of a quiet one."""
    size_mark_bytes: int = 256 * 1024
    """How exactly a log's bytes are known: a mark is set each time so many were written."""

    # The audit trail.
    audit_records: int = 200_000
    """That are sealed and kept in one workspace, the oldest go first: about 100 MB."""

    # Hooks.
    hook_offline_s: int = 10 * _MINUTE_S
    """How long a command waits for its machine."""
    hook_margin_s: int = 30
    """Beyond a command's own time: its end has still to be reported."""
    hook_run_kept_s: int = 7 * _DAY_S
    """Longer than any event is looked at again."""
    hook_runs: int = 1_000
    """The latest of a workspace, that are listed."""

    # Commands of workflows.
    command_offline_s: int = 10 * _MINUTE_S
    """How long a command waits for its machine, where its step does not say."""
    command_margin_ms: int = 30_000
    """Beyond a command's own time: it is given time to end, and its end has still to be reported."""
    command_room: int = 32
    """Commands of workflows that a machine may have been given and has not begun; the others wait with their runs. It
    runs half as many at once: so none waits there for long, and they take little of its memory."""
    command_kept_s: int = 30 * _DAY_S
    """What is known of a command, from its last news on; its run keeps what it needs of it."""
    # Workflows.
    workflow_kept_s: int = 90 * _DAY_S
    """A run, its journal and its outputs, after its end."""
    workflow_open_s: int = 400 * _DAY_S
    """The same from the last thing that happened in it, while it has not ended: a person may take their time."""
    workflow_runs: int = 10_000
    """The latest of a workspace, that are listed."""
    workflow_open_runs: int = 2_000
    """Of a workspace, that have not ended."""
    workflow_output_bytes: int = 128 * 1024
    """Of one attempt's output that is kept with its run; the log has all of it."""
    workflow_outputs_bytes: int = 64 * _MIB
    """Of all outputs of one run; beyond that none is kept."""
    workflow_lease_ms: int = 4_000
    """A run whose worker was killed is another's after that; whoever looks at one for longer renews it."""
    workflow_handed_bytes: int = 16 * 1024
    """What a command has written at most for its end to be told to the worker of its run, which asks for more."""
    workflow_place_s: int = 10 * _MINUTE_S
    """How long a step waits for its machine, or for a place in the plan."""
    hook_held_files: int = 1_000
    """Of a run that was held back until things were quiet."""
    hook_hold_most: int = 10
    """Times its `debounce`, that a hook waits where things are never quiet."""
    dead_letter_kept_s: int = 30 * _DAY_S
    """What could not be delivered can be sent again for so long."""
    dead_letters: int = 1_000
    """Of a workspace."""
    endpoint_fails_ms: int = 5 * _DAY_S * 1000
    """After so long without one success nothing more is sent for a hook until people let it go on."""
    hook_deliveries: int = 2_000
    """Of a workspace that may wait; beyond them runs are skipped."""

    # Secrets.
    secret_overlap_s: int = _DAY_S
    """How long a secret's former value signs too, so that receivers can follow."""

    @property
    def ready_deadline_ms(self) -> int:
        """From the process' start until the broker gives it up, where its machine has not."""
        return (self.resume_delay_s + self.ready_within_s + self.ready_margin_s) * 1000

    @property
    def message_kept_s(self) -> int:
        """A day more than the longest time that a message may wait."""
        return self.longest_message_life_s + _DAY_S


TIMINGS = Timings()
"""The ones in force."""
