"""The corpus as a table: `python -m tests.domain.logs.redaction` prints what is caught, passed, destroyed."""

from __future__ import annotations

from tests.domain.logs.redaction.harmless_corpus import HARMLESS
from tests.domain.logs.redaction.results import (
    NOT_CAUGHT,
    is_caught,
    is_caught_in_fragments,
    masked,
    shown_in_fragments,
)
from tests.domain.logs.redaction.secret_corpus import SECRETS
from tests.domain.logs.redaction.spellings import SPELLINGS


def main() -> None:
    print(f"{len(SECRETS)} secrets, {len(HARMLESS)} harmless texts")
    print(f"{'spelling':12} {'caught':>6} {'passed':>6} {'harmless kept':>13} {'destroyed':>9}")
    for spelling, write in SPELLINGS.items():
        passed = [sample.name for sample in SECRETS if not is_caught(sample, spelling)]
        destroyed = [text for text in HARMLESS if masked(write(text)) != write(text)]
        counts = (
            f"{len(SECRETS) - len(passed):6} {len(passed):6} {len(HARMLESS) - len(destroyed):13} {len(destroyed):9}"
        )
        print(f"{spelling:12} {counts}")
        for name in passed:
            print(f"    passed: {name}: {NOT_CAUGHT.get((name, spelling), 'NOT EXPECTED')}")
        for text in destroyed:
            print(f"    destroyed: {text[:60]!r} -> {masked(text)[:90]!r}")
    caught = sum(map(is_caught_in_fragments, SECRETS))
    kept = sum(shown_in_fragments(text) == text for text in HARMLESS)
    print(f"{'fragments':12} {caught:6} {len(SECRETS) - caught:6} {kept:13} {len(HARMLESS) - kept:9}")


if __name__ == "__main__":
    main()
