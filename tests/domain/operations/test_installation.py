"""Which data folder's key may take the place of a store's."""

import pytest

from broker.domain.operations.installation import AnothersStore, Belonging, Installation, belonging

HERS = Installation(id="hers", folder="/hers", host="box")


@pytest.mark.parametrize(
    ("key_is_known", "has_key", "folder_id", "store", "expected"),
    [
        (False, False, "mine", None, Belonging.ITS_OWN),  # the first start on an empty store
        (True, True, "mine", None, Belonging.KNOWN),  # of a version before installations had ids
        (True, True, "hers", HERS, Belonging.KNOWN),
        (True, True, "mine", HERS, Belonging.KNOWN),  # joined
        (False, True, "hers", HERS, Belonging.ITS_OWN),  # the key in the folder was replaced by hand
        (False, True, "mine", HERS, Belonging.ANOTHER),
        (False, False, "mine", HERS, Belonging.ANOTHER),  # her key was revoked
        (False, True, "mine", None, Belonging.ANOTHER),  # of a version before, with another folder
    ],
)
def test_a_folder_and_a_store_belong_together_when_nobody_else_loses_by_it(
    key_is_known: bool, has_key: bool, folder_id: str, store: Installation | None, expected: Belonging
) -> None:
    assert belonging(key_is_known=key_is_known, has_key=has_key, folder_id=folder_id, store=store) is expected


def test_a_refusal_names_both_folders_and_the_way() -> None:
    said = AnothersStore("/mine", HERS).message
    assert all(word in said for word in ("/mine", "/hers on box", "--join", "--data-dir"))
