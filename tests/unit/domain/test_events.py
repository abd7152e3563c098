"""The event envelope: exactly these fields, from a transaction or from a change."""

from typing import Any

import pytest

from portcullis.domain import events
from portcullis.domain.record import Record, describe, event_of
from tests.unit.domain import builders

FIELDS = ["v", "id", "type", "agent", "key", "ip", "at", "txid", "rev", "verified", "data"]


@pytest.fixture
def change() -> dict[str, Any]:
    return {
        "pk": f"AGENT#{builders.AGENT}",
        "sk": "EVENT#0000000007",
        "subject": builders.AGENT,
        "type": "key.issued",
        "agent": builders.AGENT,
        "key": builders.KEY_ID,
        "ip": "198.51.100.9",
        "at": builders.NOW,
        "rev": 7,
        "data": {"scopes": ["transactions:read"], "actor": "arn:aws:iam::123456789012:user/operator"},
    }


@pytest.mark.parametrize(
    "record", [builders.record(), builders.held(), builders.denied()], ids=lambda made: made.status
)
def test_of_a_transaction(record: Record) -> None:
    envelope = event_of(record)

    assert list(envelope) == FIELDS
    assert envelope == {
        "v": 1,
        "id": f"{builders.TXID}#1",
        "type": f"transaction.{record.status}",
        "agent": builders.AGENT,
        "key": builders.KEY_ID,
        "ip": "203.0.113.7",
        "at": "2026-11-21T06:31:00.000Z",
        "txid": builders.TXID,
        "rev": 1,
        "verified": True,
        "data": describe(record),
    }


def test_a_transaction_tells_operators_and_consumers_its_country_and_agents_nothing() -> None:
    record = builders.record(country="NL")
    assert event_of(record)["data"] == describe(record) | {"country": "NL"}
    assert "country" not in describe(record)


def test_of_a_change(change: dict[str, Any]) -> None:
    envelope = events.of_change(change)

    assert list(envelope) == FIELDS
    assert envelope == {
        "v": 1,
        "id": f"{builders.AGENT}#7",
        "type": "key.issued",
        "agent": builders.AGENT,
        "key": builders.KEY_ID,
        "ip": "198.51.100.9",
        "at": "2026-11-21T06:31:00.000Z",
        "txid": None,
        "rev": 7,
        "verified": False,
        "data": change["data"],
    }


def test_of_a_change_of_no_agent(change: dict[str, Any]) -> None:
    envelope = events.of_change({**change, "subject": "PRICES", "agent": None, "key": None})
    assert (envelope["id"], envelope["agent"], envelope["key"]) == ("PRICES#7", None, None)


@pytest.mark.parametrize("name", ["subject", "type", "agent", "key", "ip", "at", "rev", "data"])
def test_a_change_without_a_field_is_a_fault(change: dict[str, Any], name: str) -> None:
    del change[name]
    with pytest.raises(KeyError, match=name):
        events.of_change(change)


def test_every_revision_is_an_event_of_its_own() -> None:
    assert event_of(builders.record(rev=2))["id"] == f"{builders.TXID}#2"
