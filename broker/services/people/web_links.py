"""Addresses of the dashboard.

A secret stands behind the #: it stays in the browser, no server and no log on the way sees it.
"""

from __future__ import annotations

from broker.domain.agents.sessions import Session
from broker.domain.ids import WorkflowRunId
from broker.domain.needs.needs import NeedKind
from broker.domain.needs.run_needs import RunNeed
from broker.services.people.sign_in import OneTimeCode


def session_url(public_url: str, session: Session) -> str:
    """Where people see a session."""
    return f"{public_url}/session/{session.id}"


def run_url(public_url: str, run: WorkflowRunId) -> str:
    """Where people see a run of a workflow, and answer what it asks."""
    return f"{public_url}/workflows/{run}"


def need_url(public_url: str, need: RunNeed) -> str:
    """Where people give what a run waits for: what an agent asks stands in its session."""
    if need.kind in {NeedKind.APPROVAL, NeedKind.QUESTION}:
        return f"{public_url}/session/{need.session}"
    return run_url(public_url, need.run)


def share_url(public_url: str, session: Session, token: str) -> str:
    """Shows a session to whoever has the link, as long as its token lives."""
    return f"{session_url(public_url, session)}#share={token}"


def invitation_url(public_url: str, secret: str) -> str:
    """Where somebody who was invited sees to what, and accepts."""
    return f"{public_url}/sign-in#{secret}"


def sign_in_url(public_url: str, code: OneTimeCode) -> str:
    """Where a browser goes to sign in."""
    return f"{public_url}/sign-in#{code.code}"
