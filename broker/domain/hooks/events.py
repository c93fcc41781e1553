"""What a hook can wait for: one name for each thing that happens, the same for every vendor."""

from __future__ import annotations

from enum import StrEnum


class HookEvent(StrEnum):
    """The keys of a hooks file."""

    TURN_START = "on_turn_start"
    TURN_COMPLETE = "on_turn_complete"
    TURN_FAILED = "on_turn_failed"
    """Failed or interrupted."""
    COMMAND = "on_command"
    COMMAND_FAILED = "on_command_failed"
    FILE_CHANGE = "on_file_change"
    APPROVAL_NEEDED = "on_approval_needed"
    APPROVAL_RESOLVED = "on_approval_resolved"
    INPUT_NEEDED = "on_input_needed"
    MESSAGE = "on_message"
    """One was accepted for the agent."""
    UNDELIVERED = "on_undelivered"
    AGENT_SPAWNED = "on_agent_spawned"
    AGENT_RELEASED = "on_agent_released"
    AGENT_CRASHED = "on_agent_crashed"
    AGENT_IDLE = "on_agent_idle"
    AGENT_DEAF = "on_agent_deaf"
    LIMIT = "on_limit"
    """A turn has ended because of the vendor's limit."""
    BUDGET = "on_budget"
    """One that pays for the agent is nearly spent, or spent."""
    RUN_STARTED = "on_run_started"
    RUN_COMPLETED = "on_run_completed"
    RUN_FAILED = "on_run_failed"
    """Failed or cancelled."""
    RUN_NEEDS_HUMAN = "on_run_needs_human"
    STEP_STARTED = "on_step_started"
    STEP_COMPLETED = "on_step_completed"
    STEP_FAILED = "on_step_failed"
    STEP_NEEDS_HUMAN = "on_step_needs_human"
    BEFORE_TOOL = "before_tool"
    BEFORE_TURN = "before_turn"
    BEFORE_STOP = "before_stop"


BLOCKING = frozenset({HookEvent.BEFORE_TOOL, HookEvent.BEFORE_TURN, HookEvent.BEFORE_STOP})
"""Those whose hooks answer before the agent goes on."""
OF_RUNS = frozenset(
    {
        *(HookEvent.RUN_STARTED, HookEvent.RUN_COMPLETED, HookEvent.RUN_FAILED, HookEvent.RUN_NEEDS_HUMAN),
        *(HookEvent.STEP_STARTED, HookEvent.STEP_COMPLETED, HookEvent.STEP_FAILED, HookEvent.STEP_NEEDS_HUMAN),
    }
)
"""Those of workflows' runs: they happen to no agent, and on no machine."""

ALIASES = {
    # Codex: the messages of its app-server, the events of its own hooks as that names them, and of `notify`.
    "turn/started": HookEvent.TURN_START,
    "turn/completed": HookEvent.TURN_COMPLETE,
    "agent-turn-complete": HookEvent.TURN_COMPLETE,
    "item/commandExecution/requestApproval": HookEvent.APPROVAL_NEEDED,
    "item/fileChange/requestApproval": HookEvent.APPROVAL_NEEDED,
    "item/tool/requestUserInput": HookEvent.INPUT_NEEDED,
    "serverRequest/resolved": HookEvent.APPROVAL_RESOLVED,
    "account/rateLimits/updated": HookEvent.LIMIT,
    "userPromptSubmit": HookEvent.BEFORE_TURN,
    "preToolUse": HookEvent.BEFORE_TOOL,
    "permissionRequest": HookEvent.APPROVAL_NEEDED,
    "stop": HookEvent.TURN_COMPLETE,
    "interrupt": HookEvent.TURN_FAILED,
    "sessionStart": HookEvent.AGENT_SPAWNED,
    "sessionEnd": HookEvent.AGENT_RELEASED,
    # Claude Code: the messages of stream-json, and the events of its settings file.
    "can_use_tool": HookEvent.APPROVAL_NEEDED,
    "rate_limit_event": HookEvent.LIMIT,
    "UserPromptSubmit": HookEvent.BEFORE_TURN,
    "PreToolUse": HookEvent.BEFORE_TOOL,
    "PermissionRequest": HookEvent.APPROVAL_NEEDED,
    "Stop": HookEvent.TURN_COMPLETE,
    "StopFailure": HookEvent.TURN_FAILED,
    "SessionStart": HookEvent.AGENT_SPAWNED,
    "SessionEnd": HookEvent.AGENT_RELEASED,
    "Elicitation": HookEvent.INPUT_NEEDED,
    "PostToolUseFailure": HookEvent.COMMAND_FAILED,
    # Gemini CLI: the events of its settings file, and the calls of ACP.
    "session/prompt": HookEvent.TURN_START,
    "session/request_permission": HookEvent.APPROVAL_NEEDED,
    "BeforeTool": HookEvent.BEFORE_TOOL,
    "BeforeAgent": HookEvent.BEFORE_TURN,
    "AfterAgent": HookEvent.TURN_COMPLETE,
    # What people write for ours.
    "on_turn_completed": HookEvent.TURN_COMPLETE,
    "on_turn_end": HookEvent.TURN_COMPLETE,
    "on_needs_input": HookEvent.INPUT_NEEDED,
    "on_file_changed": HookEvent.FILE_CHANGE,
}
"""Other names for the same; `PostToolUse` and `AfterTool` are none: they mean commands, edits and all other tools."""

_SPLIT = {
    "PostToolUse": "on_command for shell commands, on_file_change for edits",
    "AfterTool": "on_command for shell commands, on_file_change for edits",
    "postToolUse": "on_command for shell commands, on_file_change for edits",
    "item/completed": "on_command for commandExecution, on_file_change for fileChange",
    "Notification": "on_approval_needed or on_input_needed",
}


def hook_event(name: str) -> HookEvent | None:
    """The event of a key, by its own name or an alias; None where there is none."""
    try:
        return HookEvent(name)
    except ValueError:
        return ALIASES.get(name)


def unknown_event(name: str) -> str:
    """What to say of a key that is no event."""
    if name in _SPLIT:
        return f"{name!r} is several events here: write {_SPLIT[name]}"
    from difflib import get_close_matches  # noqa: PLC0415 - for a mistake

    near = get_close_matches(name, [*map(str, HookEvent), *ALIASES], n=1)
    return f"there is no event {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
