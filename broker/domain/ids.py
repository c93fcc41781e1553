"""Identifiers. Each is an opaque string; the `NewType`s keep one from being passed for another."""

from typing import NewType

WorkspaceId = NewType("WorkspaceId", str)
SessionId = NewType("SessionId", str)
ProxyId = NewType("ProxyId", str)
AgentId = NewType("AgentId", str)
MessageId = NewType("MessageId", str)
"""A UUID; the same on every redelivery, and the idempotency key at the agent."""
ApprovalId = NewType("ApprovalId", str)
TokenId = NewType("TokenId", str)
FamilyId = NewType("FamilyId", str)
"""Short-lived tokens that were renewed one from the other."""
AccountId = NewType("AccountId", str)
"""A person of the installation; one has a member id in each of their workspaces."""
ServiceAccountId = NewType("ServiceAccountId", str)
"""What programs of a workspace are called that are nobody's in particular."""
MemberId = NewType("MemberId", str)
"""A person in a workspace."""
GroupId = NewType("GroupId", str)
"""People of a workspace who are given access together."""
InvitationId = NewType("InvitationId", str)
ProviderId = NewType("ProviderId", str)
"""A workspace's identity provider, as its owners have set it up: another one when they set up another."""
WorkflowRunId = NewType("WorkflowRunId", str)
"""A UUID."""
LinkId = NewType("LinkId", str)
"""Who carries an agent's frames: a proxy's id, or `direct:<agent id>` for an agent that dials in itself."""
