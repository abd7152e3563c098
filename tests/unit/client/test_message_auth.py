"""Message signatures through httpx, and both ways against the http-message-signatures package."""

import random
import string
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from portcullis.aws import ed25519
from portcullis.client import (
    ConfigurationError,
    InvalidRequestError,
    MessageSignatureAuth,
    ed25519_signer,
    hmac_signer,
)
from portcullis.domain.verification import Verified, verify
from portcullis.protocol import message_signatures, signing
from portcullis.protocol.credentials import Refused, SignedRequest
from tests.unit.client.world import KEY_ID, SECRET
from tests.unit.domain.builders import key_record

PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
RECORDS = {
    "hmac-sha256": key_record(key_id=KEY_ID),
    "ed25519": key_record(key_id=KEY_ID, algorithm="ed25519", public_key=PRIVATE_KEY.public_key().public_bytes_raw()),
}
SIGNERS = {"hmac-sha256": hmac_signer(KEY_ID, SECRET), "ed25519": ed25519_signer(PEM)}
THEIRS = {"hmac-sha256": algorithms.HMAC_SHA256, "ed25519": algorithms.ED25519}
NOW = 1_795_000_000
COUNT = 250
both = pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])


class Keys(HTTPSignatureKeyResolver):
    """One key under one id, for the other package."""

    def __init__(self, algorithm: str) -> None:
        self.shared = SECRET.encode() if algorithm == "hmac-sha256" else None

    def resolve_private_key(self, key_id: str) -> Any:
        assert key_id == KEY_ID
        return self.shared or PRIVATE_KEY

    def resolve_public_key(self, key_id: str) -> Any:
        assert key_id == KEY_ID
        return self.shared or PRIVATE_KEY.public_key()


def random_request(chance: random.Random) -> httpx.Request:
    """Any method, authority, path, query in canonical form, and body."""
    letters = string.ascii_letters + string.digits + "-._~"
    text = "".join(chance.choices(letters + " +&=%/?é☃", k=6))
    pairs = [(chance.choice("abc"), text[: chance.randrange(7)]) for _ in range(chance.randrange(4))]
    path = "".join("/" + "".join(chance.choices(letters.replace(".", ""), k=5)) for _ in range(chance.randint(1, 4)))
    host = chance.choice(["api.example.com", "API.Example.COM", "127.0.0.1:4810", "api.example.com:8443", "[::1]:9"])
    query = signing.canonical_query(pairs)
    url = f"https://{host}{path}" + (f"?{query}" if query else "")
    body = chance.randbytes(chance.randrange(64))
    return httpx.Request(chance.choice(["GET", "POST", "PUT", "DELETE"]), url, content=body)


def delivered(request: httpx.Request) -> SignedRequest:
    """The request as API Gateway delivers it."""
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.multi_items():
        headers.setdefault(name, []).append(value)
    target = urlsplit(request.url.raw_path.decode())
    pairs = parse_qsl(target.query, keep_blank_values=True)
    return SignedRequest(request.method, target.path, pairs, headers, "203.0.113.7")


def judge(request: SignedRequest, algorithm: str, now: int = NOW) -> Verified | Refused:
    return verify(
        request,
        stage="local",
        now=now * 1_000_000,
        find_key=lambda _: RECORDS[algorithm],
        secret_of=lambda _: SECRET,
        check_ed25519=ed25519.verifies,
        claim_nonce=lambda *_: True,
    )


def signed_by_us(request: httpx.Request, algorithm: str) -> httpx.Request:
    auth = MessageSignatureAuth(KEY_ID, SIGNERS[algorithm], clock=lambda: NOW)
    return next(auth.auth_flow(request))


def signed_by_them(request: httpx.Request, algorithm: str, nonce: str) -> httpx.Request:
    signer = HTTPMessageSigner(signature_algorithm=THEIRS[algorithm], key_resolver=Keys(algorithm))
    signer.sign(
        request,
        key_id=KEY_ID,
        created=datetime.fromtimestamp(NOW),  # noqa: DTZ006 the package takes local time
        nonce=nonce,
        covered_component_ids=message_signatures.REQUIRED_COMPONENTS,
        body=request.content,
    )
    return request


@both
def test_what_we_sign_both_accept(algorithm: str) -> None:
    chance = random.Random(1)
    verifier = HTTPMessageVerifier(signature_algorithm=THEIRS[algorithm], key_resolver=Keys(algorithm))
    for _ in range(COUNT):
        request = signed_by_us(random_request(chance), algorithm)
        verdict = judge(delivered(request), algorithm)
        assert isinstance(verdict, Verified), request.url
        assert verdict.digest == signing.body_digest(request.content)
        (found,) = verifier.verify(request, max_age=None)
        assert found.parameters["keyid"] == KEY_ID


@both
def test_what_they_sign_we_accept(algorithm: str) -> None:
    chance = random.Random(2)
    for number in range(COUNT):
        request = signed_by_them(random_request(chance), algorithm, f"nonce-{number:020d}")
        assert isinstance(judge(delivered(request), algorithm), Verified), request.url


def mutations(request: SignedRequest, chance: random.Random) -> dict[str, SignedRequest]:
    """One altered request for each covered part."""

    def with_header(name: str, value: str) -> SignedRequest:
        return replace(request, headers={**request.headers, name: [value]})

    (given,), (signature,) = request.headers["signature-input"], request.headers["signature"]
    at = chance.randrange(signature.index(":") + 1, len(signature) - 4)
    other = "A" if signature[at] != "A" else "B"
    return {
        "method": replace(request, method="PATCH"),
        "authority": with_header("host", "x" + request.headers["host"][0].replace("[::1]", "host")),
        "path": replace(request, path=request.path + chance.choice(["x", "/x"])),
        "query": replace(request, query=[*request.query, ("z", str(chance.random()))]),
        "digest": with_header("content-digest", message_signatures.content_digest(chance.randbytes(8))),
        "signature": with_header("signature", signature[:at] + other + signature[at + 1 :]),
        "created": with_header("signature-input", given.replace(f"created={NOW}", f"created={NOW - 1}")),
        "nonce": with_header("signature-input", given.replace('nonce="', 'nonce="n')),
        "coverage": with_header("signature-input", given.replace('"@path" "@query"', '"@query" "@path"')),
        "more": with_header("signature-input", given.replace("created", "expires=1900000000;created")),
    }


@both
def test_every_mutation_is_refused(algorithm: str) -> None:
    chance, judged = random.Random(3), 0
    for number in range(COUNT // 5):
        by_us = number % 2
        request = random_request(chance)
        good = signed_by_us(request, algorithm) if by_us else signed_by_them(request, algorithm, f"nonce-{number:020d}")
        for name, mutation in mutations(delivered(good), chance).items():
            assert judge(mutation, algorithm) == Refused("invalid_credentials"), (name, good.url)
            judged += 1
    assert judged == 2 * COUNT


@both
def test_they_refuse_what_was_altered_after_we_signed(algorithm: str) -> None:
    request = signed_by_us(random_request(random.Random(4)), algorithm)
    request.url = request.url.copy_with(path="/other")
    verifier = HTTPMessageVerifier(signature_algorithm=THEIRS[algorithm], key_resolver=Keys(algorithm))
    with pytest.raises(InvalidSignature):
        verifier.verify(request, max_age=None)


def test_each_attempt_has_a_nonce_of_its_own_and_nothing_of_the_first_scheme() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    auth = MessageSignatureAuth(KEY_ID, SIGNERS["ed25519"], clock=lambda: NOW)
    with httpx.Client(auth=auth, transport=httpx.MockTransport(answer)) as client:
        for _ in range(2):
            client.get("https://api.example.com/local/v1/whoami?b=2&a=+", headers={"X-Nonce": "stale"})
    assert sent[0].headers["Signature-Input"] != sent[1].headers["Signature-Input"]
    assert sent[0].url.raw_path == b"/local/v1/whoami?a=%20&b=2"
    assert not set(signing.CREDENTIAL_HEADERS) & {name.decode() for name, _ in sent[0].headers.raw}
    assert all(isinstance(judge(delivered(request), "ed25519"), Verified) for request in sent)


def test_a_redirect_takes_no_credentials_along() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(307, headers={"Location": "/x"}) if len(sent) == 1 else httpx.Response(200)

    auth = MessageSignatureAuth(KEY_ID, SIGNERS["hmac-sha256"])
    with httpx.Client(auth=auth, transport=httpx.MockTransport(answer), follow_redirects=True) as client:
        client.get("https://api.example.com/local/v1/whoami")
    names = {name.lower() for name in message_signatures.CREDENTIAL_HEADERS}
    assert names <= set(sent[0].headers)
    assert not names & set(sent[1].headers)


@pytest.mark.parametrize("target", ["/v1/a%2Fb", "/v1//whoami", f"/v1/x?a={quote('é', encoding='latin-1')}"])
def test_what_has_no_signed_form_is_refused(target: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"cannot be signed\. "):
        signed_by_us(httpx.Request("GET", f"https://api.example.com{target}"), "hmac-sha256")


ENCRYPTED = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
RSA = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("pem", [b"", b"nonsense", ENCRYPTED, RSA], ids=["empty", "nonsense", "encrypted", "rsa"])
def test_a_wrong_private_key_is_named_and_not_repeated(pem: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"private_key_pem: expected an unencrypted"):
        ed25519_signer(pem)


def test_a_wrong_key_id_is_refused_and_nothing_shows_a_secret() -> None:
    with pytest.raises(ConfigurationError, match=r"key_id: expected pk_"):
        MessageSignatureAuth("pk", SIGNERS["ed25519"])
    auth = MessageSignatureAuth(KEY_ID, SIGNERS["hmac-sha256"])
    assert SECRET not in f"{auth!r} {SIGNERS['hmac-sha256']!r}"
