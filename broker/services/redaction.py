"""What is masked before anything is stored: the known forms of secrets and each workspace's own rules."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkspaceId
from broker.domain.logs.redaction import MEMBER, Redactor, TriggerSearch
from broker.domain.logs.redaction.form import SecretForm
from broker.domain.logs.redaction.forms import FORMS
from broker.domain.logs.redaction.rules import secret_form, secret_forms
from broker.domain.people.access import Permission, Principal
from broker.services.permissions import requires
from broker.services.ports import RedactionRules
from broker.telemetry import REDACTIONS

_log = logging.getLogger(__name__)
OWN_RULE = "own"
"""What a workspace's own rules count as: their names are its own business, and metrics are read by others."""
_KNOWN_FORMS = frozenset({form.name for form in FORMS} | {MEMBER})
_MOST_KNOWN = 1000
"""Workspaces whose redactor is kept; building one anew takes a millisecond."""
_FRESH_S = 3.0
"""How long other gateways may go on with rules that were replaced; a look for each report would double its cost."""


class Redaction:
    """One redactor for each workspace, kept as long as its rules are fresh."""

    def __init__(
        self,
        rules: RedactionRules,
        *,
        search: TriggerSearch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`search`: how triggers of secrets are looked for, in every event."""
        self._rules = rules
        self._search = search
        self._clock = clock
        self._known: OrderedDict[WorkspaceId, tuple[float, tuple[tuple[str, str], ...], Redactor]] = OrderedDict()

    async def redactor(self, workspace: WorkspaceId) -> Redactor:
        """For everything of a workspace that is about to be stored. Raises `Unavailable`."""
        now = self._clock()
        known = self._known.get(workspace)
        if known and now - known[0] < _FRESH_S:
            return known[2]
        rules = tuple(await self._rules.redaction_rules(workspace))
        redactor = known[2] if known and known[1] == rules else self._redactor(rules)
        self._known[workspace] = (now, rules, redactor)
        self._known.move_to_end(workspace)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return redactor

    def _redactor(self, rules: Sequence[tuple[str, str]]) -> Redactor:
        return Redactor(_usable(rules), told=_count, search=self._search)

    @requires(Permission.ADMINISTER)
    async def rules(self, principal: Principal) -> list[tuple[str, str]]:
        """The workspace's own rules. Raises `NotPermitted`."""
        return await self._rules.redaction_rules(principal.workspace)

    @requires(Permission.ADMINISTER)
    async def set_rules(self, principal: Principal, rules: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Replace them, from the next event on. Raises `NotPermitted`, `BadRequest` (INVALID_RULE)."""
        secret_forms(rules)
        await self._rules.set_redaction_rules(principal.workspace, rules)
        self._known.pop(principal.workspace, None)
        return list(rules)


def _usable(rules: Sequence[tuple[str, str]]) -> list[SecretForm]:
    """A rule that an older version took and this one refuses must not hold up all that is reported."""
    forms = []
    for name, pattern in rules:
        try:
            forms.append(secret_form(name, pattern))
        except BadRequest as error:
            _log.error("%s; it masks nothing until it is replaced", error.message)
    return forms


def _count(rule: str, hits: int) -> None:
    REDACTIONS.labels(rule if rule in _KNOWN_FORMS else OWN_RULE).inc(hits)
