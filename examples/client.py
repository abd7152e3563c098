"""A client of Portcullis with nothing but the standard library: who am I, then one payment.

    PORTCULLIS_URL=... PORTCULLIS_KEY_ID=... PORTCULLIS_SECRET=... python examples/client.py WALLET [AMOUNT]

Pays AMOUNT (default 1.00) USDC on Base to WALLET; exit code 0 when the gateway approved it or holds it for a person.
"""

import hashlib
import hmac
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

ATTEMPTS = 4
RETRIED = {429, 502, 503, 504}


class KeepWhereItIs(urllib.request.HTTPRedirectHandler):
    """The gateway never redirects; whoever does must not get signed headers."""

    def redirect_request(self, *_args: Any) -> None:
        """No request to another place."""


def sign(key_id: str, secret: str, method: str, target: str, body: bytes) -> dict[str, str]:
    """The five headers. ``target``: the whole path, stage included, and the query in canonical form."""
    timestamp, nonce = str(int(time.time())), secrets.token_urlsafe(18)
    digest = hashlib.sha256(body).hexdigest()
    text = f"{method}\n{target}\n{timestamp}\n{nonce}\n{digest}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "X-API-Key": key_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Content-SHA256": digest,
        "X-Signature": signature,
    }


def call(method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Status and JSON. Repeats what may pass by itself, each attempt signed anew: a nonce serves once."""
    url = os.environ["PORTCULLIS_URL"].rstrip("/") + path
    opener = urllib.request.build_opener(KeepWhereItIs)
    for attempt in range(ATTEMPTS):
        signed = sign(
            os.environ["PORTCULLIS_KEY_ID"], os.environ["PORTCULLIS_SECRET"], method, urlsplit(url).path, body
        )
        request = urllib.request.Request(url, body or None, {**(headers or {}), **signed}, method=method)  # noqa: S310
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            if refused.code not in RETRIED or attempt + 1 == ATTEMPTS:
                return refused.code, json.load(refused)
            wait = float(refused.headers.get("Retry-After") or 0)
        except OSError:
            if attempt + 1 == ATTEMPTS:
                raise
            wait = 0.0
        time.sleep(min(wait, 10) + secrets.randbelow(1000) / 1000 * 2**attempt / 4)
    raise AssertionError("the last attempt returns or raises")


def main() -> int:
    """Both calls, printed; the exit code."""
    if missing := [name for name in ("URL", "KEY_ID", "SECRET") if not os.environ.get(f"PORTCULLIS_{name}")]:
        sys.exit(f"set PORTCULLIS_{', PORTCULLIS_'.join(missing)}")
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: {sys.argv[0]} WALLET [AMOUNT]")
    status, identity = call("GET", "/v1/whoami")
    print(json.dumps(identity))
    if status != 200:
        return 1
    payment = {
        "kind": "transfer",
        "amount": sys.argv[2] if len(sys.argv) == 3 else "1.00",
        "token": "USDC",
        "chain": "base",
        "destination": {"wallet": sys.argv[1]},
    }
    # Serialized once: what is hashed is what is sent. One Idempotency-Key for all attempts: it is paid once.
    body = json.dumps(payment).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_urlsafe(18)}
    status, decision = call("POST", "/v1/transactions", body, headers)
    print(json.dumps(decision))
    return 0 if status in (200, 201, 202) else 1


if __name__ == "__main__":
    sys.exit(main())
