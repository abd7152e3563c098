"""The audit writer as SQS and the schedule start it: everything once, whatever repeats, races, poison or outages."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from functions.audit_writer import handler as audit_writer
from portcullis.aws import settings
from portcullis.aws.audit_claims import FULL
from portcullis.aws.audit_log import AuditLog
from portcullis.aws.audit_writer import AuditWriter
from portcullis.aws.wire import Unavailable
from portcullis.domain import audit_records
from portcullis.domain.audit_operations import LogDisagrees
from tests.functions import audit as of_audit
from tests.functions.api_events import REGION
from tests.functions.audit import Audit, batch, envelope

_numbers = itertools.count(1)


@pytest.fixture
def audit(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audit]:
    identity = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    with of_audit.ed25519():
        audit = Audit({"endpoint_url": moto_endpoint, "region_name": REGION, **identity}, next(_numbers))
        names = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": moto_endpoint} | {k.upper(): v for k, v in identity.items()}
        for name, value in (names | audit.environment).items():
            monkeypatch.setenv(name, value)
        of_audit.forget()
        yield audit
        of_audit.forget()


def ids(audit: Audit) -> list[str]:
    return [entry.id for entry in audit.entries()]


def test_a_batch_is_recorded_published_and_signed(audit: Audit) -> None:
    assert audit_writer.handler(batch(*map(envelope, range(3))), None) == {"batchItemFailures": []}

    assert ids(audit) == [envelope(number)["id"] for number in range(3)]
    report = audit.report()
    assert (report.entries, report.unpublished, report.findings) == (3, 0, ())


def test_what_comes_again_is_recorded_once(audit: Audit) -> None:
    audit_writer.handler(batch(envelope(1), envelope(1), envelope(2)), None)
    audit_writer.handler(batch(envelope(2), envelope(3)), None)
    of_audit.forget()
    assert audit_writer.handler(batch(*map(envelope, (1, 2, 3))), None) == {"batchItemFailures": []}

    assert sorted(ids(audit)) == [envelope(number)["id"] for number in (1, 2, 3)]
    assert len(audit.paths("seg/")) == 2


def test_a_new_process_goes_on_where_the_log_ends(audit: Audit) -> None:
    for number in range(3):
        of_audit.forget()
        audit_writer.handler(batch(envelope(number)), None)
    assert audit.checkpoint().size == 3
    assert len(ids(audit)) == 3


def test_what_a_crash_left_unpublished_is_published_by_the_schedule(
    audit: Audit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(AuditWriter, "publish", unreachable)
        assert audit_writer.handler(batch(envelope(1)), None) == {"batchItemFailures": []}
    assert audit.paths("checkpoint") == []
    assert '"Fault":1' in capsys.readouterr().out

    of_audit.forget()
    assert audit_writer.handler({"source": "aws.events"}, None) == {"size": 1}
    assert audit.checkpoint().size == 1


def unreachable(_writer: AuditWriter) -> int:
    raise Unavailable("s3")


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (None, "malformed"),
        ("text", "malformed"),
        ({"v": 1}, "malformed"),
        ({**envelope(1), "at": "yesterday"}, "malformed"),
        ({**envelope(1), "id": "a\nb"}, "malformed"),
        ({**envelope(1), "v": 2}, "unknown_version"),
        ({**envelope(1), "data": {"filler": "x" * 70_000}}, "oversize"),
    ],
)
def test_what_cannot_be_an_entry_is_one_that_says_so(audit: Audit, poison: Any, reason: str) -> None:
    messages = batch(poison, envelope(2))
    assert audit_writer.handler(messages, None) == {"batchItemFailures": []}
    assert audit_writer.handler(messages, None) == {"batchItemFailures": []}

    rejected, whole = audit.entries()
    assert whole.id == envelope(2)["id"]
    assert (rejected.type, rejected.data["reason"]) == ("audit.rejected", reason)
    assert rejected.data["sha256"] == sha256(messages["Records"][0]["body"].encode()).hexdigest()


def test_an_event_under_the_type_of_another_is_none(audit: Audit) -> None:
    messages = batch(envelope(1))
    (record,) = messages["Records"]
    record["body"] = json.dumps({**json.loads(record["body"]), "detail-type": "transaction.settled"})
    assert audit_writer.handler(messages, None) == {"batchItemFailures": []}
    (rejected,) = audit.entries()
    assert (rejected.type, rejected.data["reason"]) == ("audit.rejected", "malformed")


def test_an_event_that_takes_the_id_of_another_keeps_nothing_out(audit: Audit) -> None:
    forged = {**envelope(1), "agent": "ag_ffffffffffffffffffffff"}
    for messages in (batch(forged), batch(envelope(1), envelope(2)), batch(envelope(1), forged)):
        assert audit_writer.handler(messages, None) == {"batchItemFailures": []}

    told = [(entry.id.partition("!")[0], entry.agent) for entry in audit.entries()]
    assert told == [(event["id"], event["agent"]) for event in (forged, envelope(2), envelope(1))]


def test_an_id_at_another_instant_is_another_event(audit: Audit) -> None:
    later = {**envelope(1), "at": "2030-01-01T00:00:00.000Z"}
    for messages in (batch(envelope(1), later), batch(later, envelope(2))):
        assert audit_writer.handler(messages, None) == {"batchItemFailures": []}

    assert sorted(ids(audit)) == [envelope(1)["id"], envelope(1)["id"], envelope(2)["id"]]
    assert audit.report().findings == ()


def test_a_second_with_more_events_than_an_item_takes_fills_items_below_it(audit: Audit) -> None:
    for _ in range(2):
        of_audit.forget()
        assert audit_writer.handler(batch(*map(envelope, range(230))), None) == {"batchItemFailures": []}
        assert audit_writer.handler(batch(*map(envelope, range(300))), None) == {"batchItemFailures": []}

    assert sorted(ids(audit)) == [envelope(number)["id"] for number in range(300)]
    items = audit.dynamodb.scan(TableName=audit.claims)["Items"]
    names = {item["pk"]["S"]: int(item["names"]["N"]) for item in items}
    assert sum(names.values()) == 300
    assert names.pop(min(names)) == FULL
    assert max(names.values()) < FULL


def test_a_body_that_is_no_json_at_all(audit: Audit) -> None:
    messages = batch(envelope(1))
    messages["Records"][0]["body"] = "{"
    audit_writer.handler(messages, None)
    assert [entry.type for entry in audit.entries()] == ["audit.rejected"]


def test_sensitive_fields_never_arrive(audit: Audit) -> None:
    event = deepcopy(envelope(1))
    event["data"] |= {"memo": "for J.", "nested": [{"secret": "sk_x", "kept": 1.5}], "body": {"a": 1}, "n": 2**60}
    audit_writer.handler(batch(event), None)

    (entry,) = audit.entries()
    assert entry.data["memo_sha256"] == sha256(b"for J.").hexdigest()
    assert entry.data["body_sha256"] == sha256(b'{"a":1}').hexdigest()
    assert entry.data["nested"] == [{"kept": "1.5"}]
    assert entry.data["n"] == str(2**60)
    assert not {"memo", "body"} & entry.data.keys()


def test_a_log_that_grows_past_a_tile_is_sound(audit: Audit) -> None:
    for start, end in ((0, 130), (130, 260)):
        of_audit.forget()
        audit_writer.handler(batch(*map(envelope, range(start, end))), None)
    assert (audit.report().entries, audit.report().findings) == (260, ())


def test_racing_writers_record_everything_once(audit: Audit) -> None:
    def work(first: int) -> None:
        writer = AuditWriter(AuditLog(settings.audit_writer(), settings.aws()))
        for start in range(first, 24, 3):
            messages = batch(*(envelope(number % 24) for number in range(start, start + 4)))["Records"]
            writer.record([audit_records.recordable(message["body"], 0) for message in messages])
            writer.publish()

    threads = [threading.Thread(target=work, args=(first,)) for first in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ids(audit)) == [envelope(number)["id"] for number in range(24)]
    assert (audit.report().entries, audit.report().findings) == (24, ())


def test_an_outage_leaves_every_message_for_later(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("CLAIMS_TABLE", "no-such-table")
        failed = audit_writer.handler(batch(envelope(1), envelope(2)), None)
    assert failed == {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]}

    of_audit.forget()
    audit_writer.handler(batch(envelope(1), envelope(2)), None)
    assert len(ids(audit)) == 2


def test_a_tile_that_is_not_what_the_segments_lead_to_is_an_alarm(
    audit: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    audit_writer.handler(batch(envelope(1)), None)
    audit.s3.put_object(Bucket=audit.bucket, Key="tile/0/000.p/2", Body=bytes(64))
    assert audit_writer.handler(batch(envelope(2)), None) == {"batchItemFailures": []}

    assert '"AuditLogDisagrees":1' in capsys.readouterr().out
    assert audit.checkpoint().size == 1
    with pytest.raises(LogDisagrees, match=r"tile/0/000\.p/2"):
        audit_writer.handler({}, None)


def test_only_partial_files_are_locked_for_a_day_and_tagged(audit: Audit) -> None:
    audit_writer.handler(batch(*map(envelope, range(257))), None)
    tags = {path: audit.s3.get_object_tagging(Bucket=audit.bucket, Key=path)["TagSet"] for path in audit.paths()}
    tagged = {path for path, each in tags.items() if each == [{"Key": "passing", "Value": "true"}]}
    assert tagged == {"tile/0/001.p/1", "tile/entries/001.p/1"}
    assert [path for path, each in tags.items() if each and path not in tagged] == []
    for path in tagged:
        put = audit.s3.head_object(Bucket=audit.bucket, Key=path)
        assert put["ObjectLockMode"] == "COMPLIANCE"
        assert timedelta(hours=23) < put["ObjectLockRetainUntilDate"] - datetime.now(UTC) <= timedelta(days=1)


def test_partial_files_that_are_gone_hold_nothing_up_and_come_back(audit: Audit) -> None:
    audit_writer.handler(batch(envelope(1), envelope(2)), None)
    audit_writer.handler(batch(envelope(3)), None)
    for path in ("tile/0/000.p/3", "tile/entries/000.p/3"):
        audit.s3.delete_object(Bucket=audit.bucket, Key=path)
    of_audit.forget()
    assert audit_writer.handler({}, None) == {"size": 3}
    assert audit.report().findings == ()


def test_partial_files_that_nothing_replaces_are_put_anew_before_they_expire(audit: Audit) -> None:
    audit_writer.handler(batch(envelope(1)), None)
    for days, versions in ((0.9, 1), (1.1, 2)):
        later = itertools.repeat(time.time() + days * 86_400)
        AuditWriter(AuditLog(settings.audit_writer(), settings.aws(), later.__next__)).sweep()
        kept = audit.s3.list_object_versions(Bucket=audit.bucket, Prefix="tile/")["Versions"]
        assert (
            sorted(each["Key"] for each in kept) == ["tile/0/000.p/1"] * versions + ["tile/entries/000.p/1"] * versions
        )


def test_the_lag_is_a_metric(audit: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    audit_writer.handler(batch(envelope(1)), None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (lag,) = (line for line in lines if "AuditLag" in line)
    assert lag["AuditLag"] > 0
    assert lag["entries"] == 1
