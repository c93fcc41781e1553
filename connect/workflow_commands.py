"""`relay-connect workflow`: a person, at a terminal of the machine, says what workflows may run on it."""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path

import click
import orjson

from broker.domain.errors import BadRequest
from connect.allow_list import AllowList, harmless
from connect.control.client import confirm_workflows
from connect.machine.workflows.consent_file import ConsentFile, to_toml
from connect.machine.workflows.consents import Consent, Consents, is_readable
from connect.machine.workflows.refusals import list_unsettled, read_refusals
from connect.settings import Options, config_folder, resolve_state_dir


class _Machine(AllowList[Consents]):
    def offers(self, name: str | None = None) -> list[Consent]:
        """What would let those run that were refused lately: all, or one of them."""
        refused = list_unsettled(read_refusals(self.state), self.consents)
        return [each.consent for each in refused if name in {None, each.name} and is_readable(each.name)]


@click.group("workflow", invoke_without_command=True)
@click.pass_context
def workflow(context: click.Context, /) -> None:
    """Show or change what workflows may run on this machine.

    Runs are started at the broker; of a file's commands, checks and worktrees nothing is done here before a person has
    allowed that file here. Changes need a terminal of this machine, and are refused to agents.
    """
    if context.invoked_subcommand is None:
        context.invoke(show)


@workflow.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def show(options: Options, /, *, as_json: bool = False) -> None:
    """Print what is allowed and denied, and what was refused lately."""
    machine = _machine(options)
    consents, offers = machine.consents, machine.offers()
    if as_json:
        told = {"file": str(machine.file.path), "confirmed": machine.confirmed}
        waiting = [each.model_dump(mode="json") for each in offers]
        click.echo(orjson.dumps({**told, "refused": waiting, **consents.model_dump(mode="json")}))
        return
    if not machine.confirmed:
        words = f"{machine.file.path} was changed and nobody has confirmed it: no workflow runs anything"
        click.echo(f"! {words}. {machine.how_to_confirm}")
    for consent in consents.allow:
        _say(f"✓ {consent.name}  allowed", consent)
    for name in consents.deny:
        click.echo(harmless(f"✗ {name}  denied"))
    for consent in offers:
        _say(f"? {consent.name}  {'changed' if consents.of(consent.name) else 'waits'}", consent)
    if offers:
        click.echo("Look at those with `relay-connect workflow review`.")
    if not (consents.allow or consents.deny or offers):
        click.echo("No workflow may run anything on this machine, and none was refused lately.")


@workflow.command()
@click.argument("file", metavar="FILE")
@click.pass_obj
def allow(options: Options, /, *, file: str) -> None:
    """Let a workflow file run its commands, checks and worktrees here.

    FILE is a file, for this folder; or the name of a workflow that was refused here lately, for where that was.
    """
    machine = _machine(options).to_change()
    offered = _list_offered(machine, file)
    known = machine.consents
    if all(each in known.allow for each in offered) and offered[0].name not in known.deny:
        click.echo(harmless(f"✓ {offered[0].name} is allowed already"))
        return
    for consent in offered:
        _present(consent, known)
    if not click.confirm("Allow exactly this?"):
        raise click.Abort
    for consent in offered:
        known = known.with_more(consent)
    machine.put(known)
    click.echo(harmless(f"✓ {offered[0].name} may run here"))


@workflow.command()
@click.argument("file", metavar="FILE")
@click.pass_obj
def deny(options: Options, /, *, file: str) -> None:
    """Let a workflow never run anything here, whatever it will say; nobody is asked about it again."""
    machine = _machine(options).to_change()
    name = _name_of(file)
    machine.put(machine.consents.with_denied(name))
    click.echo(harmless(f"✓ {name} never runs anything here"))


@workflow.command()
@click.argument("file", metavar="FILE")
@click.pass_obj
def forget(options: Options, /, *, file: str) -> None:
    """Take back what was said of a workflow: it is neither allowed nor denied."""
    machine = _machine(options).to_change()
    known, name = machine.consents, _name_of(file)
    if name not in known.deny and not known.of(name):
        raise BadRequest(f"nothing was said of {name!r} here")
    machine.put(known.without(name))
    click.echo(harmless(f"✓ nothing is said of {name} any more"))


@workflow.command()
@click.argument("file", metavar="[FILE]", required=False)
@click.pass_obj
def review(options: Options, /, *, file: str | None) -> None:
    """Go through what was refused lately, after a look at a list that was changed in another way.

    With FILE, a file or a workflow's name: print what it would be allowed, and change nothing.
    """
    if file is not None:
        machine = _machine(options)
        for consent in _list_offered(machine, file):
            _present(consent, machine.consents)
        return
    machine = _machine(options).at_terminal()
    if not machine.confirmed:
        machine.confirm(_show_list)
    offers = machine.offers()
    for consent in offers:
        _present(consent, machine.consents)
        if click.confirm("Allow exactly this?"):
            machine.put(machine.consents.with_more(consent))
            click.echo(harmless(f"✓ {consent.name} may run here"))
    if not offers:
        click.echo("Nothing waits for a decision.")


def _list_offered(machine: _Machine, file: str) -> list[Consent]:
    """What a file here has run, or what was refused under that name. Raises `BadRequest` for nothing."""
    if Path(file).is_file():
        return _of_file(Path(file))
    offers = machine.offers(file) or list(machine.consents.of(file))
    if not offers:
        raise BadRequest(
            f"there is no file {file!r} here, and no workflow of that name was refused on this machine lately"
            " (`relay-connect workflow list` shows what was)"
        )
    return offers


def _of_file(path: Path) -> list[Consent]:
    """All that its workflows have run, by the folder in which they do."""
    from broker.domain.workflows.planning.plan import plan_workflow  # noqa: PLC0415 - reads the format, which takes long to load
    from broker.protocol.relay_yaml.reader import read_workflow_file  # noqa: PLC0415

    try:
        reading = read_workflow_file(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path}: {error}") from None
    if reading.file is None or reading.errors:
        raise BadRequest(f"{path} is no workflow file to run: `relaycast workflow check {path}` says why")
    here, found = Path.cwd(), {}
    for entry in reading.file.workflows:
        for each in plan_workflow(reading.file, entry.name).consents:
            root = Path(os.path.realpath(here / each.place.folder))
            consent = Consent(name=reading.file.name, digest=each.digest, templates=each.templates, root=root)
            found[consent.digest, root] = consent
    if not found:
        raise BadRequest(f"{path} has nothing run on a machine but agents: there is nothing to allow")
    if not is_readable(reading.file.name):
        raise BadRequest(f"the name of {path} is none that a person could read and type")
    return list(found.values())


def _name_of(file: str) -> str:
    """The workflow's name: of a file here, else what was typed."""
    name = _of_file(Path(file))[0].name if Path(file).is_file() else file
    if not is_readable(name):
        raise BadRequest(f"{name!r} is no name of a workflow")
    return name


def _present(consent: Consent, known: Consents) -> None:
    """Everything that a yes is for, and what of it is new."""
    _say(f"workflow {consent.name}", consent)
    before = [each for each in known.of(consent.name) if each.root == consent.root and each != consent]
    if before:
        click.echo("  not as it was allowed:")
        changes = unified_diff(_lines(before[-1]), _lines(consent), lineterm="", n=0)
        for line in [each for each in changes if not each.startswith(("---", "+++", "@@"))]:
            click.echo(harmless(f"    {line}"))
    click.echo("! values ({{…}}) reach these commands as variables, never as a part of their text")
    click.echo("! what they start in that folder (scripts, package.json, Makefile) agents can change")


def _say(title: str, consent: Consent) -> None:
    click.echo(harmless(title))
    click.echo(harmless(f"  in  {consent.root} and below"))
    for line in _lines(consent):
        click.echo(harmless(f"      {line}"))


def _lines(consent: Consent) -> list[str]:
    """Its texts, with what follows the first line of one set off from the next."""
    return [
        f"{'  ' if number else ''}{line}"
        for template in consent.templates
        for number, line in enumerate(template.split("\n"))
    ]


def _show_list(shown: Consents) -> None:
    for consent in shown.allow:
        _say(consent.name, consent)
    click.echo(harmless(f"denied: {', '.join(shown.deny) or 'none'}"))


def _machine(options: Options) -> _Machine:
    state = resolve_state_dir(options)
    return _Machine(
        file=ConsentFile(config_folder(os.environ), state=state),
        state=state,
        written=to_toml,
        tell_link=confirm_workflows,
        changed_code="WORKFLOWS_CHANGED",
    )
