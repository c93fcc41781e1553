"""What a change of the schema takes away from its clients without having been deprecated first.

`python -m graphql_api.compatibility REF` compares the committed schema with that of a git commit or tag.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

from graphql import BreakingChange, GraphQLSchema, build_schema
from graphql.utilities import find_schema_changes

from graphql_api.schema import COMMITTED

_REMOVED = re.compile(r"^(?:Field|Enum value|Argument|Input field) (\w+)\.(\w+)(?:\((\w+):?\))? was removed\.$")


def broken(before: str, after: str) -> list[str]:
    """Changes that break clients of `before`; what was deprecated there may go."""
    old, new = build_schema(before), build_schema(after)
    changes = [each for each in find_schema_changes(old, new) if isinstance(each, BreakingChange)]
    return [each.description for each in changes if not _was_deprecated(old, each.description)]


def _was_deprecated(schema: GraphQLSchema, change: str) -> bool:
    found = _REMOVED.match(change)
    if found is None:
        return False
    kind: dict[str, Any] = {**schema.type_map[found[1]].to_kwargs()}
    member = (kind.get("fields") or kind.get("values") or {})[found[2]]
    gone = member.args[found[3]] if found[3] else member
    return gone.deprecation_reason is not None


def find_commit(reference: str) -> str | None:
    """The schema of a git commit or tag; None where there is none, as in an export without history."""
    told = subprocess.run(  # noqa: S603 - no shell, and whoever calls names the revision
        ["git", "show", f"{reference}:./{COMMITTED.name}"],  # noqa: S607 - the developer's own git
        cwd=COMMITTED.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return told.stdout if told.returncode == 0 else None


def main(reference: str) -> int:
    """Print what is broken since then; 1 when something is."""
    before = find_commit(reference)
    found = broken(before, COMMITTED.read_text()) if before else []
    for change in found:
        sys.stdout.write(f"{change}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "HEAD"))
