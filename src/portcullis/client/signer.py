"""The one signing core: a request line and a body in, the signed request line and the credential headers out."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from portcullis.client.errors import ConfigurationError, InvalidRequestError
from portcullis.protocol import keys, signing

Clock = Callable[[], float]
Nonce = Callable[[], str]


def random_nonce() -> str:
    """192 random bits as 32 URL-safe characters."""
    return secrets.token_urlsafe(24)


class Secret:
    """A secret that shows itself only when asked by name; not printable, comparable or picklable by accident."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text."""
        return self.__text

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")


@dataclass(frozen=True, slots=True)
class Signed:
    """``target`` is the request line's path and canonical query, exactly as it must be sent."""

    target: str
    headers: dict[str, str] = field(repr=False)


class Signer:
    """Signs with one key. Each call takes a fresh timestamp and nonce, so each attempt is signed anew."""

    def __init__(self, key_id: str, secret: str, *, clock: Clock = time.time, nonce: Nonce = random_nonce) -> None:
        check_credentials(key_id, secret)
        self.key_id = key_id
        self._secret = Secret(secret)
        self._clock = clock
        self._nonce = nonce

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key_id={self.key_id!r}, secret=hidden)"

    def sign(self, method: str, target: str, body: bytes) -> Signed:
        """``target`` is path and query as on the wire; InvalidRequestError when that has no signed form."""
        path, _, query = target.partition("?")
        refusal = ""
        try:
            canonical = signing.canonical_query(parse_qsl(query, keep_blank_values=True, errors="strict"))
            headers = signing.signed_headers(
                self.key_id, self._secret.reveal(), method, path, canonical, body, int(self._clock()), self._nonce()
            )
        except UnicodeDecodeError:
            refusal = "query: names and values must be valid UTF-8"
        except signing.MalformedRequest as error:
            refusal = str(error)
        if refusal:
            # Raised out here: an error tracker that records the frames of a context would meet the secret in them.
            raise InvalidRequestError(f"This request cannot be signed. {refusal}.")
        return Signed(f"{path}?{canonical}" if canonical else path, headers)


def check_credentials(key_id: str, secret: str, names: tuple[str, str] = ("key_id", "secret")) -> None:
    """ConfigurationError that names the wrong one of ``names`` and never repeats the secret."""
    check_key_id(key_id, names[0])
    wrong = _wrong(names[1], keys.parse_secret, secret)
    if wrong:
        raise ConfigurationError(wrong)
    stage = keys.parse_key_id(key_id).stage
    if keys.parse_secret(secret) != stage:
        raise ConfigurationError(
            f"{names[1]}: it belongs to another stage than {names[0]} ({stage}). Give both of the same key."
        )


def check_key_id(key_id: str, name: str) -> None:
    """ConfigurationError that says what is wrong with the key id called ``name``."""
    wrong = _wrong(name, keys.parse_key_id, key_id)
    if wrong:
        raise ConfigurationError(wrong)


def _wrong(name: str, parse: Callable[[str], object], text: str) -> str | None:
    try:
        parse(text)
    except keys.MalformedKey as error:
        return f"{name}: {error}. Copy it again as the operator issued it, without quotes or spaces."
    return None
