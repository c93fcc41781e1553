"""Log rows as they stand in an archive: every column but the workspace, which is the importer's."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkspaceId
from broker.domain.logs.rows import LogRow

ARCHIVE_VERSION = 1
MAX_ROWS = 500
"""Of one page of an export and one batch of an import."""
_ROW: TypeAdapter[LogRow] = TypeAdapter(LogRow)
_NAMES = [name for name in LogRow._fields if name != "workspace"]


def row_to_json(row: LogRow) -> dict[str, Any]:
    """The row's columns."""
    return {name: getattr(row, name) for name in _NAMES}


def row_from_json(value: dict[str, Any], workspace: WorkspaceId) -> LogRow:
    """The row in `workspace`. Raises `BadRequest` that names the column at fault."""
    columns = {name: value[name] for name in _NAMES if name in value}
    at_ms = value.get("at_ms")
    if not isinstance(at_ms, int) or not 0 <= at_ms < 2**42:
        raise BadRequest("at_ms: milliseconds since 1970")
    try:
        return _ROW.validate_python({**columns, "workspace": workspace})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadRequest(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
