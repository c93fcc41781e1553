"""Where steps of runs are called from outside: the address alone says which, and is all that whoever calls has."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.ids import WorkflowRunId, WorkspaceId
from broker.domain.timings import TIMINGS
from broker.gateway.serving.addresses import caller_address
from broker.gateway.serving.answers import Answer, guard, measure, read_bytes
from broker.services.container import Services
from broker.services.workflows.webhooks import WEBHOOKS, read_delivery

_PATH = f"{WEBHOOKS}/{{workspace}}/{{run}}/{{effect}}/{{token}}"


class WebhooksApi:
    """The endpoint. It looks at the address before it reads what was sent."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """The one."""
        return [Route(_PATH, measure(_PATH, guard(self.take)), methods=["POST"])]

    async def take(self, request: Request) -> Response:
        """Takes what a step waits for."""
        about = request.path_params
        workspace, run, effect = WorkspaceId(about["workspace"]), WorkflowRunId(about["run"]), about["effect"]
        address = caller_address(request)
        await self._s.webhooks.require_good(workspace, run, effect, token=about["token"], address=address)
        body = await read_bytes(request, most=TIMINGS.workflow_output_bytes)
        text = read_delivery(body, request.headers.get("content-type", ""))
        await self._s.webhooks.deliver(workspace, run, effect, text=text)
        return Answer({})
