"""One tree of faults. A decision (approved, held, denied) is a value, never one of these."""

from typing import Any


class PortcullisError(Exception):
    """Any fault of the SDK.

    ``code`` is stable (DESIGN 4 for the gateway's own, else this class's), ``status`` the HTTP status (None when there
    was no answer), ``detail`` what to do next, ``request_id`` what to quote to the operator, ``idempotency_key`` what a
    later attempt at the same transaction must repeat. No attribute ever holds a secret or a signature.
    """

    code = "client_error"

    def __init__(
        self, detail: str, *, code: str | None = None, status: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.status = status
        self.request_id = request_id
        self.idempotency_key: str | None = None

    def __str__(self) -> str:
        trail = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code}: {self.detail}{trail}"


class ConfigurationError(PortcullisError, ValueError):
    """The address or the credentials are missing or malformed. The detail names the variable and the remedy."""

    code = "configuration"


class InvalidRequestError(PortcullisError, ValueError):
    """Refused by the SDK before anything was sent: the request has no signed form, or an argument is wrong."""

    code = "invalid_request"


class SecretUnavailableError(PortcullisError):
    """No key could be read from where it is configured. The detail names the place and the remedy."""

    code = "secret_unavailable"


class UnreachableError(PortcullisError):
    """No answer within the attempts and the deadline. What was asked may still have happened: see idempotency_key."""

    code = "unreachable"


class UnexpectedAnswerError(PortcullisError):
    """An answer that is not the gateway's: a redirect, another service, or a newer API than this SDK knows."""

    code = "unexpected_answer"


class RefusedError(PortcullisError):
    """The gateway answered with a problem; ``members`` are its extension members, ``retry_after`` is in seconds."""

    code = "refused"

    def __init__(
        self, detail: str, *, members: dict[str, Any] | None = None, retry_after: float | None = None, **common: Any
    ) -> None:
        super().__init__(detail, **common)
        self.members = members or {}
        self.retry_after = retry_after


class MalformedRequestError(RefusedError):
    """400 and 413: the gateway does not accept the request as it stands."""


class AuthenticationError(RefusedError):
    """401: the request was not proved."""


class ClockSkewError(AuthenticationError):
    """401 ``timestamp_out_of_window``: this machine's clock is off; trying again changes nothing."""


class PermissionDeniedError(RefusedError):
    """403: scope, suspension, a block. A transaction that the policy denies is a ``Denied`` value instead."""


class NotFoundError(RefusedError):
    """404."""


class ConflictError(RefusedError):
    """409."""


class IdempotencyConflictError(ConflictError):
    """409 ``idempotency_conflict``: the key was used before, for other content."""


class RateLimitedError(RefusedError):
    """429, still after the retries."""


class UnavailableError(RefusedError):
    """502, 503 or 504, still after the retries. The gateway failed closed: nothing was approved by this answer."""
