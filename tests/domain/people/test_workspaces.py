import pytest

from broker.domain.errors import BadRequest
from broker.domain.people.workspaces import LONGEST_SLUG, check_slug, slug_of, workspace_id


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme", "acme"),
        ("  Acme & Söhne GmbH ", "acme-sohne-gmbh"),
        ("日本", "workspace"),
        ("--", "workspace"),
        ("x" * 80, "x" * 30),
        ("a" * 16, "workspace"),  # which looks like an id
    ],
)
def test_a_name_suggests_a_slug(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert check_slug(slug) == slug


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a b", "a/b", "é", "0123456789abcdef", "a" * (LONGEST_SLUG + 1)])
def test_what_cannot_stand_in_an_address_or_looks_like_an_id_is_no_slug(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_slug(text)
    assert refused.value.code == "INVALID_NAME"


@pytest.mark.parametrize("text", ["installation", "processes"])
def test_the_installations_own_tags_are_no_workspaces(text: str) -> None:
    with pytest.raises(BadRequest):
        workspace_id(text)
