"""``portcullis audit`` against a bucket in S3 with Object Lock, as an operator runs it."""

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import boto3
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_socket import disable_socket, enable_socket

from portcullis.cli import audit_files, audit_source
from portcullis.protocol.log_verification import LATEST
from tests.functions.api_events import REGION
from tests.unit.cli.gateway import LOCAL, Cli, Result, silence
from tests.unit.protocol.built_log import OTHER_PRIVATE, PRIVATE, Log, built_of, verifier_key
from tests.unit.protocol.log_mutations import flip

_numbers = itertools.count(1)
LOG = built_of([3, 250, 10])
TIMES = ("--since", "2026-11-21T06:00:00Z", "--until", "2026-11-21T09:00:00+01:00")
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SEGMENT, SUPERSEDED = "seg/00000000000000000003", "tile/0/000.p/3"


class Bucket:
    """A bucket with a log, batch by batch."""

    def __init__(self, endpoint_url: str) -> None:
        self.name, self.endpoint_url = f"audit-files-{next(_numbers)}", endpoint_url
        keys: Any = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.s3: Any = boto3.client("s3", endpoint_url=endpoint_url, region_name=REGION, **keys)
        self.s3.create_bucket(Bucket=self.name, ObjectLockEnabledForBucket=True)
        retention = {"Mode": "COMPLIANCE", "Days": 30}
        lock: Any = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
        self.s3.put_object_lock_configuration(Bucket=self.name, ObjectLockConfiguration=lock)

    def hold(self, *logs: Log) -> None:
        """Put what each log has more than the one before."""
        put = set[str]()
        for log in logs:
            for path in [*sorted(log.files.keys() - put - {LATEST}), LATEST]:
                self.put(path, log.files[path])
            put |= log.files.keys()

    def put(self, path: str, data: bytes, **lock: Any) -> str:
        answer = self.s3.put_object(Bucket=self.name, Key=path, Body=data, ChecksumAlgorithm="SHA256", **lock)
        return str(answer["VersionId"])


@pytest.fixture(scope="module")
def sound(moto_endpoint: str) -> Bucket:
    """One that no test changes."""
    return held(moto_endpoint)


def held(endpoint_url: str) -> Bucket:
    bucket = Bucket(endpoint_url)
    bucket.hold(built_of([3]), built_of([3, 250]), LOG)
    return bucket


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sound: Bucket) -> Cli:
    """A command line whose local run has the bucket and the key."""
    silence(monkeypatch, tmp_path)
    cli = Cli(tmp_path)
    audit = {"bucket": sound.name, "origin": LOG.key.name, "verifier_key": LOG.key.text}
    cli.file.write_text(json.dumps({**LOCAL, "endpoint_url": sound.endpoint_url, "audit": audit}))
    return cli


@pytest.fixture
def offline() -> Iterator[None]:
    disable_socket()
    yield
    enable_socket()


class Later(datetime):
    """A clock that is an hour ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + timedelta(hours=1)


def told(result: Result) -> Any:
    return json.loads(result.out)


def test_an_export_of_a_bucket_is_verified_offline(cli: Cli, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    file = tmp_path / "evidence.zip"
    written = cli.run("audit", "export", *TIMES, "--agent", f"ag_{3:022d}", "-o", str(file), as_json=True)
    assert written.code == 0, written.err
    assert (told(written)["first"], told(written)["end"], told(written)["shown"]) == (0, 263, 38)
    assert [path.name for path in tmp_path.glob("*evidence*")] == ["evidence.zip"]
    request.getfixturevalue("offline")

    verified = cli.run("audit", "verify", str(file), as_json=True)
    assert (verified.code, told(verified)) == (0, told(written))

    data = file.read_bytes()
    file.write_bytes(flip(len(data) // 2)(data))
    found = cli.run("audit", "verify", str(file))
    assert found.code == 1
    assert "entries.jsonl, entry" in found.out


def test_an_export_does_not_replace_a_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("evidence")
    assert cli.run("audit", "export", *TIMES, "-o", str(tmp_path / "kept")).code == 2
    assert (tmp_path / "kept").read_text() == "evidence"


def test_a_bucket_is_verified(cli: Cli, sound: Bucket) -> None:
    result = cli.run("audit", "verify", f"s3://{sound.name}", as_json=True)
    assert (result.code, told(result)["findings"]) == (0, [])
    assert (told(result)["entries"], told(result)["versions"]) == (263, len(LOG.files) + 2)


def test_a_bucket_that_was_tampered_with_is_told_file_by_file_and_gives_no_export(
    cli: Cli, moto_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = held(moto_endpoint)
    monkeypatch.setattr(audit_files, "datetime", Later)  # nothing may be of a checkpoint that is being made
    changed = bucket.put("tile/entries/000", flip(500)(LOG.files["tile/entries/000"]))
    export = cli.run("audit", "export", *TIMES, "--bucket", bucket.name, "-o", str(tmp_path / "evidence.zip"))
    assert export.code == 1
    assert "tile/entries/000: entry 0 is not that of the tree" in export.err
    assert list(tmp_path.glob("*evidence*")) == []

    marker = bucket.s3.delete_object(Bucket=bucket.name, Key=SEGMENT)["VersionId"]
    bucket.s3.delete_object(Bucket=bucket.name, Key=SUPERSEDED)
    again = bucket.put("tile/0/000", bytes(8192))
    bucket.put("notes.txt", b"")
    unlocked = bucket.put(
        LATEST, LOG.files["checkpoint/3"], ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate="2099-01-01"
    )
    result = cli.run("audit", "verify", f"s3://{bucket.name}", as_json=True)
    assert result.code == 1
    found = {(one["path"], one["version"]) for one in told(result)["findings"]}
    replaced = {("tile/0/000", again), ("tile/entries/000", changed), (LATEST, unlocked)}
    beyond = {("checkpoint/253", None), ("checkpoint/263", None)}
    assert found == {(SEGMENT, marker), ("notes.txt", None)} | replaced | beyond
    printed = cli.run("audit", "verify", f"s3://{bucket.name}")
    assert f"found {SEGMENT}, version {marker}: a delete marker lies over it" in printed.out


def test_a_checkpoint_that_was_kept_shows_whether_it_is_the_same_log(cli: Cli, sound: Bucket, tmp_path: Path) -> None:
    file, kept, narrow = tmp_path / "evidence.zip", tmp_path / "kept", tmp_path / "narrow.zip"
    cli.run("audit", "export", *TIMES, "-o", str(file))
    until = ("--since", "2026-11-21T06:04:20Z", "--until", "2026-11-21T06:04:21Z")
    cli.run("audit", "export", *until, "-o", str(narrow))
    kept.write_bytes(LOG.files["checkpoint/253"])
    for what in (str(file), f"s3://{sound.name}"):
        assert cli.run("audit", "verify", what, "--against", str(kept)).code == 0
    assert cli.run("audit", "verify", str(narrow), "--against", str(file)).code == 0
    assert cli.run("audit", "verify", str(file), "--against", str(narrow)).code == 0
    incomplete = cli.run("audit", "verify", str(narrow), "--against", str(kept))
    assert (incomplete.code, "export a range around 253" in incomplete.err) == (3, True)


def test_without_the_right_key_nothing_is_verified(cli: Cli, tmp_path: Path) -> None:
    file, other = tmp_path / "evidence.zip", tmp_path / "other"
    cli.run("audit", "export", *TIMES, "-o", str(file))
    other.write_text(f"{verifier_key(OTHER_PRIVATE).text}\n")
    assert cli.run("audit", "verify", str(file), "--key", str(other)).code == 1
    assert cli.run("audit", "verify", str(file), "--key", LOG.key.text).code == 0
    cli.file.write_text(json.dumps(LOCAL))
    missing = cli.run("audit", "verify", str(file))
    assert (missing.code, "no key to verify with" in missing.err) == (2, True)
    for wrong in ("none", "a+b+c", str(file)):
        assert cli.run("audit", "verify", str(file), "--key", wrong).code == 2


def test_a_key_in_pem_needs_the_name_of_the_log(cli: Cli, tmp_path: Path) -> None:
    file, pem = tmp_path / "evidence.zip", tmp_path / "key.pem"
    cli.run("audit", "export", *TIMES, "-o", str(file))
    pem.write_bytes(PEM)
    assert cli.run("audit", "verify", str(file), "--key", str(pem), "--origin", LOG.key.name).code == 0
    assert cli.run("audit", "verify", str(file), "--key", str(pem)).code == 2


@pytest.mark.parametrize("arguments", [("verify", "s3://nobody-has-this"), ("export", "--bucket", "nobody-has-this")])
def test_what_cannot_be_read_is_unreachable(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli.run("audit", *arguments)
    assert (result.code, "NoSuchBucket" in result.err) == (3, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "no-such-file"),
        ("verify", "."),
        ("export", "--since", "yesterday"),
        ("export", "--since", "2026-11-21T06:00:00"),
        ("export", "--since", "1h", "--until", "2h"),
        ("export", "--agent", "a b"),
        ("export", "--output", "no/such/folder"),
    ],
)
def test_usage_is_told(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli.run("audit", *arguments)
    assert result.code == 2
    assert "Traceback" not in result.err


def test_a_bucket_needs_a_name_away_from_a_local_run(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    local = json.loads(cli.file.read_text())
    del local["audit"]["bucket"]
    cli.file.write_text(json.dumps(local))
    result = cli.run("audit", "export")
    assert (result.code, audit_source.BUCKET_VARIABLE in result.err) == (2, True)
