"""Makes the smallest JSON value that fits a schema: the answer to questions an agent asks for its own ends."""

from typing import Any

from tests.agents.script import JsonObject


def smallest_instance(schema: JsonObject) -> Any:
    """Return a value of the schema's shape; of a closed set of values, the first."""
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match str(_type_name(schema)).lower():
        case "object":
            return {name: smallest_instance(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return []
        case "boolean":
            return False
        case "number" | "integer":
            return schema.get("minimum", 1)
        case _:
            return "scripted"


def _type_name(schema: JsonObject) -> str:
    declared = schema.get("type", "object" if "properties" in schema else "string")
    return str(declared[0] if isinstance(declared, list) else declared)
