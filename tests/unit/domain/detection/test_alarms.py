"""How grave an improbable payment is, and what is said of it."""

import math
import re
from typing import Any

import pytest

from portcullis.domain.detection.alarms import alarm, severity
from portcullis.domain.detection.amounts import Forecast
from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.joint import Surprise, flagged, learn, score
from portcullis.domain.detection.points import point
from portcullis.domain.detection.population import Population
from tests.unit.domain.detection.observed import payment

DOLLAR = 1_000_000


@pytest.mark.parametrize(
    ("strength", "dollars", "expected"),
    [
        (3.4, 500, 5),
        (4, 500, 6),
        (5, 500, 7),
        (12, 500, 7),
        (12, 9_999, 7),
        (5.9, 10_000, 7),
        (6, 10_000, 8),
        (12, 99, 6),
        (3.4, 99, 5),
        (12, 9, 4),
    ],
)
def test_severity_follows_from_p_and_the_amount(strength: float, dollars: int, expected: int) -> None:
    assert severity(strength, dollars * DOLLAR) == expected


def surprise(**parts: Any) -> Surprise:
    """Of a payment of which nothing is unusual but ``parts``."""
    scored = score(Behaviour.new(), Population.new(), point(0, 480 * DOLLAR, "pay", "somebody"))
    plain = dict.fromkeys(("amount", "own", "fleet", "hour", "endpoint", "counterparty", "rate", "accumulated"), 0.0)
    forecast = Forecast(math.log1p(12), 1.0, 30.0)
    return scored._replace(**plain, event=4.2, joint=0.0, forecast=forecast)._replace(**parts)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            {"amount": 3.7, "own": 3.7},
            "0.02 % of this agent's payments are this large (usual about $12.00, this $480.00)",
        ),
        (
            {"amount": 5.5, "own": 5.5, "rate": 0.5},
            "less than 0.001 % of this agent's payments are this large (usual about $12.00, this $480.00); "
            "it pays more often than it usually does",
        ),
        ({"amount": 3.0, "fleet": 3.0}, "0.1 % of all agents' payments are this large (this $480.00)"),
        ({"hour": 0.6}, "it rarely pays at this hour (07:00 UTC)"),
        ({"endpoint": 0.6}, "it rarely makes payments of this kind (transfer USDC base wallet)"),
        ({"counterparty": 0.4}, "it rarely pays anybody new"),
        ({"accumulated": 3.0, "joint": 4.3}, "many of its latest payments were slightly unusual"),
        ({}, "none of its parts is rare, but all of them together are"),
    ],
)
def test_an_alarm_says_what_is_unusual(parts: dict[str, float], words: str) -> None:
    signal = alarm(surprise(**parts), payment(3_600), 480 * DOLLAR, 1_000)
    assert signal is not None
    assert (signal.name, signal.detail) == ("unusual_payment", words)
    assert signal.threshold == "5.0e-04"


def first_large_payment(payments: int, usual: float, large: float) -> Surprise:
    """Of an agent that is alone in a new deployment."""
    behaviour, population = Behaviour.new(), Population.new()
    for number in range(payments):
        usd = usual * (0.8 + number % 5 / 10)
        paid = point(number * 3_600 * 1_000_000, round(usd * DOLLAR), "pay", "somebody")
        scored, delta = score(behaviour, population, paid), Population.new()
        assert not flagged(scored)
        learn(behaviour, delta, paid, scored, False)
        population.merge(delta)
    return score(behaviour, population, point(payments * 3_600 * 1_000_000, round(large * DOLLAR), "pay", "somebody"))


def test_what_is_far_above_its_own_payments_is_an_alarm_in_a_fleet_too_young_to_say_how_rare_it_is() -> None:
    signal = alarm(first_large_payment(40, 12, 1_200), payment(0), 1_200 * DOLLAR, 1_000)
    assert signal is not None
    assert (signal.severity, signal.value) == (6, "1.0e-04")
    assert re.match(
        r"it is far above this agent's own payments \(usual about \$1.\...\, this \$1200.00\)", signal.detail
    )


@pytest.mark.parametrize(("payments", "large"), [(40, 60), (15, 1_200)], ids=["not far", "too few to be known by"])
def test_what_its_own_past_does_not_rule_out_waits_for_the_fleet(payments: int, large: float) -> None:
    assert alarm(first_large_payment(payments, 12, large), payment(0), round(large * DOLLAR), 1_000) is None


def test_what_is_within_the_budget_is_no_alarm() -> None:
    assert alarm(surprise(event=3.3), payment(0), 480 * DOLLAR, 1_000) is None
    assert alarm(surprise(event=3.3), payment(0), 480 * DOLLAR, 1_010) is not None
    assert alarm(surprise(event=0.0, joint=3.31), payment(0), 480 * DOLLAR, 1_000) is not None
