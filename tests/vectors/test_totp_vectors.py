"""One-time codes: the vectors of the RFCs, and the derivation of an approver's secret."""

import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from portcullis.protocol import totp

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("totp.json").read_text())


def each(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS[name], ids=lambda vector: vector["name"])


@each("hotp")
def test_codes_of_steps(vector: dict[str, Any]) -> None:
    secret = bytes.fromhex(vector["secret_hex"])
    assert [totp.code(secret, step) for step in range(len(vector["codes"]))] == vector["codes"]


@each("totp")
def test_codes_of_instants(vector: dict[str, Any]) -> None:
    secret = bytes.fromhex(vector["secret_hex"])
    assert totp.code(secret, totp.step_at(vector["seconds"])) == vector["code8"][-6:]


@each("derivations")
def test_derived_secrets(vector: dict[str, Any]) -> None:
    message = totp.mac_message(vector["approver"])
    assert message.hex() == vector["mac_message_hex"]
    mac = hmac.digest(bytes.fromhex(vector["root_hex"]), message, "sha256")
    assert totp.base32(totp.secret_from_mac(mac)) == vector["secret_base32"]
