"""The RateLimit fields, in the structured form of the IETF draft."""

import pytest

from portcullis.domain.rate import Rate, claims
from portcullis.domain.rate_fields import rate_fields
from portcullis.domain.times import SECOND

NOW = 10**15
ASKED = claims(Rate(600, 100), Rate(1, 3), "0abcdefg", NOW, NOW)


def test_a_new_agent_has_its_whole_burst() -> None:
    assert rate_fields(ASKED, {}) == {
        "RateLimit-Policy": '"agent";q=100;w=10, "key";q=3;w=180',
        "RateLimit": '"agent";r=100, "key";r=3',
    }


def test_what_is_used_up_says_when_the_next_one_passes() -> None:
    tats = {"tat": NOW + SECOND, "t#0abcdefg": NOW + 180 * SECOND}
    assert rate_fields(ASKED, tats)["RateLimit"] == '"agent";r=90, "key";r=0;t=60'


def test_calls_have_policies_of_their_own() -> None:
    assert rate_fields(ASKED[:1], {}, "-calls") == {
        "RateLimit-Policy": '"agent-calls";q=100;w=10',
        "RateLimit": '"agent-calls";r=100',
    }


@pytest.mark.parametrize("rate", [Rate(7, 1), Rate(60_000, 10_000), Rate(60_000, 1)])
def test_a_window_is_never_zero(rate: Rate) -> None:
    assert ";w=0" not in rate_fields(claims(rate, None, "0abcdefg", NOW, NOW), {})["RateLimit-Policy"]


def test_nothing_asked_nothing_told() -> None:
    assert rate_fields((), {}) == {}
