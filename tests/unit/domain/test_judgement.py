"""From a request to its record and reservation."""

from typing import Any

import pytest
from hypothesis import given

from portcullis.domain.account import Account, Refusal, Reservation, after, mark, refusal
from portcullis.domain.decisions import Violation
from portcullis.domain.judgement import Asked, Rulebook, case, judge
from portcullis.domain.policy import Policy, compile_text
from portcullis.domain.policy_document import parse_document
from portcullis.domain.prices import PriceTable
from portcullis.domain.record import CLAIM_LIFETIME, Principal, Record
from portcullis.domain.windows import Spend
from tests.unit.domain import builders
from tests.unit.domain.policy_documents import DOCUMENTS, TRANSACTIONS

NOW = builders.NOW
VALUE = 12_500_000
PRICES = PriceTable(1, {"USDC": {"usd": "1", "expires_at": NOW + 1, "updated_at": NOW}})
PRINCIPAL = Principal(
    builders.AGENT, builders.KEY_ID, builders.KEY_NAME, frozenset({"transactions:create"}), "", "203.0.113.7"
)
REPEATS = {"duplicates": {"within_seconds": 60}}
MARK = mark(builders.transaction().sha256, NOW, 60_000_000)


def judged(
    policy: Policy, account: Account, *, exact: bool = True, now: int = NOW, shadow: Policy | None = None, **sent: Any
) -> tuple[Record, Reservation]:
    asked = Asked(PRINCIPAL, builders.TXID, builders.transaction(**sent), NOW)
    return judge(Rulebook(policy, PRICES, shadow), asked, account, now, exact=exact)


def test_an_approval_reserves_its_windows() -> None:
    limits = {"weekly": "60000", "monthly": "70000", "hourly_count": 9, "tokens": {"USDC": "80000"}}
    record, reserved = judged(builders.policy(limits=limits), builders.account(epoch=4, policy_version=7))

    assert record == builders.record(epoch=4, policy_version=7, windows=record.windows)
    assert record.windows[:3] == ("d20261121", "w202647", "m202611")
    assert len(record.windows) == 4
    assert reserved.spends[:4] == (
        Spend("daily_limit", "d20261121", VALUE, 50_000_000_000),
        Spend("weekly_limit", "w202647", VALUE, 60_000_000_000),
        Spend("monthly_limit", "m202611", VALUE, 70_000_000_000),
        Spend("hourly_count_limit", "h2026112106", 1, 9),
    )
    assert reserved.spends[4] == Spend("token_limit", record.windows[3], VALUE, 80_000_000_000)
    assert (reserved.epoch, reserved.policy_version, reserved.mark, reserved.denied) == (4, 7, None, False)


def test_a_hold_reserves_and_says_who_has_to_approve_until_when() -> None:
    policy = builders.policy(tiers={"human_above": "1", "humans": 2, "approval_seconds": 60})
    record, reserved = judged(policy, builders.account())
    assert (record.status, record.approval_by, record.reasons) == (
        "pending_approval", ("human", "human"), ("amount",)
    )  # fmt: skip
    assert record.expires_at == NOW + 60_000_000
    assert [spend.window for spend in reserved.spends] == list(record.windows) == ["d20261121"]


def test_an_approval_waits_a_day_for_its_executor() -> None:
    record, _ = judged(builders.policy(), builders.account())
    assert record.expires_at == NOW + CLAIM_LIFETIME


@pytest.mark.parametrize("exact", [True, False])
def test_a_denial_reserves_nothing_and_counts(exact: bool) -> None:
    policy = builders.policy(allowlist={"wallets": []}, **REPEATS)
    record, reserved = judged(policy, builders.account(windows={"x2026112106": 3}), exact=exact)
    assert record.violations == (Violation("destination_not_allowlisted", 6),)
    assert (record.status, record.windows, record.expires_at) == ("denied", (), None)
    assert (reserved.spends, reserved.mark) == ((Spend("", "x2026112106", 1, None),), None)
    assert reserved.denied


def test_a_price_ends_and_a_token_without_one_has_none() -> None:
    assert judged(builders.policy(), builders.account())[0].usd == VALUE
    stale, _ = judged(builders.policy(), builders.account(), now=NOW + 1)
    unpriced, _ = judged(builders.policy(), builders.account(), token="ETH")
    assert (stale.usd, [violation.rule for violation in stale.violations]) == (None, ["price_stale"])
    assert (unpriced.usd, [violation.rule for violation in unpriced.violations]) == (None, ["token_unpriced"])


def test_what_is_merely_cached_denies_nothing_that_a_release_may_have_made_room_for() -> None:
    full = builders.account(windows={"d20261121": 50_000_000_000}, recent={MARK.name: NOW})
    policy = builders.policy(duplicates={"action": "deny"})
    cached, reserved = judged(policy, full, exact=False)
    assert cached.status == "approved"
    assert refusal(full, reserved) is Refusal.BUDGET
    exact, _ = judged(policy, full)
    assert [violation.rule for violation in exact.violations] == ["possible_duplicate", "daily_limit"]


def test_a_duplicate_is_held_and_remembered_anew() -> None:
    seen = builders.account(recent={MARK.name: NOW - 1})
    record, reserved = judged(builders.policy(**REPEATS), seen)
    assert (record.status, record.reasons) == ("pending_approval", ("possible_duplicate",))
    assert (reserved.mark, reserved.known) == (MARK, True)
    assert refusal(seen, reserved) is Refusal.NONE


def test_a_denied_duplicate_does_not_prolong_its_window() -> None:
    policy = builders.policy(duplicates={"within_seconds": 60, "action": "deny"})
    record, reserved = judged(policy, builders.account(recent={MARK.name: NOW - 1}))
    assert (record.status, reserved.mark) == ("denied", None)


def test_the_shadow_is_noted_where_it_differs() -> None:
    held, denying = builders.policy(tiers={"human_above": "1"}), builders.policy(allowlist={"wallets": []})
    account = builders.account()
    assert judged(builders.policy(), account)[0].shadow is None
    assert judged(builders.policy(), account, shadow=builders.policy())[0].shadow is None
    assert judged(builders.policy(), account, shadow=held)[0].shadow == "pending_approval"
    assert judged(builders.policy(), account, shadow=denying)[0].shadow == "denied"
    record, _ = judged(denying, account, shadow=builders.policy())
    assert (record.status, record.shadow) == ("denied", "approved")


def test_the_shadow_sees_what_was_spent() -> None:
    spent = builders.account(windows={"d20261121": 20_000_000_000})
    tight = builders.policy(limits={"daily": "20000"})
    record, _ = judged(builders.policy(), spent, exact=False, shadow=tight)
    assert (record.status, record.shadow) == ("approved", "denied")


def test_the_cases_account_is_what_is_known() -> None:
    known = builders.account(windows={"d20261121": 1, "x2026112106": 2}, recent={MARK.name: NOW})
    rulebook = Rulebook(builders.policy(**REPEATS), PRICES)
    exact, cached = (case(rulebook, builders.transaction(), known, NOW, exact=exact) for exact in (True, False))
    assert (exact.spent, exact.sent_before) == (known.windows, True)
    assert (cached.spent, cached.sent_before) == ({"x2026112106": 2}, False)


@given(DOCUMENTS, TRANSACTIONS)
def test_what_is_judged_on_the_exact_account_can_be_committed_to_it(document: dict[str, Any], sent: Any) -> None:
    policy = compile_text(parse_document(document).text())
    account = builders.account(windows={"d20261121": 60_000_000}, recent={mark(sent.sha256, NOW, 1).name: NOW - 1})
    asked = Asked(PRINCIPAL, builders.TXID, sent, NOW)
    for _ in range(3):
        record, reserved = judge(Rulebook(policy, PRICES), asked, account, NOW, exact=True)
        assert refusal(account, reserved) is Refusal.NONE
        account = after(account, reserved)
        assert record.status == "denied" or account.windows["d20261121"] <= max(policy.daily, 60_000_000)
