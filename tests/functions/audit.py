"""What the audit writer needs of moto, and the log as it stands there."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto.kms.models import KmsBackend
from moto.s3.responses import S3Response

from functions.audit_writer import handler as audit_writer
from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import audit_entries, checkpoints, log_verification, segments
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_verification import Report
from portcullis.protocol.notes import VerifierKey
from tests.functions.api_events import REGION, load_event

SEED = bytes(range(32))
ORIGIN = "audit.example.com/test"
_numbers = itertools.count(1)
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key()


@contextmanager
def ed25519() -> Iterator[None]:
    """moto knows no Ed25519: its KMS signs with this key instead, and its S3 does one conditional write at a time."""
    encoded = PUBLIC.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    turn, put = Lock(), S3Response.put_object

    def sign(_: KmsBackend, key_id: str, message: bytes, signing_algorithm: str) -> tuple[str, bytes, str]:
        assert signing_algorithm == "ED25519_SHA_512"
        return key_id, Ed25519PrivateKey.from_private_bytes(SEED).sign(message), signing_algorithm

    def in_turn(self: S3Response) -> Any:
        with turn:
            return put(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KmsBackend, "sign", sign)
        patch.setattr(KmsBackend, "get_public_key", lambda backend, key_id: (backend.describe_key(key_id), encoded))
        patch.setattr(S3Response, "put_object", in_turn)
        yield


class Audit:
    """A bucket, a table of claims and a key, and what the writer made of them."""

    def __init__(self, options: dict[str, Any], number: int) -> None:
        self.bucket, self.claims = f"audit-{number}", f"claims-{number}"
        self.s3 = boto3.client("s3", **options)
        self.s3.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
        self.dynamodb = boto3.client("dynamodb", **options)
        self.dynamodb.create_table(
            TableName=self.claims,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        key = boto3.client("kms", **options).create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.environment = {
            "AUDIT_BUCKET": self.bucket,
            "CLAIMS_TABLE": self.claims,
            "AUDIT_KEY_ID": key["KeyMetadata"]["KeyId"],
            "AUDIT_ORIGIN": ORIGIN,
        }

    def paths(self, prefix: str = "") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [each["Key"] for each in listed]

    def body(self, path: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=path)["Body"].read())

    def entries(self) -> list[audit_entries.Entry]:
        """The entries of the committed segments, in order."""
        found: list[bytes] = []
        while segments.segment_path(len(found)) in self.paths("seg/"):
            found += segments.parse(self.body(segments.segment_path(len(found)))).entries
        return [audit_entries.parse(data) for data in found]

    def checkpoint(self) -> Checkpoint:
        key = VerifierKey(ORIGIN, PUBLIC.public_bytes_raw())
        return checkpoints.open_checkpoint(self.body("checkpoint"), key, verifies_bytes)

    def report(self) -> Report:
        """What an auditor finds in the bucket's files."""
        files = {path: self.body(path) for path in self.paths()}
        key = VerifierKey(ORIGIN, PUBLIC.public_bytes_raw())
        return log_verification.verify(files.get, files, key, verifies_bytes, audit_entries.parse_identity)


@contextmanager
def recorded(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audit]:
    """A log of its own, which the functions of a stack there write and read."""
    identity = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    with ed25519():
        audit = Audit({"endpoint_url": endpoint, "region_name": REGION, **identity}, 1_000 + next(_numbers))
        for name, value in audit.environment.items():
            monkeypatch.setenv(name, value)
        forget()
        yield audit
        forget()


def envelope(number: int) -> dict[str, Any]:
    """The event file's envelope, as that of another transaction."""
    (message,) = load_event("audit_writer/batch.json")["Records"]
    detail: dict[str, Any] = json.loads(message["body"])["detail"]
    return {**detail, "id": f"tx_{number:022d}#1", "txid": f"tx_{number:022d}"}


def batch(*details: Any) -> dict[str, Any]:
    """The event file's message, once for each detail."""
    (message,) = load_event("audit_writer/batch.json")["Records"]
    event = json.loads(message["body"])
    bodies = [json.dumps(_wrapped(event, detail)) for detail in details]
    return {"Records": [{**message, "messageId": f"m{i}", "body": body} for i, body in enumerate(bodies)]}


def _wrapped(event: dict[str, Any], detail: Any) -> dict[str, Any]:
    """As the bus hands it on, under its own type where it has one."""
    type_ = detail.get("type") if isinstance(detail, dict) else None
    return {**event, "detail": detail, **({"detail-type": type_} if type_ else {})}


def forget() -> None:
    """Start the function's process anew."""
    audit_writer.writer.cache_clear()
