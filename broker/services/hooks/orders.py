"""What is ordered when a hook is set off, and the words of the messages that hooks send. Without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.hooks.definitions import CommandAction, Hook, RelayAction
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.matching import About, Matched
from broker.domain.hooks.runs import HookRunId, RunState
from broker.domain.hooks.templates import fill_text
from broker.domain.ids import LinkId, WorkspaceId
from broker.domain.machines.placement import Proxy
from broker.domain.timings import TIMINGS
from broker.protocol.proxy import RunHook, write
from broker.services.people.web_links import session_url
from broker.services.ports import HookOrder

_SHOWN_FILES = 20
_SHOWN_TEXT = 2000
_TOO_OLD = "relay-connect on the agent's machine is too old to run hooks: update it there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Whom something happened to, and where."""

    workspace: WorkspaceId
    session: Session
    agent: Agent
    proxy: Proxy | None
    """The agent's machine; None once it was forgotten."""
    public_url: str

    @property
    def about(self) -> About:
        """What selectors look at."""
        labels = frozenset({self.proxy.name, *self.proxy.labels}) if self.proxy else frozenset[str]()
        return About(kind=self.agent.cli, session=self.session.name, labels=labels)


def order(
    scene: Scene, matched: Matched, happening: Happening, *, run: HookRunId, causes: tuple[str, ...], loop: str
) -> HookOrder:
    """The order of a run. `causes`: the hooks that led here; `loop`: why it goes no further, '' when it does."""
    hook, action = matched.hook, matched.hook.action
    command, why, patience_s = "", loop, float(TIMINGS.hook_offline_s)
    if isinstance(action, CommandAction):
        command = write(_command(scene, matched, action, happening, run=run))
        patience_s += action.timeout_s + TIMINGS.hook_margin_s
        why = why or ("" if scene.proxy and scene.proxy.runs_hooks else _TOO_OLD)
    about: dict[str, Any] = {"event": happening.event, "files": list(matched.files[:_SHOWN_FILES])}
    return HookOrder(
        run=run,
        hook=hook.id,
        session=scene.session.id,
        agent=scene.agent.id,
        name=scene.agent.name,
        data=run_data(run, hook, RunState.ORDERED, **about),
        patience_s=patience_s,
        max_per_minute=hook.max_per_minute,
        causes=(*causes, hook.id),
        link=LinkId(scene.agent.proxy) if command else None,
        command=command,
        skipped=run_data(run, hook, RunState.SKIPPED, reason=why, **about) if why else b"",
    )


def run_data(run: HookRunId, hook: Hook, state: RunState, **more: Any) -> bytes:
    """What the log has of a run's step, as JSON."""
    does = "command" if isinstance(hook.action, CommandAction) else "relay"
    return orjson.dumps({"run": run, "hook": hook.id, "state": state, "does": does, **more})


def relayed_text(scene: Scene, hook: Hook, action: RelayAction, happening: Happening, files: Sequence[str]) -> str:
    """What a message of a hook says: its own text, else what happened, in a few lines."""
    values = _values(scene, happening, files)
    if action.text is not None:
        return fill_text(action.text, values)
    said = values.get("last_message") or values.get("question") or values.get("text") or values.get("command") or ""
    lines = [f"{scene.agent.name} ({scene.agent.cli}): {hook.event}"]
    lines += [values["reason"]] if values.get("reason") else []
    lines += [said[:_SHOWN_TEXT]] if said else []
    if files:
        more = f", and {len(files) - _SHOWN_FILES} more" if len(files) > _SHOWN_FILES else ""
        lines.append(f"files: {', '.join(files[:_SHOWN_FILES])}{more}")
    return "\n".join([*lines, values["url"]])


def _command(scene: Scene, matched: Matched, action: CommandAction, happening: Happening, *, run: HookRunId) -> RunHook:
    values = _values(scene, happening, matched.files)
    return RunHook(
        agent=scene.agent.id,
        generation=scene.agent.generation,
        run=run,
        hook=matched.hook.id,
        command=action.command if isinstance(action.command, str) else list(action.command),
        cwd=action.cwd,
        env=list(action.env),
        timeout_s=action.timeout_s,
        values=values,
        files=list(matched.files),
        event={
            "id": run,
            "type": happening.event,
            "at_ms": happening.at_ms,
            "agent": {"id": scene.agent.id, "name": scene.agent.name, "kind": scene.agent.cli},
            "session": {"id": scene.session.id, "name": scene.session.name},
            "cwd": scene.agent.cwd,
            "turn": happening.turn,
            "data": {**happening.values, "files": list(matched.files), "exit_code": happening.exit_code},
        },
    )


def _values(scene: Scene, happening: Happening, files: Sequence[str]) -> dict[str, str]:
    return {
        **happening.values,
        "event": happening.event,
        "agent": scene.agent.name,
        "kind": scene.agent.cli,
        "session": scene.session.name,
        "workspace": scene.workspace,
        "cwd": scene.agent.cwd or "",
        "url": session_url(scene.public_url, scene.session),
        "files": " ".join(files),
        "file": files[0] if files else "",
    }
