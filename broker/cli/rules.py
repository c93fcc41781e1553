"""`relaycast rule`: what is answered without a person when agents ask for permission."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click
import orjson

from broker.cli.operator_client import ask
from broker.domain.approvals.effects import Effect
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import MAX_REQUIRED
from broker.domain.people.access import MemberRole

_OF_A_RULE = ("effect", "tool", "command", "path", "risk", "role", "group", "people")
_SIGNING = [MemberRole.OWNER.value, MemberRole.ADMIN.value, MemberRole.MEMBER.value]
_WIDE = max(len(each) for each in Effect)
_PATTERN = "Shell-style pattern: *, ?, […]."


@click.group()
def rule() -> None:
    """List, add and remove rules on approvals. Uses the broker on this machine, or RELAYCAST_URL.

    Deny wins over require, require over ask, ask over allow. What a rule requires only people give who sign in: no key,
    hook or earlier answer stands in for them.
    """


@rule.command("list")
@click.option("--json", "json_", is_flag=True, help="Print the JSON of /v1/rules.")
def list_(*, json_: bool) -> None:
    """List the rules with their numbers."""
    found = _rules()
    if json_:
        click.echo(orjson.dumps({"rules": found}))
        return
    for number, each in enumerate(found, start=1):
        click.echo(f"{number:>3}  {each['effect']:<{_WIDE}} {_about(each)}{_describe_maker(each)}")


@rule.command()
@click.argument("effect", type=click.Choice([each.value for each in Effect]))
@click.option("--tool", default="*", show_default=True, help=f"A tool, or a kind: shell, read, edit, …. {_PATTERN}")
@click.option("--command", help=f"The command line of a shell tool, as 'git status*'. {_PATTERN}")
@click.option("--path", help=f"A file that is read or changed. {_PATTERN}")
@click.option("--risk", type=click.Choice([each.value for each in Risk]), help="With require: only from this risk on.")
@click.option("--role", type=click.Choice(_SIGNING), help="With require: people with this role, or one above it.")
@click.option("--group", metavar="NAME", help="With require: people of this group.")
@click.option(
    "--people",
    type=click.IntRange(1, MAX_REQUIRED),
    default=1,
    show_default=True,
    help="With require: how many different people say yes.",
)
def put(**wanted: Any) -> None:
    """Add a rule, unless the same rule exists.

    For example: relaycast rule put require --risk high --people 2
    """
    ask("POST", "/v1/rules", body=wanted)
    click.echo(f"✓ {wanted['effect']} {_about(wanted)}")


@rule.command()
@click.argument("number", type=click.IntRange(1))
def remove(number: int) -> None:
    """Remove the rule with this NUMBER in `list`."""
    found = _rules()
    if number > len(found):
        raise click.UsageError(f"there are {len(found)} rules; `relaycast rule list` shows them")
    gone = found[number - 1]
    rule_itself = {name: gone[name] for name in _OF_A_RULE}
    removed = ask("DELETE", "/v1/rules", body=rule_itself)["removed"]
    click.echo(f"{'✓ removed' if removed else '· gone already'}: {gone['effect']} {_about(gone)}")


def _rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask("GET", "/v1/rules")["rules"]
    return [{name: each.get(name) for name in (*_OF_A_RULE, "by", "at_ms")} for each in found]


def _describe_maker(rule: dict[str, Any]) -> str:
    if rule["by"] is None:
        return ""
    return f"  by {rule['by']}, {datetime.fromtimestamp(rule['at_ms'] / 1000).astimezone():%Y-%m-%d %H:%M %Z}"


def _about(rule: dict[str, Any]) -> str:
    named = (f"{name}: {rule[name]}" for name in ("command", "path") if rule[name])
    return "  ".join([f"tool: {rule['tool']}", *named, *_describe_required(rule)])


def _describe_required(rule: dict[str, Any]) -> Iterator[str]:
    if rule["effect"] != Effect.REQUIRE:
        return
    if rule["risk"]:
        yield f"from risk: {rule['risk']}"
    of = f" of the group {rule['group']}" if rule["group"] else f" with the role {rule['role']}" if rule["role"] else ""
    yield f"needs: {rule['people']} {'person' if rule['people'] == 1 else 'people'}{of}"
