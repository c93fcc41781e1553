"""A definition to a relay.yaml, as people write one: block style, long texts as literals, no defaults."""

from __future__ import annotations

from typing import Any

import yaml

from broker.domain.workflows.files.definition import WorkflowFile
from broker.protocol.yaml_document import read_scalar

_TOP = ("version", "name", "description", "vars", "swarm", "agents", "workflows")


def write_workflow_file(file: WorkflowFile) -> str:
    """The text of `file`; reading it gives the same definition."""
    value = file.model_dump(by_alias=True, exclude_unset=True, mode="json")
    ordered = {key: value[key] for key in (*_TOP, *value) if key in value}
    text: str = yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # the library has no types
    """Quotes whatever a reader of YAML 1.1 or of 1.2 would take for something else than a string."""


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text and _fits_literal(text) else None
    if style is None and read_scalar(text) != text:
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _fits_literal(text: str) -> bool:
    return text[:1] not in " \n" and not any(line != line.rstrip() for line in text.split("\n"))


_Dumper.add_representer(str, _represent_text)
