"""The signed request: what is covered, that nothing else could be meant, and what has no canonical form."""

import hashlib
import hmac
import random
from dataclasses import astuple, dataclass, fields, replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.protocol import signing

SECRET = "sk_test_" + "0" * 49
METHODS = st.from_regex(r"[A-Z]{1,16}", fullmatch=True)
SEGMENTS = st.from_regex(r"[A-Za-z0-9._~!$&'()*+,;=:@-]{1,20}", fullmatch=True).filter(lambda s: s not in (".", ".."))
PATHS = st.lists(SEGMENTS, min_size=1, max_size=5).map(lambda segments: "/" + "/".join(segments))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), max_size=6)
QUERIES = PAIRS.map(signing.canonical_query)
TIMESTAMPS = st.integers(1, 10**12 - 1).map(str)
NONCES = st.from_regex(r"[A-Za-z0-9_-]{16,128}", fullmatch=True)
DIGESTS = st.binary(max_size=8).map(signing.body_digest)


@dataclass(frozen=True)
class Parts:
    method: str
    path: str
    query: str
    timestamp: str
    nonce: str
    digest: str

    @property
    def text(self) -> str:
        return signing.string_to_sign(*astuple(self))


STRATEGIES = {
    "method": METHODS,
    "path": PATHS,
    "query": QUERIES,
    "timestamp": TIMESTAMPS,
    "nonce": NONCES,
    "digest": DIGESTS,
}
PARTS = st.builds(Parts, **STRATEGIES)


@pytest.fixture
def parts() -> Parts:
    return Parts("POST", "/test/v1/transactions", "", "1795242660", "nonce-0123456789", signing.body_digest(b"{}"))


def test_every_part_is_covered() -> None:
    assert {field.name for field in fields(Parts)} == set(STRATEGIES)


@given(PARTS, PAIRS)
def test_method_target_pairs_time_nonce_and_digest_can_be_read_back(parts: Parts, pairs: list[tuple[str, str]]) -> None:
    """So no two of them share a text."""
    given = replace(parts, query=signing.canonical_query(pairs))
    method, target, timestamp, nonce, digest = given.text.split("\n")
    path, _, query = target.partition("?")

    assert Parts(method, path, query, timestamp, nonce, digest) == given
    assert sorted(parse_qsl(query, keep_blank_values=True)) == sorted(pairs)


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_another_body_has_another_digest(one: bytes, other: bytes) -> None:
    assert (signing.body_digest(one) == signing.body_digest(other)) == (one == other)


def test_no_body_has_the_digest_of_the_empty_string() -> None:
    assert signing.body_digest(b"") == hashlib.sha256().hexdigest()


@given(PAIRS)
def test_the_query_round_trips_through_a_parser(pairs: list[tuple[str, str]]) -> None:
    assert sorted(parse_qsl(signing.canonical_query(pairs), keep_blank_values=True)) == sorted(pairs)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_the_query_does_not_matter(pairs: list[tuple[str, str]], shuffler: random.Random) -> None:
    shuffled = list(pairs)
    shuffler.shuffle(shuffled)
    assert signing.canonical_query(shuffled) == signing.canonical_query(pairs)


@pytest.mark.parametrize("pair", [("\ud800", "a"), ("a", "\udfff")])
def test_a_query_outside_utf8_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(signing.MalformedRequest, match="query: names and values must be valid UTF-8") as refused:
        signing.canonical_query([pair])
    assert refused.value.field == "query"


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("method", "post", "method: expected an upper-case HTTP method"),
        ("path", "/test/%2e%2e", "path: expected an absolute path without %"),
        ("path", "/test/..", r"path: no \. or \.\. segments"),
        ("query", "a=b\nPOST", "query: expected the canonical form"),
        ("timestamp", "01", "X-Timestamp: expected unix time in whole seconds"),
        ("nonce", "short", "X-Nonce: expected 16 to 128 characters"),
        ("digest", "0" * 63, "X-Content-SHA256: expected 64 lower-case hex digits"),
    ],
)
def test_a_part_outside_its_alphabet_is_refused(parts: Parts, part: str, value: str, reason: str) -> None:
    broken = replace(parts, **{part: value})

    with pytest.raises(signing.MalformedRequest, match=reason):
        _ = broken.text


@given(PARTS, st.data())
def test_no_part_may_hold_a_line_break(parts: Parts, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(STRATEGIES)))
    value = getattr(parts, name)
    at = data.draw(st.integers(0, len(value)))
    broken = replace(parts, **{name: value[:at] + data.draw(st.sampled_from("\n\r")) + value[at:]})

    with pytest.raises(signing.MalformedRequest):
        _ = broken.text


def test_a_signature_is_hmac_sha256_in_lower_case_hex(parts: Parts) -> None:
    expected = hmac.new(SECRET.encode(), parts.text.encode(), "sha256").hexdigest()
    assert signing.sign(SECRET, parts.text) == expected


@given(st.text(max_size=70))
def test_only_the_signature_matches(text: str) -> None:
    assert signing.matches(SECRET, "text", signing.sign(SECRET, "text"))
    assert not signing.matches(SECRET, "text", text)


@pytest.mark.parametrize("signature", ["\ud800", "é" * 64, "0" * 64])
def test_a_strange_signature_is_compared_and_refused(signature: str) -> None:
    assert not signing.matches(SECRET, "text", signature)


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n", "٣" * 64])
def test_the_shape_of_a_signature(text: str) -> None:
    assert signing.is_signature("0a" * 32)
    assert not signing.is_signature(text)


def test_signed_headers_refuse_what_cannot_be_signed() -> None:
    with pytest.raises(signing.MalformedRequest, match="path"):
        signing.signed_headers("id", SECRET, "GET", "no/slash", "", b"", 1, "n" * 16)
