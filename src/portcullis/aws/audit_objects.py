"""What reading and writing the audit log share: its objects, its public key, and how steps of the domain are run."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from portcullis.aws.wire import AwsError, Service
from portcullis.domain.audit_operations import Found, Operation, Steps, T
from portcullis.domain.times import SECOND
from portcullis.protocol.notes import VerifierKey

NO_SUCH_KEY, PRECONDITION_FAILED = "NoSuchKey", "PreconditionFailed"
IF_NEW = {"if-none-match": "*"}
"""The condition that nothing is there yet."""
_PUBLIC_KEY_PREFIX = bytes.fromhex("302a300506032b6570032100")


def run(steps: Steps[T], do: Callable[[Operation], object]) -> T:
    """The result of ``steps``, each operation of which ``do`` carries out."""
    answer: object = None
    while True:
        try:
            operation = steps.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        answer = do(operation)


def read(s3: Service, bucket: str, path: str) -> Found | None:
    """The object at ``path``. That nothing is there is known only to who may list the bucket."""
    try:
        answer = s3.exchange("GET", f"/{bucket}/{path}", {})
    except AwsError as error:
        if error.code == NO_SUCH_KEY:
            return None
        raise
    modified = int(parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp())
    return Found(answer.content, answer.headers["ETag"], modified * SECOND)


def put(s3: Service, bucket: str, path: str, body: bytes, condition: dict[str, str]) -> bool:
    """Put on the condition that the headers say; whether it held. Object Lock demands a checksum."""
    checksum = b64encode(hashlib.sha256(body).digest()).decode()
    headers = {"content-type": "application/octet-stream", "x-amz-checksum-sha256": checksum, **condition}
    try:
        s3.request("PUT", f"/{bucket}/{path}", headers, body)
    except AwsError as error:
        if error.code in (PRECONDITION_FAILED, NO_SUCH_KEY):
            return False
        raise
    return True


def verifier_key(kms: Service, key_id: str, origin: str) -> VerifierKey:
    """The public half of the log's key, under the log's name."""
    encoded = b64decode(kms.json_call("TrentService.GetPublicKey", "1.1", {"KeyId": key_id})["PublicKey"])
    if not encoded.startswith(_PUBLIC_KEY_PREFIX):
        raise ValueError("the audit log's key is not an Ed25519 key")
    return VerifierKey(origin, encoded.removeprefix(_PUBLIC_KEY_PREFIX))
