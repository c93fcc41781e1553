"""Every claimed cell of the corpus: a hundred secrets in each spelling are gone, a hundred harmless texts stay."""

import pytest

from tests.domain.logs.redaction.harmless_corpus import HARMLESS
from tests.domain.logs.redaction.results import NOT_CAUGHT, is_caught, masked
from tests.domain.logs.redaction.secret_corpus import SECRETS
from tests.domain.logs.redaction.spellings import SPELLINGS


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_secret_can_be_read_in_any_spelling(spelling: str) -> None:
    passed = {(sample.name, spelling) for sample in SECRETS if not is_caught(sample, spelling)}
    assert passed == {cell for cell in NOT_CAUGHT if cell[1] == spelling}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_only_looks_like_a_secret_stays_as_it_was(spelling: str) -> None:
    write = SPELLINGS[spelling]
    assert [text for text in HARMLESS if masked(write(text)) != write(text)] == []


def test_the_corpus_has_a_hundred_of_each_and_every_one_is_another() -> None:
    assert len({sample.name for sample in SECRETS}) == len(SECRETS) >= 100
    assert len(set(HARMLESS)) == len(HARMLESS) >= 100
