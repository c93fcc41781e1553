"""Secrets are masked before anything is stored: what they look like, in which spellings, and by which rules."""

from broker.domain.logs.redaction.redactor import MEMBER, Redacted, Redactor, TriggerSearch, marks_in

__all__ = ["MEMBER", "Redacted", "Redactor", "TriggerSearch", "marks_in"]
