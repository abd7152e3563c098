"""What the client really sent, kept beside the request that the emulator passes around.

Symptom mended: the emulator joins repeated headers into one value before an API's event is built, so a
request that carries a credential twice looks as if it carried it once, and the escapes of the path are gone.
"""

import uuid
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class ClientRequest:
    """One HTTP request as it arrived; `authorizer` is filled once an authorizer has answered."""

    headers: tuple[tuple[str, str], ...]
    raw_path: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    authorizer: dict[str, str] = field(default_factory=dict)

    def multi_value_headers(self) -> dict[str, list[str]]:
        """Every value of every header, in order of arrival, names in lower case."""
        values: dict[str, list[str]] = {}
        for name, value in self.headers:
            values.setdefault(name, []).append(value)
        return values

    def last_headers(self) -> dict[str, str]:
        """The last value of every header, which is what a REST API's `headers` holds."""
        return dict(self.headers)


_current: ContextVar[ClientRequest | None] = ContextVar("client_request", default=None)


def remember(raw_headers: Iterable[tuple[bytes, bytes]], raw_path: bytes) -> ClientRequest:
    """Keep the request of this task and of the threads it starts."""
    headers = tuple((name.decode("latin-1").lower(), _text(value)) for name, value in raw_headers)
    request = ClientRequest(headers, raw_path.decode("latin-1"))
    _current.set(request)
    return request


def current() -> ClientRequest:
    """The request of this task; an empty one outside of any, so that rendering never fails."""
    return _current.get() or ClientRequest((), "")


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
