"""Entries: one spelling each, strict and bounded, and what they are in OCSF."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.protocol import audit_entries
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.log_errors import MalformedEntry
from portcullis.protocol.ocsf import ocsf_of

EVENTS = Path(__file__).parents[3] / "events" / "bus"
ENTRY = Entry(
    id="tx_" + "t" * 22 + "#1",
    type="transaction.denied",
    at="2026-11-21T06:31:00.000Z",
    agent="ag_" + "a" * 22,
    key="pk_test_03yqsuDyR1vGFhTuuRAq1b18naZX",
    ip="203.0.113.7",
    txid="tx_" + "t" * 22,
    rev=1,
    verified=True,
    outcome="denied",
    ocsf=ocsf_of("transaction.denied"),
    data={"amount": "12.5", "memo": "für \n 東京", "violations": [{"rule": "limit", "severity": 5}], "none": None},
)
DATA = audit_entries.encode(ENTRY)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_the_bytes_of_an_entry() -> None:
    assert DATA.decode() == (
        '{"v":1,"id":"tx_tttttttttttttttttttttt#1","type":"transaction.denied","at":"2026-11-21T06:31:00.000Z",'
        '"agent":"ag_aaaaaaaaaaaaaaaaaaaaaa","key":"pk_test_03yqsuDyR1vGFhTuuRAq1b18naZX","ip":"203.0.113.7",'
        '"txid":"tx_tttttttttttttttttttttt","rev":1,"verified":true,"outcome":"denied","ocsf":{"category_uid":6,'
        '"class_uid":6003,"activity_id":1,"type_uid":600301,"severity_id":2},"data":{"amount":"12.5",'
        '"memo":"für \\n 東京","none":null,"violations":[{"rule":"limit","severity":5}]}}'
    )
    assert audit_entries.parse(DATA) == ENTRY
    assert audit_entries.parse_identity(DATA) == (ENTRY.id, ENTRY.at)
    assert audit_entries.parse_at(DATA) == ENTRY.at


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), values, max_size=5))
def test_entries_are_read_back(data: dict[str, Any]) -> None:
    entry = ENTRY._replace(data=data)
    assert audit_entries.parse(audit_entries.encode(entry)) == entry


@given(st.integers(0, 8 * len(DATA) - 1))
def test_one_changed_bit_makes_another_entry_or_none(bit: int) -> None:
    changed = bytearray(DATA)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        entry = audit_entries.parse(bytes(changed))
    except MalformedEntry:
        return
    assert entry != ENTRY
    assert audit_entries.encode(entry) == bytes(changed)


MALFORMED = {
    "nothing": b"",
    "white space": DATA.replace(b'"rev":1', b'"rev": 1'),
    "a newline at the end": DATA + b"\n",
    "cut": DATA[:-1],
    "two": DATA + DATA,
    "another order": DATA.replace(b'"rev":1,"verified":true', b'"verified":true,"rev":1'),
    "a member more": DATA.replace(b'"rev":1', b'"rev":1,"x":1'),
    "a member less": DATA.replace(b'"rev":1,', b""),
    "a zero before a number": DATA.replace(b'"rev":1', b'"rev":01'),
    "a number as text": DATA.replace(b'"rev":1', b'"rev":"1"'),
    "a needless escape": DATA.replace(b"12.5", b"\\u00312.5"),
    "an escape in the head": DATA.replace(b"denied", b"\\u0064enied"),
    "an escape that is longer": DATA.replace(b"\\n", b"\\u000a"),
    "unsorted data": DATA.replace(b'"amount":"12.5",', b"").replace(b'"none":null', b'"none":null,"amount":"12.5"'),
    "a name twice": DATA.replace(b'"none":null', b'"none":null,"none":null'),
    "a fraction": DATA.replace(b'"severity":5', b'"severity":5.0'),
    "an exponent": DATA.replace(b'"severity":5', b'"severity":5e0'),
    "minus zero": DATA.replace(b'"severity":5', b'"severity":-0'),
    "not a number": DATA.replace(b'"severity":5', b'"severity":NaN'),
    "a large integer": DATA.replace(b'"severity":5', b'"severity":%d' % 2**53),
    "a huge integer": DATA.replace(b'"severity":5', b'"severity":' + b"9" * 5000),
    "not UTF-8": DATA.replace(b"12.5", b"\xff"),
    "a lone surrogate": DATA.replace(b"12.5", b"\\ud800"),
    "data that is a list": DATA[: DATA.index(b'"data":')] + b'"data":[]}',
    "deep data": DATA[: DATA.index(b'"data":')] + b'"data":{"a":' + b"[" * 32 + b"]" * 32 + b"}}",
    "very deep data": DATA[: DATA.index(b'"data":')] + b'"data":{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
    "no such day": DATA.replace(b"11-21T", b"02-30T"),
    "an instant in another form": DATA.replace(b"2026-11-21T06:31:00.000Z", b"2026-11-21T06.31:00.000Z"),
    "the type of another class": DATA.replace(b"600301", b"600302"),
    "the category of another class": DATA.replace(b'"category_uid":6', b'"category_uid":3'),
    "too long": DATA.replace(b"12.5", b"9" * audit_entries.MAX_BYTES),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_entry_is_refused(data: bytes) -> None:
    assert data != DATA
    with pytest.raises(MalformedEntry):
        audit_entries.parse(data)


def test_another_version_says_so() -> None:
    with pytest.raises(MalformedEntry, match="version 2 is not known"):
        audit_entries.parse(DATA.replace(b'"v":1', b'"v":2'))


@pytest.mark.parametrize(
    "change",
    [
        {"id": 'a"b'},
        {"id": ""},
        {"id": "i" * 257},
        {"type": "Transaction"},
        {"at": "2026-11-21T06:31:00Z"},
        {"agent": ""},
        {"ip": "evil"},
        {"rev": -1},
        {"rev": True},
        {"verified": 1},
        {"outcome": "two words"},
        {"data": {"a": 1.0}},
        {"data": {"a": float("nan")}},
        {"data": {1: "a"}},
        {"data": {"a": (1,)}},
        {"data": {"a": b""}},
        {"data": {"a": "\ud800"}},
        {"data": {"a": 2**53}},
        {"data": {"a": "x" * audit_entries.MAX_BYTES}},
    ],
    ids=str,
)
def test_what_cannot_be_an_entry_is_not_encoded(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedEntry):
        audit_entries.encode(ENTRY._replace(**change))


def test_data_within_itself_is_not_encoded() -> None:
    data: dict[str, Any] = {}
    data["again"] = data
    with pytest.raises(MalformedEntry):
        audit_entries.encode(ENTRY._replace(data=data))


def test_the_longest_entry_is_read_back() -> None:
    padding = audit_entries.MAX_BYTES - len(audit_entries.encode(ENTRY._replace(data={"a": ""})))
    longest = ENTRY._replace(data={"a": "x" * padding})
    assert len(audit_entries.encode(longest)) == audit_entries.MAX_BYTES
    assert audit_entries.parse(audit_entries.encode(longest)) == longest


@pytest.mark.parametrize("reason", audit_entries.REASONS)
def test_what_is_rejected_becomes_an_entry(reason: str) -> None:
    entry = audit_entries.rejected(reason, b"\xff", ENTRY.at)
    assert entry == audit_entries.parse(audit_entries.encode(entry))
    assert entry.data == {"reason": reason, "sha256": sha256(b"\xff").hexdigest(), "bytes": 1}
    assert (entry.type, entry.outcome) == ("audit.rejected", "rejected")
    assert entry.id != audit_entries.rejected(reason, b"\xfe", ENTRY.at).id


def test_there_are_no_other_reasons() -> None:
    with pytest.raises(ValueError, match="none of malformed"):
        audit_entries.rejected("boring", b"", ENTRY.at)


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_event_of_the_bus_can_be_an_entry(path: Path) -> None:
    event = json.loads(path.read_text())
    del event["v"]
    entry = Entry(**event, outcome="any", ocsf=ocsf_of(event["type"]))
    assert audit_entries.parse(audit_entries.encode(entry)) == entry
    assert entry.ocsf.activity_id != 99 or entry.type.startswith(("trust.", "request."))


def test_a_type_that_is_not_known_is_that_of_its_family_or_any_activity() -> None:
    assert ocsf_of("incident.any").type_uid == 200502
    assert ocsf_of("other.thing").type_uid == 600399
    assert ocsf_of("transaction.denied").category_uid == 6


def test_an_instant_that_does_not_exist_is_not_read() -> None:
    with pytest.raises(MalformedEntry, match="exists"):
        audit_entries.parse_at(DATA.replace(b"2026-11-21", b"2026-11-31"))
