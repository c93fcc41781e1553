"""The acts that the audit trail knows. Scripts name them in Lua; a test holds both lists against each other."""

from __future__ import annotations

from enum import StrEnum


class Act(StrEnum):
    """What was done."""

    WORKSPACE_CREATED = "workspace.created"
    WORKSPACE_RENAMED = "workspace.renamed"
    WORKSPACE_MOVED = "workspace.state_changed"
    PLAN_CHANGED = "workspace.plan_changed"
    BUDGET_SET = "budget.set"
    BUDGET_REMOVED = "budget.removed"
    MEMBER_ADDED = "member.added"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_LINK_MADE = "member.link_made"
    MEMBER_SIGNED_IN = "member.signed_in"
    MEMBER_SIGNED_OUT = "member.signed_out_everywhere"
    CREDENTIAL_MADE = "token.made"
    CREDENTIAL_REVOKED = "token.revoked"
    KEY_REPLACED = "token.own_key_replaced"
    MACHINE_LINKED = "machine.linked"
    MACHINE_ADOPTED = "machine.adoption_allowed"
    MACHINE_FORGOTTEN = "machine.forgotten"
    RULE_ADDED = "rule.added"
    RULE_REMOVED = "rule.removed"
    RULES_REPLACED = "rule.all_replaced"
    APPROVAL_ANSWERED = "approval.answered"
    HOOKS_CHANGED = "hooks.changed"
    HOOKS_PAUSED = "hooks.paused"
    HOOKS_RESUMED = "hooks.resumed"
    SEALED_CHANGED = "secret.changed"
    SEALED_REMOVED = "secret.removed"
    AGENTS_STOPPED = "agents.stopped"
    AGENTS_RESUMED = "agents.resumed"
    RETENTION_CHANGED = "logs.retention_changed"
    REDACTION_CHANGED = "logs.redaction_changed"
    LOGS_DELETED = "logs.deleted"
    SESSION_DELETED = "session.deleted"
    EXPORTED = "workspace.exported"
    IMPORTED = "workspace.imported"
    REFUSED = "permission.refused"


LONGEST_FACT_BYTES = 1000
"""Of what was there before and after, each."""
REFUSALS_ONCE_IN_S = 60
"""Refusals of one caller for one operation are recorded once in this time: asking again and again fills no trail."""
