"""The ``RateLimit-Policy`` and ``RateLimit`` fields of an answer (draft-ietf-httpapi-ratelimit-headers-09).

``"agent";q=100;w=10`` says that 100 requests may come at once and that the whole burst is back after 10 idle seconds;
``"agent";r=0;t=3`` that none is left and that the next one is admitted in 3 seconds.
"""

from collections.abc import Mapping, Sequence

from portcullis.domain.rate import Claim
from portcullis.domain.times import SECOND


def rate_fields(asked: Sequence[Claim], tats: Mapping[str, int], suffix: str = "") -> dict[str, str]:
    """Both fields for the rates that ``asked`` names, as they stand with ``tats``; none when nothing was asked."""
    if not asked:
        return {}
    policies, limits = [], []
    for claim in asked:
        name, tat = f'"{claim.label}{suffix}"', tats.get(claim.tat, 0)
        rate = claim.rate
        policies.append(f"{name};q={rate.burst};w={-(-rate.burst * rate.interval // SECOND)}")
        left = rate.remaining(tat, claim.now)
        limits.append(f"{name};r={left}" if left else f"{name};r=0;t={rate.retry_after(tat, claim.now)}")
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(limits)}
