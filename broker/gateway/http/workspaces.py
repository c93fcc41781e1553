"""The HTTP API for workspaces: what people do with their own, and what who runs the installation does with all."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkspaceId
from broker.domain.operations.administrators import ADMINISTRATOR_PREFIX, WorkspaceReport
from broker.domain.people.access import Principal
from broker.domain.people.workspaces import Workspace
from broker.domain.plans.plans import Plan
from broker.gateway.serving.addresses import caller_address
from broker.gateway.serving.answers import Answer, Body, bearer, guard, integer, measure, read_body
from broker.gateway.serving.credentials import credential, require_own_origin
from broker.services.container import Services
from broker.services.operations.administration import MAX_PAGE
from broker.services.people.web_links import sign_in_url
from broker.services.people.workspaces import NewWorkspace

_MAX_BYTES = 4096
"""Read before anybody knows who asks."""
_Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _New(Body):
    name: _Short
    slug: _Short | None = None
    owner: _Short | None = None
    plan: Plan | None = Field(None, description="For who runs the installation.")


class _Change(Body):
    name: _Short | None = None
    slug: _Short | None = None


class _ChangeByAdministrator(_Change):
    plan: Plan | None = None


class _Delete(Body):
    at_once: bool = False


class WorkspacesApi:
    """The endpoints for people. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("POST", "/v1/workspaces", self.create),
            ("GET", "/v1/workspaces", self.mine),
            ("GET", "/v1/workspace", self.get),
            ("PATCH", "/v1/workspace", self.rename),
            ("DELETE", "/v1/workspace", self.delete),
            ("POST", "/v1/workspace/archive", self.archive),
            ("POST", "/v1/workspace/restore", self.restore),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request, *, away: bool = False) -> Principal:
        return await self._s.access.authenticate(credential(request), away=away)

    async def create(self, request: Request) -> Response:
        """Make one: by who runs the installation, or as the operator lets people. Answers its first key, this once."""
        require_own_origin(request, may_be_absent=True)
        token = bearer(request)
        if token is not None and token.startswith(ADMINISTRATOR_PREFIX):
            await self._s.administration.authenticate(token)
            body = await read_body(request, _New)
            plan = body.plan or Plan.TEAM
            made = await self._s.administration.create(name=body.name, slug=body.slug, plan=plan, owner=body.owner)
            return Answer(self._show_new(made), 201)
        shown = credential(request)
        principal = await self._s.access.authenticate(shown) if shown.token else None
        self._s.workspaces.require_sign_up(principal)
        body = await read_body(request, _New, most=_MAX_BYTES)
        if body.plan is not None:
            raise BadRequest("plan: who runs the installation chooses it")
        made = await self._s.workspaces.sign_up(
            principal, name=body.name, slug=body.slug, owner=body.owner, address=caller_address(request)
        )
        return Answer(self._show_new(made), 201)

    async def mine(self, request: Request) -> Response:
        """Those the caller is in."""
        found = await self._s.workspaces.mine(credential(request))
        return Answer({"workspaces": [show_workspace(each) for each in found]})

    async def get(self, request: Request) -> Response:
        """The caller's."""
        return Answer(show_workspace(await self._s.access.workspace(await self._caller(request))))

    async def rename(self, request: Request) -> Response:
        """Give it another name, or another address; the one before goes on leading to it."""
        principal = await self._caller(request)
        body = await read_body(request, _Change)
        return Answer(show_workspace(await self._s.workspaces.rename(principal, name=body.name, slug=body.slug)))

    async def archive(self, request: Request) -> Response:
        """Put it away."""
        return Answer(show_workspace(await self._s.workspaces.archive(await self._caller(request))))

    async def restore(self, request: Request) -> Response:
        """Bring it back; the one request that is good in a workspace that was put away."""
        principal = await self._caller(request, away=True)
        return Answer(show_workspace(await self._s.workspaces.restore(principal)))

    async def delete(self, request: Request) -> Response:
        """Delete it, restorable for a while."""
        return Answer(show_workspace(await self._s.workspaces.delete(await self._caller(request))))

    def _show_new(self, made: NewWorkspace) -> dict[str, object]:
        link = {} if made.code is None else {"sign_in_url": sign_in_url(self._s.public_url, made.code)}
        return {**show_workspace(made.workspace), "key": made.key, **link}


class AdministrationApi:
    """The endpoints for who runs the installation, with its key: no other token is good here, nor it elsewhere."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        one = "/v1/admin/workspaces/{workspace}"
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/admin/workspaces", self.list),
            ("GET", one, self.get),
            ("PATCH", one, self.change),
            ("DELETE", one, self.delete),
            ("POST", f"{one}/archive", self.archive),
            ("POST", f"{one}/restore", self.restore),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _which(self, request: Request) -> str:
        """What the path says, once the caller is known."""
        await self._s.administration.authenticate(bearer(request))
        return str(request.path_params["workspace"])

    async def list(self, request: Request) -> Response:
        """Some of the workspaces, with their sizes and what is wrong."""
        await self._s.administration.authenticate(bearer(request))
        after = request.query_params.get("after")
        limit = integer(request, "limit", default=MAX_PAGE, most=MAX_PAGE)
        page = await self._s.administration.list(after=WorkspaceId(after) if after else None, limit=limit)
        return Answer({"workspaces": [_show_report(each) for each in page.reports], "next": page.next})

    async def get(self, request: Request) -> Response:
        """One, by slug or id."""
        return Answer(_show_report(await self._s.administration.get(await self._which(request))))

    async def change(self, request: Request) -> Response:
        """Another name, address or plan."""
        which = await self._which(request)
        body = await read_body(request, _ChangeByAdministrator)
        report = await self._s.administration.rename(which, name=body.name, slug=body.slug)
        if body.plan is not None:
            report = await self._s.administration.set_plan(report.workspace.id, body.plan)
        return Answer(_show_report(report))

    async def archive(self, request: Request) -> Response:
        """Put one away."""
        return Answer(_show_report(await self._s.administration.archive(await self._which(request))))

    async def restore(self, request: Request) -> Response:
        """Bring one back."""
        return Answer(_show_report(await self._s.administration.restore(await self._which(request))))

    async def delete(self, request: Request) -> Response:
        """Delete one, restorable for a while."""
        which = await self._which(request)
        body = await read_body(request, _Delete)
        return Answer(_show_report(await self._s.administration.delete(which, at_once=body.at_once)))


def show_workspace(workspace: Workspace) -> dict[str, object]:
    """One, as everybody in it sees it."""
    return {
        "id": workspace.id,
        "slug": workspace.slug,
        "name": workspace.name,
        "plan": workspace.plan,
        "state": workspace.state,
        "created_at_ms": workspace.created_at_ms or None,
        "ends_at_ms": workspace.ends_at_ms,
    }


def _show_report(report: WorkspaceReport) -> dict[str, object]:
    sizes = asdict(report.sizes)
    return {
        **show_workspace(report.workspace),
        "sizes": {**sizes.pop("counts"), **sizes},
        "problems": list(report.problems),
    }
