"""The protocol against the byte vectors that every SDK runs. The format is in README.md."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from portcullis.protocol import keys, signing

HERE = Path(__file__).parent
REASONS = {"format": "^expected [ps]k_", "checksum": "^the checksum does not match"}
FIELDS = {
    "timestamp": signing.TIMESTAMP_HEADER,
    "nonce": signing.NONCE_HEADER,
    "body_sha256": signing.DIGEST_HEADER,
}
FILES: dict[str, dict[str, list[dict[str, Any]]]] = {
    name: json.loads((HERE / f"{name}.json").read_text()) for name in ("keys", "signing")
}


def vectors(file: str, section: str) -> pytest.MarkDecorator:
    """One run of a test for each vector of a section."""
    rows = FILES[file][section]
    return pytest.mark.parametrize("vector", rows, ids=[row["name"] for row in rows])


@vectors("keys", "key_ids")
def test_key_id(vector: dict[str, Any]) -> None:
    made = keys.new_key_id(vector["stage"], vector["generation"], bytes.fromhex(vector["entropy_hex"]))

    assert made == vector["key_id"]
    parsed = keys.parse_key_id(vector["key_id"])
    assert (parsed.text, parsed.stage, parsed.generation) == (made, vector["stage"], vector["generation"])
    assert made == f"pk_{parsed.stage}_{parsed.body}{made[-6:]}"


@vectors("keys", "secrets")
def test_secret(vector: dict[str, Any]) -> None:
    assert keys.secret_from_mac(vector["stage"], bytes.fromhex(vector["mac_hex"])) == vector["secret"]
    assert keys.parse_secret(vector["secret"]) == vector["stage"]


@vectors("keys", "derivations")
def test_derivation(vector: dict[str, Any]) -> None:
    message = keys.mac_message(vector["key_id"])

    assert message.hex() == vector["mac_message_hex"]
    mac = hmac.digest(bytes.fromhex(vector["root_hex"]), message, "sha256")
    assert mac.hex() == vector["mac_hex"]
    assert keys.secret_from_mac(vector["stage"], mac) == vector["secret"]


@vectors("keys", "malformed_key_ids")
def test_malformed_key_id_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(keys.MalformedKey, match=REASONS[vector["reason"]]):
        keys.parse_key_id(vector["text"])


@vectors("keys", "malformed_secrets")
def test_malformed_secret_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(keys.MalformedKey, match=REASONS[vector["reason"]]):
        keys.parse_secret(vector["text"])


@vectors("signing", "canonical_queries")
def test_canonical_query(vector: dict[str, Any]) -> None:
    assert signing.canonical_query((name, value) for name, value in vector["pairs"]) == vector["query"]


@vectors("signing", "requests")
def test_request(vector: dict[str, Any]) -> None:
    body = bytes.fromhex(vector["body_hex"])
    query = signing.canonical_query((name, value) for name, value in vector["pairs"])
    headers = signing.signed_headers(
        vector["key_id"],
        vector["secret"],
        vector["method"],
        vector["path"],
        query,
        body,
        vector["timestamp"],
        vector["nonce"],
    )
    text = signing.string_to_sign(
        vector["method"], vector["path"], query, str(vector["timestamp"]), vector["nonce"], vector["body_sha256"]
    )

    assert query == vector["query"]
    assert text == vector["string_to_sign"]
    assert headers == {
        "X-API-Key": vector["key_id"],
        "X-Timestamp": str(vector["timestamp"]),
        "X-Nonce": vector["nonce"],
        "X-Content-SHA256": vector["body_sha256"],
        "X-Signature": vector["signature"],
    }
    assert signing.is_signature(vector["signature"])
    assert signing.matches(vector["secret"], text, vector["signature"])


@vectors("signing", "malformed_requests")
def test_malformed_request_is_refused(vector: dict[str, Any]) -> None:
    parts = [vector[name] for name in ("method", "path", "query", "timestamp", "nonce", "body_sha256")]

    with pytest.raises(signing.MalformedRequest) as refused:
        signing.string_to_sign(*parts)

    assert refused.value.field == FIELDS.get(vector["field"], vector["field"])


@vectors("signing", "refused_signatures")
def test_wrong_signature_is_refused(vector: dict[str, Any]) -> None:
    assert not signing.matches(vector["secret"], vector["string_to_sign"], vector["signature"])


def test_a_malformed_vector_is_good_but_for_its_field() -> None:
    good = {"method": "GET", "path": "/test/v1/whoami", "query": "limit=1", "timestamp": "1795242660"}
    good |= {"nonce": "nonce-0123456789", "body_sha256": hashlib.sha256(b"").hexdigest()}

    assert signing.string_to_sign(*good.values()).startswith("GET\n/test/v1/whoami?limit=1\n")
    for vector in FILES["signing"]["malformed_requests"]:
        assert {name for name in good if vector[name] != good[name]} == {vector["field"]}


@pytest.mark.parametrize("file", FILES)
def test_every_vector_has_a_name_of_its_own(file: str) -> None:
    for rows in FILES[file].values():
        names = [row["name"] for row in rows]
        assert rows
        assert len(set(names)) == len(names)
