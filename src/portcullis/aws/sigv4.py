"""AWS Signature Version 4 for the few calls of the request path, where importing an SDK costs more than the call.

Source: AWS, "Create a signed AWS API request". Pinned in tests against botocore's signer.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache

from portcullis.aws.settings import AwsEnvironment

ALGORITHM = "AWS4-HMAC-SHA256"


def signed_headers(
    environment: AwsEnvironment,
    service: str,
    method: str,
    host: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    now: int,
) -> dict[str, str]:
    """``headers`` (lower-case names) completed and signed; ``path`` percent-encoded, ``now`` unix seconds.

    A query after the path has to be canonical: percent-encoded and sorted.
    """
    path, _, query = path.partition("?")
    moment = datetime.fromtimestamp(now, UTC)
    digest = hashlib.sha256(body).hexdigest()
    complete = {
        **headers,
        "host": host,
        "x-amz-date": f"{moment:%Y%m%dT%H%M%SZ}",
        "x-amz-content-sha256": digest,
    }
    if environment.session_token:
        complete["x-amz-security-token"] = environment.session_token
    names = sorted(complete)
    canonical_headers = "".join(f"{name}:{complete[name]}\n" for name in names)
    request = "\n".join((method, path, query, canonical_headers, ";".join(names), digest))
    scope = f"{moment:%Y%m%d}/{environment.region}/{service}/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join((ALGORITHM, complete["x-amz-date"], scope, hashed))
    key = _signing_key(environment.secret_access_key, *scope.split("/"))
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"{environment.access_key_id}/{scope}"
    complete["authorization"] = (
        f"{ALGORITHM} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return complete


@lru_cache(maxsize=16)
def _signing_key(secret: str, *scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
