"""How a conversation with an agent of the Agent Client Protocol is opened: what it can do, and its models.

`initialize`, `session/new` and `session/load` of protocol version 1. A model is chosen by `session/set_config_option`
(agentclientprotocol.com/protocol/session-config-options) or, as agents said it before that, `session/set_model`.
"""

from __future__ import annotations

from typing import Any

from broker.protocol.wire import CamelWire

AUTH_REQUIRED = -32000
"""The protocol's code for an agent whose user has to log in first."""
SET_MODEL = "session/set_model"
SET_CONFIG_OPTION = "session/set_config_option"


class McpCapabilities(CamelWire):
    """Which MCP transports the agent speaks beside stdio."""

    http: bool = False


class AgentCapabilities(CamelWire):
    """What the agent can do."""

    load_session: bool = False
    mcp_capabilities: McpCapabilities = McpCapabilities()


class AgentInfo(CamelWire):
    """Who the agent is."""

    version: str | None = None


class Initialized(CamelWire):
    """The answer to `initialize`."""

    protocol_version: int
    agent_capabilities: AgentCapabilities = AgentCapabilities()
    agent_info: AgentInfo | None = None


class Models(CamelWire):
    """Which models there are, as agents said it before configuration options."""

    available_models: Any = None
    current_model_id: str | None = None


class ConfigOption(CamelWire):
    """Something that can be chosen for a session."""

    id: str
    category: str | None = None
    current_value: str | bool | None = None
    options: Any = None


class SessionOpened(CamelWire):
    """The answer to `session/new` and `session/load`; the latter repeats no id."""

    session_id: str | None = None
    models: Models | None = None
    config_options: tuple[ConfigOption, ...] | None = None

    @property
    def model_option(self) -> ConfigOption | None:
        """The option that chooses the model."""
        return next((each for each in self.config_options or () if "model" in {each.category, each.id}), None)

    @property
    def model(self) -> str | None:
        """The one it works with."""
        if self.models is not None:
            return self.models.current_model_id
        value = self.model_option.current_value if self.model_option is not None else None
        return value if isinstance(value, str) else None

    @property
    def offered_models(self) -> list[str]:
        """Those it lets be chosen, as far as they can be read; it may know others."""
        if self.models is not None:
            return _words(self.models.available_models, "modelId")
        choices = self.model_option.options if self.model_option is not None else None
        groups = [each.get("options") for each in _objects(choices)]
        return [*_words(choices, "value"), *(word for group in groups for word in _words(group, "value"))]

    def model_meant(self, wanted: str) -> str:
        """`wanted`, or the only one of those offered that is called so by its provider: `anthropic/wanted`."""
        ends = [offered for offered in self.offered_models if offered.rpartition("/")[2] == wanted]
        return ends[0] if len(ends) == 1 and wanted not in self.offered_models else wanted

    def choose_model(self, wanted: str) -> tuple[str, dict[str, str]] | None:
        """The request that chooses a model, without the session's id; None when the agent has none."""
        if self.models is not None:
            return SET_MODEL, {"modelId": wanted}
        if self.model_option is not None:
            return SET_CONFIG_OPTION, {"configId": self.model_option.id, "value": wanted}
        return None


def _words(listed: object, member: str) -> list[str]:
    return [each[member] for each in _objects(listed) if isinstance(each.get(member), str)]


def _objects(listed: object) -> list[dict[str, Any]]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
