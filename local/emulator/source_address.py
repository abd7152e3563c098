"""Where a request came from: on this machine the first `X-Forwarded-For`, so that one test can be two clients."""

from collections.abc import Mapping

LOOPBACK = "127.0.0.1"


def source_address(headers: Mapping[str, str]) -> str:
    """The address that WAF and `identity.sourceIp` see; header names are in lower case."""
    return headers.get("x-forwarded-for", "").split(",")[0].strip() or LOOPBACK
