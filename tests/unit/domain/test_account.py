"""The account: which of its conditions refuses, the most important first."""

from dataclasses import replace
from typing import Any

import pytest

from portcullis.domain.account import Account, Refusal, Reservation, after, day_window, refusal
from portcullis.domain.rate import Rate
from tests.unit.domain.builders import KEY_NAME, NOW, account

WINDOW = "d20261121"


@pytest.fixture
def wanted() -> Reservation:
    return Reservation(KEY_NAME, epoch=1, policy_version=1, rate=Rate(60, 1), arrived=NOW, now=NOW, usd=10, limit=100)


BREAKS: dict[Refusal, dict[str, Any]] = {
    Refusal.SUSPENDED: {"state": "suspended"},
    Refusal.KEY: {"live_keys": frozenset({"other#1"})},
    Refusal.CHANGED: {"epoch": 2},
    Refusal.RATE: {"tats": {"tat": NOW + 1}},
    Refusal.BUDGET: {"windows": {WINDOW: 91}},
}


def test_an_account_that_meets_everything_does_not_refuse(wanted: Reservation) -> None:
    assert refusal(account(), wanted) is Refusal.NONE


@pytest.mark.parametrize("expected", BREAKS)
def test_one_broken_condition_is_the_reason(expected: Refusal, wanted: Reservation) -> None:
    assert refusal(account(**BREAKS[expected]), wanted) is expected


@pytest.mark.parametrize("first", range(len(BREAKS)))
def test_the_most_important_reason_is_given(first: int, wanted: Reservation) -> None:
    changes = list(BREAKS.values())[first:]
    broken = account(**{name: value for change in changes for name, value in change.items()})
    assert refusal(broken, wanted) is list(BREAKS)[first]


@pytest.mark.parametrize("change", [{"epoch": 2}, {"epoch": 0}, {"policy_version": 2}, {"policy_version": 0}])
def test_any_other_epoch_or_policy_is_a_change(change: dict[str, int], wanted: Reservation) -> None:
    assert refusal(account(**change), wanted) is Refusal.CHANGED


@pytest.mark.parametrize("state", ["suspended", "", "ACTIVE", "recovering"])
def test_only_active_is_active(state: str, wanted: Reservation) -> None:
    assert refusal(account(state=state), wanted) is Refusal.SUSPENDED


def test_another_version_of_the_key_is_another_key(wanted: Reservation) -> None:
    assert refusal(account(), replace(wanted, key_version=KEY_NAME.replace("#1", "#2"))) is Refusal.KEY


def test_a_suspended_account_has_no_keys(wanted: Reservation) -> None:
    assert refusal(account(state="active", live_keys=frozenset()), wanted) is Refusal.KEY


@pytest.mark.parametrize(("spent", "expected"), [(90, Refusal.NONE), (91, Refusal.BUDGET)])
def test_the_budget_is_exact(spent: int, expected: Refusal, wanted: Reservation) -> None:
    assert refusal(account(windows={WINDOW: spent}), wanted) is expected


def test_another_day_is_another_budget(wanted: Reservation) -> None:
    assert refusal(account(windows={"d20261120": 10**15}), wanted) is Refusal.NONE


def test_what_reserves_nothing_needs_no_budget(wanted: Reservation) -> None:
    spent: Account = account(windows={WINDOW: 10**15})
    assert refusal(spent, replace(wanted, usd=0, limit=None)) is Refusal.NONE


def test_the_window_is_the_utc_day(wanted: Reservation) -> None:
    assert wanted.window == day_window(NOW) == WINDOW


def test_after_a_commit_the_rate_and_the_window_have_moved(wanted: Reservation) -> None:
    moved = after(account(tats={"tat": NOW - 1}, windows={WINDOW: 5, "d20261120": 70, "d20261119": 9}), wanted)
    assert moved == account(tats={"tat": NOW + 1_000_000}, windows={WINDOW: 15, "d20261120": 70})


def test_after_the_first_of_a_day_the_window_is_new(wanted: Reservation) -> None:
    assert after(account(), wanted).windows == {WINDOW: 10}


def test_after_a_denial_only_the_rate_has_moved(wanted: Reservation) -> None:
    before = account(tats={"tat": NOW + 5}, windows={WINDOW: 5})
    moved = after(before, replace(wanted, usd=0, limit=None))
    assert moved == replace(before, tats={"tat": NOW + 1_000_005})


def test_a_key_with_a_rate_of_its_own_is_held_to_both(wanted: Reservation) -> None:
    limited = replace(wanted, key_rate=Rate(60, 2))
    used = {"t#" + KEY_NAME[:8]: NOW + 1_000_001}

    assert refusal(account(tats=used), limited) is Refusal.RATE
    assert refusal(account(tats=used), wanted) is Refusal.NONE
    assert after(account(), limited).tats == {"tat": NOW + 1_000_000, "t#" + KEY_NAME[:8]: NOW + 1_000_000}
