"""What vendors ask for a million tokens, each figure with where it stands, and when it was read there.

Those that are checked were compared with a stored copy of the page, whose own date is not known. They change: an
operator's file of plans says what holds. Prices of a vendor that grow with the length of the prompt are
those of short ones.
"""

from __future__ import annotations

from broker.domain.plans.prices import ModelPrice, PriceSource, PriceTable

_ANTHROPIC = PriceSource(
    page="https://platform.claude.com/docs/zh-CN/about-claude/pricing", as_of="2026-11-30", is_checked=True
)
_OPUS_5 = PriceSource(
    page="https://platform.claude.com/docs/about-claude/models/whats-new-opus-5", as_of="2026-11-30", is_checked=True
)
_CODEX = PriceSource(
    page="https://developers.openai.com/api/docs/models/gpt-5-codex", as_of="2026-11-30", is_checked=True
)
_NANO = PriceSource(
    page="https://developers.openai.com/api/docs/models/gpt-5-nano", as_of="2026-11-30", is_checked=True
)
_OPENAI = PriceSource(page="https://developers.openai.com/api/docs/pricing", as_of="2025-10", is_checked=False)
_ANTHROPIC_NEWER = PriceSource(
    page="https://platform.claude.com/docs/en/about-claude/pricing", as_of="2026-11", is_checked=False
)
_GOOGLE = PriceSource(page="https://ai.google.dev/gemini-api/docs/pricing", as_of="2025-10", is_checked=False)
_LISTED: tuple[tuple[str, float, float, float, PriceSource], ...] = (
    # model, input, output, cached
    ("gpt-5", 1.25, 10.0, 0.125, _CODEX),
    ("gpt-5-pro", 15.0, 120.0, 15.0, _OPENAI),
    ("gpt-5-mini", 0.25, 2.0, 0.025, _OPENAI),
    ("gpt-5-nano", 0.05, 0.4, 0.005, _NANO),
    ("gemini-2.5-pro", 1.25, 10.0, 0.31, _GOOGLE),
    ("gemini-2.5-flash", 0.3, 2.5, 0.075, _GOOGLE),
    ("gemini-2.5-flash-lite", 0.1, 0.4, 0.025, _GOOGLE),
    ("claude-opus-4", 15.0, 75.0, 1.5, _ANTHROPIC),
    ("claude-opus-4-5", 5.0, 25.0, 0.5, _ANTHROPIC),
    ("claude-opus-4-6", 5.0, 25.0, 0.5, _ANTHROPIC),
    ("claude-opus-5", 5.0, 25.0, 0.5, _OPUS_5),
    ("claude-opus-5-5", 4.0, 20.0, 0.4, _ANTHROPIC_NEWER),
    ("claude-sonnet-4", 3.0, 15.0, 0.3, _ANTHROPIC),
    ("claude-haiku-4-5", 1.0, 5.0, 0.1, _ANTHROPIC),
)
LIST_PRICES = PriceTable(
    models={
        name: ModelPrice(input=read, output=written, cached=hit, source=source)
        for name, read, written, hit, source in _LISTED
    }
)
