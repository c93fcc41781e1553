"""What an agent means by a folder."""

from __future__ import annotations

import pytest

from broker.domain.agents.agents import Agent, AgentState, folder_from
from broker.domain.ids import AgentId, ProxyId, SessionId


def an_agent(cwd: str | None) -> Agent:
    return Agent(
        id=AgentId("a"),
        session_id=SessionId("s"),
        name="A",
        cli="demo",
        state=AgentState.IDLE,
        proxy=ProxyId("p"),
        machine="box",
        generation=1,
        cwd=cwd,
    )


@pytest.mark.parametrize(
    ("own", "asked", "meant"),
    [
        ("/src", None, "/src"),
        ("/src", "web", "/src/web"),
        ("/src", "../other", "/src/../other"),
        ("/src", "/srv", "/srv"),
        ("/src", "~/x", "~/x"),
        ("/", None, "/"),
        (None, None, None),
        (None, "web", "web"),
    ],
)
def test_an_agent_means_a_folder_from_its_own_on(own: str | None, asked: str | None, meant: str | None) -> None:
    assert folder_from(an_agent(own), asked) == meant
