"""What unverified requests count for: their source address alone. docs/detection.md shows this table.

Whoever sends such a request chooses everything in it but the address. So it teaches nothing of an agent, and all that
it can lead to is a block of that address, which ends by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portcullis.domain import times
from portcullis.domain.detection.networks import Network, name_of, network_of
from portcullis.domain.detection.rules import Rule
from portcullis.domain.detection.signals import Signal, severity_of
from portcullis.domain.detection.windows import Shape, Window

FAILED, SIGNATURES, REPLAYS, DIGESTS = range(4)
AUTHENTICATION = frozenset(
    {
        "missing_credentials",
        "malformed_credentials",
        "timestamp_out_of_window",
        "invalid_credentials",
        "nonce_replayed",
        "ip_not_allowed",
    }
)
_ALSO = {"invalid_credentials": SIGNATURES, "nonce_replayed": REPLAYS, "body_digest_mismatch": DIGESTS}
STEP_SECONDS = 10
"""As long as refusals are summed before they are told."""
MINUTE = Shape(6, "IIII")

FAILED_AUTHENTICATIONS = Rule("failed_authentications", 5, 10, "more than {} failed authentications", "1 minute")
FAILED_SIGNATURES = Rule("failed_signatures", 6, 5, "more than {} requests whose key or signature is wrong", "1 minute")
REPLAYED_NONCES = Rule("replays", 6, 3, "more than {} nonces that were used before", "1 minute")
BODY_DIGESTS = Rule("body_digests", 6, 3, "more than {} bodies that are not the signed ones", "1 minute")
RULES = (FAILED_AUTHENTICATIONS, FAILED_SIGNATURES, REPLAYED_NONCES, BODY_DIGESTS)

SHORTEST, LONGEST = 15 * 60 * times.SECOND, times.DAY
REMEMBERED = 7 * times.DAY
"""For so long after a block the next one of its address is twice as long."""

STALE = 300 * times.SECOND
"""What is told so late blocks nobody any more."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """So many requests from ``address`` were refused with ``problem``; ``at``, the last of them, is microseconds."""

    id: str
    address: Network
    problem: str
    count: int
    at: int


@dataclass(frozen=True, slots=True)
class Block:
    """``address`` is kept out until ``until``; ``times`` says how often it was, this time included."""

    address: str
    since: int
    until: int
    times: int
    severity: int
    reason: str


def refusals(event: Mapping[str, Any]) -> Refusals | None:
    """What an event tells of an address, or None. Nothing verified counts, and no failure of our own."""
    data = event["data"]
    counted = data.get("problem") in AUTHENTICATION or data.get("problem") == "body_digest_mismatch"
    if event["verified"] or not counted or event["type"] not in ("authentication.refused", "request.refused"):
        return None
    address = network_of(event["ip"])
    if address is None:
        return None
    return Refusals(event["id"], address, data["problem"], data["count"], times.parse_rfc3339(data["last_at"]))


def count(window: Window, told: Refusals) -> None:
    """Add them to the window of their address."""
    counts = [0, 0, 0, 0]
    if told.problem in AUTHENTICATION:
        counts[FAILED] = told.count
    if told.problem in _ALSO:
        counts[_ALSO[told.problem]] = told.count
    window.add(told.at // times.SECOND // STEP_SECONDS, tuple(counts))


def judge(window: Window, now: int) -> tuple[Signal, ...]:
    """What the latest minute of an address breaks; nothing if that was long ago."""
    if now - newest(window) > STALE:
        return ()
    counts = window.sums(window.newest)
    return tuple(
        rule.signal(f"{number} in a minute: {rule.fires.format(rule.threshold)}", str(number))
        for rule, number in zip(RULES, counts, strict=True)
        if number > rule.threshold
    )


def newest(window: Window) -> int:
    """The instant of the latest refusal in it, to ten seconds."""
    return window.newest * STEP_SECONDS * times.SECOND


def again(last: Block | None, now: int) -> int:
    """How often it was with the block that begins now: the first of a week, or one more than the ``last``."""
    return last.times + 1 if last is not None and now < last.until + REMEMBERED else 1


def block(address: Network, signals: tuple[Signal, ...], last: Block | None, now: int) -> Block:
    """15 minutes; twice as long as the last time where that is less than a week ago, up to a day."""
    times_blocked = again(last, now)
    length = min(SHORTEST << min(times_blocked - 1, 10), LONGEST)
    reason = "; ".join(signal.detail for signal in signals)
    return Block(name_of(address), now, now + length, times_blocked, severity_of(signals), reason)
