"""The SDK for agents: signing for httpx and requests, and a client of the agent API with safe retries.

Names load on first use, so that either of httpx and requests is enough for its own part.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from portcullis.client.errors import (
    AuthenticationError,
    ClockSkewError,
    ConfigurationError,
    ConflictError,
    IdempotencyConflictError,
    InvalidRequestError,
    MalformedRequestError,
    NotFoundError,
    PermissionDeniedError,
    PortcullisError,
    RateLimitedError,
    RefusedError,
    SecretUnavailableError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from portcullis.client.exchange import RetryPolicy
from portcullis.client.results import (
    AgentKey,
    Approved,
    Cancelled,
    Decision,
    Denied,
    Executing,
    Expired,
    Failed,
    Frozen,
    Identity,
    Later,
    NeedsReconciliation,
    Page,
    PendingApproval,
    RotatedKey,
    Settled,
    Transaction,
    Violation,
)

if TYPE_CHECKING:
    from portcullis.client.gateway import AsyncGateway, Gateway
    from portcullis.client.httpx_auth import PortcullisAuth
    from portcullis.client.message_auth import MessageSignatureAuth, ed25519_signer, hmac_signer
    from portcullis.client.provider_auth import ProviderAuth
    from portcullis.client.requests_auth import PortcullisRequestsAuth
    from portcullis.client.rotating_file import RotatingFile
    from portcullis.client.secrets import SecretProvider, provider_from_env

__all__ = [
    "AgentKey",
    "Approved",
    "AsyncGateway",
    "AuthenticationError",
    "Cancelled",
    "ClockSkewError",
    "ConfigurationError",
    "ConflictError",
    "Decision",
    "Denied",
    "Executing",
    "Expired",
    "Failed",
    "Frozen",
    "Gateway",
    "IdempotencyConflictError",
    "Identity",
    "InvalidRequestError",
    "Later",
    "MalformedRequestError",
    "MessageSignatureAuth",
    "NeedsReconciliation",
    "NotFoundError",
    "Page",
    "PendingApproval",
    "PermissionDeniedError",
    "PortcullisAuth",
    "PortcullisError",
    "PortcullisRequestsAuth",
    "ProviderAuth",
    "RateLimitedError",
    "RefusedError",
    "RetryPolicy",
    "RotatedKey",
    "RotatingFile",
    "SecretProvider",
    "SecretUnavailableError",
    "Settled",
    "Transaction",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "Violation",
    "ed25519_signer",
    "hmac_signer",
    "provider_from_env",
]

_LAZY = {
    "AsyncGateway": "portcullis.client.gateway",
    "Gateway": "portcullis.client.gateway",
    "MessageSignatureAuth": "portcullis.client.message_auth",
    "PortcullisAuth": "portcullis.client.httpx_auth",
    "PortcullisRequestsAuth": "portcullis.client.requests_auth",
    "ed25519_signer": "portcullis.client.message_auth",
    "hmac_signer": "portcullis.client.message_auth",
    "ProviderAuth": "portcullis.client.provider_auth",
    "RotatingFile": "portcullis.client.rotating_file",
    "SecretProvider": "portcullis.client.secrets",
    "provider_from_env": "portcullis.client.secrets",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(_LAZY[name])
    except ModuleNotFoundError as error:
        if error.name not in ("httpx", "requests"):
            raise
        raise ImportError(f"{name} needs {error.name}: pip install 'portcullis[client]'") from error
    return getattr(module, name)
