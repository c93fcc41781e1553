"""The vendors whose real CLIs pass one contract, and what of it each cannot do, with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.agents.cli_environment import OTHER_MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorCli:
    """One CLI; what it cannot do is tried all the same, so that it is noticed when it can."""

    cli: str
    model: str = OTHER_MODEL
    """One that is not its default here."""
    login: tuple[str, ...] = ()
    """What logs it in: variables, or files in its home. Empty: it needs no login."""
    asks_with: str = ""
    """Its tool for questions to its user. Empty: it offers its model none here, or in Plan mode alone (Codex)."""
    question: Mapping[str, object] = field(default_factory=dict)
    """What a question of that tool has besides."""
    logged_out: str = ""
    """What it says without that."""
    cannot: Mapping[str, str] = field(default_factory=dict)
    """By contract: why this vendor does not keep it."""


MODEL = "the model is chosen"

VENDORS = {
    vendor.cli: vendor
    for vendor in (
        VendorCli(
            cli="claude",
            model="claude-haiku-4-5",
            asks_with="AskUserQuestion",
            question={"multiSelect": False},
            login=("ANTHROPIC_API_KEY",),
            logged_out="Not logged in",
        ),
        VendorCli(
            cli="codex",
            login=("MOCK_API_KEY",),
            logged_out="MOCK_API_KEY",
        ),
        VendorCli(
            cli="gemini",
            model="gemini-2.5-flash",
            login=("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
            logged_out="API key",
        ),
        VendorCli(cli="opencode"),
        VendorCli(
            cli="qwen",
            asks_with="ask_user_question",
            login=("ANTHROPIC_API_KEY",),
            logged_out="Authentication required",
            cannot={MODEL: "its environment names one model, and it offers no other"},
        ),
        VendorCli(
            cli="copilot",
            login=("COPILOT_PROVIDER_BASE_URL", "COPILOT_OFFLINE"),
            logged_out="Authentication required",
            cannot={MODEL: "with a provider of one's own, COPILOT_MODEL alone chooses"},
        ),
        VendorCli(
            cli="kimi",
            asks_with="AskUserQuestion",
            login=(".kimi-code/config.toml",),
            logged_out="Authentication required",
        ),
    )
}


def each_vendor(contract: str = "") -> pytest.MarkDecorator:
    """One test for each vendor, by its word. What a vendor cannot do must fail, or the table is wrong."""
    return pytest.mark.parametrize("cli", [_case(vendor, contract) for vendor in VENDORS.values()])


def _case(vendor: VendorCli, contract: str) -> object:
    reason = vendor.cannot.get(contract)
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(vendor.cli, marks=marks, id=vendor.cli)
