"""What checked documents may hold in memory, and whose go first."""

from graphql import parse

from broker.domain.ids import TokenId, WorkspaceId
from graphql_api.execution.document_cache import DocumentCache, Sender, tokens_of


def sender(workspace: str, token: str = "t") -> Sender:
    return Sender(WorkspaceId(workspace), TokenId(token))


def filled(most_tokens: int, *documents: tuple[str, int, Sender], most_documents: int = 1000) -> DocumentCache[str]:
    cache = DocumentCache[str](most_tokens=most_tokens, most_documents=most_documents)
    for text, tokens, owner in documents:
        cache.keep(text, f"checked {text}", tokens=tokens, sender=owner)
    return cache


def test_a_document_is_found_by_its_text() -> None:
    cache = filled(100, ("a", 10, sender("w")))
    assert (cache.get("a"), cache.get("b")) == ("checked a", None)


def test_it_holds_so_many_tokens_and_no_more() -> None:
    cache = filled(100, *((str(n), 30, sender("w")) for n in range(50)))
    assert (len(cache), cache.tokens) == (3, 90)


def test_it_holds_so_many_documents_and_no_more() -> None:
    assert len(filled(1000, *((str(n), 1, sender("w")) for n in range(50)), most_documents=7)) == 7


def test_the_one_not_used_for_longest_goes_first() -> None:
    cache = filled(100, ("a", 50, sender("w")), ("b", 50, sender("w")))
    cache.get("a")
    cache.keep("c", "c", tokens=50, sender=sender("w"))
    assert [text for text in "abc" if cache.get(text)] == ["a", "c"]


def test_nobody_pushes_out_what_another_workspace_or_another_token_uses() -> None:
    cache = filled(100, ("theirs", 20, sender("others")), ("dashboard", 20, sender("mine", "person")))
    for number in range(200):
        cache.keep(str(number), "x", tokens=10, sender=sender("mine", "share link"))
    assert cache.get("theirs")
    assert cache.get("dashboard")
    assert cache.tokens <= 100


def test_tokens_minted_by_the_dozen_do_not_help() -> None:
    cache = filled(100, ("theirs", 40, sender("others")))
    for number in range(200):
        cache.keep(str(number), "x", tokens=10, sender=sender("mine", str(number)))
    assert cache.get("theirs")


def test_a_document_larger_than_all_is_not_kept() -> None:
    cache = filled(100, ("huge", 101, sender("w")))
    assert (len(cache), cache.tokens) == (0, 0)


def test_tokens_are_the_words_and_signs() -> None:
    assert tokens_of(parse("{ a b { c(d: 1) } }")) == 13
