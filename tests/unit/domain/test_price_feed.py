"""The price feed believes what is fresh, newer, of a token that has a price, and near the last one."""

from typing import Any

import pytest

from portcullis.domain import price_feed
from portcullis.domain.models import validate
from portcullis.domain.price_feed import MAX_DELAY, MAX_LEAD, ObservedPrice
from portcullis.domain.times import SECOND, rfc3339
from portcullis.protocol.strict_json import MalformedInput
from tests.unit.domain.builders import NOW

FRESH: dict[str, Any] = {"usd": "2000", "expires_at": NOW + 1, "updated_at": NOW - 600 * SECOND, "max_age": 900}


def observed(usd: str = "2010", at: int = NOW) -> ObservedPrice:
    return validate(ObservedPrice, {"token": "ETH", "usd": usd, "observed_at": rfc3339(at)})


def test_a_plausible_price_renews_the_last_one() -> None:
    assert price_feed.refusal(FRESH, observed(), NOW) is None
    assert price_feed.entry(FRESH, observed()) == {
        "usd": "2010",
        "expires_at": NOW + 900 * SECOND,
        "updated_at": NOW,
        "max_age": 900,
    }


@pytest.mark.parametrize(("usd", "believed"), [("1600", True), ("1599.99", False), ("2400", True), ("2400.01", False)])
def test_a_jump_is_left_to_the_operator(usd: str, believed: bool) -> None:
    assert (price_feed.refusal(FRESH, observed(usd), NOW) is None) is believed


@pytest.mark.parametrize(
    ("at", "believed"),
    [
        (NOW - MAX_DELAY, True),
        (NOW - MAX_DELAY - 1000, False),
        (NOW + MAX_LEAD, True),
        (NOW + MAX_LEAD + 1000, False),
    ],
)
def test_an_old_or_future_price_is_refused(at: int, believed: bool) -> None:
    assert (price_feed.refusal(FRESH, observed(at=at), NOW) is None) is believed


def test_a_feed_adds_no_token() -> None:
    assert price_feed.refusal(None, observed(), NOW) == "the operator has not priced this token"


def test_a_feed_moves_no_peg() -> None:
    assert price_feed.refusal({**FRESH, "expires_at": None}, observed(), NOW) == "the token is pegged by the operator"


def test_an_expired_price_is_renewed() -> None:
    assert price_feed.refusal({**FRESH, "expires_at": NOW - 1}, observed(), NOW) is None


@pytest.mark.parametrize(("updated_at", "old"), [(NOW - 1000, False), (NOW, True), (NOW + 1000, True)])
def test_what_is_not_newer_is_old_news(updated_at: int, old: bool) -> None:
    assert price_feed.is_old_news({**FRESH, "updated_at": updated_at}, observed()) is old


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"usd": "0"}, "usd"),
        ({"usd": "-1"}, "usd"),
        ({"token": "eth"}, "token"),
        ({"observed_at": "now"}, "observed_at"),
    ],
)
def test_a_malformed_price_is_named(change: dict[str, str], field: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        validate(ObservedPrice, {"token": "ETH", "usd": "1", "observed_at": rfc3339(NOW), **change})
    assert refused.value.field == field
