"""A small MCP client: calls tools of a streamable-HTTP server with a bearer. Standard library only, to start fast."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, urlsplit

_PROTOCOL_VERSION = "2025-06-18"
_TIMEOUT_S = 150
"""Spawning an agent is answered when it is ready, so a call may take as long as a vendor's CLI needs to start."""


class ToolFailed(Exception):
    """The server could not be reached, or the tool said no; the text says why."""


class McpClient:
    """One server. The handshake happens with the first call."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = urlsplit(url)
        self._headers = {
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            **headers,
        }
        self._next_id = 1
        self._greeted = False

    async def call(self, tool: str, arguments: Mapping[str, object]) -> str:
        """The tool's text."""
        if not self._greeted:
            await self._greet()
        result = await self._request("tools/call", {"name": tool, "arguments": dict(arguments)})
        text = "\n".join(part.get("text", "") for part in result.get("content", []) if part.get("type") == "text")
        if result.get("isError"):
            raise ToolFailed(text or f"{tool} failed")
        return text

    async def _greet(self) -> None:
        about = {"name": "relaycast-demo-agent", "version": "1"}
        hello = {"protocolVersion": _PROTOCOL_VERSION, "capabilities": {}, "clientInfo": about}
        found = await self._request("initialize", hello)
        self._headers["MCP-Protocol-Version"] = str(found.get("protocolVersion", _PROTOCOL_VERSION))
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self._greeted = True

    async def _request(self, method: str, params: Mapping[str, object]) -> dict[str, Any]:
        number, self._next_id = self._next_id, self._next_id + 1
        answer = await self._post({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        if "error" in answer:
            raise ToolFailed(str(answer["error"].get("message", answer["error"])))
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    async def _post(self, message: Mapping[str, object]) -> dict[str, Any]:
        return await asyncio.to_thread(self._exchange, json.dumps(message).encode())

    def _exchange(self, body: bytes) -> dict[str, Any]:
        connection = _connection(self._url)
        try:
            connection.request("POST", self._url.path or "/", body=body, headers=self._headers)
            response = connection.getresponse()
            content = response.read()
            if session := response.headers.get("Mcp-Session-Id"):
                self._headers["Mcp-Session-Id"] = session
            if response.status >= 400:
                raise ToolFailed(f"the MCP server answered {response.status}: {content[:200].decode(errors='replace')}")
            return _message(content, response.headers.get_content_type())
        except (OSError, HTTPException, ValueError) as error:
            raise ToolFailed(f"the MCP server at {self._url.netloc} could not be used: {error}") from error
        finally:
            connection.close()


def _connection(url: SplitResult) -> HTTPConnection:
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    return kind(url.netloc, timeout=_TIMEOUT_S)


def _message(content: bytes, content_type: str) -> dict[str, Any]:
    """The JSON-RPC answer in a response body; of an event stream, the last event that is an answer."""
    if not content.strip():
        return {}
    if content_type != "text/event-stream":
        found = json.loads(content)
        return found if isinstance(found, dict) else {}
    texts = [line[5:] for line in content.decode().splitlines() if line.startswith("data:") and line[5:].strip()]
    answers = [message for text in texts if "id" in (message := json.loads(text))]
    return answers[-1] if answers else {}
