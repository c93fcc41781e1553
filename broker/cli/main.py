"""The command `relaycast`: the broker's processes and the operator's small jobs."""

from __future__ import annotations

import asyncio
import sys

import click

from broker import __version__
from connect.command_group import CommandGroup, Elsewhere

_PROCESSES = "broker.cli.processes.commands"


@click.group(
    "relaycast",
    cls=CommandGroup,
    elsewhere={
        "admin": Elsewhere(
            "broker.cli.people.workspaces:admin",
            "See how the installation's workspaces do: sizes, plans and health, never contents.",
        ),
        "audit": Elsewhere(
            "broker.cli.operations.audit:audit",
            "Show, export and verify the audit trail: who did what, when and from where.",
        ),
        "backup": Elsewhere(
            "broker.cli.operations.backup:backup",
            "Write the whole installation to FILE, while it runs or not: Redis, the embedded log store, and the keys.",
        ),
        "billing": Elsewhere(
            "broker.cli.plans.billing:billing",
            "Show the workspace's subscription.",
        ),
        "budget": Elsewhere(
            "broker.cli.plans.budgets:budget",
            "Set how much agents may spend; when it is spent they take no new turn, and messages to them wait.",
        ),
        "bundle": Elsewhere(
            "broker.cli.operations.bundle:bundle",
            "Write what a bug report needs to FILE, as text: versions, settings, status, metrics and recent errors.",
        ),
        "export": Elsewhere(
            "broker.cli.archive:export_",
            "Write sessions, agents, rules, people, groups, the audit trail and the complete log to PATH.",
        ),
        "gateway": Elsewhere(f"{_PROCESSES}:gateway", "Run one gateway on a shared Redis; start as many as you need."),
        "group": Elsewhere(
            "broker.cli.people.groups:group",
            "Make, list, change and remove groups of people.",
        ),
        "hooks": Elsewhere(
            "broker.cli.hooks:hooks",
            "Do something when an agent's turn ends, a file changes, a command fails, a person is needed.",
        ),
        "import": Elsewhere("broker.cli.archive:import_", "Restore the archive at PATH into an empty workspace."),
        "invitation": Elsewhere(
            "broker.cli.people.invitations:invitation",
            "Invite people by link, list, resend and revoke invitations.",
        ),
        "logs": Elsewhere(
            "broker.cli.logs:logs",
            "Search and follow logs.",
        ),
        "machine": Elsewhere(
            "broker.cli.machines:machine",
            "List, link, forget and adopt machines.",
        ),
        "members": Elsewhere(
            "broker.cli.people.people:members",
            "Add, list, change and remove people.",
        ),
        "migrate": Elsewhere(
            f"{_PROCESSES}:migrate",
            "Bring a shared Redis and ClickHouse to this version's format, and exit; run it before the gateways of an"
            " upgrade.",
        ),
        "plans": Elsewhere("broker.cli.plans.plans:plans", "Show what each plan allows, has and costs."),
        "prices": Elsewhere(
            "broker.cli.plans.plans:prices",
            "Show what models cost, in dollars for a million tokens, where their vendors report no cost.",
        ),
        "restore": Elsewhere(
            "broker.cli.operations.backup:restore",
            "Restore the backup FILE into an installation that is empty and does not run.",
        ),
        "rule": Elsewhere(
            "broker.cli.rules:rule",
            "List, add and remove rules on approvals.",
        ),
        "secrets": Elsewhere(
            "broker.cli.operations.secrets:secrets",
            "Keep what webhooks and notifications need: `secret:NAME` in a hooks file refers to it.",
        ),
        "service-account": Elsewhere(
            "broker.cli.people.tokens:service_account",
            "Create, list and remove service accounts: names for programs that are nobody's in particular.",
        ),
        "session": Elsewhere(
            "broker.cli.sessions:session",
            "List, create and remove sessions.",
        ),
        "share": Elsewhere(
            "broker.cli.people.people:share", "Print a read-only link to SESSION for anybody who has it."
        ),
        "sign-in": Elsewhere(
            "broker.cli.people.people:sign_in",
            "Print a new sign-in link for NAME (default: the first owner).",
        ),
        "sso": Elsewhere(
            "broker.cli.people.single_sign_on:sso",
            "Let people sign in by the workspace's own identity provider (OpenID Connect).",
        ),
        "status": Elsewhere(
            "broker.cli.operations.status:status",
            "Show processes, how full the stores are, and what waits.",
        ),
        "token": Elsewhere("broker.cli.people.tokens:token", "Create, list, rotate and revoke tokens."),
        "up": Elsewhere(
            f"{_PROCESSES}:up", "Run the whole broker in one process, with an embedded store unless --redis is given."
        ),
        "usage": Elsewhere(
            "broker.cli.plans.usage:usage",
            "Show messages, turns, tokens and cost.",
        ),
        "worker": Elsewhere(f"{_PROCESSES}:worker", "Run one worker on a shared Redis; start as many as you need."),
        "workflow": Elsewhere(
            "broker.cli.workflows.commands:workflow", "Check, plan and run workflow files (relay.yaml)."
        ),
        "workspace": Elsewhere(
            "broker.cli.people.workspaces:workspace",
            "Create, list, rename, archive, restore and delete workspaces, with the key of the installation.",
        ),
    },
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "RELAYCAST"},
)
@click.version_option(__version__, prog_name="relaycast")
def main() -> None:
    """Relaycast: the broker that spawns, connects and supervises coding agents.

    Options of up, gateway and worker can also be given as environment variables; their --help names them.
    """


@main.command()
@click.option("--once", is_flag=True, help="Exit after the game instead of leaving the broker running.")
def demo(*, once: bool) -> None:
    """Start a broker, relay-connect and two scripted agents that play tic-tac-toe by messages."""
    from connect.demo.session import run_demo_session  # noqa: PLC0415 - only this command needs it

    sys.exit(asyncio.run(run_demo_session(once=once)))
