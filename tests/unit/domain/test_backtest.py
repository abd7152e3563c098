"""A replay decides as the gateway did, under the same policy; under another, it tells what would change."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import backtest
from portcullis.domain.account import Account, after
from portcullis.domain.backtest import State, replay
from portcullis.domain.judgement import Asked, Rulebook, judge
from portcullis.domain.models import validate
from portcullis.domain.policy import Policy, compile_text
from portcullis.domain.policy_document import parse_document
from portcullis.domain.prices import PriceTable
from portcullis.domain.record import Mover, Principal, Record
from portcullis.domain.times import DAY, HOUR
from tests.unit.domain import builders
from tests.unit.domain.policies import DOCUMENTS, TRANSACTIONS, policy

PRICES = PriceTable(1, {"USDC": {"usd": "1", "expires_at": None}, "ETH": {"usd": "4", "expires_at": None}})
PRINCIPAL = Principal(builders.AGENT, builders.KEY_ID, builders.KEY_NAME, frozenset(), "0" * 64, "203.0.113.7")
STEPS = st.sampled_from([1, 50_000_000, HOUR, DAY])
HISTORIES = st.lists(st.tuples(TRANSACTIONS, STEPS), max_size=8)


def history(rules: Policy, asked: list[tuple[Any, int]]) -> list[Record]:
    """What the gateway records of requests that come one after the other."""
    account: Account = builders.account()
    now, made = builders.NOW, []
    for number, (wanted, step) in enumerate(asked):
        now += step
        record, reserved = judge(
            Rulebook(rules, PRICES), Asked(PRINCIPAL, f"tx_{number}", wanted, now), account, now, exact=True
        )
        account = after(account, reserved)
        made.append(record)
    return made


def payments(*amounts: str, rules: Policy | None = None) -> list[Record]:
    """An hour apart."""
    return history(rules or policy(), [(builders.transaction(amount=amount), HOUR) for amount in amounts])


def moves(rules: Policy, records: list[Record]) -> list[tuple[str, str]]:
    return [(each.old, each.new) for each in replay(rules, records, State())[0]]


@given(DOCUMENTS, HISTORIES)
def test_the_same_policy_changes_nothing(document: dict[str, Any], asked: list[tuple[Any, int]]) -> None:
    rules = compile_text(parse_document(document).text())
    assert all(old == new for old, new in moves(rules, history(rules, asked)))


@given(DOCUMENTS, DOCUMENTS, HISTORIES, st.integers(0, 8))
def test_pages_are_the_whole(
    one: dict[str, Any], other: dict[str, Any], asked: list[tuple[Any, int]], cut: int
) -> None:
    rules, tried = (compile_text(parse_document(each).text()) for each in (one, other))
    records = history(rules, asked)
    whole, end = replay(tried, records, State())
    first, state = replay(tried, records[:cut], State())
    resumed = validate(State, json.loads(json.dumps(state.model_dump())))
    second, last = replay(tried, records[cut:], resumed)
    assert (first + second, last) == (whole, end)


@given(DOCUMENTS, HISTORIES, st.sampled_from(["per_transaction", "block", "tokens", "kinds", "human"]))
def test_a_restriction_never_lets_more_money_through_where_no_window_is_full(
    document: dict[str, Any], asked: list[tuple[Any, int]], restriction: str
) -> None:
    wide = {"per_transaction": document["limits"]["per_transaction"], "daily": "1000000.00"}
    loose = compile_text(parse_document({**document, "limits": wide}).text())
    restrictions: dict[str, dict[str, Any]] = {
        "per_transaction": {"per_transaction": min(1_000_000, loose.per_transaction)},
        "block": {"blocked_categories": frozenset({"books", "gpu"})},
        "tokens": {"tokens": frozenset({"USDC"}) & ({"USDC"} if loose.tokens is None else loose.tokens)},
        "kinds": {"kinds": loose.kinds & {"transfer"}},
        "human": {"human_above": 0},
    }
    strict = replace(loose, **restrictions[restriction])
    replayed, _ = replay(strict, history(loose, asked), State())
    before, now = (
        sum(each.record.usd or 0 for each in replayed if getattr(each, name) == "approved") for name in ("old", "new")
    )
    assert now <= before
    assert not [each for each in replayed if each.old == "denied" and each.new != "denied"]


def test_what_is_denied_leaves_its_budget_to_those_that_follow() -> None:
    records = payments("400", "400", "400", rules=policy(tiers={"risk_from": "500.00", "human_above": "900.00"}))
    tried = policy(limits={"daily": "400.00"}, tiers={"risk_from": "500.00", "human_above": "900.00"})
    assert moves(tried, records) == [("approved", "approved"), ("approved", "denied"), ("denied", "denied")]
    first_denied = [replace(records[0], content_sha256=b"x", usd=400_000_001), *records[1:]]
    assert moves(tried, first_denied) == [("approved", "denied"), ("approved", "approved"), ("denied", "denied")]


@pytest.mark.parametrize(("hours", "third"), [(1, "approved"), (2, "denied")])
def test_what_was_released_is_released_at_its_moment(hours: int, third: str) -> None:
    rules = policy(tiers={"risk_from": "500.00", "human_above": "900.00"})
    first, second, last = payments("400", "400", "400", rules=rules)
    released = Mover("gateway", None, "", second.created_at + hours * HOUR)
    records = [first, replace(second, status="expired", moved=released), replace(last, created_at=last.created_at)]
    assert moves(rules, records)[2] == ("denied", third)


def test_what_has_become_of_a_transaction_is_not_what_was_decided() -> None:
    held = builders.held(status="settled", approval_by=())
    refused = builders.held(status="denied", violations=builders.denied().violations)
    assert [
        backtest.decided(each) for each in (held, refused, builders.denied(), builders.record(status="expired"))
    ] == [
        "pending_approval",
        "pending_approval",
        "denied",
        "approved",
    ]


def test_the_report_tells_what_changes_and_how_much_money() -> None:
    records = payments("10", "50", "60")
    report = backtest.describe(replay(policy(limits={"per_transaction": "20.00"}), records, State())[0])
    assert (report["examined"], [change["usd"] for change in report["changes"]]) == (3, ["50.00", "60.00"])
    assert report["totals"] == [{"from": "approved", "to": "denied", "count": 2, "usd": "110.00"}]
    assert report["rules"] == {"per_transaction_limit": 2}
    assert report["changes"][0].items() >= {"id": "tx_1", "destination": f"wallet:base:{builders.WALLET}"}.items()


def test_an_unpriced_transaction_stays_denied() -> None:
    records = history(policy(), [(builders.transaction(token="DAI"), 1)])
    tried = policy(allowlist={"tokens": None})
    assert moves(tried, records) == [("denied", "denied")]
