"""Rotation without AWS: bodies, successors, and how a key looks at an instant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import operator_requests
from portcullis.domain.key_classes import CLASSES, parse_rotation
from portcullis.domain.key_requests import KeyRotation, describe_by_age
from portcullis.domain.key_rotation import successor
from portcullis.domain.models import validate
from portcullis.domain.rate import Rate
from portcullis.domain.times import DAY, rfc3339
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys, public_keys
from portcullis.protocol.strict_json import MalformedInput
from tests.unit.domain import builders

ROTATION = parse_rotation("development=30 staging=7 production=30 high_value=7", "24", "production")
NEW_ID = keys.new_key_id("test", "0", b"n" * 20)
PUBLIC_KEY = public_keys.parse_ed25519("A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")
INSTANTS = st.integers(builders.NOW - 60 * DAY, builders.NOW + 60 * DAY)
RECORDS = st.builds(
    builders.key_record,
    state=st.sampled_from(["active", "retiring", "revoked"]),
    created_at=INSTANTS,
    ends_at=st.none() | INSTANTS,
    expires_at=st.none() | INSTANTS,
    key_class=st.sampled_from(CLASSES),
    rate=st.none() | st.just(Rate(60, 5)),
    self_rotation=st.booleans(),
    lineage=st.none() | st.just(NEW_ID),
)


@given(st.integers(-100, 31 * 86_400))
def test_an_overlap_is_none_or_long_enough_for_every_cache(seconds: int) -> None:
    if seconds == 0 or 30 <= seconds <= 30 * 86_400:
        assert validate(KeyRotation, {"overlap_seconds": seconds}).overlap(1) == seconds * 1_000_000
    else:
        with pytest.raises(MalformedInput, match=r"^overlap_seconds: "):
            validate(KeyRotation, {"overlap_seconds": seconds})


def test_without_an_overlap_it_is_the_stage_s() -> None:
    assert validate(KeyRotation, {}).overlap(ROTATION.overlap) == ROTATION.overlap


@given(RECORDS)
def test_a_successor_may_do_the_same_until_the_same_expiry(parent: KeyRecord) -> None:
    made = successor(parent, NEW_ID, builders.NOW, None)
    same = (
        "agent",
        "scopes",
        "ip_ranges",
        "rate",
        "algorithm",
        "key_class",
        "self_rotation",
        "delivered",
        "expires_at",
    )
    assert [getattr(made, name) for name in same] == [getattr(parent, name) for name in same]
    assert made.ends_at == parent.expires_at
    assert (made.parent, made.state, made.version, made.created_at) == (parent.key_id, "active", 1, builders.NOW)
    assert (made.successor, made.lineage) == (None, None)


@pytest.mark.parametrize(("held", "given_key"), [(None, PUBLIC_KEY), (PUBLIC_KEY, None), (PUBLIC_KEY, PUBLIC_KEY)])
def test_a_public_key_that_does_not_fit_is_named(held: bytes | None, given_key: bytes | None) -> None:
    text = public_keys.encode_ed25519(given_key) if given_key else None
    with pytest.raises(MalformedInput, match=r"^public_key: "):
        successor(builders.key_record(public_key=held), NEW_ID, builders.NOW, text)


@given(RECORDS, INSTANTS)
def test_what_is_shown_at_an_instant_is_consistent(record: KeyRecord, now: int) -> None:
    shown = describe_by_age(record, ROTATION, now)
    ended = record.ends_at is not None and record.ends_at <= now
    assert shown["state"] == ("ended" if ended and record.state != "revoked" else record.state)
    assert (shown["rotate_by"] is not None) == (shown["state"] == "active")
    assert shown["overdue"] == (shown["rotate_by"] is not None and shown["rotate_by"] <= rfc3339(now))
    assert 0 <= shown["age_days"] * DAY <= max(0, now - record.created_at)


def test_an_active_key_s_end_is_its_expiry() -> None:
    fields: dict[str, Any] = {"ends_at": 2, "expires_at": 1}
    assert builders.key_record(**fields).expires_at == 2
    assert builders.key_record(**fields, state="retiring").expires_at == 1
    assert operator_requests.describe_key(builders.key_record(**fields))["expires_at"] == rfc3339(2)
