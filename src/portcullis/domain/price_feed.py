"""Prices that come as events: believed when they are fresh, newer, of a token that the operator prices, and plausible.

A feed renews prices; it neither adds a token nor moves a peg. Whoever could push any price through it could make a
wallet's worth look like a cent, so a jump is left to the operator.
"""

from decimal import Decimal
from typing import Any

from portcullis.domain import times
from portcullis.domain.models import StrictModel
from portcullis.domain.operator_requests import Instant, Price
from portcullis.domain.transaction import Token

MAX_DELAY = 300 * times.SECOND
MAX_LEAD = 60 * times.SECOND
MAX_STEP = Decimal("0.2")
"""How far, as a part of the last price, one observation may lie from it."""


class ObservedPrice(StrictModel):
    """The ``detail`` of a ``price.observed`` event: dollars for one token at an instant."""

    token: Token
    usd: Price
    observed_at: Instant

    @property
    def at(self) -> int:
        """The instant in microseconds."""
        return times.parse_rfc3339(self.observed_at)


def is_old_news(entry: dict[str, Any] | None, observed: ObservedPrice) -> bool:
    """Whether the table knows this price, or a later one, already: events come twice and in any order."""
    return entry is not None and observed.at <= entry["updated_at"]


def refusal(entry: dict[str, Any] | None, observed: ObservedPrice, now: int) -> str | None:
    """Why a price is not believed; None when it is."""
    if not now - MAX_DELAY <= observed.at <= now + MAX_LEAD:
        return "observed_at is not within the last five minutes"
    if entry is None:
        return "the operator has not priced this token"
    if entry["expires_at"] is None:
        return "the token is pegged by the operator"
    last = Decimal(entry["usd"])
    if abs(Decimal(observed.usd) - last) > last * MAX_STEP:
        return "it lies more than a fifth from the last price; an operator has to set it"
    return None


def entry(before: dict[str, Any], observed: ObservedPrice) -> dict[str, Any]:
    """The table's entry for a price that is believed."""
    expires_at = observed.at + before["max_age"] * times.SECOND
    return {**before, "usd": observed.usd, "updated_at": observed.at, "expires_at": expires_at}
