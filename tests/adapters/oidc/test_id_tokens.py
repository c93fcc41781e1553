"""Each check of an ID token, with the token that fails by it alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.oidc.id_tokens import LEEWAY_S, OLDEST_S, Expected, KeyNotKnown, verify
from broker.adapters.oidc.keys import ALGORITHMS, MOST_KEYS, read_keys
from broker.domain.errors import IdentityProviderFailed
from tests.fixtures.minting import SigningKey, encoded, mint, signing_key

ISSUER = "https://idp.example.com/tenant"
NOW = 1_800_000_000.0
ACCESS_TOKEN = "of the userinfo endpoint"
EXPECTED = Expected(issuer=ISSUER, client_id="relaycast", nonce="of this sign-in", access_token=ACCESS_TOKEN)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "relaycast",
    "sub": "0042",
    "nonce": EXPECTED.nonce,
    "iat": NOW - 5,
    "exp": NOW + 300,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def keys_of(*keys: Mapping[str, object]) -> dict[str, object]:
    """A JWK Set."""
    return {"keys": list(keys)}


ES256 = signing_key("ES256")
PUBLISHED = keys_of(ES256.jwk())


def judge(token: str, published: dict[str, Any] = PUBLISHED, *, expected: Expected = EXPECTED) -> dict[str, Any]:
    return verify(token, read_keys(published), expected, now=NOW)


def refused(token: str, reason: str, published: dict[str, Any] = PUBLISHED) -> IdentityProviderFailed:
    with pytest.raises(IdentityProviderFailed, match=reason) as caught:
        judge(token, published)
    return caught.value


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_is_believed_by_each_algorithm_of_the_list(algorithm: str) -> None:
    key = signing_key(algorithm)
    assert judge(mint(CLAIMS, key=key), keys_of(key.jwk())) == CLAIMS


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signature_of_another_key_is_not_believed(algorithm: str) -> None:
    published = keys_of(signing_key(algorithm).jwk())
    refused(mint(CLAIMS, key=signing_key(algorithm, 2)), "the signature of the provider's ID token is wrong", published)


@pytest.mark.parametrize("part", [0, 1])
def test_nothing_of_a_token_can_be_changed(part: int) -> None:
    segments = mint(CLAIMS).split(".")
    read = json.loads(base64.urlsafe_b64decode(segments[part] + "=="))
    segments[part] = encoded(json.dumps({**read, "extra": 1}).encode())
    refused(".".join(segments), "the signature of the provider's ID token is wrong")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 7, [], {"RS256": 1}])
def test_a_token_that_nobody_has_signed_is_not_believed(algorithm: object) -> None:
    signed = mint(CLAIMS, header={"alg": algorithm})
    refused(signed.rpartition(".")[0] + ".", "which is not believed; its administrator chooses one of RS256")
    refused(signed, "which is not believed")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("encoding", ["PEM", "DER", "JWK"])
def test_a_public_key_is_no_secret_to_sign_with(algorithm: str, encoding: str) -> None:
    key = signing_key("RS256")
    public = key.private.public_key()
    secret = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": json.dumps(key.jwk()).encode(),
    }[encoding]
    signed = (
        f"{encoded(json.dumps({'alg': algorithm, 'kid': 'RS256'}).encode())}.{encoded(json.dumps(CLAIMS).encode())}"
    )
    mac = hmac.new(secret, signed.encode(), "sha" + algorithm[-3:]).digest()
    refused(f"{signed}.{encoded(mac)}", "which is not believed", keys_of(key.jwk()))
    symmetric = {"kty": "oct", "k": encoded(secret), "kid": "RS256", "alg": algorithm, "use": "sig"}
    refused(f"{signed}.{encoded(mac)}", "which is not believed", keys_of(symmetric, ES256.jwk()))


@pytest.mark.parametrize("says", ["RS512", "PS256", "ES256"])
def test_the_algorithm_is_that_of_the_key_and_not_what_the_token_says(says: str) -> None:
    key, other = signing_key("RS256"), signing_key(says)
    borrowed = SigningKey(algorithm=says, private=other.private if says == "ES256" else key.private)
    token = mint(CLAIMS, key=borrowed, header={"kid": "RS256"})
    refused(token, f"is signed with {says}, and the key that it names is for another algorithm", keys_of(key.jwk()))


def test_a_key_that_says_no_algorithm_is_good_for_those_of_its_kind() -> None:
    key = signing_key("PS384")
    assert judge(mint(CLAIMS, key=key), keys_of(key.jwk(alg=None))) == CLAIMS
    curve = signing_key("ES384")
    token = mint(CLAIMS, key=SigningKey(algorithm="ES256", private=curve.private), header={"kid": "ES384"})
    refused(token, "the key that it names is for another algorithm", keys_of(curve.jwk(alg=None)))
    kind = keys_of(signing_key("ES256").jwk(alg=None, kty="OKP"))
    refused(mint(CLAIMS), "the key that it names is for another algorithm", kind)


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"use": 7},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"kty": "oct"},
        {"kty": None},
        {"kty": ["EC"]},
        {"crv": 256},
        {"x": 1},
        {"x": "A" * 101},
        {"kid": 5},
        {"kid": "k" * 1025},
        {"alg": ["ES256"]},
        {"d": "the private part"},
    ],
)
def test_keys_that_do_not_sign_are_left_out(members: dict[str, object]) -> None:
    with pytest.raises(IdentityProviderFailed, match="publishes no key with which it could sign"):
        read_keys(keys_of({**ES256.jwk(), **members}))


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": [1, None, "x", []]}])
def test_a_set_without_keys_is_refused_in_words(document: dict[str, Any]) -> None:
    with pytest.raises(IdentityProviderFailed, match="its administrator sets one of RS256"):
        read_keys(document)


def test_no_more_keys_are_kept_than_large_services_have() -> None:
    assert len(read_keys(keys_of(*(ES256.jwk(kid=str(number)) for number in range(3 * MOST_KEYS))))) == MOST_KEYS


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"x": "AAAA"}, "signature"),
        ({"x": "!" * 43}, "signature"),
        ({"x": encoded(b"\1" * 32)}, "signature"),  # a point that is not on the curve
        ({"x": "\u00e9" * 43}, "signature"),
    ],
)
def test_a_key_that_is_none_signs_nothing(members: dict[str, object], reason: str) -> None:
    refused(mint(CLAIMS), reason, keys_of(ES256.jwk(**members)))


def test_short_rsa_keys_are_refused_in_words_and_long_ones_cost_nothing() -> None:
    short = signing_key("RS256", bits=1024)
    refused(mint(CLAIMS, key=short), "an RSA key of less than 2048 bits", keys_of(short.jwk()))
    huge = {**signing_key("RS256").jwk(), "n": "_" * 1401}
    with pytest.raises(IdentityProviderFailed, match="publishes no key"):
        read_keys(keys_of(huge))
    with pytest.raises(IdentityProviderFailed, match="publishes no key"):
        read_keys(keys_of({**signing_key("RS256").jwk(), "e": "_" * 12}))


def test_a_key_that_is_not_published_may_be_a_new_one() -> None:
    with pytest.raises(KeyNotKnown, match="a key that the provider does not publish"):
        judge(mint(CLAIMS, header={"kid": "new"}))
    with pytest.raises(KeyNotKnown, match="the provider publishes no such key"):
        judge(mint(CLAIMS, key=signing_key("EdDSA"), header={"kid": None}))


def test_a_token_may_leave_its_key_unnamed_where_there_is_one() -> None:
    assert judge(mint(CLAIMS, header={"kid": None}), keys_of(ES256.jwk(kid=None), signing_key("RS256").jwk())) == CLAIMS
    two = keys_of(ES256.jwk(kid=None), signing_key("ES256", 2).jwk(kid=None))
    refused(mint(CLAIMS, header={"kid": None}), r"does not say which of the provider's keys", two)
    refused(mint(CLAIMS, header={"kid": 7}), "names its key by what is no text")


def test_an_unnamed_key_that_was_changed_may_be_a_new_one() -> None:
    with pytest.raises(KeyNotKnown, match="not signed with the key that the provider publishes"):
        judge(mint(CLAIMS, header={"kid": None}), keys_of(signing_key("ES256", 2).jwk(kid=None)))


def test_of_keys_with_one_name_each_is_tried() -> None:
    other = signing_key("ES256", 2)
    assert judge(mint(CLAIMS, key=other), keys_of(ES256.jwk(), other.jwk())) == CLAIMS


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"crit": ["exp"]}, "an extension that is not known here"),
        ({"crit": []}, "an extension that is not known here"),
        ({"crit": ["b64"], "b64": False}, "an extension that is not known here"),
        ({"b64": False}, "signature"),
        ({"typ": "at+jwt"}, "a token of another kind"),
        ({"typ": "logout+jwt"}, "a token of another kind"),
        ({"typ": 1}, "a token of another kind"),
    ],
)
def test_what_a_header_asks_for_besides_is_not_done(header: dict[str, object], reason: str) -> None:
    refused(mint(CLAIMS, header=header), reason)


@pytest.mark.parametrize("kind", ["JWT", "jwt", "application/jwt", None])
def test_a_token_may_say_that_it_is_one(kind: str | None) -> None:
    assert judge(mint(CLAIMS, header={"typ": kind})) == CLAIMS


SOMEBODY_ELSE = "for another client"
NO_TIME = "does not say in seconds when it is good"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": ISSUER + "/"}, "of another issuer"),
        ({"iss": ISSUER.upper()}, "of another issuer"),
        ({"iss": None}, "of another issuer"),
        ({"iss": [ISSUER]}, "of another issuer"),
        ({"aud": "another"}, SOMEBODY_ELSE),
        ({"aud": "relaycast-2"}, SOMEBODY_ELSE),
        ({"aud": []}, SOMEBODY_ELSE),
        ({"aud": None}, SOMEBODY_ELSE),
        ({"aud": {"relaycast": 1}}, SOMEBODY_ELSE),
        ({"aud": ["relaycast", 7], "azp": "relaycast"}, SOMEBODY_ELSE),
        ({"aud": ["relaycast", "another"]}, r"was given to another client \(azp\)"),
        ({"aud": ["relaycast", "another"], "azp": "another"}, r"was given to another client \(azp\)"),
        ({"azp": "another"}, r"was given to another client \(azp\)"),
        ({"azp": ["relaycast"]}, r"was given to another client \(azp\)"),
        ({"exp": NOW - LEEWAY_S}, "has ended already"),
        ({"exp": 0}, "has ended already"),
        ({"exp": None}, NO_TIME),
        ({"exp": str(int(NOW + 300))}, NO_TIME),
        ({"exp": True}, NO_TIME),
        ({"exp": 10**400}, "at no time that there is"),
        ({"iat": NOW + LEEWAY_S + 1}, "begins in the future"),
        ({"iat": NOW + LEEWAY_S + 1, "nbf": NOW}, "begins in the future"),
        ({"iat": NOW - OLDEST_S - 1}, "is more than a day old"),
        ({"iat": None}, NO_TIME),
        ({"nbf": NOW + LEEWAY_S + 1}, "begins in the future"),
        ({"nbf": "now"}, NO_TIME),
        ({"nonce": "of another"}, r"not of this sign-in \(nonce\)"),
        ({"nonce": ""}, r"not of this sign-in \(nonce\)"),
        ({"nonce": None}, r"not of this sign-in \(nonce\)"),
        ({"nonce": [EXPECTED.nonce]}, r"not of this sign-in \(nonce\)"),
        ({"nonce": EXPECTED.nonce + "\u00e9\ud800"}, r"not of this sign-in \(nonce\)"),
        ({"sub": ""}, "names nobody"),
        ({"sub": None}, "names nobody"),
        ({"sub": 42}, "names nobody"),
        ({"sub": "s" * 256}, "names nobody"),
        ({"sub": "a\nb"}, "names nobody"),
        ({"sub": "\u00e9"}, "names nobody"),
        ({"at_hash": "AAAA"}, r"the access token of another sign-in \(at_hash\)"),
        ({"at_hash": None}, r"the access token of another sign-in \(at_hash\)"),
        ({"at_hash": ["x"]}, r"the access token of another sign-in \(at_hash\)"),
    ],
)
def test_a_claim_that_is_wrong_is_refused_for_what_it_is(changed: dict[str, object], reason: str) -> None:
    refused(mint({**CLAIMS, **changed}), reason)


@pytest.mark.parametrize("missing", CLAIMS)
def test_a_claim_that_is_missing_is_refused(missing: str) -> None:
    refused(mint({name: value for name, value in CLAIMS.items() if name != missing}), "the provider's ID token")


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": NOW - LEEWAY_S + 1},
        {"iat": NOW + LEEWAY_S},
        {"iat": NOW - OLDEST_S},
        {"nbf": NOW + LEEWAY_S},
        {"aud": ["relaycast"]},
        {"aud": ["another", "relaycast"], "azp": "relaycast"},
        {"azp": "relaycast"},
        {"sub": "s" * 255},
    ],
)
def test_what_the_specification_lets_a_provider_say_is_believed(changed: dict[str, object]) -> None:
    assert judge(mint({**CLAIMS, **changed})) == {**CLAIMS, **changed}


@pytest.mark.parametrize(
    ("algorithm", "hashed"), [("RS256", "sha256"), ("ES384", "sha384"), ("PS512", "sha512"), ("EdDSA", "sha512")]
)
def test_the_access_token_is_the_one_that_came_with_it(algorithm: str, hashed: str) -> None:
    key = signing_key(algorithm)
    digest = hashlib.new(hashed, ACCESS_TOKEN.encode()).digest()
    claims = {**CLAIMS, "at_hash": encoded(digest[: len(digest) // 2])}
    assert judge(mint(claims, key=key), keys_of(key.jwk())) == claims
    without = Expected(issuer=ISSUER, client_id="relaycast", nonce=EXPECTED.nonce)
    with pytest.raises(IdentityProviderFailed, match="at_hash"):
        judge(mint(claims, key=key), keys_of(key.jwk()), expected=without)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (b"[1]", "no JSON object"),
        (b"not JSON", "no JSON that can be read"),
        (b"\xff{}", "no JSON that can be read"),
        (b"[" * 100_000, "no JSON that can be read"),
        (b'{"exp":' + b"9" * 5000 + b"}", "no JSON that can be read"),
        (b'{"exp":NaN}', "no JSON that can be read"),
        (b'{"exp":1e999}', "of another issuer"),
        (json.dumps(CLAIMS).encode()[:-1] + b',"sub":"root"}', "names a member twice"),
    ],
)
def test_signed_claims_that_are_no_honest_json_are_refused(claims: bytes, reason: str) -> None:
    refused(mint(claims), reason)


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "...", "\u00e9.\u00e9.\u00e9", "e30.e30."])
def test_what_is_no_token_is_refused(token: str) -> None:
    refused(token, "the provider's ID token")


def test_what_a_token_says_is_shown_briefly_and_without_what_is_not_seen() -> None:
    message = refused(mint({**CLAIMS, "iss": "https://x\u202e\x1b[2J" + "y" * 5000}), "of another issuer").message
    assert message.isprintable()
    assert len(message) < 400


@given(token=st.text() | st.lists(st.text(), min_size=3, max_size=3).map(".".join))
def test_no_text_is_a_token_by_chance(token: str) -> None:
    with pytest.raises(IdentityProviderFailed):
        judge(token)


@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c"]), JSON, max_size=3
    ),
    changed=st.dictionaries(st.sampled_from([*CLAIMS, "azp", "nbf", "at_hash"]), JSON),
)
def test_whatever_stands_in_a_signed_token_it_is_believed_or_refused(
    header: dict[str, Any], changed: dict[str, Any]
) -> None:
    try:
        claims = judge(mint({**CLAIMS, **changed}, header=header))
    except IdentityProviderFailed:
        return
    assert (claims["iss"], claims["nonce"]) == (ISSUER, EXPECTED.nonce)


@given(
    jwks=st.lists(
        st.dictionaries(
            st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops", "d", "k"]),
            JSON | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "ES256", "sig", "AQAB", "A" * 43]),
        ),
        max_size=3,
    ),
    algorithm=st.sampled_from(["RS256", "ES256", "EdDSA"]),
)
def test_whatever_is_published_as_keys_signs_nothing(jwks: list[dict[str, Any]], algorithm: str) -> None:
    with pytest.raises(IdentityProviderFailed):
        judge(mint(CLAIMS, key=signing_key(algorithm), header={"kid": None}), keys_of(*jwks))


@given(members=st.dictionaries(st.sampled_from(["crv", "x", "y", "n", "e"]), JSON | st.from_regex(r"[\w-]{0,50}")))
def test_a_key_of_changed_members_is_believed_or_refused(members: dict[str, Any]) -> None:
    for algorithm in ("RS256", "ES256", "EdDSA"):
        key = signing_key(algorithm)
        try:
            judge(mint(CLAIMS, key=key), keys_of({**key.jwk(), **members}))
        except IdentityProviderFailed:
            continue
