"""The lockdown as values: whom it is about, what a share is, when it is complete, who may lift it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import lockdown
from portcullis.domain.account import LOCKED
from portcullis.domain.approvers import Approver
from portcullis.domain.lockdown import LIFTED, LIFTING, LOCKING, SETTLED, Lockdown, Stage
from tests.unit.domain import builders

NOW = builders.NOW
ALICE, BOB = "arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/bob"
SESSION = "arn:aws:sts::123456789012:assumed-role/operator/anybody"
ROLE = "arn:aws:iam::123456789012:role/operator"
LOCKDOWN = Lockdown(3, 7, LOCKING, "leak", NOW, ALICE)
ALL = Stage(1, "ap_1", NOW)
APPROVER = Approver("ap_1", "bob", BOB, "active", NOW)


def lifted_by(before: Lockdown, now: int, share: int | None = None) -> Lockdown:
    after = lockdown.lifting(before, APPROVER, now, (), share)
    assert isinstance(after, Lockdown)
    return after


def lifting(stage: Stage = ALL) -> Lockdown:
    return replace(LOCKDOWN, state=LIFTING, stage=stage)


@pytest.mark.parametrize(
    ("state", "lock", "to_lock", "to_lift"),
    [
        ("active", 0, True, False),
        ("active", 2, True, False),  # lifted in an earlier lockdown
        ("active", 3, False, False),  # lifted in this one already
        ("active", 4, False, False),  # of a later one
        ("locked", 2, True, True),  # still from an earlier one
        ("locked", 3, False, True),
        ("locked", 4, False, False),
        ("suspended", 0, False, False),
        ("suspended", 3, False, False),
    ],
)
def test_whom_it_is_about(state: str, lock: int, to_lock: bool, to_lift: bool) -> None:
    account = builders.account(state=state, lock=lock)
    assert lockdown.is_due(LOCKDOWN, account) is to_lock
    assert lockdown.is_due(lifting(), account) is to_lift


def test_a_stage_is_about_those_it_names() -> None:
    account = builders.account(state="locked", lock=3)
    assert lockdown.is_due(lifting(replace(ALL, agents=(account.agent,))), account)
    assert not lockdown.is_due(lifting(replace(ALL, agents=("ag_other",))), account)
    assert not lockdown.is_due(lifting(replace(ALL, share=100)), account), "before it is settled who is in the share"


@given(st.integers(1, 100), st.integers(0, 300))
def test_a_share_is_exact_and_rounded_up(share: int, number: int) -> None:
    stage, agents = replace(ALL, share=share), [f"ag_{place}" for place in range(number)]
    stage = replace(stage, cut=lockdown.cut(stage, [lockdown.rank(stage, agent) for agent in agents]))
    chosen = sum(lockdown.is_chosen(stage, agent) for agent in agents)
    assert chosen == (number * share + 99) // 100


@pytest.mark.parametrize(
    ("changes", "complete"),
    [
        ({"pass_at": NOW + SETTLED}, True),
        ({"pass_at": NOW + SETTLED - 1}, False),
        ({"pass_at": None}, False),
        ({"pass_at": NOW + SETTLED, "due": 1}, False),
        ({"pass_at": NOW + SETTLED, "unreadable": 1}, True),
        ({"state": LIFTING, "stage": ALL, "pass_at": NOW}, True),
        ({"state": LIFTING, "stage": ALL, "pass_at": NOW, "due": 2}, False),
    ],
)
def test_when_its_work_is_complete(changes: dict[str, object], complete: bool) -> None:
    assert lockdown.is_complete(replace(LOCKDOWN, **changes)) is complete  # type: ignore[arg-type]


def test_its_life() -> None:
    locked = lockdown.completed(LOCKDOWN, NOW + 1)
    assert (locked.state, locked.completed_at, locked.rev) == (LOCKED, NOW + 1, 8)
    assert lockdown.started(LOCKDOWN, BOB, "again", NOW) == LOCKDOWN
    assert lockdown.started(locked, BOB, "again", NOW) == locked
    first = lifted_by(locked, NOW + 2, 10)
    assert (first.state, first.stage) == (LIFTING, Stage(1, "ap_1", NOW + 2, (), 10))
    between = lockdown.completed(first, NOW + 3)
    assert (between.state, between.stage) == (LIFTING, None)
    last = lockdown.completed(lifted_by(between, NOW + 4), NOW + 5)
    assert (last.state, last.ended_at, last.stages) == (LIFTED, NOW + 5, 2)
    for before in (first, between, last):
        again = lockdown.started(before, BOB, "again", NOW + 6)
        assert (again.number, again.rev, again.state, again.stage) == (4, before.rev + 1, LOCKING, None)


@pytest.mark.parametrize(
    ("started_by", "identity", "refused"),
    [
        (ALICE, ALICE, True),
        (ALICE, BOB, False),
        (SESSION, ROLE, False),
        (SESSION, ALICE, False),
        ("gateway", BOB, False),
    ],
)
def test_the_person_who_has_started_it_does_not_lift_it(started_by: str, identity: str, refused: bool) -> None:
    """A role is shared, so that it has started one says nothing of the person."""
    by, before = replace(APPROVER, identity=identity), replace(LOCKDOWN, started_by=started_by)
    assert isinstance(lockdown.lifting(before, by, NOW, (), None), str) is refused


@pytest.mark.parametrize(("agents", "share"), [(("ag_1",), None), ((), 1), ((), 100)])
def test_before_it_is_complete_it_is_lifted_for_all_or_not_at_all(agents: tuple[str, ...], share: int | None) -> None:
    assert "resume" in str(lockdown.lifting(LOCKDOWN, APPROVER, NOW, agents, share))
    assert lifted_by(LOCKDOWN, NOW).state == LIFTING
    complete = lockdown.completed(LOCKDOWN, NOW)
    assert isinstance(lockdown.lifting(complete, APPROVER, NOW, agents, share), Lockdown)


def test_there_is_one_stage_at_a_time_and_none_without_a_lockdown() -> None:
    assert "not in lockdown" in str(lockdown.lifting(None, APPROVER, NOW, (), 10))
    assert "to its end" in str(lockdown.lifting(lifting(), APPROVER, NOW, (), 10))
