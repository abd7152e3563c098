"""The audit log of the deployed stack: what was decided is provable in seconds, and stays."""

import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from typer.testing import CliRunner

from local.tap import Tap
from portcullis.aws.dynamo import to_attributes
from portcullis.aws.ed25519 import verifies_bytes
from portcullis.aws.reconcile import CURSOR
from portcullis.cli.audit_key import VARIABLE
from portcullis.cli.context import Session
from portcullis.cli.failure import Failure
from portcullis.cli.main import app
from portcullis.protocol import audit_entries, checkpoints, log_verification, merkle, segments, tile_reading, tiles
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
        return [entry for tile in full + rest for entry in tile_reading.read_bundle(tile, self.read)]

    def provable(self, event: str) -> dict[str, Any] | None:
        """The entry of an event, if it is included in the tree that the latest checkpoint signs."""
        checkpoint = self.checkpoint()
        for index, data in enumerate(self.entries(checkpoint.size) if checkpoint else []):
            entry: dict[str, Any] = json.loads(data)
            if checkpoint and entry["id"] == event:
                nodes = tile_reading.tile_nodes(checkpoint.size, self.read)
                proof = merkle.inclusion_proof(index, checkpoint.size, nodes)
                leaf = merkle.leaf_hash(data)
                assert merkle.verify_inclusion(leaf, index, checkpoint.size, proof, checkpoint.root)
                return entry
        return None

    def report(self) -> Report:
        """What an auditor finds in the bucket's files."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        files = {each["Key"]: self.read(each["Key"]) for page in pages for each in page.get("Contents", [])}
        return log_verification.verify(files.get, files, self.key, verifies_bytes, audit_entries.parse_identity)

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


def test_a_forgery_is_provable(deployment: Deployment, log: PublishedLog, tap: Tap) -> None:
    """Other processes may be about to tell of others first; what none of them tells at once, the next tells later."""
    agent, told = deployment.agent(), list[dict[str, Any]]()
    deadline = time.monotonic() + 2 * PROVABLE_SECONDS
    while not told:
        assert time.monotonic() < deadline
        request = deployment.sign(agent, "GET", "/v1/whoami")
        forged = replace(request, headers={**request.headers, "X-Signature": "0" * 64})
        assert deployment.send(forged).status_code == 401
        with suppress(TimeoutError):
            told = tap.wait(1, lambda event: event["ip"] == agent.address and not event["verified"], seconds=1)
    entry = log.wait(told[0]["id"], PROVABLE_SECONDS)
    assert (entry["outcome"], entry["verified"], entry["agent"]) == ("refused", False, None)
    assert (entry["key"], entry["data"]["problem"]) == (agent.key_id, "invalid_credentials")


def test_a_refusal_of_each_api_is_provable(deployment: Deployment, log: PublishedLog, tap: Tap) -> None:
    agent = deployment.agent()
    missing = deployment.send(deployment.sign(agent, "GET", "/v1/transactions/tx_0000000000000000000000"))
    assert missing.status_code == 404
    malformed = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/suspend", {"reason": 1})
    assert malformed.status_code == 400
    wanted = {answer.json()["request_id"] for answer in (missing, malformed)}
    told = tap.wait(2, lambda event: event["data"].get("request_id") in wanted)
    entries = [log.wait(event["id"], PROVABLE_SECONDS) for event in told]
    assert {(entry["agent"], entry["verified"], entry["data"]["problem"]) for entry in entries} == {
        (agent.agent_id, True, "not_found"),
        (agent.agent_id, False, "malformed_request"),
    }
    assert agent.secret not in json.dumps(entries)


def test_what_an_agent_reads_is_provable_as_a_sum_with_its_country(
    deployment: Deployment, log: PublishedLog, tap: Tap
) -> None:
    """The first of them may be told at once; the others are when the process is asked again 10 seconds later."""
    agent, reads = deployment.agent(), 4

    def told() -> list[dict[str, Any]]:
        return [event for event in tap.events if (event["type"], event["agent"]) == ("request.served", agent.agent_id)]

    for _ in range(reads):
        read = deployment.sign(agent, "GET", "/v1/transactions", headers={"CloudFront-Viewer-Country": "NL"})
        assert deployment.send(read).status_code == 200
    deadline = time.monotonic() + 2 * PROVABLE_SECONDS
    while sum(event["data"]["count"] for event in told()) < reads:
        assert time.monotonic() < deadline
        payment = deployment.payment(agent)
        elsewhere = {**payment.headers, "CloudFront-Viewer-Country": "BR"}
        paid = deployment.send(replace(payment, headers=elsewhere)).json()
        (approved,) = tap.wait(1, lambda event, txid=paid["id"]: event["txid"] == txid)  # type: ignore[misc]
        assert approved["data"] == {**paid, "country": "BR"}
    entries = [log.wait(event["id"], PROVABLE_SECONDS) for event in told()]
    assert sum(entry["data"]["count"] for entry in entries) == reads
    whose = {(entry["agent"], entry["key"], entry["ip"], entry["verified"], entry["outcome"]) for entry in entries}
    assert whose == {(agent.agent_id, agent.key_id, agent.address, True, "served")}
    what = {(entry["data"]["method"], entry["data"]["route"], entry["data"]["country"]) for entry in entries}
    assert what == {("GET", "/v1/transactions", "NL")}


def test_the_authorizer_tells_of_its_refusals_and_of_nothing_else(deployment: Deployment) -> None:
    role = deployment.role_of("Authorizer")
    session = deployment.root("sts").assume_role(RoleArn=role, RoleSessionName="forger")["Credentials"]
    bus = boto3.client(
        "events",
        endpoint_url=deployment.description["endpoint_url"],
        region_name=deployment.description["region"],
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    own: Any = {"EventBusName": deployment.outputs["BusName"], "Source": "portcullis", "Detail": "{}"}
    own |= {"DetailType": "authentication.refused"}
    forgeries: list[Any] = [{"DetailType": "transaction.approved"}, {"Source": "price"}, {"EventBusName": "default"}]
    for forged in forgeries:
        with pytest.raises(ClientError, match="AccessDenied"):
            bus.put_events(Entries=[own, own | forged])


def test_the_whole_log_is_sound_and_holds_each_event_once(log: PublishedLog, recorded: dict[str, Any]) -> None:
    deadline = time.monotonic() + PROVABLE_SECONDS
    while not (report := log.report()).sound and time.monotonic() < deadline:
        time.sleep(1)  # it may have grown while it was read
    assert report.entries > 0
    assert report.findings == ()


@contextmanager
def stopped_pipe(deployment: Deployment) -> Iterator[None]:
    """The outbox's pipe delivers nothing meanwhile, and all of it afterwards."""
    pipes = deployment.root("pipes")
    (name,) = [pipe["Name"] for pipe in pipes.list_pipes()["Pipes"]]
    pipes.stop_pipe(Name=name)
    try:
        yield
    finally:
        pipes.start_pipe(Name=name)


def function_names(deployment: Deployment) -> list[str]:
    pages = deployment.root("lambda").get_paginator("list_functions").paginate()
    return [function["FunctionName"] for page in pages for function in page["Functions"]]


def test_what_the_pipe_does_not_deliver_is_recorded_all_the_same_and_once(
    deployment: Deployment, log: PublishedLog
) -> None:
    dynamodb, table = deployment.root("dynamodb"), deployment.outputs["CoreTable"]
    at = time.time_ns() // 1000 - 2 * 24 * 3600 * 10**6
    change = {"subject": "OLD", "type": "price.refused", "agent": None, "key": None, "ip": "", "at": at, "rev": 1}
    item = {"pk": "OLD", "sk": "EVENT#0000000001", **change, "data": {"actor": "gateway", "reason": "none"}}
    (name,) = [name for name in function_names(deployment) if "Reconciler" in name]
    with stopped_pipe(deployment):
        dynamodb.put_item(TableName=table, Item=to_attributes(item))
        dynamodb.delete_item(TableName=table, Key=to_attributes(CURSOR))
        run = json.loads(deployment.root("lambda").invoke(FunctionName=name)["Payload"].read())
        assert (run["lost"], run["finished"]) == (1, True)
        assert log.wait("OLD#1", PROVABLE_SECONDS)["type"] == "price.refused"
    later = deployment.pay(deployment.agent()).json()["id"]
    log.wait(f"{later}#1", PROVABLE_SECONDS)
    checkpoint = log.checkpoint()
    assert checkpoint is not None
    assert [json.loads(data)["id"] for data in log.entries(checkpoint.size)].count("OLD#1") == 1


Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(deployment: Deployment, log: PublishedLog) -> Iterator[Command]:
    """``portcullis --json audit`` with the log's key; its exit code and what it printed."""
    session = Session(None, None, deployment.home.local_json, as_json=True)

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["audit", *arguments], obj=session, env={VARIABLE: log.key.text})
        if isinstance(done.exception, Failure):
            return done.exception.exit_code, str(done.exception)
        assert done.exception is None, done.exception
        return done.exit_code, done.stdout

    with closing(session.operator):
        yield run


def test_an_operator_finds_a_decision_and_proves_it(recorded: dict[str, Any], command: Command) -> None:
    code, lines = command("query", "--agent", recorded["agent"], "--since", "1h", "--outcome", "approved")
    (found,) = map(json.loads, lines.splitlines())
    assert (code, found) == (0, {"index": found["index"], **recorded})
    for named in ([recorded["id"], "--at", recorded["at"]], [recorded["id"]], [str(found["index"])]):
        code, proven = command("proof", *named)
        assert (code, json.loads(json.loads(proven)["entry"])) == (0, recorded)


def test_a_watcher_sees_that_the_log_only_grows(
    deployment: Deployment, log: PublishedLog, recorded: dict[str, Any], command: Command, tmp_path: Path
) -> None:
    look = ["watch", "--once", "--state", str(tmp_path / "kept")]
    code, pinned = command(*look)
    assert (code, "pinned at" in pinned) == (0, True)
    log.wait(f"{deployment.pay(deployment.agent()).json()['id']}#1", PROVABLE_SECONDS)
    code, grown = command(*look)
    assert (code, "consistently" in grown) == (0, True)

    kept = (tmp_path / "kept").read_text()
    (tmp_path / "kept").write_text(kept.replace(kept.splitlines()[2], "A" * 43 + "="))
    code, forged = command(*look)
    assert (code, "Evidence" in forged) == (1, True)


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
        "let one expire": lambda: s3.put_object_tagging(
            **where, Tagging={"TagSet": [{"Key": "passing", "Value": "true"}]}
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


def test_only_partial_files_are_locked_for_less(log: PublishedLog, recorded: dict[str, Any]) -> None:
    pages = log.s3.get_paginator("list_objects_v2").paginate(Bucket=log.bucket)
    paths = [each["Key"] for page in pages for each in page.get("Contents", [])]
    tagged = {path for path in paths if log.s3.get_object_tagging(Bucket=log.bucket, Key=path)["TagSet"]}
    assert tagged == {path for path in paths if ".p/" in path and path.startswith(("tile/0/", "tile/entries/"))}
    assert tagged
    for path in tagged:
        assert log.s3.get_object_retention(Bucket=log.bucket, Key=path)["Retention"]["Mode"] == "COMPLIANCE"


def test_not_even_root_deletes_a_version_before_its_time(log: PublishedLog, recorded: dict[str, Any]) -> None:
    path = segments.segment_path(0)
    (version,) = log.s3.list_object_versions(Bucket=log.bucket, Prefix=path)["Versions"]
    with pytest.raises(ClientError, match="object lock"):
        log.s3.delete_object(Bucket=log.bucket, Key=path, VersionId=version["VersionId"])
    retention = log.s3.get_object_retention(Bucket=log.bucket, Key=path)["Retention"]
    assert retention["Mode"] == "COMPLIANCE"
