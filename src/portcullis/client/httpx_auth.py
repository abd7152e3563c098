"""Signing for httpx."""

import time
from collections.abc import Generator, Iterable, Iterator, KeysView, Mapping
from typing import Any

import httpx

from portcullis.client.errors import InvalidRequestError
from portcullis.client.signer import Clock, Nonce, Signed, Signer, random_nonce
from portcullis.protocol import message_signatures, signing

_ALL_CREDENTIALS = (
    *signing.CREDENTIAL_HEADERS,
    message_signatures.SIGNATURE_HEADER,
    message_signatures.SIGNATURE_INPUT_HEADER,
)


class PortcullisAuth(httpx.Auth):
    """``httpx.Client(auth=PortcullisAuth(key_id, secret))``: signs the bytes that httpx sends.

    The query is rewritten into the canonical form that is signed. Redirects are followed unsigned, wherever they lead:
    the copy that httpx makes of the request does not inherit the credentials.
    """

    requires_request_body = True

    def __init__(self, key_id: str, secret: str, *, clock: Clock = time.time, nonce: Nonce = random_nonce) -> None:
        self._signer = Signer(key_id, secret, clock=clock, nonce=nonce)

    def __repr__(self) -> str:
        return f"PortcullisAuth(key_id={self._signer.key_id!r}, secret=hidden)"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One signed request. Called per attempt, so each has its own timestamp and nonce."""
        apply(self._signer.sign(request.method, request.url.raw_path.decode("ascii"), request.content), request)
        yield request


def apply(signed: Signed, request: httpx.Request) -> None:
    """Make ``request`` the one that was signed."""
    target = signed.target.encode("ascii")
    request.url = request.url.copy_with(raw_path=target)
    if request.url.raw_path != target:
        raise InvalidRequestError("This request cannot be signed. httpx would send another path or query.")
    request.headers = UninheritedHeaders(request.headers, signed.headers)


class UninheritedHeaders(httpx.Headers):
    """Headers with credentials that a copy does not get.

    httpx builds a redirected request from a copy of these headers and drops only ``Authorization`` from it.
    """

    def __init__(self, plain: httpx.Headers, credentials: Mapping[str, str]) -> None:
        names = {name.lower().encode() for name in (*_ALL_CREDENTIALS, *credentials)}
        super().__init__([(name, value) for name, value in plain.raw if name.lower() not in names])
        self._credentials = httpx.Headers(credentials)

    def _all(self) -> httpx.Headers:
        return httpx.Headers([*super().raw, *self._credentials.raw])

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """What goes over the wire."""
        return self._all().raw

    def keys(self) -> KeysView[str]:
        """All names, the credentials' among them; likewise below."""
        return self._all().keys()

    def values(self) -> Any:
        return self._all().values()

    def items(self) -> Any:
        return self._all().items()

    def multi_items(self) -> list[tuple[str, str]]:
        return self._all().multi_items()

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:
        return self._all().get_list(key, split_commas)

    def __getitem__(self, key: str) -> str:
        return self._all()[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._all()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        names: Iterable[str] = self.keys()
        return f"UninheritedHeaders({sorted(names)})"
