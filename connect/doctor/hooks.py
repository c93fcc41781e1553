"""What hooks may run on this machine, in doctor's words, and what waits for its owner."""

from __future__ import annotations

import json
from pathlib import Path

from broker.domain.errors import BadRequest
from connect.doctor.findings import Finding, ok, problem, unknown, warning
from connect.machine.hooks.consent_file import ConsentFile
from connect.machine.hooks.consents import Consent
from connect.machine.hooks.offers import Offer, offers_of
from connect.machine.hooks.programs import digests_of
from connect.machine.hooks.refusals import read_refusals
from connect.settings import ConnectSettings

_SUBJECT = "hooks"


def examine_hooks(settings: ConnectSettings) -> list[Finding]:
    """Each hook that is allowed or denied, and each that was refused lately."""
    file = ConsentFile(settings.policy_dir or settings.state_dir, state=settings.state_dir)
    try:
        content = file.content()
        consents = file.parse(content)
    except BadRequest as refusal:
        return [
            problem(_SUBJECT, f"{refusal.message}; no hook runs; remove the file, or put it right, and {file.advice}")
        ]
    lines = [_report_allowed(each) for each in consents.allow]
    lines += [ok(_SUBJECT, f"{hook} is denied") for hook in consents.deny]
    lines += [_report_refused(each) for each in offers_of(read_refusals(settings.state_dir), consents)]
    if not file.is_confirmed(content):
        words = f"{file.path} was changed and nobody has confirmed it: no hook runs; {file.advice}"
        return [problem(_SUBJECT, words), *lines]
    return lines or [ok(_SUBJECT, "none may run on this machine, and none was refused lately")]


def _report_allowed(consent: Consent) -> Finding:
    words = f"{consent.id} may run {_words(consent)} in {', '.join(map(str, consent.roots))}"
    if not consent.program.is_file():
        return warning(_SUBJECT, f"{words}, but {consent.program} is not there")
    try:
        now = digests_of(map(Path, consent.files))
    except OSError as error:
        return warning(_SUBJECT, f"{words}, but {error.filename} cannot be read: {error.strerror}")
    changed = [path for path, digest in consent.files.items() if now[path] != digest]
    if changed:
        advice = f"it does not run until `relay-connect hooks allow {consent.id}`"
        return warning(_SUBJECT, f"{words}, but {', '.join(changed)} was changed since: {advice}")
    return ok(_SUBJECT, words)


def _report_refused(offer: Offer) -> Finding:
    consent = offer.consent
    standing = "is not what was allowed" if offer.before else "is neither allowed nor denied"
    advice = f"it was refused; look at it with `relay-connect hooks allow {consent.id}`"
    return unknown(_SUBJECT, f"{consent.id} {standing}: {_words(consent)}; {advice}")


def _words(consent: Consent) -> str:
    """As a list, and in ASCII: its words are a broker's, and may hold anything."""
    return json.dumps(list(consent.words))
