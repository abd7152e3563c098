"""Step a of verification: the credentials of a request, in either scheme, once each and well formed.

A request speaks one scheme. ``Signature`` or ``Signature-Input`` make it the second (RFC 9421), and then no X-
credential may stand beside them: a request that could be read in two ways is read in none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portcullis.protocol import keys, signing
from portcullis.protocol import message_signatures as messages

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What API Gateway tells an authorizer: ``headers`` with lower-case names and every value; decoded query pairs."""

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, Sequence[str]]
    source_ip: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The ``code`` of DESIGN 4, and the key id that the request names, if it is well formed. Nothing vouches for it."""

    code: str
    key_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """``text`` is what was signed; ``signature`` and ``digest`` are lower-case hex; times are unix seconds."""

    key_id: keys.KeyId
    algorithm: str
    timestamp: int
    expires: int | None
    nonce: str
    digest: str
    text: str
    signature: str

    def is_current(self, now: int) -> bool:
        """Whether ``now`` (microseconds) is at most 300 s off the timestamp, and before ``expires``."""
        if self.expires is not None and now >= self.expires * _SECOND:
            return False
        return abs(now - self.timestamp * _SECOND) <= signing.MAX_SKEW_SECONDS * _SECOND


def read_credentials(request: SignedRequest, stage: str) -> Credentials | Refused:
    """The credentials of either scheme for ``stage``, or why there are none."""
    second = _present(request, messages.SIGNATURE_INPUT_HEADER, messages.SIGNATURE_HEADER)
    if second and _present(request, *signing.CREDENTIAL_HEADERS):
        return Refused("malformed_credentials")
    names, read = (messages.CREDENTIAL_HEADERS, _second) if second else (signing.CREDENTIAL_HEADERS, _first)
    values = [request.headers.get(name.lower(), ()) for name in names]
    if not all(values):
        return Refused("missing_credentials")
    if any(len(found) != 1 for found in values):
        return Refused("malformed_credentials")
    try:
        credentials = read(request)
    except (keys.MalformedKey, signing.MalformedRequest):
        return Refused("malformed_credentials")
    return credentials if credentials.key_id.stage == stage else Refused("malformed_credentials")


def _present(request: SignedRequest, *names: str) -> bool:
    return any(request.headers.get(name.lower()) for name in names)


def _first(request: SignedRequest) -> Credentials:
    key_text, timestamp, nonce, digest, signature = (
        request.headers[name.lower()][0] for name in signing.CREDENTIAL_HEADERS
    )
    query = signing.canonical_query(request.query)
    text = signing.string_to_sign(request.method, request.path, query, timestamp, nonce, digest)
    if not signing.is_signature(signature):
        raise signing.MalformedRequest(signing.SIGNATURE_HEADER, "expected 64 lower-case hex digits")
    key_id = keys.parse_key_id(key_text)
    return Credentials(key_id, messages.HMAC_SHA256, int(timestamp), None, nonce, digest, text, signature)


def _second(request: SignedRequest) -> Credentials:
    query = signing.canonical_query(request.query)
    presented = messages.read(messages.Message(request.method, request.path, query, request.headers))
    return Credentials(
        keys.parse_key_id(presented.key_id),
        presented.algorithm,
        presented.created,
        presented.expires,
        presented.nonce,
        presented.digest,
        presented.base,
        presented.signature.hex(),
    )
