"""The audit log of the deployed stack: what was decided is provable in seconds, and stays."""

import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import audit_entries, checkpoints, log_verification, merkle, segments, tiles
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_verification import Report
from portcullis.protocol.notes import VerifierKey
from tests.journey.deployment import Deployment

PROVABLE_SECONDS = 15


class PublishedLog:
    """The log as anybody reads it who may read the bucket and the public key."""

    def __init__(self, deployment: Deployment) -> None:
        self.s3, self.bucket = deployment.root("s3"), deployment.outputs["AuditBucket"]
        encoded = deployment.root("kms").get_public_key(KeyId=deployment.outputs["AuditKeyArn"])["PublicKey"]
        public = load_der_public_key(encoded)
        assert isinstance(public, Ed25519PublicKey)
        self.key = VerifierKey(deployment.outputs["AuditOrigin"], public.public_bytes_raw())

    def read(self, path: str) -> bytes | None:
        try:
            return bytes(self.s3.get_object(Bucket=self.bucket, Key=path)["Body"].read())
        except self.s3.exceptions.NoSuchKey:
            return None

    def checkpoint(self) -> Checkpoint | None:
        data = self.read("checkpoint")
        return checkpoints.open_checkpoint(data, self.key, verifies_bytes) if data else None

    def entries(self, size: int) -> list[bytes]:
        full = [tiles.Tile(None, index) for index in range(size // tiles.WIDTH)]
        rest = [tiles.Tile(None, len(full), size % tiles.WIDTH)] if size % tiles.WIDTH else []
        return [entry for tile in full + rest for entry in tiles.read_bundle(tile, self.read)]

    def provable(self, event: str) -> dict[str, Any] | None:
        """The entry of an event, if it is included in the tree that the latest checkpoint signs."""
        checkpoint = self.checkpoint()
        for index, data in enumerate(self.entries(checkpoint.size) if checkpoint else []):
            entry: dict[str, Any] = json.loads(data)
            if checkpoint and entry["id"] == event:
                nodes = tiles.tile_nodes(checkpoint.size, self.read)
                proof = merkle.inclusion_proof(index, checkpoint.size, nodes)
                leaf = merkle.leaf_hash(data)
                assert merkle.verify_inclusion(leaf, index, checkpoint.size, proof, checkpoint.root)
                return entry
        return None

    def report(self) -> Report:
        """What an auditor finds in the bucket's files."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        files = {each["Key"]: self.read(each["Key"]) for page in pages for each in page.get("Contents", [])}
        return log_verification.verify(files.get, files, self.key, verifies_bytes, audit_entries.parse_id)

    def wait(self, event: str, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while (entry := self.provable(event)) is None:
            assert time.monotonic() < deadline, f"{event} is not provable after {seconds:g} s"
            time.sleep(0.2)
        return entry


@pytest.fixture
def log(deployment: Deployment) -> PublishedLog:
    return PublishedLog(deployment)


@pytest.fixture
def recorded(deployment: Deployment, log: PublishedLog) -> dict[str, Any]:
    """The entry of a payment's decision."""
    agent = deployment.agent()
    paid = deployment.pay(agent)
    assert paid.status_code == 201, paid.text
    return log.wait(f"{paid.json()['id']}#1", PROVABLE_SECONDS)


def test_a_decision_is_provable_in_seconds(recorded: dict[str, Any]) -> None:
    assert (recorded["type"], recorded["outcome"], recorded["verified"]) == ("transaction.approved", "approved", True)
    assert recorded["key"].startswith("pk_local_")
    assert recorded["ip"].startswith("203.0.")


def test_the_whole_log_is_sound_and_holds_each_event_once(log: PublishedLog, recorded: dict[str, Any]) -> None:
    deadline = time.monotonic() + PROVABLE_SECONDS
    while not (report := log.report()).sound and time.monotonic() < deadline:
        time.sleep(1)  # it may have grown while it was read
    assert report.entries > 0
    assert report.findings == ()


def portcullis(deployment: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line on the local run, which knows the bucket and the key."""
    command = [str(Path(sys.executable).with_name("portcullis")), "--local", str(deployment.home.local_json)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def test_a_responder_exports_an_hour_and_an_auditor_verifies_it(
    deployment: Deployment, recorded: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "evidence.zip"
    asked = ("--since", "1h", "--agent", recorded["agent"], "--output", str(file))
    written = portcullis(deployment, "audit", "export", *asked)
    assert written.returncode == 0, written.stderr
    with zipfile.ZipFile(file) as archive:
        lines = archive.read("entries.jsonl").splitlines()
    assert recorded in [json.loads(line) for line in lines]
    assert portcullis(deployment, "audit", "verify", str(file)).returncode == 0

    data = bytearray(file.read_bytes())
    data[data.index(b"entries.jsonl") + 100] ^= 1
    file.write_bytes(data)
    found = portcullis(deployment, "audit", "verify", str(file))
    assert (found.returncode, "entries.jsonl, entry" in found.stdout) == (1, True), found


def test_an_auditor_verifies_the_live_bucket(
    deployment: Deployment, log: PublishedLog, recorded: dict[str, Any]
) -> None:
    verified = portcullis(deployment, "--json", "audit", "verify", f"s3://{log.bucket}")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["entries"] > 0


@pytest.fixture
def administrator(deployment: Deployment) -> Iterator[Any]:
    """S3 as somebody whom IAM allows everything."""
    iam, name = deployment.root("iam"), "audit-administrator"
    iam.create_user(UserName=name)
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anything]})
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def client(service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=deployment.description["endpoint_url"],
            region_name=deployment.description["region"],
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    yield client
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="all")
    iam.delete_user(UserName=name)


def test_not_even_an_administrator_removes_alters_or_signs(
    deployment: Deployment, log: PublishedLog, recorded: dict[str, Any], administrator: Any
) -> None:
    s3, where = administrator("s3"), {"Bucket": log.bucket, "Key": segments.segment_path(0)}
    (version,) = log.s3.list_object_versions(Bucket=log.bucket, Prefix=where["Key"])["Versions"]
    refused: dict[str, Callable[[], Any]] = {
        "delete": lambda: s3.delete_object(**where),
        "delete the version": lambda: s3.delete_object(**where, VersionId=version["VersionId"]),
        "overwrite": lambda: s3.put_object(**where, Body=b"another history"),
        "shorten": lambda: s3.put_object_retention(
            **where, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": "2026-01-01T00:00:00Z"}
        ),
        "change the policy": lambda: s3.delete_bucket_policy(Bucket=log.bucket),
        "let it expire": lambda: s3.put_bucket_lifecycle_configuration(
            Bucket=log.bucket,
            LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]},
        ),
        "sign": lambda: administrator("kms").sign(
            KeyId=deployment.outputs["AuditKeyArn"], Message=b"x", MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
        ),
    }
    for what, call in refused.items():
        with pytest.raises(ClientError) as denied:
            call()
        assert "AccessDenied" in denied.value.response["Error"]["Code"], what
    assert s3.get_object(**where)["VersionId"] == version["VersionId"]


def test_not_even_root_deletes_a_version_before_its_time(log: PublishedLog, recorded: dict[str, Any]) -> None:
    path = segments.segment_path(0)
    (version,) = log.s3.list_object_versions(Bucket=log.bucket, Prefix=path)["Versions"]
    with pytest.raises(ClientError, match="object lock"):
        log.s3.delete_object(Bucket=log.bucket, Key=path, VersionId=version["VersionId"])
    retention = log.s3.get_object_retention(Bucket=log.bucket, Key=path)["Retention"]
    assert retention["Mode"] == "COMPLIANCE"
