"""The evidence of an incident: exported once, with the suspension in it, and sound for whoever has only the key."""

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.audit_writer import handler as audit_writer
from functions.contain_evidence import handler as contain_evidence
from functions.operator_api import request
from portcullis.aws import evidence as of_evidence
from portcullis.aws import incidents, stored_events
from portcullis.aws.changes import Actor
from portcullis.aws.ed25519 import verifies_bytes
from portcullis.aws.evidence import LogBehind, TooMuch
from portcullis.aws.wire import Unavailable
from portcullis.domain import times
from portcullis.domain.incidents import BY_OPERATOR, DONE, FAILED, Incident, Trigger
from portcullis.protocol import export_verification
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.export_verification import Export
from portcullis.protocol.notes import VerifierKey
from tests.functions import audit as of_audit
from tests.functions.audit import Audit, batch, envelope
from tests.functions.deployed import Agent, Deployed
from tests.unit.cli.gateway import LOCAL, Cli, ok

ACTOR = "arn:aws:iam::123456789012:user/operator"


class Context:
    """Of Lambda, with so many seconds left."""

    def __init__(self, seconds: float = 900) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


class Cut:
    """An agent that has paid, was suspended, and what the log knows of it."""

    def __init__(self, stack: Deployed, audit: Audit, bucket: str) -> None:
        self.stack, self.audit, self.bucket = stack, audit, bucket
        self.agent: Agent = stack.agent()
        self.paid = stack.pay(self.agent).body["id"]
        trigger = Trigger(BY_OPERATOR, "key in a public repository", ACTOR, "::1", time.time_ns() // 1_000, 8)
        incident = incidents.contain(request.stores().table, self.agent.agent_id, trigger)
        assert incident is not None
        self.incident: Incident = incident

    def log(self, others: int = 3) -> None:
        """Have everything that is stored recorded, between events of others."""
        payments, told = self.stored()
        audit_writer.handler(batch(*map(envelope, range(others))), None)
        audit_writer.handler(batch(*payments, *told, envelope(900)), None)

    def stored(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The events of payments, and all others."""
        items, _ = request.stores().table.scan()
        told = [[item for item in items if item["sk"].startswith(kind)] for kind in ("TX#", "EVENT#")]
        payments, others = ([event for item in kind for event in stored_events.every(item)] for kind in told)
        return payments, others

    def step(self, context: Context | None = None) -> dict[str, Any]:
        event = {"incident": self.incident.id, "agent": self.agent.agent_id, "step": "evidence"}
        return contain_evidence.handler(event, context or Context())

    def fail_and_resume(self) -> None:
        actor = Actor("gateway", "", time.time_ns() // 1_000)
        incidents.record_step(request.stores().table, actor, self.incident.id, "evidence", FAILED, {})
        incidents.resume(request.stores().table, actor, self.incident.id)

    def recorded(self, result: dict[str, Any]) -> dict[str, Any]:
        """The incident as it is told, with the step's outcome in it."""
        actor = Actor("gateway", "", time.time_ns() // 1_000)
        incidents.record_step(request.stores().table, actor, self.incident.id, "evidence", DONE, result)
        found = self.stack.operator("GET", "/v1/incidents/{incident}", incident=self.incident.id).body
        found["steps"]["evidence"]["result"] = result
        return found

    def kept(self) -> list[str]:
        listed = self.stack.s3.list_object_versions(Bucket=self.bucket).get("Versions", [])
        return [each["Key"] for each in listed]

    def body(self, key: str) -> bytes:
        return bytes(self.stack.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())


@pytest.fixture
def cut(stack: Deployed, waits: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cut]:
    with of_audit.recorded(stack.endpoint, monkeypatch) as audit:
        bucket = f"evidence-{audit.bucket}"
        stack.s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        monkeypatch.setenv("EVIDENCE_BUCKET", bucket)
        monkeypatch.setenv("EVIDENCE_HOURS", "24")
        forget()
        yield Cut(stack, audit, bucket)
        forget()


@pytest.fixture
def cli(cut: Cut, tmp_path: Path) -> Cli:
    """An operator's command line, who may read the bucket and has the log's key."""
    cli = Cli(tmp_path)
    key = VerifierKey(of_audit.ORIGIN, of_audit.PUBLIC.public_bytes_raw()).text
    cli.file.write_text(json.dumps({**LOCAL, "endpoint_url": cut.stack.endpoint, "audit": {"verifier_key": key}}))
    return cli


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens while the function waits, once for each wait; nothing when there is no more."""
    happening: list[Callable[[], None]] = []
    monkeypatch.setattr(time, "sleep", lambda _: happening.pop(0)() if happening else None)
    return happening


def forget() -> None:
    contain_evidence.table.cache_clear()
    contain_evidence.evidence.cache_clear()


def verified(data: bytes) -> tuple[Export, list[Entry]]:
    """What somebody finds who has the file and the key."""
    key, shown = VerifierKey(of_audit.ORIGIN, of_audit.PUBLIC.public_bytes_raw()), list[Entry]()
    found = export_verification.verify(io.BytesIO(data), key, verifies_bytes, (), lambda *_: None, shown.append)
    return found, shown


def test_it_holds_what_the_agent_did_up_to_its_suspension_and_no_more_of_others_than_hashes(cut: Cut) -> None:
    cut.log(others=300)
    told = cut.step()
    data = cut.body(told["key"])
    export, shown = verified(data)
    types = [entry.type for entry in shown]
    assert {entry.agent for entry in shown} == {cut.agent.agent_id}
    assert {"agent.created", "key.issued", "transaction.approved", "agent.suspended", "incident.opened"} <= set(types)
    assert [entry.txid for entry in shown if entry.type == "transaction.approved"] == [cut.paid]
    assert told == {
        "bucket": cut.bucket,
        "key": f"incidents/{cut.incident.id}/export-1.zip",
        "sha256": hashlib.sha256(data).hexdigest(),
        "entries": len(shown),
        "first": export.proof.first,
        "end": export.proof.end,
        "size": cut.audit.checkpoint().size,
        "since": times.rfc3339(cut.incident.opened_at - times.DAY),
        "until": times.rfc3339(cut.incident.opened_at + 20 * times.SECOND),
        "verified": True,
    }


def test_a_second_run_finds_what_the_first_has_kept(cut: Cut) -> None:
    cut.log()
    told = cut.step()
    audit_writer.handler(batch(envelope(901)), None)
    assert cut.step() == told
    cut.fail_and_resume()
    assert cut.step() == told
    assert cut.kept() == [told["key"]]


def test_the_log_is_waited_for_until_it_tells_of_the_suspension(cut: Cut, waits: list[Callable[[], None]]) -> None:
    waits += [lambda: None, cut.log]
    told = cut.step()
    assert waits == []
    assert f"{cut.incident.id}#1" in {entry.id for entry in verified(cut.body(told["key"]))[1]}


def test_a_payment_that_is_recorded_just_after_the_suspension_is_in_it(
    cut: Cut, waits: list[Callable[[], None]]
) -> None:
    payments, others = cut.stored()
    audit_writer.handler(batch(*others), None)

    def late() -> None:
        audit_writer.handler(batch(*payments), None)

    waits.append(late)
    told = cut.step()
    assert waits == []
    assert cut.paid in {entry.txid for entry in verified(cut.body(told["key"]))[1]}
    assert told["size"] == cut.audit.checkpoint().size


def test_a_log_that_stays_behind_is_a_failure_that_keeps_nothing(cut: Cut, waits: list[Callable[[], None]]) -> None:
    audit_writer.handler(batch(*map(envelope, range(3))), None)
    with pytest.raises(LogBehind, match=f"{cut.incident.id}#1"):
        cut.step()
    assert cut.kept() == []


def test_more_than_can_be_exported_fails_and_names_the_way_out(cut: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    cut.log()
    with pytest.raises(TooMuch, match="portcullis audit export"):
        cut.step(Context(seconds=80))
    monkeypatch.setattr(of_evidence, "MOST_BYTES", 100)
    with pytest.raises(TooMuch, match="portcullis audit export"):
        cut.step()
    assert cut.kept() == []


def test_what_does_not_verify_is_not_taken_for_evidence(cut: Cut, capsys: pytest.CaptureFixture[str]) -> None:
    cut.log()
    forged = f"incidents/{cut.incident.id}/export-1.zip"
    cut.stack.s3.put_object(Bucket=cut.bucket, Key=forged, Body=b"PK nothing")
    with pytest.raises(Unavailable, match="another run was first"):
        cut.step()
    cut.fail_and_resume()
    told = cut.step()
    assert told["key"] == f"incidents/{cut.incident.id}/export-2.zip"
    verified(cut.body(told["key"]))
    assert '"EvidenceRefused":1' in capsys.readouterr().out


def test_evidence_of_another_incident_is_none_of_this_one(cut: Cut) -> None:
    other = Cut(cut.stack, cut.audit, cut.bucket)
    cut.log()
    mine, theirs = f"incidents/{cut.incident.id}/export-1.zip", other.step()["key"]
    cut.stack.s3.put_object(Bucket=cut.bucket, Key=mine, Body=cut.body(theirs))
    with pytest.raises(Unavailable):
        cut.step()


def test_an_operator_fetches_it_verified_and_reports_from_it(cut: Cut, cli: Cli, tmp_path: Path) -> None:
    cut.log()
    told = cut.step()
    cli.answers = [ok(cut.recorded(told)) for _ in range(2)]
    fetched = cli.run("incident", "evidence", cut.incident.id, "--out", str(tmp_path / "kept.zip"), as_json=True)
    assert (fetched.code, json.loads(fetched.out)["shown"]) == (0, told["entries"])
    assert (tmp_path / "kept.zip").read_bytes() == cut.body(told["key"])
    reported = cli.run("incident", "report", cut.incident.id)
    assert (reported.code, f"`{cut.paid}`" in reported.out, told["sha256"] in reported.out) == (0, True, True)


def test_what_is_not_what_the_incident_tells_of_is_not_fetched(cut: Cut, cli: Cli, tmp_path: Path) -> None:
    cut.log()
    told = cut.step()
    cut.stack.s3.put_object(Bucket=cut.bucket, Key=told["key"], Body=cut.body(told["key"]) + b"more")
    for result in (told, told | {"key": "incidents/none"}):
        cli.answers = [ok(cut.recorded(result))]
        assert cli.run("incident", "evidence", cut.incident.id, "--out", str(tmp_path / "kept.zip")).code in (1, 3)
    assert list(tmp_path.glob("*kept*")) == []


def test_an_unknown_incident_is_an_error(cut: Cut) -> None:
    with pytest.raises(KeyError, match="no incident in_000"):
        contain_evidence.handler({"incident": "in_" + "0" * 22}, Context())
