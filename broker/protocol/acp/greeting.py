"""The first words with an agent of the Agent Client Protocol, version 1: whether it speaks it, and whom it knows.

`initialize`, and where that is wanted `session/new`: an agent whose user is not logged in refuses it with the
protocol's own code -32000 (authentication required). No model is asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from broker.protocol.acp.opening import AUTH_REQUIRED, Initialized
from broker.protocol.jsonrpc import Connection, Failure, PeerRequest, Result
from broker.protocol.ndjson import Document, LineReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeted:
    """What came of it."""

    version: str | None = None
    refusal: str | None = None
    """Why it does not speak with us."""
    logged_out: bool = False
    """It wants its user to log in first. False says nothing: some find that out with the first prompt only."""


class AcpGreeting:
    """Bytes of the agent in, bytes for the agent out; `result` is set when all is said."""

    def __init__(self, *, client_version: str, cwd: str | None = None) -> None:
        """With `cwd` a conversation is begun there."""
        self._client = {"name": "relay-connect", "title": "Relaycast", "version": client_version}
        self._cwd = cwd
        self._connection: Connection[None] = Connection(versioned=True)
        self._lines = LineReader()
        self._version: str | None = None
        self.greeted = False
        """Whether it has answered as an agent of this protocol does."""
        self.result: Greeted | None = None

    def start(self) -> bytes:
        """The first line for the agent."""
        capabilities = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
        hello = {"protocolVersion": 1, "clientCapabilities": capabilities, "clientInfo": self._client}
        return self._connection.request("initialize", hello) + b"\n"

    def receive(self, data: bytes) -> bytes:
        """Take what the agent writes; return what it is to be told."""
        return b"".join(self._take(line) for line in self._lines.feed(data) if isinstance(line, Document))

    def end(self) -> Greeted:
        """What is known when no more is to be heard of it."""
        return self.result or Greeted(version=self._version)

    def _take(self, line: Document) -> bytes:
        match self._connection.read(line.value):
            case PeerRequest() as request:
                return self._connection.refuse(request.id, "not supported") + b"\n"
            case Result() as result if result.call.method == "initialize":
                return self._on_initialized(result)
            case Failure() as failure if failure.call.method == "initialize":
                self.result = Greeted(refusal=failure.message)
            case Failure() as failure:
                self.result = Greeted(version=self._version, logged_out=failure.code == AUTH_REQUIRED)
            case Result():
                self.result = Greeted(version=self._version)
            case _:
                pass
        return b""

    def _on_initialized(self, result: Result[None]) -> bytes:
        try:
            agent = Initialized.model_validate(result.value)
        except ValidationError:
            self.result = Greeted(refusal="its answer to `initialize` is none of the protocol's")
            return b""
        if agent.protocol_version != 1:
            self.result = Greeted(refusal=f"it speaks protocol version {agent.protocol_version}, not 1")
            return b""
        self.greeted = True
        self._version = agent.agent_info.version if agent.agent_info else None
        if self._cwd is None:
            self.result = Greeted(version=self._version)
            return b""
        return self._connection.request("session/new", {"cwd": self._cwd, "mcpServers": []}) + b"\n"
