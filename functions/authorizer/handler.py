"""The authorizer: who sent it, unaltered, once. Its verdict's context is the only source of identity downstream."""

import secrets
import time
from functools import cache
from typing import Any

from portcullis.aws import ed25519, settings, telemetry
from portcullis.aws.dynamo import Table
from portcullis.aws.key_records import KeyRecords
from portcullis.aws.nonces import Nonces
from portcullis.aws.roots import Roots
from portcullis.aws.telling import Teller
from portcullis.aws.wire import Service
from portcullis.domain import rate
from portcullis.domain.key_uses import Use
from portcullis.domain.request_sums import AUTHENTICATION_REFUSED, refused
from portcullis.domain.verification import Verified, verify
from portcullis.protocol.credentials import Refused, SignedRequest
from portcullis.protocol.problems import PROBLEMS


class Authorizer:
    """The stores of this process and the judgement on one request."""

    def __init__(self) -> None:
        own, environment = settings.authorizer(), settings.aws()
        dynamodb = Service("dynamodb", environment)
        self.stage = own.stage
        self._keys = KeyRecords(Table(own.core_table, dynamodb))
        self._nonces = Nonces(Table(own.nonces_table, dynamodb))
        self._teller = Teller(environment, own.bus, "authorizer")
        self._roots = Roots(Service("kms", environment), own.mac_keys, own.stage)

    def judge(self, request: SignedRequest) -> Verified | Refused:
        """Verify ``request``. Unavailable passes through: API Gateway answers it with 503."""
        now = time.time_ns() // 1000
        verdict = self._verdict(request, now)
        if isinstance(verdict, Refused):
            told = refused(AUTHENTICATION_REFUSED, verdict.code, request.source_ip, key_id=verdict.key_id)
            self._teller.count(told, now)
        self._teller.flush(now)
        return verdict

    def _verdict(self, request: SignedRequest, now: int) -> Verified | Refused:
        token, use = secrets.token_urlsafe(16), Use(now, request.source_ip)
        verdict = verify(
            request,
            stage=self.stage,
            now=now,
            find_key=self._keys.find,
            secret_of=self._roots.secret_of,
            check_ed25519=ed25519.verifies,
            claim_nonce=lambda key_id, nonce, timestamp: self._nonces.claim(key_id, nonce, timestamp, token, use),
        )
        if verdict == Refused("invalid_credentials"):
            self._keys.look_up_once()
        return verdict


authorizer = cache(Authorizer)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A REQUEST authorizer event in, an IAM policy with context out. Faults raise, and so fail closed."""
    request = signed_request(event)
    verdict = authorizer().judge(request)
    code = verdict.code if isinstance(verdict, Refused) else "verified"
    telemetry.count("Verdict", dimensions={"Stage": authorizer().stage, "Code": code}, ip=request.source_ip)
    if isinstance(verdict, Refused):
        return _policy("unverified", "Deny", event, {"code": code, "detail": PROBLEMS[code].detail})
    key = verdict.key
    context = {
        "agent": key.agent,
        "key": key.key_id,
        "key_version": key.live_name,
        "scopes": " ".join(key.scopes),
        "digest": verdict.digest,
        "rate": rate.render(key.rate),
    }
    return _policy(key.agent, "Allow", event, context)


def signed_request(event: dict[str, Any]) -> SignedRequest:
    """What the event tells of the request. Only ``identity.sourceIp`` is believed for the address."""
    headers: dict[str, list[str]] = {}
    for name, values in (event.get("multiValueHeaders") or {}).items():
        headers.setdefault(name.lower(), []).extend(values)
    parameters = event.get("multiValueQueryStringParameters") or {}
    return SignedRequest(
        method=event["httpMethod"],
        path=event["requestContext"]["path"],
        query=[(name, value) for name, values in parameters.items() for value in values],
        headers=headers,
        source_ip=event["requestContext"]["identity"]["sourceIp"],
    )


def _policy(principal: str, effect: str, event: dict[str, Any], context: dict[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
