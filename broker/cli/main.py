"""The command `relaycast`: the broker's processes and the operator's small jobs."""

from __future__ import annotations

import asyncio
import sys

import click

from broker import __version__
from connect.command_group import CommandGroup

_PROCESSES = "broker.cli.processes.commands"


@click.group(
    "relaycast",
    cls=CommandGroup,
    elsewhere={
        "admin": "broker.cli.people.workspaces:admin",
        "audit": "broker.cli.operations.audit:audit",
        "backup": "broker.cli.operations.backup:backup",
        "billing": "broker.cli.plans.billing:billing",
        "budget": "broker.cli.plans.budgets:budget",
        "bundle": "broker.cli.operations.bundle:bundle",
        "export": "broker.cli.archive:export_",
        "gateway": f"{_PROCESSES}:gateway",
        "group": "broker.cli.people.groups:group",
        "hooks": "broker.cli.hooks:hooks",
        "import": "broker.cli.archive:import_",
        "invitation": "broker.cli.people.invitations:invitation",
        "logs": "broker.cli.logs:logs",
        "machine": "broker.cli.machines:machine",
        "members": "broker.cli.people.people:members",
        "migrate": f"{_PROCESSES}:migrate",
        "plans": "broker.cli.plans.plans:plans",
        "prices": "broker.cli.plans.plans:prices",
        "restore": "broker.cli.operations.backup:restore",
        "rule": "broker.cli.rules:rule",
        "secrets": "broker.cli.operations.secrets:secrets",
        "service-account": "broker.cli.people.tokens:service_account",
        "session": "broker.cli.sessions:session",
        "share": "broker.cli.people.people:share",
        "sign-in": "broker.cli.people.people:sign_in",
        "status": "broker.cli.operations.status:status",
        "token": "broker.cli.people.tokens:token",
        "up": f"{_PROCESSES}:up",
        "usage": "broker.cli.plans.usage:usage",
        "worker": f"{_PROCESSES}:worker",
        "workflow": "broker.cli.workflows.commands:workflow",
        "workspace": "broker.cli.people.workspaces:workspace",
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
