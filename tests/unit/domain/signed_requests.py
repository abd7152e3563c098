"""Signed requests of both schemes for properties: any target, body, time and nonce; in the second, any coverage."""

import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from portcullis.aws import ed25519
from portcullis.domain.verification import KeyRecord, Verified, verify
from portcullis.protocol import keys, signing
from portcullis.protocol import message_signatures as messages
from portcullis.protocol.credentials import Refused, SignedRequest
from portcullis.protocol.structured_fields import Item, serialize
from tests.unit.domain.builders import KEY_ID, NOW, key_record

SECONDS = NOW // 1_000_000
OTHER_KEY_ID = keys.new_key_id("test", "0", b"other" * 4)
KEY_IDS = (KEY_ID, OTHER_KEY_ID)
PRIVATE_KEYS = {key_id: Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n, key_id in enumerate(KEY_IDS)}
CREDENTIALS = {
    "x-signature": signing.CREDENTIAL_HEADERS,
    "hmac-sha256": messages.CREDENTIAL_HEADERS,
    "ed25519": messages.CREDENTIAL_HEADERS,
}
SCHEMES = tuple(CREDENTIALS)
PLAIN = ("host", "content-type", "x-plain")
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE"])
PATHS = st.sampled_from(["/test/v1/whoami", "/test/v1/transactions", "/a", "/a/b..c/~$&'()*+,;=:@-!"])
HOSTILE = [
    "",
    "a",
    "+",
    " ",
    "%",
    "%2F",
    "%25",
    "/",
    "?",
    "&",
    "=",
    ";",
    "#",
    "a=b&c",
    "|{}",
    "é",
    "☃",
    "\n",
    "\0",
    "~-._",
]
TEXTS = st.lists(st.sampled_from(HOSTILE), max_size=2).map("".join)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), max_size=3)
NONCES = st.integers(0, 9).map("nonce-{:010}".format)
HOSTS = st.sampled_from(["api.example.com", "API.example.com:443", "127.0.0.1:4810", "[::1]:9"])
VALUES = st.sampled_from(["", "text/plain", '"quoted"', "\\", "a, b", "  spaced "])


def secret_of(key_id: str) -> str:
    """Each key has its own secret, as the root derives it."""
    return keys.secret_from_mac("test", hmac.digest(b"root", keys.mac_message(key_id), "sha256"))


def record(key_id: str, scheme: str) -> KeyRecord:
    """One of the two keys that exist."""
    if scheme != "ed25519":
        return key_record(key_id=key_id)
    public_key = PRIVATE_KEYS[key_id].public_key().public_bytes_raw()
    return key_record(key_id=key_id, algorithm="ed25519", public_key=public_key)


@dataclass
class Judge:
    """verify() over the two keys, and which look-ups it made."""

    scheme: str
    steps: list[str] = field(default_factory=list)

    def __call__(self, request: SignedRequest) -> Verified | Refused:
        return verify(
            request,
            stage="test",
            now=NOW,
            find_key=self._find,
            secret_of=secret_of,
            check_ed25519=ed25519.verifies,
            claim_nonce=self._claim,
        )

    def _find(self, key_id: str) -> KeyRecord | None:
        self.steps.append("find")
        return record(key_id, self.scheme) if key_id in KEY_IDS else None

    def _claim(self, *_claim: Any) -> bool:
        self.steps.append("claim")
        return True


def message_signer(key_id: str, scheme: str) -> messages.MessageSigner:
    """What signs messages with that key."""
    if scheme == "ed25519":
        return messages.MessageSigner(scheme, PRIVATE_KEYS[key_id].sign)
    secret = secret_of(key_id).encode()
    return messages.MessageSigner(scheme, partial(hmac.digest, secret, digest="sha256"))


@st.composite
def signed_requests(draw: st.DrawFn, scheme: str) -> SignedRequest:
    """A request that verifies."""
    method, path, query, body = draw(METHODS), draw(PATHS), draw(PAIRS), draw(st.binary(max_size=8))
    fields = dict(zip(PLAIN, (draw(HOSTS), draw(VALUES), draw(VALUES)), strict=True))
    key_id, nonce = draw(st.sampled_from(KEY_IDS)), draw(NONCES)
    time, canonical = draw(st.integers(SECONDS - 300, SECONDS + 300)), signing.canonical_query(query)
    if scheme == "x-signature":
        given = signing.signed_headers(key_id, secret_of(key_id), method, path, canonical, body, time, nonce)
    else:
        fields["content-digest"] = messages.content_digest(body)
        message = messages.Message(method, path, canonical, {name: [value] for name, value in fields.items()})
        parameters = {**draw(optional(scheme)), "created": time, "nonce": nonce, "keyid": key_id}
        given = signed_message(message, draw(COVERAGES), parameters, message_signer(key_id, scheme))
    headers = {**fields, **{name.lower(): value for name, value in given.items()}}
    return SignedRequest(method, path, query, {name: [value] for name, value in headers.items()}, "203.0.113.7")


REQUIRED = messages.REQUIRED_COMPONENTS
COVERAGES = st.sampled_from([REQUIRED, REQUIRED[::-1], (*PLAIN, *REQUIRED), (*REQUIRED[:2], "x-plain", *REQUIRED[2:])])


def optional(scheme: str) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the parameters that may be left out."""
    some = {"alg": st.just(scheme), "expires": st.integers(SECONDS + 1, SECONDS + 900), "tag": VALUES}
    return st.fixed_dictionaries({}, optional=some)


def signed_message(
    message: messages.Message, covered: Sequence[str], parameters: dict[str, Any], signer: messages.MessageSigner
) -> dict[str, str]:
    """The two headers that sign ``message`` over any coverage and parameters."""
    listed = " ".join(f'"{name}"' for name in covered)
    given = messages.parse_input(
        f"sig1=({listed})" + "".join(f";{n}={serialize(Item(v))}" for n, v in parameters.items())
    )
    signature = signer.sign(messages.signature_base(message, given).encode())
    return {"signature-input": f"sig1={given.text}", "signature": f"sig1={serialize(Item(signature))}"}


def covered(request: SignedRequest, scheme: str) -> Any:
    """What the signature vouches for; two requests with the same are one."""
    target = request.method, request.path, Counter(request.query)
    if scheme == "x-signature":
        return target, [request.headers[name.lower()] for name in CREDENTIALS[scheme]]
    fields = {name: values[0].strip(" \t") for name, values in request.headers.items()}
    given = _read(messages.parse_input, fields["signature-input"])
    named = given.components if isinstance(given, messages.SignatureInput) else ()
    values = [fields.get(name) for name in named]
    return (
        target,
        given,
        values,
        fields["content-digest"],
        _read(messages.authority, fields["host"]),
        fields["signature"],
    )


def _read(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except signing.MalformedRequest:
        return text


PARTS = ("method", "path", "query")


def parts(scheme: str) -> tuple[str, ...]:
    """What can be exchanged in a request: of the target, and the headers that are covered or may be."""
    return (*PARTS, *dict.fromkeys((*PLAIN, *(name.lower() for name in CREDENTIALS[scheme]))))


def spliced(request: SignedRequest, part: str, other: SignedRequest) -> SignedRequest:
    """``request`` with one part of ``other``."""
    if part in PARTS:
        return replace(request, **{part: getattr(other, part)})
    return replace(request, headers={**request.headers, part: other.headers[part]})


@st.composite
def edited_text(draw: st.DrawFn, text: str) -> str:
    """``text`` with one character replaced, inserted or lost."""
    at, lost = draw(st.integers(0, len(text))), draw(st.integers(0, 1))
    put = draw(st.one_of(st.just(""), st.characters(min_codepoint=1, max_codepoint=0x7E), st.sampled_from("éİ٣\ud800")))
    return text[:at] + put + text[at + lost :]


@st.composite
def edited_query(draw: st.DrawFn, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """``pairs`` with one more, one less, or one other."""
    at, lost = draw(st.integers(0, len(pairs))), draw(st.integers(0, 1))
    put = draw(st.lists(st.tuples(TEXTS, TEXTS) | st.sampled_from(pairs or [("", "")]), max_size=1))
    return [*pairs[:at], *put, *pairs[at + lost :]]


@st.composite
def edited(draw: st.DrawFn, request: SignedRequest, part: str) -> SignedRequest:
    """``request`` with one part changed in one place."""
    if part == "query":
        return replace(request, query=draw(edited_query(list(request.query))))
    changed: Any = draw(edited_text(getattr(request, part) if part in PARTS else request.headers[part][0]))
    if part in PARTS:
        return replace(request, **{part: changed})
    return replace(request, headers={**request.headers, part: [changed]})
