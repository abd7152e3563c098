"""Which keys a job is about, and what they wait for; what a census counts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain.generations import is_older
from portcullis.domain.key_census import SLACK, Census, counted, is_overdue
from portcullis.domain.key_classes import CLASSES, Rotation
from portcullis.domain.key_jobs import Job, Selection, in_scope, is_over, waits_for, was_asked
from portcullis.domain.times import DAY
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import base62, keys

NOW = 1_800_000_000_000_000
KEY = KeyRecord(keys.new_key_id("test", "1", b"k" * 20), "ag_1", "active", 1, (), (), created_at=NOW - 40 * DAY)
JOB = Job("kj_1", "rotate", Selection(), None, "r", "arn", NOW)
ROTATION = Rotation({"development": 30, "staging": 7, "production": 30, "high_value": 7}, 0, "production")


@pytest.mark.parametrize(
    ("selection", "held"),
    [
        (Selection(), True),
        (Selection(key_class="production"), True),
        (Selection(key_class="staging"), False),
        (Selection(before="2"), True),
        (Selection(before="1"), False),
        (Selection(before="0"), False),
    ],
)
def test_a_selection_holds_its_keys(selection: Selection, held: bool) -> None:
    assert in_scope(replace(JOB, selection=selection), KEY, NOW) is held


def test_what_is_over_is_out_of_scope() -> None:
    retiring, ended = replace(KEY, state="retiring", ends_at=NOW + 1), replace(KEY, ends_at=NOW)
    revoking = replace(JOB, action="revoke")
    assert [is_over(JOB, key, NOW) for key in (KEY, retiring, ended, None)] == [False, True, True, True]
    assert [is_over(revoking, key, NOW) for key in (KEY, retiring, replace(KEY, state="revoked"))] == [
        False,
        False,
        True,
    ]
    assert not in_scope(JOB, replace(KEY, created_at=NOW + 1), NOW)


def test_who_has_to_act() -> None:
    own, delivered = replace(KEY, self_rotation=True), replace(KEY, delivered=True)
    assert [waits_for(JOB, key) for key in (KEY, own, delivered)] == ["hand", "agent", "secrets_manager"]
    assert waits_for(replace(JOB, action="revoke"), delivered) == "gateway"
    assert [was_asked(JOB, replace(KEY, due_at=at)) for at in (None, NOW - 1, NOW)] == [False, False, True]


@given(st.sampled_from(base62.ALPHABET), st.sampled_from(base62.ALPHABET))
def test_generations_are_ordered_as_their_digits(one: str, other: str) -> None:
    assert is_older(one, other) is (ord(one) < ord(other))


@given(st.sampled_from(CLASSES), st.integers(0, 60 * DAY), st.none() | st.integers(0, 60 * DAY))
def test_a_key_is_overdue_a_day_after_it_was_due(key_class: str, age: int, due: int | None) -> None:
    key = replace(KEY, key_class=key_class, created_at=NOW - age, due_at=None if due is None else NOW - due)
    late = max(age - ROTATION.days[key_class] * DAY, -DAY if due is None else due)
    assert is_overdue(key, ROTATION, NOW) is (late >= SLACK)


def test_a_census_counts_what_is_valid() -> None:
    found = [
        KEY,
        replace(KEY, state="revoked"),
        replace(KEY, state="retiring", ends_at=NOW + 1),
        replace(KEY, ends_at=NOW),
    ]
    census = counted(counted(Census(NOW), found, ROTATION, NOW), found, ROTATION, NOW)
    assert (census.keys, census.overdue["production"], census.overdue["staging"]) == ({"1": 4}, 2, 0)
