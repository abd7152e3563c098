"""The operator API on the audit log as the writer left it: searched, proved from, asked with hostile parameters."""

from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from functions.audit_writer import handler as audit_writer
from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import audit_entries, checkpoints, merkle, notes
from tests.functions import audit as of_audit
from tests.functions.audit import Audit, batch, envelope
from tests.functions.deployed import Answer, Deployed, forget

ENTRIES, PROOFS, CONSISTENCY = "/v1/audit/entries", "/v1/audit/proofs", "/v1/audit/consistency"
DENIED = {"type": "transaction.denied"}


@pytest.fixture
def audit(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audit]:
    """The log that the stack's operator API reads, of 3 and 2 entries."""
    with of_audit.recorded(stack.endpoint, monkeypatch) as audit:
        forget()
        yield audit


@pytest.fixture
def filled(audit: Audit) -> Audit:
    audit_writer.handler(batch(*map(envelope, range(3))), None)
    audit_writer.handler(batch(envelope(3) | DENIED, envelope(4)), None)
    return audit


def get(stack: Deployed, path: str, **parameters: str | int) -> Answer:
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in parameters.items())
    return stack.operator("GET", f"{path}?{query}" if query else path)


def hashes(body: dict[str, Any]) -> list[bytes]:
    return [b64decode(each) for each in body["hashes"]]


def test_entries_are_listed_newest_first_over_pages(stack: Deployed, filled: Audit) -> None:
    first = get(stack, ENTRIES, limit=3).body
    second = get(stack, ENTRIES, limit=3, cursor=first["cursor"]).body
    assert [entry["index"] for entry in first["entries"] + second["entries"]] == [4, 3, 2, 1, 0]
    assert (first["size"], first["scanned_to"]) == (5, 2)
    assert (second["cursor"], second["scanned_to"]) == (None, 0)
    recorded = filled.entries()[4]._asdict()
    assert {name: first["entries"][0][name] for name in ("id", "type", "at", "agent", "data")} == {
        name: recorded[name] for name in ("id", "type", "at", "agent", "data")
    }


def test_entries_are_searched_by_agent_type_outcome_and_time(stack: Deployed, filled: Audit) -> None:
    agent, at = filled.entries()[0].agent or "", filled.entries()[0].at
    for filters, expected in (
        ({"type": "transaction.denied"}, [3]),
        ({"outcome": "denied", "agent": agent}, [3]),
        ({"agent": "ag_" + "9" * 22}, []),
        ({"since": at}, [4, 3, 2, 1, 0]),
        ({"until": at}, []),
        ({"since": "9000-01-01T00:00:00+02:00"}, []),
    ):
        assert [entry["index"] for entry in get(stack, ENTRIES, **filters).body["entries"]] == expected, filters


def test_the_checkpoint_verifies_under_the_key_that_is_told(stack: Deployed, filled: Audit) -> None:
    body = get(stack, "/v1/audit/checkpoint").body
    key = notes.parse_verifier_key(body["verifier_key"])
    assert checkpoints.open_checkpoint(body["checkpoint"].encode(), key, verifies_bytes) == filled.checkpoint()
    assert (body["origin"], body["bucket"]) == (of_audit.ORIGIN, filled.bucket)


@pytest.mark.parametrize("by", ["index", "event", "event and at"])
def test_an_entry_is_proved_by_index_or_event(stack: Deployed, filled: Audit, by: str) -> None:
    sought = filled.entries()[1]
    named: dict[str, Any] = {"index": 1} if by == "index" else {"event": sought.id}
    proof = get(stack, PROOFS, **named, **({"at": sought.at} if "at" in by else {})).body["proof"]
    assert audit_entries.parse(proof["entry"].encode()) == sought
    checkpoint, leaf = filled.checkpoint(), merkle.leaf_hash(proof["entry"].encode())
    assert proof["checkpoint"].encode() == filled.body("checkpoint")
    assert merkle.verify_inclusion(leaf, proof["index"], checkpoint.size, hashes(proof), checkpoint.root)


@pytest.mark.parametrize("named", [{"index": 5}, {"event": "tx_none#1"}, {"event": "x", "at": "2026-11-21T00:00:00Z"}])
def test_what_the_log_does_not_hold_has_no_proof(stack: Deployed, filled: Audit, named: dict[str, Any]) -> None:
    answer = get(stack, PROOFS, **named)
    assert (answer.status, answer.body) == (200, {"proof": None, "cursor": None})


def test_the_log_is_consistent_with_each_of_its_past_sizes(stack: Deployed, filled: Audit) -> None:
    leaves = [merkle.leaf_hash(audit_entries.encode(entry)) for entry in filled.entries()]
    roots = [merkle.Frontier().extend(leaves[:size]).root() for size in range(6)]
    for first in range(6):
        body = get(stack, CONSISTENCY, first=first).body
        assert (body["first"], body["second"]) == (first, 5)
        assert merkle.verify_consistency(first, 5, hashes(body), roots[first], roots[5])
    body = get(stack, CONSISTENCY, first=2, second=4).body
    assert merkle.verify_consistency(2, 4, hashes(body), roots[2], roots[4])


def test_an_empty_log_is_empty_not_an_error(stack: Deployed, audit: Audit) -> None:
    assert get(stack, ENTRIES).body == {"entries": [], "size": 0, "scanned_to": 0, "cursor": None}
    assert get(stack, "/v1/audit/checkpoint").body["checkpoint"] is None
    assert get(stack, PROOFS, index=0).body["proof"] is None


HOSTILE = [
    (ENTRIES, "agent=ag_1", "agent"),
    (ENTRIES, "agent=", "agent"),
    (ENTRIES, 'type=a","b":"', "type"),
    (ENTRIES, "outcome=Denied", "outcome"),
    (ENTRIES, "since=yesterday", "since"),
    (ENTRIES, "since=2026-02-30T00:00:00Z", "since"),
    (ENTRIES, "until=0001-01-01T00:00:00%2B14:00", "until"),
    (ENTRIES, "until=2026-01-01", "until"),
    (ENTRIES, "cursor=-1", "cursor"),
    (ENTRIES, f"cursor={'9' * 4000}", "cursor"),
    (ENTRIES, "cursor=%D9%A1", "cursor"),
    (ENTRIES, "limit=101", "limit"),
    (ENTRIES, "agent=a&agent=b", "agent"),
    (PROOFS, "", "event"),
    (PROOFS, "index=1&event=x", "event"),
    (PROOFS, "index=1e3", "index"),
    (PROOFS, 'event="', "event"),
    (PROOFS, "event=%00", "event"),
    (PROOFS, f"event={'x' * 257}", "event"),
    (PROOFS, "event=x&at=1", "at"),
    (CONSISTENCY, "", "first"),
    (CONSISTENCY, "first=6", "first"),
    (CONSISTENCY, "first=3&second=2", "first"),
    (CONSISTENCY, "first=1&second=6", "second"),
    (CONSISTENCY, "first=01", "first"),
]


def test_hostile_parameters_are_refused_by_name(stack: Deployed, filled: Audit) -> None:
    for path, query, field in HOSTILE:
        answer = stack.operator("GET", f"{path}?{query}")
        assert (answer.status, answer.code, answer.body["field"]) == (400, "malformed_request", field), query


def test_a_cursor_past_the_end_begins_at_the_end(stack: Deployed, filled: Audit) -> None:
    assert len(get(stack, ENTRIES, cursor=10**17).body["entries"]) == 5


@pytest.mark.parametrize("path", ["tile/entries/000.p/5", "checkpoint"])
def test_a_log_that_was_tampered_with_answers_nothing_and_is_told(
    stack: Deployed, filled: Audit, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.s3.put_object(Bucket=filled.bucket, Key=path, Body=b"another history")
    for path, query in ((ENTRIES, {}), (PROOFS, {"index": 0})):
        answer = get(stack, path, **query)
        assert (answer.status, answer.code) == (503, "dependency_unavailable")
        assert '"AuditLogDisagrees":1' in capsys.readouterr().out
