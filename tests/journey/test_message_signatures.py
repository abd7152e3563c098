"""The second scheme over HTTP, with a secret and without."""

import json
import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis.client import hmac_signer
from portcullis.protocol import public_keys
from portcullis.protocol.message_signatures import Message, MessageSigner, content_digest, signed_headers
from tests.journey.deployment import WALLET, Deployment, Signed, fresh
from tests.journey.test_authentication import assert_refused, with_header

PAYMENT = {"kind": "transfer", "amount": "10", "token": "USDC", "chain": "base", "destination": {"wallet": WALLET}}
both = pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])


@dataclass(frozen=True)
class Holder:
    """A key, what signs with it, and the address it is used from."""

    key_id: str
    signer: MessageSigner
    address: str


def holder(deployment: Deployment, algorithm: str) -> Holder:
    agent = deployment.agent()
    if algorithm == "hmac-sha256":
        return Holder(agent.key_id, hmac_signer(agent.key_id, agent.secret), agent.address)
    private_key = Ed25519PrivateKey.generate()
    body = {"public_key": public_keys.encode_ed25519(private_key.public_key().public_bytes_raw())}
    issued = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/keys", body)
    assert issued.status_code == 201, issued.text
    return Holder(issued.json()["key_id"], MessageSigner("ed25519", private_key.sign), agent.address)


def payment(deployment: Deployment, given: Holder, created: int | None = None, host: str | None = None) -> Signed:
    """A payment that was signed properly; ``host`` is the authority it is signed for."""
    body = json.dumps(PAYMENT).encode()
    authority = host or urlsplit(deployment.agent_url).netloc
    path = f"{deployment.base_path}/v1/transactions"
    message = Message("POST", path, "", {"host": [authority]})
    headers = signed_headers(given.key_id, given.signer, message, body, created or int(time.time()), fresh("nonce"))
    plain = {"X-Forwarded-For": given.address, "Content-Type": "application/json", "Idempotency-Key": fresh("payment")}
    return Signed("POST", "/v1/transactions", {**plain, **headers}, body)


@both
def test_a_payment_is_approved_and_its_replay_refused(deployment: Deployment, algorithm: str) -> None:
    request = payment(deployment, holder(deployment, algorithm))
    assert deployment.send(request).status_code == 201
    assert_refused(deployment.send(request), 401, "nonce_replayed")


@both
def test_alterations_are_refused(deployment: Deployment, algorithm: str) -> None:
    given = holder(deployment, algorithm)
    request = payment(deployment, given)
    other = request.body.replace(b'"10"', b'"99"')
    assert_refused(deployment.send(replace(request, body=other)), 400, "body_digest_mismatch")

    request = payment(deployment, given)
    altered = replace(with_header(request, "Content-Digest", content_digest(other)), body=other)
    assert_refused(deployment.send(altered), 401, "invalid_credentials")
    assert_refused(deployment.send(replace(request, target="/v1/transactions?a=1")), 401, "invalid_credentials")
    elsewhere = payment(deployment, given, host="other.example.com")
    assert_refused(deployment.send(elsewhere), 401, "invalid_credentials")
    stale = payment(deployment, given, created=int(time.time()) - 400)
    assert_refused(deployment.send(stale), 401, "timestamp_out_of_window")
    mixed = with_header(request, "X-API-Key", given.key_id)
    assert_refused(deployment.send(mixed), 401, "malformed_credentials")
    assert deployment.send(request).status_code == 201, "none of them has burnt the nonce"
