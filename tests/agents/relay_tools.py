"""A stand-in for the broker's MCP endpoint: one relay tool behind a bearer token."""

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from mcp.server import MCPServer
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.agents.loopback import LoopbackServer

TOKEN = "relay-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A call of `relay_send` that arrived."""

    to: str
    text: str


class RelayTools:
    """Serves `relay_send` at `url` and remembers its calls in `sent`."""

    def __init__(self) -> None:
        self.sent: list[SentMessage] = []
        tools = MCPServer("relay")
        tools.add_tool(self._send, name="relay_send", description="Send a message to another agent.")
        application = tools.streamable_http_app(streamable_http_path="/mcp")
        self._server = LoopbackServer(_behind_token(application), lifespan=True)

    @property
    def url(self) -> str:
        """The address of the MCP endpoint."""
        return f"{self._server.url}/mcp"

    async def __aenter__(self) -> Self:
        self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()

    def _send(self, to: str, text: str) -> str:
        self.sent.append(SentMessage(to=to, text=text))
        return f"sent to {to}"


def _behind_token(application: ASGIApp) -> ASGIApp:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] == "http" and headers.get(b"authorization") != f"Bearer {TOKEN}".encode():
            await JSONResponse({"error": "unauthorized"}, status_code=401)(scope, receive, send)
            return
        await application(scope, receive, send)

    return guarded
