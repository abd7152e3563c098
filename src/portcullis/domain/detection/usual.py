"""A profile as people read it: what is usual for an agent. What is kept as a digest is counted, not named."""

import math
from base64 import b64encode
from typing import Any

from portcullis.domain import times
from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.context import known_hours
from portcullis.domain.detection.joint import WARM_UP
from portcullis.domain.detection.places import Place
from portcullis.domain.detection.population import usd_of
from portcullis.domain.detection.profile import VERSION, Profile
from portcullis.domain.detection.recent import SALT_BYTES
from portcullis.domain.times import SECOND

MOST = 0.9
"""Usual are the fewest hours that hold this share of the payments."""


def describe_profile(agent: str, profile: Profile | None) -> dict[str, Any]:
    """The public form, with the packed bytes; None is that of an agent of which nothing was learnt yet."""
    known = profile or Profile.new(bytes(SALT_BYTES))
    behaviour = known.behaviour
    return {
        "agent_id": agent,
        "since": _text(behaviour.since),
        "last_at": _text(behaviour.at),
        "payments": behaviour.seen,
        "warm_up": behaviour.seen < WARM_UP,
        "amount": _amount(behaviour),
        "hours": _usual_hours(behaviour.hours),
        "per_hour": _rate(behaviour),
        "endpoints": len(behaviour.endpoints),
        "counterparties": len(behaviour.counterparties),
        "addresses": [_describe_place(place) for place in sorted(known.conduct.places.places, key=_latest_first)],
        "open_finding": known.episode.finding if known.episode else None,
        "export": {"version": VERSION, "packed": b64encode(profile.pack()).decode()} if profile else None,
    }


def _amount(behaviour: Behaviour) -> dict[str, str] | None:
    """The middle of its payments, and between what two of three lie: sizes are logarithms, so this is no mean."""
    if not behaviour.weight:
        return None
    spread = math.sqrt(behaviour.spread / behaviour.weight)
    ends = {"usual": 0.0, "low": -spread, "high": spread}
    return {name: usd_of(behaviour.mean + distance) for name, distance in ends.items()}


def _usual_hours(hours: list[int]) -> list[int]:
    """Of the UTC day, in order."""
    left, usual = MOST * sum(hours), []
    for hour in sorted(range(len(hours)), key=lambda each: -hours[each]):
        if left <= 0:
            break
        usual.append(hour)
        left -= hours[hour]
    return sorted(usual)


def _rate(behaviour: Behaviour) -> str:
    """Payments an hour that were usual, over the last two weeks."""
    return f"{behaviour.usual / known_hours(behaviour, behaviour.at):.2f}"


def _describe_place(place: Place) -> dict[str, Any]:
    return {
        "address": f"{place.host:08x}",
        "network": f"{place.network:08x}",
        "country": place.country or None,
        "first_at": times.rfc3339(place.first * SECOND),
        "last_at": times.rfc3339(place.last * SECOND),
        "known": place.is_known,
    }


def _latest_first(place: Place) -> int:
    return -place.last


def _text(micros: int) -> str | None:
    return times.rfc3339(micros) if micros else None
