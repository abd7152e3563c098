"""The signed request, scheme 2: HTTP Message Signatures (RFC 9421) over a Content-Digest (RFC 9530).

One signature, which covers at least REQUIRED_COMPONENTS, without component parameters. The target is that of scheme 1:
the path of the request line, and the query in canonical form. A component that cannot be rebuilt from what API Gateway
delivers is refused: ``@target-uri``, ``@scheme``, ``@request-target``, ``@query-param``, a field that is absent or
repeated, and any component with parameters. Vectors: ``tests/vectors/message_signatures.json``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from portcullis.protocol import structured_fields as sf
from portcullis.protocol.signing import MalformedRequest, check_nonce, check_target

SIGNATURE_INPUT_HEADER = "Signature-Input"
SIGNATURE_HEADER = "Signature"
CONTENT_DIGEST_HEADER = "Content-Digest"
CREDENTIAL_HEADERS = (SIGNATURE_INPUT_HEADER, SIGNATURE_HEADER, CONTENT_DIGEST_HEADER)

REQUIRED_COMPONENTS = ("@method", "@authority", "@path", "@query", "content-digest")
HMAC_SHA256 = "hmac-sha256"
ED25519 = "ed25519"
SIGNATURE_BYTES = {HMAC_SHA256: 32, ED25519: 64}
MAX_COMPONENTS = 32

_AUTHORITY = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
_FIELD_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*", re.ASCII)
_UNCOVERABLE = (SIGNATURE_INPUT_HEADER.lower(), SIGNATURE_HEADER.lower())
_PARAMETERS: Mapping[str, type] = {"created": int, "expires": int, "nonce": str, "alg": str, "keyid": str, "tag": str}
_MAX_TIME = 10**12 - 1
_DEFAULT_PORTS = (":80", ":443")


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it is delivered. ``query`` is canonical; ``fields`` have lower-case names and every value."""

    method: str
    path: str
    query: str
    fields: Mapping[str, Sequence[str]]

    def component(self, name: str) -> str:
        """The value of a covered component, or MalformedRequest."""
        derived = {
            "@method": lambda: self.method,
            "@authority": lambda: authority(self.field("host")),
            "@path": lambda: self.path,
            "@query": lambda: f"?{self.query}",
        }
        if name in derived:
            return derived[name]()
        if name in _UNCOVERABLE or not _FIELD_NAME.fullmatch(name):
            raise MalformedRequest(name, "this component cannot be covered")
        return self.field(name)

    def field(self, name: str) -> str:
        """The value of a field that is there exactly once, without surrounding space; or MalformedRequest."""
        values = self.fields.get(name, ())
        if len(values) != 1 or not _FIELD_VALUE.fullmatch(values[0]):
            raise MalformedRequest(name, "expected one header of printable ASCII")
        return values[0].strip(" \t")


@dataclass(frozen=True, slots=True)
class SignatureInput:
    """What ``Signature-Input`` says: its one label, the components covered, the parameters and their canonical text."""

    label: str
    components: tuple[str, ...]
    parameters: sf.Parameters
    text: str


@dataclass(frozen=True, slots=True)
class Presented:
    """The credentials of a request. Times are unix seconds, ``digest`` is the body's SHA-256 in lower-case hex."""

    key_id: str
    created: int
    expires: int | None
    nonce: str
    algorithm: str
    digest: str
    base: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class MessageSigner:
    """An ``algorithm`` (HMAC_SHA256 or ED25519) and the function that signs the bytes of a signature base."""

    algorithm: str
    sign: Callable[[bytes], bytes]


def read(message: Message) -> Presented:
    """The credentials that ``message`` presents, well formed but not yet verified; or MalformedRequest."""
    check_target(message.method, message.path, message.query)
    given = parse_input(message.field(SIGNATURE_INPUT_HEADER.lower()))
    missing = [name for name in REQUIRED_COMPONENTS if name not in given.components]
    if missing:
        raise MalformedRequest(SIGNATURE_INPUT_HEADER, f"cover {', '.join(missing)}")
    signature = _signature(message.field(SIGNATURE_HEADER.lower()), given.label)
    parameters = given.parameters
    created, expires = _time(parameters, "created"), None
    if "expires" in parameters:
        expires = _time(parameters, "expires")
    return Presented(
        key_id=_text(parameters, "keyid"),
        created=created,
        expires=expires,
        nonce=check_nonce(_text(parameters, "nonce")),
        algorithm=_algorithm(parameters, signature),
        digest=parse_content_digest(message.field("content-digest")).hex(),
        base=signature_base(message, given),
        signature=signature,
    )


def parse_input(text: str) -> SignatureInput:
    """The one member of a ``Signature-Input``; or MalformedRequest."""
    label, member = _only_member(SIGNATURE_INPUT_HEADER, text)
    if not isinstance(member, sf.InnerList) or len(member.items) > MAX_COMPONENTS:
        raise MalformedRequest(SIGNATURE_INPUT_HEADER, f"expected a list of at most {MAX_COMPONENTS} components")
    components: list[str] = []
    for item in member.items:
        if type(item.value) is not str or item.parameters or item.value in components:
            raise MalformedRequest(SIGNATURE_INPUT_HEADER, "expected each component once, a string without parameters")
        components.append(item.value)
    for name, value in member.parameters.items():
        if type(value) is not _PARAMETERS.get(name):
            raise MalformedRequest(SIGNATURE_INPUT_HEADER, f"parameter {name}: unknown or of another type")
    return SignatureInput(label, tuple(components), member.parameters, sf.serialize(member))


def signature_base(message: Message, given: SignatureInput) -> str:
    """The text that is signed (RFC 9421 section 2.5), ASCII, without a newline at its end."""
    lines = [f'"{name}": {message.component(name)}' for name in given.components]
    return "\n".join([*lines, f'"@signature-params": {given.text}'])


def authority(host: str) -> str:
    """``@authority`` of a Host header: lower case, without the default port; or MalformedRequest."""
    lowered = host.lower()
    match = _AUTHORITY.fullmatch(lowered)
    if match is None:
        raise MalformedRequest("host", "expected a host name or address, with an optional port")
    return match[1] if match[2] in _DEFAULT_PORTS else lowered


def content_digest(body: bytes) -> str:
    """The ``Content-Digest`` of a body, also of an empty one."""
    return f"sha-256={sf.serialize(sf.Item(sha256(body).digest()))}"


def parse_content_digest(text: str) -> bytes:
    """The 32 bytes of the SHA-256 that a ``Content-Digest`` carries, others beside it ignored; or MalformedRequest."""
    member = _dictionary(CONTENT_DIGEST_HEADER, text).get("sha-256")
    if not isinstance(member, sf.Item) or not isinstance(member.value, bytes) or len(member.value) != 32:
        raise MalformedRequest(CONTENT_DIGEST_HEADER, "expected sha-256=:<base64 of the body's SHA-256>:")
    return member.value


def signed_headers(
    key_id: str, signer: MessageSigner, message: Message, body: bytes, created: int, nonce: str
) -> dict[str, str]:
    """The three headers that sign ``message``, whose fields are those of the request without them, Host included.

    Never use a nonce twice: sign every attempt anew.
    """
    check_target(message.method, message.path, message.query)
    digest = content_digest(body)
    components = tuple(sf.Item(name) for name in REQUIRED_COMPONENTS)
    parameters: sf.Parameters = {
        "created": created,
        "nonce": check_nonce(nonce),
        "alg": signer.algorithm,
        "keyid": key_id,
    }
    given = parse_input(f"sig1={sf.serialize(sf.InnerList(components, parameters))}")
    fields = {**message.fields, "content-digest": [digest]}
    base = signature_base(Message(message.method, message.path, message.query, fields), given)
    signature = signer.sign(base.encode("ascii"))
    values = (f"sig1={given.text}", f"sig1={sf.serialize(sf.Item(signature))}", digest)
    return dict(zip(CREDENTIAL_HEADERS, values, strict=True))


def _signature(text: str, label: str) -> bytes:
    named, member = _only_member(SIGNATURE_HEADER, text)
    if named != label or not isinstance(member, sf.Item) or not isinstance(member.value, bytes) or member.parameters:
        raise MalformedRequest(SIGNATURE_HEADER, "expected a byte sequence under the label of Signature-Input")
    return member.value


def _algorithm(parameters: sf.Parameters, signature: bytes) -> str:
    """The algorithm that the signature's length tells; ``alg``, when given, must say the same."""
    for name, length in SIGNATURE_BYTES.items():
        if len(signature) == length and parameters.get("alg", name) == name:
            return name
    raise MalformedRequest(SIGNATURE_HEADER, "expected hmac-sha256 (32 bytes) or ed25519 (64 bytes), as alg says")


def _time(parameters: sf.Parameters, name: str) -> int:
    value = parameters.get(name)
    if not isinstance(value, int) or not 0 < value <= _MAX_TIME:
        raise MalformedRequest(SIGNATURE_INPUT_HEADER, f"parameter {name}: expected unix time in whole seconds")
    return value


def _text(parameters: sf.Parameters, name: str) -> str:
    value = parameters.get(name)
    if not isinstance(value, str):
        raise MalformedRequest(SIGNATURE_INPUT_HEADER, f"parameter {name} is missing")
    return value


def _only_member(header: str, text: str) -> tuple[str, sf.Member]:
    members = _dictionary(header, text)
    if len(members) != 1:
        raise MalformedRequest(header, "expected exactly one label")
    return next(iter(members.items()))


def _dictionary(header: str, text: str) -> dict[str, sf.Member]:
    try:
        return sf.parse_dictionary(text)
    except sf.MalformedField as error:
        raise MalformedRequest(header, str(error)) from None
