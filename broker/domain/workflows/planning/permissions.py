"""What a file says agents may do: whether it is well formed, and names what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from broker.domain.agents.agents import FileLimits
from broker.domain.agents.vendors import ASK_WRITES, KEEP_READONLY
from broker.domain.workflows.files.definition import AgentEntry, StepEntry, WorkflowFile
from broker.domain.workflows.files.findings import Finding, Path, Severity, error, nearest, warning

_Permissions = str | dict[str, Any] | None

ACCESS = ("readonly", "readwrite", "restricted", "full")
_LISTS = ("scopes", "exec")
_INSTEAD = {
    "exec": "a rule of the workspace can deny commands",
    "network": "its program's own sandbox decides",
    "scopes": "it has those of its session",
}
"""What a file cannot limit, and what does."""
_LIMITS = set(_INSTEAD)
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
        path = ("agents", number)
        found = list(_check_one(agent.permissions, (*path, "permissions"), profiles))
        yield from found
        if not any(each.severity is Severity.ERROR for each in found):
            yield from _refuse_unkept(file, agent, agent.permissions, (*path, "permissions"))
        if agent.credentials:
            yield error("credentials come from the machine: a run hands none over", (*path, "credentials"), at_key=True)
    if file.swarm.credential_proxy:
        at: Path = ("swarm", "credentialProxy")
        yield error("credentials come from the machine: there is no proxy for them", at, at_key=True)
    for key in file.permissions or {}:
        if key != "profiles":
            yield error(f'"{key}" holds for no agent here: write it with the agent', ("permissions", key), at_key=True)


def check_step_permissions(file: WorkflowFile, step: StepEntry, path: Path) -> Iterator[Finding]:
    """What is to be said about the permissions of a step, which narrow those of its agent."""
    agent, at = file.agent(step.agent or ""), (*path, "permissions")
    if step.permissions is None or agent is None:
        if step.permissions is not None:
            yield error("only the step of an agent has permissions", at, at_key=True)
        return
    found = list(_check_one(step.permissions, at, profiles_of(file)))
    yield from found
    if not any(each.severity is Severity.ERROR for each in found):
        yield from _refuse_unkept(file, agent, step.permissions, at)


def _refuse_unkept(file: WorkflowFile, agent: AgentEntry, permissions: _Permissions, path: Path) -> Iterator[Finding]:
    """To start an agent without what it is to be kept to would be worse than not to."""
    access = access_of(file, permissions)
    written = permissions if isinstance(permissions, dict) else {}
    if access == "restricted":
        at = (*path, "access") if "access" in written else path
        yield error(f"nobody can keep {agent.name} to what is listed: access is readonly, readwrite or full", at)
    if access == "readonly" and agent.cli not in KEEP_READONLY:
        kept = ", ".join(sorted(KEEP_READONLY))
        yield error(f"{agent.cli} cannot be kept from changing files; {kept} can", path)
    yield from _refuse_unkept_files(file, agent, permissions, path)
    for key in sorted(_LIMITS & _keys_of(file, permissions)):
        at = (*path, key) if key in written else path
        yield error(f"nobody can keep {agent.name} to {key}: {_INSTEAD[key]}", at, at_key=at != path)


def _refuse_unkept_files(
    file: WorkflowFile, agent: AgentEntry, permissions: _Permissions, path: Path
) -> Iterator[Finding]:
    """What it may change can be kept to where each change is asked for; what it reads nobody is asked about."""
    for set_, at in _sets_of(file, permissions, path):
        files = set_.get("files")
        if not isinstance(files, dict):
            continue
        for key in ("read", "deny"):
            if files.get(key):
                said = "what it may read nobody is asked about; files.write can be kept to"
                instead = "a rule of the workspace can deny paths"
                yield error(f"nobody can keep {agent.name} to files.{key}: {said}, and {instead}", at)
        if "write" in files and agent.cli not in ASK_WRITES and access_of(file, permissions) != "readonly":
            asked = ", ".join(sorted(ASK_WRITES))
            yield error(f"{agent.cli} changes files without asking, and cannot be kept to files.write; {asked} can", at)


def _sets_of(
    file: WorkflowFile, permissions: _Permissions, path: Path = ()
) -> Iterator[tuple[Mapping[str, Any], Path]]:
    """What is written with an agent or a step, and the profile that it names; each with the place to show."""
    named = permissions if isinstance(permissions, str) else (permissions or {}).get("profile")
    profile = profiles_of(file).get(named) if isinstance(named, str) else None
    if isinstance(profile, dict):
        yield profile, path
    if isinstance(permissions, dict):
        yield permissions, (*path, "files") if "files" in permissions else path


def writes_of(file: WorkflowFile, agent: AgentEntry, step: StepEntry) -> FileLimits:
    """Which files it may change in the step: the lists of its own permissions, of their profile, and of the step's."""
    found = []
    for permissions in (agent.permissions, step.permissions):
        for set_, _ in _sets_of(file, permissions):
            files = set_.get("files")
            if isinstance(files, dict) and files.get("write") is not None:
                found.append(tuple(files["write"]))
    return tuple(found)


def _check_one(permissions: _Permissions, path: Path, profiles: Mapping[str, Any]) -> Iterator[Finding]:
    match permissions:
        case None:
            pass
        case str() as word if word not in (*ACCESS, *profiles):
            yield error(f'"{word}" is no access and no profile{nearest(word, [*ACCESS, *profiles])}', path)
        case dict() as set_:
            yield from _check_set(set_, path)
            profile = set_.get("profile")
            if profile is not None and profile not in profiles:
                yield error(f'there is no profile "{profile}"{nearest(str(profile), profiles)}', (*path, "profile"))


def access_of(file: WorkflowFile, permissions: _Permissions) -> str:
    """The access that is meant, one of `ACCESS`. The short form means what it says: `readonly` is read-only."""
    if isinstance(permissions, str) and permissions in ACCESS:
        return permissions
    profiles = profiles_of(file)
    named = permissions if isinstance(permissions, str) else (permissions or {}).get("profile")
    own = permissions.get("access") if isinstance(permissions, dict) else None
    profile = profiles.get(named) if isinstance(named, str) else None
    return str(own or (profile.get("access") if isinstance(profile, dict) else None) or "readwrite")


def keeps_readonly(file: WorkflowFile, agent: AgentEntry, step: StepEntry) -> bool:
    """Whether the agent may change nothing in the step: its own permissions say so, or the step's."""
    of_step = step.permissions is not None and access_of(file, step.permissions) == "readonly"
    return of_step or access_of(file, agent.permissions) == "readonly"


def _keys_of(file: WorkflowFile, permissions: _Permissions) -> set[str]:
    """All that an agent's permissions say something of, by their profile too."""
    return {key for set_, _ in _sets_of(file, permissions) for key in set_}


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
