"""The audit log in S3, its claims in DynamoDB and its key in KMS: what the steps of the domain ask for, done."""

import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cached_property

from portcullis.aws import audit_objects
from portcullis.aws.audit_claims import Claims
from portcullis.aws.function_settings import AuditWriterSettings
from portcullis.aws.settings import AwsEnvironment
from portcullis.aws.wire import Service
from portcullis.domain import times
from portcullis.domain.audit_operations import (
    ClaimAll,
    Create,
    LastBetween,
    Operation,
    Read,
    Replace,
    Sign,
    Steps,
    T,
)
from portcullis.protocol import tiles
from portcullis.protocol.notes import VerifierKey

ALGORITHM = "ED25519_SHA_512"
SEGMENTS = "seg/"
PASSING = "passing=true"
"""The tag by which the bucket's lifecycle knows them."""
_KEY = re.compile(r"<Key>(seg/\d{20})</Key>")


class AuditLog:
    """One log. ``run`` carries out the steps of the domain."""

    def __init__(
        self, settings: AuditWriterSettings, environment: AwsEnvironment, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._s3 = Service("s3", environment)
        self._kms = Service("kms", environment)
        self._claims = Claims(settings.claims_table, Service("dynamodb", environment))
        self._clock = clock

    def run(self, steps: Steps[T]) -> T:
        """The result of ``steps``. Raises Unavailable or AwsError in the midst of them, as a crash would end them."""
        return audit_objects.run(steps, self._do)

    @property
    def now(self) -> int:
        """The instant, in microseconds."""
        return int(self._clock()) * times.SECOND

    @cached_property
    def key(self) -> VerifierKey:
        """The key that verifies this log's checkpoints, under the log's name."""
        return audit_objects.verifier_key(self._kms, self._settings.key_id, self._settings.origin)

    def _do(self, operation: Operation) -> object:
        match operation:
            case Read(path):
                return audit_objects.read(self._s3, self._settings.bucket, path)
            case LastBetween(after, before):
                return self._last_between(after, before)
            case Create(path, body):
                return self._put(path, body, audit_objects.IF_NEW)
            case Replace(path, body, etag):
                return self._put(path, body, {"if-match": etag} if etag else audit_objects.IF_NEW)
            case ClaimAll():
                return self._claims.put(operation, int(self._clock()))
            case Sign(message):
                return self._sign(message)

    def _last_between(self, after: str, before: str) -> str | None:
        """From one page, which holds more keys than can lie between."""
        query = {"list-type": "2", "prefix": SEGMENTS, "start-after": after}
        listing = self._s3.exchange("GET", f"/{self._settings.bucket}", {}, query=query).content.decode()
        return max((path for path in _KEY.findall(listing) if path < before), default=None)

    def _put(self, path: str, body: bytes, condition: dict[str, str]) -> bool:
        """Put on condition; whether it held. What is passing is locked for a day."""
        headers = dict(condition)
        if tiles.is_passing(path):
            headers |= {
                "x-amz-sdk-checksum-algorithm": "SHA256",
                "x-amz-object-lock-mode": "COMPLIANCE",
                "x-amz-object-lock-retain-until-date": times.rfc3339(self.now + times.DAY),
                "x-amz-tagging": PASSING,
            }
        return audit_objects.put(self._s3, self._settings.bucket, path, body, headers)

    def _sign(self, message: bytes) -> bytes:
        request = {
            "KeyId": self._settings.key_id,
            "Message": b64encode(message).decode(),
            "MessageType": "RAW",
            "SigningAlgorithm": ALGORITHM,
        }
        return b64decode(self._kms.json_call("TrentService.Sign", "1.1", request)["Signature"])
