"""The JSON Schema of the format, for editors: `python -m broker.protocol.relay_yaml.schema > FILE` writes it anew.

It admits what the reader admits. Words of open sets are offered and not required, and unknown keys are allowed: what
they come to is said by `relaycast workflow check`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from broker.domain.workflows.files.definition import WorkflowFile

COMMITTED = Path(__file__).with_name("relay.schema.json")


def build_schema() -> dict[str, Any]:
    """The schema that the types have now."""
    schema = WorkflowFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "relay.yaml"}


def print_schema() -> str:
    """The schema as the committed file has it."""
    return json.dumps(build_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(print_schema())
