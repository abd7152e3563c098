"""The second scheme over the functions: keys with and without a secret, one nonce table, the same body check."""

import copy
import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis.client import hmac_signer
from portcullis.protocol import keys, public_keys
from portcullis.protocol.message_signatures import Message, MessageSigner, signed_headers
from tests.functions import deployed
from tests.functions.api_events import STAGE, api_event
from tests.functions.deployed import WALLET, Agent, Deployed, unique

PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = public_keys.encode_ed25519(PRIVATE_KEY.public_key().public_bytes_raw())
HOST = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
PAYMENT = {"kind": "transfer", "amount": "10", "token": "USDC", "chain": "base", "destination": {"wallet": WALLET}}


@dataclass(frozen=True)
class Holder:
    """An agent's key and what signs with it."""

    agent_id: str
    key_id: str
    signer: MessageSigner


def holder(stack: Deployed, algorithm: str) -> Holder:
    agent = stack.agent()
    if algorithm == "hmac-sha256":
        return Holder(agent.agent_id, agent.key_id, hmac_signer(agent.key_id, agent.secret))
    issued = stack.operator("POST", "/v1/agents/{agent}/keys", {"public_key": PUBLIC_KEY}, agent=agent.agent_id)
    return Holder(agent.agent_id, issued.body["key_id"], MessageSigner("ed25519", PRIVATE_KEY.sign))


def event(given: Holder, method: str, path: str, body: bytes = b"", created: int | None = None) -> dict[str, Any]:
    """What API Gateway makes of a request that was signed properly."""
    message = Message(method, f"/{STAGE}{path}", "", {"host": [HOST]})
    signed = signed_headers(given.key_id, given.signer, message, body, created or int(time.time()), unique())
    headers = {"Host": HOST, "Content-Type": "application/json", "Idempotency-Key": unique("payment"), **signed}
    return api_event(method, path, "", headers, body)


both = pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])


@both
def test_a_payment_is_approved_and_its_replay_refused(stack: Deployed, algorithm: str) -> None:
    request = event(holder(stack, algorithm), "POST", "/v1/transactions", json.dumps(PAYMENT).encode())
    assert stack.send(copy.deepcopy(request)).status == 201
    deployed.forget()
    assert stack.send(request).code == "nonce_replayed"


@both
@pytest.mark.parametrize(
    ("part", "code"),
    [("body", "body_digest_mismatch"), ("digest", "invalid_credentials"), ("host", "invalid_credentials")],
)
def test_an_alteration_is_refused(stack: Deployed, algorithm: str, part: str, code: str) -> None:
    request = event(holder(stack, algorithm), "POST", "/v1/transactions", json.dumps(PAYMENT).encode())
    headers = request["multiValueHeaders"]
    if part == "body":
        request["body"] = request["body"].replace('"10"', '"99"')
    elif part == "digest":
        headers["Content-Digest"] = ["sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"]
    else:
        headers["Host"] = ["other.example.com"]
    assert stack.send(request).code == code


@both
def test_both_schemes_at_once_are_refused_and_nothing_is_written(stack: Deployed, algorithm: str) -> None:
    request = event(holder(stack, algorithm), "GET", "/v1/whoami")
    request["multiValueHeaders"]["X-Nonce"] = [unique()]
    assert stack.send(request).code == "malformed_credentials"
    assert stack.items("NONCES_TABLE") == []


def test_a_nonce_is_claimed_for_both_schemes_together(stack: Deployed) -> None:
    agent = stack.agent()
    request = event(Holder(agent.agent_id, agent.key_id, hmac_signer(agent.key_id, agent.secret)), "GET", "/v1/whoami")
    nonce = request["multiValueHeaders"]["Signature-Input"][0].split('nonce="')[1].split('"')[0]
    assert stack.send(request).status == 200
    assert stack.call(agent, "GET", "/v1/whoami", nonce=nonce).code == "nonce_replayed"


def test_a_stale_request_is_refused(stack: Deployed) -> None:
    request = event(holder(stack, "ed25519"), "GET", "/v1/whoami", created=int(time.time()) - 302)
    assert stack.send(request).code == "timestamp_out_of_window"


def test_an_ed25519_key_has_no_secret_anywhere(stack: Deployed) -> None:
    agent = stack.agent()
    headers = {"Idempotency-Key": unique("issue")}

    def issue(public_key: str) -> Any:
        body = {"public_key": public_key}
        return stack.operator("POST", "/v1/agents/{agent}/keys", body, headers=headers, agent=agent.agent_id)

    issued = issue(PUBLIC_KEY)
    assert "secret" not in issued.body
    assert (issued.body["algorithm"], issued.body["public_key"]) == ("ed25519", PUBLIC_KEY)
    assert issue(PUBLIC_KEY).body == issued.body
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert issue(public_keys.encode_ed25519(other)).code == "idempotency_conflict"
    events = stack.operator("GET", "/v1/agents/{agent}/events", agent=agent.agent_id).body["events"]
    algorithms = {event["key"]: event["data"]["algorithm"] for event in events if event["type"] == "key.issued"}
    assert algorithms == {agent.key_id: "hmac-sha256", issued.body["key_id"]: "ed25519"}


def test_an_ed25519_key_is_refused_in_the_first_scheme(stack: Deployed) -> None:
    given = holder(stack, "ed25519")
    derived = stack.kms.generate_mac(
        KeyId=stack.roots["0"], MacAlgorithm="HMAC_SHA_256", Message=keys.mac_message(given.key_id)
    )["Mac"]
    agent = Agent(given.agent_id, given.key_id, keys.secret_from_mac(STAGE, derived))
    answer = stack.call(agent, "GET", "/v1/whoami")
    assert answer.code == "invalid_credentials"


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 43, PUBLIC_KEY + "=", "x" * 300])
def test_a_wrong_public_key_is_named(stack: Deployed, text: str) -> None:
    agent = stack.agent()
    refused = stack.operator("POST", "/v1/agents/{agent}/keys", {"public_key": text}, agent=agent.agent_id)
    assert (refused.status, refused.body["field"]) == (400, "public_key")
