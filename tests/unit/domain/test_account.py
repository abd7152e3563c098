"""The account: which of its conditions refuses, the most important first, and what a commit leaves behind."""

from dataclasses import replace
from typing import Any

import pytest

from portcullis.domain import times
from portcullis.domain.account import (
    MAX_RECENT,
    Account,
    Mark,
    Refusal,
    Reservation,
    after,
    forgotten,
    mark,
    refusal,
    sent_before,
)
from portcullis.domain.rate import Rate
from portcullis.domain.windows import Spend
from tests.unit.domain.builders import KEY_NAME, NOW, account, reservation, transaction

WINDOW = "d20261121"
MINUTE = 60_000_000
MARK = Mark("c#AAAAAA", NOW - MINUTE)


@pytest.fixture
def wanted() -> Reservation:
    return reservation(mark=MARK)


BREAKS: dict[Refusal, dict[str, Any]] = {
    Refusal.SUSPENDED: {"state": "suspended"},
    Refusal.KEY: {"live_keys": frozenset({"other#1"})},
    Refusal.CHANGED: {"epoch": 2},
    Refusal.RATE: {"tats": {"tat": NOW + 1}},
    Refusal.BUDGET: {"windows": {WINDOW: 91}},
    Refusal.DUPLICATE: {"recent": {MARK.name: NOW - 1}},
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


@pytest.mark.parametrize("full", ["d20261121", "w202647", "m202611", "h2026112106", "d20261121tAAAAAA"])
def test_every_window_has_to_have_room(full: str) -> None:
    names = ["d20261121", "w202647", "m202611", "h2026112106", "d20261121tAAAAAA"]
    wanted = reservation(spends=tuple(Spend("a rule", name, 10, 100) for name in names))
    assert refusal(account(windows=dict.fromkeys(names, 90)), wanted) is Refusal.NONE
    assert refusal(account(windows={**dict.fromkeys(names, 90), full: 91}), wanted) is Refusal.BUDGET


def test_another_day_is_another_budget(wanted: Reservation) -> None:
    assert refusal(account(windows={"d20261120": 10**15}), wanted) is Refusal.NONE


def test_what_only_counts_needs_no_room() -> None:
    counting = reservation(spends=(Spend("", "x2026112106", 1, None),), denied=True)
    assert refusal(account(windows={"x2026112106": 10**15, WINDOW: 10**15}), counting) is Refusal.NONE


def test_after_a_commit_rate_windows_and_mark_have_moved(wanted: Reservation) -> None:
    spent = {WINDOW: 5, "d20261120": 70, "d20261119": 9, "w202645": 1, "m202609": 1, "h2026112104": 1}
    moved = after(account(tats={"tat": NOW - 1}, windows=spent), wanted)
    assert moved == account(
        tats={"tat": NOW + 1_000_000}, windows={WINDOW: 15, "d20261120": 70}, recent={MARK.name: NOW}
    )


def test_after_the_first_of_a_day_the_window_is_new(wanted: Reservation) -> None:
    assert after(account(), wanted).windows == {WINDOW: 10}


def test_after_a_denial_the_rate_its_count_and_its_time_have_moved() -> None:
    before = account(tats={"tat": NOW + 5}, windows={WINDOW: 5}, violated_at=NOW - 7)
    moved = after(before, reservation(spends=(Spend("", "x2026112106", 1, None),), denied=True))
    counted = {WINDOW: 5, "x2026112106": 1}
    assert moved == replace(before, tats={"tat": NOW + 1_000_005}, windows=counted, violated_at=NOW)
    assert after(before, reservation()).violated_at == NOW - 7


def test_a_key_with_a_rate_of_its_own_is_held_to_both(wanted: Reservation) -> None:
    limited = replace(wanted, key_rate=Rate(60, 2))
    used = {"t#" + KEY_NAME[:8]: NOW + 1_000_001}

    assert refusal(account(tats=used), limited) is Refusal.RATE
    assert refusal(account(tats=used), wanted) is Refusal.NONE
    assert after(account(), limited).tats == {"tat": NOW + 1_000_000, "t#" + KEY_NAME[:8]: NOW + 1_000_000}


def test_the_mark_is_of_the_content() -> None:
    one, other = transaction().sha256, transaction(memo="another").sha256
    assert mark(one, NOW, MINUTE).name == mark(one, NOW + 1, 2 * MINUTE).name != mark(other, NOW, MINUTE).name


@pytest.mark.parametrize(("ago", "expected"), [(0, True), (MINUTE - 1, True), (MINUTE, False), (MINUTE + 1, False)])
def test_a_duplicate_is_one_within_its_window(ago: int, expected: bool, wanted: Reservation) -> None:
    seen = account(recent={MARK.name: NOW - ago})
    assert sent_before(seen, MARK) is expected
    assert (refusal(seen, wanted) is Refusal.DUPLICATE) is expected


def test_what_was_judged_as_a_duplicate_is_not_refused_as_one(wanted: Reservation) -> None:
    assert refusal(account(recent={MARK.name: NOW}), replace(wanted, known=True)) is Refusal.NONE


def test_nothing_is_a_duplicate_where_the_policy_does_not_ask() -> None:
    assert not sent_before(account(recent={MARK.name: NOW}), None)
    assert refusal(account(recent={MARK.name: NOW}), reservation()) is Refusal.NONE


def numbered(count: int) -> dict[str, int]:
    return {f"c#{number:06d}": NOW - 1000 + number for number in range(count)}


def test_an_account_remembers_the_last_contents_and_no_more(wanted: Reservation) -> None:
    seen = account(recent=numbered(MAX_RECENT))
    kept = after(seen, wanted).recent

    assert forgotten(seen, wanted) == ["c#000000"]
    assert kept == {**dict(list(numbered(MAX_RECENT).items())[1:]), MARK.name: NOW}
    assert len(kept) == MAX_RECENT


def test_a_content_that_comes_again_pushes_nothing_out(wanted: Reservation) -> None:
    seen = account(recent={**numbered(MAX_RECENT - 1), MARK.name: NOW - 2 * MINUTE})
    assert forgotten(seen, wanted) == []
    assert after(seen, wanted).recent == {**numbered(MAX_RECENT - 1), MARK.name: NOW}


def test_what_is_out_of_its_window_is_forgotten(wanted: Reservation) -> None:
    seen = account(recent={"c#old": NOW - MINUTE, "c#new": NOW - MINUTE + 1})
    assert forgotten(seen, wanted) == ["c#old"]


def test_too_many_that_others_left_are_all_tidied_up(wanted: Reservation) -> None:
    seen: Account = account(recent=numbered(3 * MAX_RECENT))
    assert len(after(seen, wanted).recent) == MAX_RECENT


def test_without_a_mark_nothing_is_forgotten() -> None:
    seen = account(recent={"c#old": NOW - 10 * times.DAY})
    assert forgotten(seen, reservation()) == []
    assert after(seen, reservation()).recent == seen.recent
