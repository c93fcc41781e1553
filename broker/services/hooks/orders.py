"""What is ordered when a hook is set off, and the words of the messages that hooks send. Without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from broker.domain.agents.agents import Agent
from broker.domain.hooks.definitions import CommandAction, Delivered, Hook, RelayAction, kind_of
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.matching import Matched
from broker.domain.hooks.runs import HookRunId, RunState
from broker.domain.hooks.templates import fill_text
from broker.domain.ids import ApprovalId, LinkId
from broker.domain.timings import TIMINGS
from broker.protocol.proxy import RunHook, write
from broker.services.hooks.outgoing import show_target, write_delivery
from broker.services.hooks.scene import Scene, values_of, what_happened
from broker.services.ports import HookOrder

_SHOWN_FILES = 20
_SHOWN_TEXT = 2000
_TOO_OLD = "relay-connect on the agent's machine is too old to run hooks: update it there"


def order(
    scene: Scene,
    matched: Matched,
    happening: Happening,
    *,
    run: HookRunId,
    causes: tuple[str, ...],
    loop: str,
    times: int = 1,
    test_by: str = "",
    decides: ApprovalId | None = None,
) -> HookOrder:
    """The order of a run. `causes`: the hooks that led here; `loop`: why it goes no further, '' when it does; `times`:
    how often it was set off until things were quiet; `decides`: the request that it is to answer."""
    hook, action = matched.hook, matched.hook.action
    command, delivery, why, patience_s = "", b"", loop, float(TIMINGS.hook_offline_s)
    if isinstance(action, CommandAction) and scene.agent:
        command = write(_command(scene, scene.agent, matched, action, happening, run=run))
        patience_s += action.timeout_s + TIMINGS.hook_margin_s
        why = why or ("" if scene.proxy and scene.proxy.runs_hooks else _TOO_OLD)
    about: dict[str, Any] = {"event": happening.event, "files": list(matched.files[:_SHOWN_FILES])}
    if decides:
        about |= {"decides": decides, "on_error": hook.without_answer}
    if test_by:
        about["test_by"] = test_by
    if times > 1:
        about["times"] = times
    if isinstance(action, Delivered):
        delivery = write_delivery(scene, hook, action, happening, run=run, files=matched.files)
        about["to"] = show_target(action)
    return HookOrder(
        run=run,
        hook=hook.id,
        session=scene.session.id,
        agent=happening.agent,
        name=scene.agent_name,
        data=run_data(run, hook, RunState.ORDERED, **about),
        patience_s=patience_s,
        max_per_minute=hook.max_per_minute,
        causes=(*causes, hook.id),
        link=LinkId(scene.agent.proxy) if command and scene.agent else None,
        command=command,
        delivery=delivery,
        about=run_data(run, hook, None, **about) if delivery else b"",
        decides=decides,
        skipped=run_data(run, hook, RunState.SKIPPED, reason=why, **about) if why else b"",
    )


def run_data(run: HookRunId, hook: Hook, state: RunState | None, **more: Any) -> bytes:
    """What the log has of a run's step, as JSON; without a state, what all its steps have."""
    come_to = {"state": state} if state else {}
    return orjson.dumps({"run": run, "hook": hook.id, **come_to, "does": kind_of(hook.action), **more})


def render_relay_text(scene: Scene, hook: Hook, action: RelayAction, happening: Happening, files: Sequence[str]) -> str:
    """What a message of a hook says: its own text, else what happened, in a few lines."""
    values = values_of(scene, happening, files)
    if action.text is not None:
        return fill_text(action.text, values)
    said = values.get("last_message") or values.get("question") or values.get("text") or values.get("command") or ""
    about = values.get("step") or values.get("run") or ""
    lines = [f"{scene.agent.name} ({scene.agent.cli}): {hook.event}" if scene.agent else f"{hook.event}: {about}"]
    lines += [values["reason"]] if values.get("reason") else []
    lines += [said[:_SHOWN_TEXT]] if said else []
    if files:
        more = f", and {len(files) - _SHOWN_FILES} more" if len(files) > _SHOWN_FILES else ""
        lines.append(f"files: {', '.join(files[:_SHOWN_FILES])}{more}")
    return "\n".join([*lines, values["url"]])


def _command(
    scene: Scene, agent: Agent, matched: Matched, action: CommandAction, happening: Happening, *, run: HookRunId
) -> RunHook:
    values = values_of(scene, happening, matched.files)
    return RunHook(
        agent=agent.id,
        generation=agent.generation,
        run=run,
        hook=matched.hook.id,
        command=action.command if isinstance(action.command, str) else list(action.command),
        cwd=action.cwd,
        env=list(action.env),
        timeout_s=action.timeout_s,
        values=values,
        files=list(matched.files),
        event=what_happened(scene, happening, run=run, files=matched.files),
        answers=matched.hook.event if matched.hook.answers else None,
    )
