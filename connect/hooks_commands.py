"""`relay-connect hooks`: a person, at a terminal of the machine, says what hooks may run on it."""

from __future__ import annotations

import os
from pathlib import Path

import click
import orjson

from broker.domain.agents.vendors import BRIDGED
from broker.domain.errors import BadRequest
from broker.domain.hooks.definitions import Hook
from connect.allow_list import AllowList, harmless
from connect.control.client import confirm_hooks
from connect.machine.hooks.consent_file import ConsentFile, to_toml
from connect.machine.hooks.consents import Consent, Consents, Standing, is_hook_id
from connect.machine.hooks.offers import Offer, difference, foreseen, in_words, offers_of
from connect.machine.hooks.programs import usable_path
from connect.machine.hooks.refusals import read_refusals
from connect.machine.hooks.vendor_files import Converted, Left, as_yaml, convert
from connect.policy.folders import real_folder
from connect.policy.policy_file import PolicyFile
from connect.settings import Options, config_folder, resolve_state_dir

_YAML = (".yaml", ".yml")


class _Machine(AllowList[Consents]):
    def offers(self, hook: str | None = None) -> list[Offer]:
        """What was refused lately, all of it or that of one hook."""
        found = offers_of(read_refusals(self.state), self.consents)
        return [each for each in found if hook is None or each.consent.id == hook]


@click.group("hooks", invoke_without_command=True)
@click.pass_context
def hooks(context: click.Context, /) -> None:
    """Show or change what hooks may run on this machine.

    Hooks are defined at the broker; nothing of them runs here that was not allowed here. Changes need a terminal of
    this machine, and are refused to agents.
    """
    if context.invoked_subcommand is None:
        context.invoke(show)


@hooks.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON document instead of text.")
@click.pass_obj
def show(options: Options, /, *, as_json: bool = False) -> None:
    """Print what is allowed and denied, and what was refused lately."""
    machine = _machine(options)
    consents, offers = machine.consents, machine.offers()
    if as_json:
        refused = [
            {"standing": each.refusal.standing, "why": each.refusal.why, **each.consent.model_dump(mode="json")}
            for each in offers
        ]
        told = {"file": str(machine.file.path), "confirmed": machine.confirmed, "refused": refused}
        click.echo(orjson.dumps({**told, **consents.model_dump(mode="json")}))
        return
    if not machine.confirmed:
        click.echo(
            f"! {machine.file.path} was changed and nobody has confirmed it: no hook runs. {machine.how_to_confirm}"
        )
    for consent in consents.allow:
        _say(f"✓ {consent.id}  allowed", in_words(consent))
    for hook in consents.deny:
        click.echo(harmless(f"✗ {hook}  denied"))
    for offer in offers:
        standing = Standing.MODIFIED if offer.before else offer.refusal.standing
        _say(f"? {offer.consent.id}  {standing}: {offer.refusal.why}", in_words(offer.consent))
    if offers:
        click.echo("Look at those with `relay-connect hooks review`.")
    if not (consents.allow or consents.deny or offers):
        click.echo("No hook may run on this machine, and none was refused lately.")


@hooks.command()
@click.argument("hook", metavar="[ID|FILE]", required=False)
@click.option("--shell", is_flag=True, help="Allow words that are a program themselves, as in `sh -c …`.")
@click.pass_obj
def allow(options: Options, /, *, hook: str | None, shell: bool) -> None:
    """Let hooks run that were refused lately: one, or each that you say yes to.

    With FILE, a hooks file: each of its commands, before it was refused, in the folder this is typed in and below.
    """
    machine = _machine(options).to_change()
    if hook is not None and hook.endswith(_YAML) and Path(hook).is_file():
        _allow_file(machine, Path(hook), shell=shell)
        return
    offers = machine.offers(hook)
    if not offers:
        _nothing(machine, hook)
    for offer in offers:
        if _confirm_wanted(offer, shell=shell, alone=hook is not None):
            machine.put(machine.consents.with_consent(offer.consent))
            click.echo(harmless(f"✓ {offer.consent.id} may run"))


@hooks.command()
@click.argument("hook", metavar="ID")
@click.pass_obj
def deny(options: Options, /, *, hook: str) -> None:
    """Let a hook never run here, whatever it will say; nobody is asked about it again."""
    machine = _machine(options).to_change()
    if not is_hook_id(hook):
        raise BadRequest(f"{hook!r} is no id of a hook")
    machine.put(machine.consents.with_denied(hook))
    click.echo(f"✓ {hook} never runs here")


@hooks.command()
@click.argument("hook", metavar="ID")
@click.pass_obj
def forget(options: Options, /, *, hook: str) -> None:
    """Take back what was said of a hook: it is neither allowed nor denied."""
    machine = _machine(options).to_change()
    known = machine.consents
    if hook not in known.deny and not known.of(hook):
        raise BadRequest(f"nothing was said of {hook!r} here")
    machine.put(known.without(hook))
    click.echo(harmless(f"✓ nothing is said of {hook} any more"))


@hooks.command()
@click.option("--shell", is_flag=True, help="Offer words that are a program themselves, too, as in `sh -c …`.")
@click.pass_obj
def review(options: Options, /, *, shell: bool) -> None:
    """Go through what was refused lately, after a look at a list that was changed in another way."""
    machine = _machine(options).at_terminal()
    if not machine.confirmed:
        machine.confirm(_show_list)
    offers = machine.offers()
    for offer in offers:
        if _confirm_wanted(offer, shell=shell, alone=False):
            machine.put(machine.consents.with_consent(offer.consent))
            click.echo(harmless(f"✓ {offer.consent.id} may run"))
    if not offers:
        click.echo("Nothing waits for a decision.")


@hooks.command("import")
@click.argument("vendor", type=click.Choice(list(BRIDGED)))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def import_(*, vendor: str, file: Path) -> None:
    """Print the plain commands of a vendor's own hooks as a hooks file, and say on stderr what is none.

    Nothing is saved or allowed: `relaycast hooks apply` takes the file, and a person allows on this machine what it
    runs.
    """
    try:
        found = list(convert(file.read_text(encoding="utf-8-sig"), vendor=vendor))
    except OSError as error:
        raise BadRequest(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{file}: {error}") from None
    click.echo(as_yaml([each for each in found if isinstance(each, Converted)], vendor=vendor), nl=False)
    for left in [each for each in found if isinstance(each, Left)]:
        click.echo(harmless(f"! {left.where}: {left.why}"), err=True)


def _show_list(shown: Consents) -> None:
    for consent in shown.allow:
        _say(consent.id, in_words(consent))
    click.echo(harmless(f"denied: {', '.join(shown.deny) or 'none'}"))


def _confirm_wanted(offer: Offer, *, shell: bool, alone: bool) -> bool:
    """Whether the person allows it, once everything of it was shown."""
    consent = offer.consent
    _say(f"hook {consent.id}", in_words(consent))
    if offer.before is not None:
        click.echo("  not as it was allowed:")
        for sign, line in difference(offer.before, consent) or [("-", offer.refusal.why)]:
            click.echo(harmless(f"    {sign} {line}"))
    if offer.is_code and not shell:
        how = f"its words are a program: `relay-connect hooks allow --shell {consent.id}` allows it"
        if alone:
            raise BadRequest(how, code="SHELL_NEEDED")
        click.echo(harmless(f"! {how}"))
        return False
    if offer.is_code:
        click.echo("! its words are a program: what it does is all that they say")
    for warning in _warnings(consent):
        click.echo(harmless(f"! {warning}"))
    return click.confirm("Allow exactly this?")


def _warnings(consent: Consent) -> list[str]:
    if consent.files:
        return ["agents work where that lies: once it is changed, the hook no longer runs until you allow it again"]
    return ["what it reads in that folder by itself (package.json, Makefile, settings) agents can change"]


def _allow_file(machine: _Machine, path: Path, *, shell: bool) -> None:
    hooks = _hooks_of(path)
    folder = real_folder(Path.cwd())
    policy = PolicyFile(config_folder(os.environ), state=machine.state).read().policy
    roots = [folder, *policy.folders, *policy.remembered]
    refusals = list(foreseen(hooks, folder=folder, path=usable_path(os.environ.get("PATH", "")), roots=roots))
    for each in refusals:
        if each.program is None:
            written = each.command if isinstance(each.command, str) else " ".join(each.command)
            click.echo(harmless(f"! {each.id}: its program is not found here: {written}"))
    offers = offers_of(refusals, machine.consents)
    for offer in offers:
        if _confirm_wanted(offer, shell=shell, alone=False):
            machine.put(machine.consents.with_consent(offer.consent))
            click.echo(harmless(f"✓ {offer.consent.id} may run in {folder} and below"))
    if not offers:
        click.echo(harmless(f"{path} has no command that could be allowed here and is not yet."))


def _hooks_of(path: Path) -> tuple[Hook, ...]:
    from broker.protocol.hooks_yaml.reader import read_hooks  # noqa: PLC0415 - for this command

    try:
        read = read_hooks(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path}: {error}") from None
    if read.problems:
        raise BadRequest(f"{path}: {read.problems[0]}")
    return read.hooks


def _nothing(machine: _Machine, hook: str | None) -> None:
    if hook is None:
        click.echo("Nothing was refused lately.")
        return
    if machine.consents.of(hook):
        raise BadRequest(f"{hook} is allowed, and was not refused since")
    raise BadRequest(
        f"no hook {hook!r} was refused on this machine lately: it is offered here once it was to run"
        " (`relay-connect hooks list` shows what was)"
    )


def _say(title: str, lines: list[tuple[str, str]]) -> None:
    click.echo(harmless(title))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        click.echo(harmless(f"  {name:<{width}}  {value}"))


def _machine(options: Options) -> _Machine:
    state = resolve_state_dir(options)
    return _Machine(
        file=ConsentFile(config_folder(os.environ), state=state),
        state=state,
        written=to_toml,
        tell_link=confirm_hooks,
        changed_code="HOOKS_CHANGED",
    )
