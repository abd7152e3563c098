"""The second scheme against its byte vectors, the RFCs' own among them. The format is in README.md."""

import hmac
import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from portcullis.aws import ed25519
from portcullis.protocol import message_signatures as messages
from portcullis.protocol.signing import MalformedRequest

FILE: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("message_signatures.json").read_text())


def vectors(section: str) -> pytest.MarkDecorator:
    """One run of a test for each vector of a section."""
    return pytest.mark.parametrize("vector", FILE[section], ids=[row["name"] for row in FILE[section]])


@vectors("examples")
def test_example(vector: dict[str, Any]) -> None:
    message = messages.Message(vector["method"], vector["path"], vector["query"], vector["fields"])
    given = messages.parse_input(vector["signature_input"])
    base, key = messages.signature_base(message, given), bytes.fromhex(vector["key_hex"])
    signature = b64decode(vector["signature"].removeprefix(f"{given.label}=:").removesuffix(":"))

    assert base == vector["base"]
    assert vector["signature_input"] == f"{given.label}={given.text}"
    if vector["algorithm"] == "ed25519":
        assert ed25519.verifies(key, base, signature.hex())
    else:
        assert hmac.digest(key, base.encode(), "sha256") == signature


@vectors("content_digests")
def test_content_digest(vector: dict[str, Any]) -> None:
    assert messages.content_digest(bytes.fromhex(vector["body_hex"])) == vector["content_digest"]
    digest = messages.parse_content_digest(f"sha-512=:AAAA:, {vector['content_digest']}")
    assert f"sha-256=:{b64encode(digest).decode()}:" == vector["content_digest"]


@vectors("malformed_content_digests")
def test_malformed_content_digest_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(MalformedRequest, match=r"^Content-Digest: "):
        messages.parse_content_digest(vector["text"])


@vectors("malformed_inputs")
def test_malformed_input_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(MalformedRequest, match=r"^Signature-Input: "):
        messages.parse_input(vector["text"])


@vectors("authorities")
def test_authority(vector: dict[str, Any]) -> None:
    assert messages.authority(vector["host"]) == vector["authority"]


@vectors("malformed_authorities")
def test_malformed_authority_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(MalformedRequest, match=r"^host: "):
        messages.authority(vector["host"])


@pytest.mark.parametrize("section", FILE)
def test_every_vector_has_a_name_of_its_own(section: str) -> None:
    names = [row["name"] for row in FILE[section]]
    assert names
    assert len(set(names)) == len(names)
