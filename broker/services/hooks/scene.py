"""Whom something happened to, and what is known of it: what commands read, texts say and webhooks carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.matching import About
from broker.domain.ids import WorkspaceId
from broker.domain.machines.placement import Proxy
from broker.services.people.web_links import session_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Whom something happened to, and where."""

    workspace: WorkspaceId
    session: Session
    agent: Agent | None
    """None: it happened to a workflow's run."""
    proxy: Proxy | None
    """The agent's machine; None once it was forgotten."""
    public_url: str

    @property
    def about(self) -> About:
        """What selectors look at."""
        labels = frozenset({self.proxy.name, *self.proxy.labels}) if self.proxy else frozenset[str]()
        return About(kind=self.agent.cli if self.agent else "", session=self.session.name, labels=labels)

    @property
    def cwd(self) -> str | None:
        """Where the agent works."""
        return self.agent.cwd if self.agent else None

    @property
    def agent_name(self) -> str:
        """'' for a workflow's run."""
        return self.agent.name if self.agent else ""


def what_happened(scene: Scene, happening: Happening, *, run: str, files: Sequence[str]) -> dict[str, Any]:
    """The event of a run, as commands read it and webhooks have it in `data`."""
    agent = scene.agent
    return {
        "id": run,
        "type": happening.event,
        "at_ms": happening.at_ms,
        "agent": {"id": agent.id, "name": agent.name, "kind": agent.cli} if agent else None,
        "session": {"id": scene.session.id, "name": scene.session.name},
        "cwd": scene.cwd,
        "turn": happening.turn,
        "url": session_url(scene.public_url, scene.session),
        "data": {**happening.values, "files": list(files), "exit_code": happening.exit_code},
    }


def values_of(scene: Scene, happening: Happening, files: Sequence[str]) -> dict[str, str]:
    """What variables stand for."""
    return {
        **happening.values,
        "event": happening.event,
        "agent": scene.agent_name,
        "kind": scene.about.kind,
        "session": scene.session.name,
        "workspace": scene.workspace,
        "cwd": scene.cwd or "",
        "url": session_url(scene.public_url, scene.session),
        "files": " ".join(files),
        "file": files[0] if files else "",
    }
