"""Secrets are masked before anything is stored: what they look like, in which spellings, and by which rules."""

from broker.domain.logs.redaction.redactor import MEMBER, Redacted, Redactor, marks_in
from broker.domain.logs.redaction.triggers import TriggerSearch

__all__ = ["MEMBER", "Redacted", "Redactor", "TriggerSearch", "marks_in"]
