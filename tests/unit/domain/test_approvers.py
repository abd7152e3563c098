"""Approvers: what of a caller's ARN is an identity, and how attempts are counted."""

import itertools
from typing import Any

import pytest

from portcullis.domain.approvers import (
    ENROLMENT_LIFETIME,
    LOCK,
    MAX_ATTEMPTS,
    Approver,
    approver_id,
    attempted,
    describe,
    identity_of,
    is_approver,
    lapsed,
)

NOW = 1_795_242_660_000_000
USER = "arn:aws:iam::123456789012:user/people/alice"
ROLE = "arn:aws:iam::123456789012:role/Approvers"


def approver(**changes: Any) -> Approver:
    values = {"id": "ap_" + "0" * 22, "name": "alice", "identity": USER, "state": "active", "created_at": NOW}
    return Approver(**{**values, **changes})


@pytest.mark.parametrize(
    ("arn", "identity"),
    [
        (USER, USER),
        (ROLE, ROLE),
        ("arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/Approvers", ROLE),
        ("arn:aws:sts::123456789012:assumed-role/Approvers/alice", ROLE),
        ("arn:aws:sts::123456789012:assumed-role/Approvers/bob@example.com", ROLE),
        ("arn:aws-us-gov:sts::123456789012:assumed-role/A/b", "arn:aws-us-gov:iam::123456789012:role/A"),
        ("arn:aws:sts::123456789012:federated-user/alice", None),
        ("arn:aws:iam::123456789012:root", None),
        ("arn:aws:sts::123456789012:assumed-role/Approvers", None),
        ("arn:aws:sts::123456789012:assumed-role/Approvers/a/b", None),
        ("arn:aws:iam::123456789012:user/", None),
        ("arn:aws:iam::12345:user/alice", None),
        (f"{USER}\n", None),
        ("alice", None),
        ("", None),
    ],
)
def test_the_identity_is_what_a_caller_cannot_choose(arn: str, identity: str | None) -> None:
    assert identity_of(arn) == identity


def test_the_same_role_of_another_account_is_another_identity() -> None:
    assert identity_of(ROLE) != identity_of(ROLE.replace("123456789012", "210987654321"))


def test_the_fifth_attempt_locks_and_the_lock_ends() -> None:
    present, counts = approver(), []
    for _ in range(MAX_ATTEMPTS):
        counted = attempted(present, NOW)
        assert counted is not None
        present = approver(**counted)
        counts.append((counted["attempts"], counted["locked_until"]))
    assert counts == [(1, 0), (2, 0), (3, 0), (4, 0), (5, NOW + LOCK)]
    assert attempted(present, NOW + LOCK - 1) is None
    assert attempted(present, NOW + LOCK) == {"attempts": 1, "locked_until": 0}


def test_attempts_are_five_in_any_quarter_of_an_hour() -> None:
    present, admitted = approver(), []
    for second in range(0, 2 * LOCK, LOCK // 100):
        counted = attempted(present, NOW + second)
        if counted is not None:
            present = approver(**counted)
            admitted.append(second)
    assert all(later - earlier >= LOCK for earlier, later in itertools.pairwise(admitted[4::5]))
    assert len(admitted) <= 2 * MAX_ATTEMPTS


def test_an_enrolment_lapses_unless_confirmed() -> None:
    pending = approver(state="pending")
    assert [lapsed(pending, NOW + ENROLMENT_LIFETIME + shift) for shift in (-1, 0)] == [False, True]
    assert not lapsed(approver(), NOW + ENROLMENT_LIFETIME)
    assert describe(pending, NOW + ENROLMENT_LIFETIME)["state"] == "lapsed"


def test_the_public_form_tells_nothing_of_codes() -> None:
    described = describe(approver(attempts=3, last_step=9, shown_sha256=b"x"), NOW)
    assert set(described) == {"approver_id", "name", "identity", "state", "sponsor", "created_at"}


def test_an_id_names_the_generation_of_the_root() -> None:
    made = approver_id("0", bytes(range(32)))
    assert (made[:4], is_approver(made), is_approver("ag_" + "0" * 22)) == ("ap_0", True, False)
