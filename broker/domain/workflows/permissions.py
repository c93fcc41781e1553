"""What a file says agents may do: whether it is well formed, and names what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from broker.domain.workflows.definition import WorkflowFile
from broker.domain.workflows.findings import Finding, Path, error, nearest, warning

ACCESS = ("readonly", "readwrite", "restricted", "full")
_LISTS = ("scopes", "exec")
_FILES = ("read", "write", "deny")
_KEYS = ("profile", "access", "inherit", "files", "scopes", "network", "exec", "why", "description")


def profiles_of(file: WorkflowFile) -> Mapping[str, Any]:
    """The file's named sets; the public files write them in one of two places."""
    written = (file.permissions or {}).get("profiles", {})
    return {**(written if isinstance(written, dict) else {}), **(file.permission_profiles or {})}


def check_permissions(file: WorkflowFile) -> Iterator[Finding]:
    """All that is to be said about profiles and agents' permissions."""
    profiles = profiles_of(file)
    for name, each in (file.permission_profiles or {}).items():
        path: Path = ("permission_profiles", name)
        yield from _check_set(each, path)
        if isinstance(each, dict) and "profile" in each:
            yield error("a profile cannot refer to a profile", (*path, "profile"))
    for number, agent in enumerate(file.agents):
        path = ("agents", number, "permissions")
        match agent.permissions:
            case None:
                pass
            case str() as word if word not in (*ACCESS, *profiles):
                yield error(f'"{word}" is no access and no profile{nearest(word, [*ACCESS, *profiles])}', path)
            case dict() as set_:
                yield from _check_set(set_, path)
                profile = set_.get("profile")
                if profile is not None and profile not in profiles:
                    yield error(f'there is no profile "{profile}"{nearest(str(profile), profiles)}', (*path, "profile"))


def access_of(file: WorkflowFile, permissions: str | dict[str, Any] | None) -> str:
    """The access that is meant, one of `ACCESS`. The short form means what it says: `readonly` is read-only."""
    if isinstance(permissions, str) and permissions in ACCESS:
        return permissions
    profiles = profiles_of(file)
    named = permissions if isinstance(permissions, str) else (permissions or {}).get("profile")
    own = permissions.get("access") if isinstance(permissions, dict) else None
    profile = profiles.get(named) if isinstance(named, str) else None
    return str(own or (profile.get("access") if isinstance(profile, dict) else None) or "readwrite")


def _check_set(found: object, path: Path) -> Iterator[Finding]:
    if not isinstance(found, dict):
        yield error("permissions are a word or a mapping", path)
        return
    for key in found:
        if key not in _KEYS:
            yield warning(f'unknown key "{key}", ignored{nearest(str(key), _KEYS)}', (*path, key), at_key=True)
    access = found.get("access")
    if access is not None and access not in ACCESS:
        yield error(f"access is one of {', '.join(ACCESS)}{nearest(str(access), ACCESS)}", (*path, "access"))
    for key in _LISTS:
        yield from _check_list(found.get(key), (*path, key))
    files = found.get("files")
    if files is not None and not isinstance(files, dict):
        yield error("files has read, write and deny", (*path, "files"))
    elif files:
        for key in _FILES:
            yield from _check_list(files.get(key), (*path, "files", key), globs=True)
        if access == "readonly" and files.get("write"):
            yield warning("nothing can be written where access is readonly", (*path, "files", "write"))
    if not isinstance(found.get("network"), bool | dict | None):
        yield error("network is true, false, or a mapping of allow and deny", (*path, "network"))


def _check_list(found: object, path: Path, *, globs: bool = False) -> Iterator[Finding]:
    if found is None:
        return
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        yield error("this is a list of strings", path)
        return
    for number, each in enumerate(found):
        if globs and not _is_glob(each):
            yield error(f"{each!r} is no pattern for paths", (*path, number))


def _is_glob(text: str) -> bool:
    closed = text.count("[") <= text.count("]") and text.count("{") <= text.count("}")
    return bool(text) and "\0" not in text and not text.endswith("\\") and closed
