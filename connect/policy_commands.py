"""`relay-connect policy`: a person, at a terminal of the machine, says what agents may do on it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from pydantic import ValidationError

from broker.domain.errors import BadRequest
from connect.control.client import confirm_policy
from connect.policy.folders import real_folder, real_or_none
from connect.policy.lineage import require_person
from connect.policy.owners_file import NO_FILE
from connect.policy.policy import ROOT, Policy, describe
from connect.policy.policy_file import DEFAULTS, Content, PolicyFile, Written, to_toml
from connect.policy.repository import find_loaded_by_agents
from connect.settings import Options, config_folder, resolve_state_dir
from connect.system.process_records import ProcessRecords

_FOLDERS = frozenset({"folders", "remembered"})
_LISTS = frozenset({"programs", "ask"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    file: PolicyFile
    state: Path

    @property
    def confirmed(self) -> bool:
        """Whether what is on disk is what a person has confirmed last."""
        known = self.file.read_confirmed()
        return self.file.content().hash == (NO_FILE if known is None else known)

    def put(self, content: Content) -> None:
        """Let the running link know what a person wants, and put it in place. Raises `NotPermitted`, `Unavailable`."""
        asyncio.run(confirm_policy(self.state, content.hash))
        self.file.put(content)


@click.group("policy", invoke_without_command=True)
@click.pass_context
def policy(context: click.Context, /) -> None:
    """Show or change what agents may do on this machine.

    The policy holds whatever a broker says. It can be changed at a terminal of this machine only, and not by agents.
    """
    if context.invoked_subcommand is None:
        context.invoke(show)


@policy.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def show(options: Options, /, *, as_json: bool = False) -> None:
    """Show every value and where it comes from."""
    machine = _machine(options)
    settings = describe(machine.file.read().policy, started_in=real_or_none(Path.cwd()), file=machine.file.path)
    if as_json:
        told = {each.name: {"value": each.value, "source": each.source} for each in settings}
        click.echo(orjson.dumps({"file": str(machine.file.path), "confirmed": machine.confirmed, "policy": told}))
        return
    width, value_width = (max(len(getattr(each, part)) for each in settings) for part in ("name", "value"))
    for each in settings:
        click.echo(f"{each.name:<{width}}  {each.value:<{value_width}}  {each.source}")
    if not machine.confirmed:
        click.echo(f"! {machine.file.path} was changed and not confirmed: no agent starts. {_HOW_TO_CONFIRM}")


_HOW_TO_CONFIRM = "Look at it and run `relay-connect policy confirm`, or go back with `relay-connect policy reset`."


@policy.command("allow-folder")
@click.argument("folders", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_obj
def allow_folder(options: Options, /, *, folders: tuple[Path, ...]) -> None:
    """Allow agents to work in folders and everything below them."""
    machine = _changeable(options)
    real = [_real(folder) for folder in folders]
    known = machine.file.read().policy
    _write(machine, known, folders=[*known.folders, *(folder for folder in real if folder not in known.folders)])
    for folder in real:
        click.echo(f"✓ agents may work in {folder} and below")
        if folder == ROOT:
            click.echo("! that is the whole machine")
        if loaded := find_loaded_by_agents(folder):
            click.echo(f"! agents load what lies there, which can run commands: {', '.join(loaded)}")


@policy.command("deny-folder")
@click.argument("folders", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_obj
def deny_folder(options: Options, /, *, folders: tuple[Path, ...]) -> None:
    """Stop allowing folders. Agents that already run there continue."""
    machine = _changeable(options)
    known = machine.file.read().policy
    meant = {path for folder in folders for path in (folder.absolute(), folder.resolve())}
    allowed = (*known.folders, *known.remembered)
    unknown = [folder for folder in folders if not {folder.absolute(), folder.resolve()} & set(allowed)]
    if unknown:
        raise BadRequest(
            f"{unknown[0]} is not one of the allowed folders: {', '.join(map(str, allowed)) or 'none'}"
            " (where relay-connect is started: `set start_folder false`)"
        )
    left = [[folder for folder in each if folder not in meant] for each in (known.folders, known.remembered)]
    _write(machine, known, folders=left[0], remembered=left[1])
    click.echo("✓ no new agent starts there")


@policy.command("set")
@click.argument("name")
@click.argument("value")
@click.pass_obj
def set_value(options: Options, /, *, name: str, value: str) -> None:
    """Set one value: `set strict true`, `set ask spawn,shell`, `set programs claude,codex`, `set programs all`."""
    machine = _changeable(options)
    field = name.replace("-", "_")
    if field not in Policy.model_fields or field in _FOLDERS:
        names = ", ".join(each for each in Policy.model_fields if each not in _FOLDERS)
        raise BadRequest(f"there is no value {name!r}; there are: {names} (folders: allow-folder, deny-folder)")
    _write(machine, machine.file.read().policy, **{field: _parse_value(field, value)})
    click.echo(f"✓ {field} = {value}")


@policy.command()
@click.pass_obj
def edit(options: Options, /) -> None:
    """Edit the policy file ($VISUAL, $EDITOR); it is saved if it is valid."""
    machine = _changeable(options)
    known = machine.file.content()
    before = (known.policy or b"").decode()
    after = click.edit(before, extension=".toml")
    if after is None or after == before:
        click.echo("Nothing was changed.")
        return
    content = Content(policy=after.encode(), remembered=known.remembered)
    for folder in machine.file.parse(content).folders:
        if _real(folder) != folder:
            raise BadRequest(f"{folder} leads through a link: write {_real(folder)}")
    machine.put(content)
    click.echo(f"✓ {machine.file.path}")


@policy.command()
@click.pass_obj
def reset(options: Options, /) -> None:
    """Restore the defaults."""
    machine = _at_terminal(options)
    machine.put(DEFAULTS)
    click.echo("✓ the defaults are restored")


@policy.command()
@click.pass_obj
def confirm(options: Options, /) -> None:
    """Review a policy file that was changed by other means, and accept it."""
    machine = _at_terminal(options)
    found = machine.file.read()
    if machine.confirmed and machine.file.read_confirmed() is not None:
        click.echo("The policy is unchanged since it was confirmed.")
        return
    for each in describe(found.policy, started_in=None, file=machine.file.path):
        click.echo(f"{each.name:<26}{each.value}   {'' if each.source == 'default' else '← ' + each.source}".rstrip())
    _confirm(machine, found)


def _confirm(machine: _Machine, found: Written) -> None:
    """Exactly what was shown: it may change again while the person reads."""
    if not click.confirm("Is this what agents may do on this machine?"):
        raise click.Abort
    machine.file.confirm(found.hash)
    asyncio.run(confirm_policy(machine.state, found.hash))
    click.echo("✓ confirmed")


def _machine(options: Options) -> _Machine:
    state = resolve_state_dir(options)
    return _Machine(file=PolicyFile(config_folder(os.environ), state=state), state=state)


def _at_terminal(options: Options) -> _Machine:
    """The machine, for a person in front of it. Raises `NotPermitted` for everybody else."""
    machine = _machine(options)
    require_person(ProcessRecords(machine.state / "processes"), what="a policy is changed")
    return machine


def _changeable(options: Options) -> _Machine:
    """The same, when what is there is confirmed: a change of ours must not confirm somebody else's."""
    machine = _at_terminal(options)
    if not machine.confirmed:
        raise BadRequest(
            f"{machine.file.path} was changed and nobody has confirmed it. {_HOW_TO_CONFIRM}", code="POLICY_CHANGED"
        )
    return machine


def _write(machine: _Machine, known: Policy, **changed: object) -> None:
    given = {**known.model_dump(exclude_unset=True), **changed}
    try:
        wanted = Policy.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadRequest(f"{next(iter(changed))}: {first['msg']}") from None
    machine.put(to_toml(wanted))


def _parse_value(field: str, value: str) -> Any:
    if field == "programs" and value == "all":
        return None
    if field in _LISTS:
        return [word.strip() for word in value.split(",") if word.strip() and word.strip() != "none"]
    return value


def _real(folder: Path) -> Path:
    try:
        return real_folder(folder.expanduser())
    except (OSError, RuntimeError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadRequest(f"{folder}: {words}") from None
