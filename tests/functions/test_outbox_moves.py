"""What the outbox makes of a transaction that was moved: who moved it, not who asked for it."""

from typing import Any

import pytest

from functions.outbox import handler as outbox
from portcullis.aws import records
from portcullis.aws.dynamo import to_attributes
from portcullis.domain import lifecycle
from portcullis.domain.lifecycle import LEASE, Moved, Outcome
from portcullis.domain.record import CLAIM_LIFETIME, Mover, Record
from tests.unit.domain import builders

EXECUTOR = "ag_" + "e" * 22
MOVER = Mover(EXECUTOR, builders.KEY_ID[::-1], "203.0.113.9", builders.NOW + 1)


def after(outcome: Outcome) -> Record:
    assert isinstance(outcome, Moved)
    return outcome.record


CLAIMED = after(lifecycle.claim(builders.record(), builders.account(), MOVER, b"t" * 16))


def event(record: Record) -> dict[str, Any]:
    image = to_attributes(records.to_item(record))
    (made,) = outbox.handler([{"dynamodb": {"NewImage": image, "Keys": {}}}], None)
    return made


@pytest.mark.parametrize(
    ("record", "type_", "rev"),
    [
        (CLAIMED, "executing", 2),
        (after(lifecycle.settle(CLAIMED, MOVER, b"t" * 16, "ref")), "settled", 3),
        (after(lifecycle.fail(CLAIMED, MOVER, b"t" * 16, "no funds")), "failed", 3),
        (after(lifecycle.cancel(builders.held(), MOVER, None)), "cancelled", 2),
    ],
)
def test_a_move_is_an_event_of_who_moved_it(record: Record, type_: str, rev: int) -> None:
    made = event(record)
    assert (made["type"], made["id"]) == (f"transaction.{type_}", f"{builders.TXID}#{rev}")
    assert (made["agent"], made["txid"], made["rev"]) == (builders.AGENT, builders.TXID, rev)
    assert (made["key"], made["ip"], made["verified"]) == (MOVER.key_id, MOVER.source_ip, True)
    assert (made["data"]["status"], made["data"]["updated_by"]) == (type_, EXECUTOR)
    assert "claim_sha256" not in made["data"]


@pytest.mark.parametrize(
    ("record", "type_", "late"),
    [
        (builders.record(), "expired", CLAIM_LIFETIME),
        (builders.held(), "expired", CLAIM_LIFETIME),
        (CLAIMED, "needs_reconciliation", LEASE + 1),
    ],
)
def test_what_the_gateway_moves_has_no_key_and_is_not_verified(record: Record, type_: str, late: int) -> None:
    made = event(after(lifecycle.expire(record, builders.NOW + late)))
    assert made["type"] == f"transaction.{type_}"
    assert (made["key"], made["ip"], made["verified"]) == (None, "", False)
    assert made["data"]["updated_by"] == "gateway"
