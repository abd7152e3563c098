"""What an event tells of an agent, from the example of each type."""

import json
from pathlib import Path
from typing import Any

import pytest

from portcullis.domain.detection.observations import Observation, observe

BUS = Path(__file__).parents[4] / "events" / "bus"


def example(type_: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((BUS / f"{type_}.json").read_text())
    return event


def observed(event: dict[str, Any]) -> Observation:
    observation = observe(event)
    assert observation is not None
    return observation


def test_a_payment_is_observed_with_what_it_would_move_and_to_whom() -> None:
    observation = observed(example("transaction.approved"))
    assert (observation.outcome, observation.endpoint, observation.count) == (
        "accepted",
        "transfer USDC base wallet",
        1,
    )
    assert observation.payment is not None
    assert observation.payment.usd == 12_500_000
    assert observation.payment.counterparty == "base 0x52908400098527886e0f7030069857d2e4169ee7"


def test_a_held_payment_is_accepted_and_a_denied_one_names_its_rules() -> None:
    assert observed(example("transaction.pending_approval") | {"rev": 1}).outcome == "accepted"
    denied = observed(example("transaction.denied"))
    assert denied.outcome == "denied"
    assert denied.rules


def test_a_verified_refusal_is_observed_as_often_as_it_was_refused() -> None:
    event = example("request.refused")
    observation = observed(event | {"data": event["data"] | {"count": 7}})
    assert (observation.outcome, observation.count) == ("failed", 7)
    assert (observation.problem, observation.payment) == ("not_found", None)


def test_a_limited_call_is_told_apart() -> None:
    event = example("request.refused")
    assert observed(event | {"data": event["data"] | {"problem": "rate_limited"}}).outcome == "limited"


@pytest.mark.parametrize("type_", ["transaction.approved", "request.refused"])
@pytest.mark.parametrize("without", [{"verified": False}, {"agent": None}, {"key": None}, {"ip": ""}])
def test_what_is_not_verified_as_the_agents_own_is_no_observation(type_: str, without: dict[str, Any]) -> None:
    assert observe(example(type_) | without) is None


@pytest.mark.parametrize("path", sorted(BUS.glob("*.json")), ids=lambda path: path.stem)
def test_no_other_event_is_an_observation(path: Path) -> None:
    known = {"transaction.approved", "transaction.pending_approval", "transaction.denied", "request.refused"}
    if path.stem not in known | {"request.served"}:
        assert observe(json.loads(path.read_text())) is None


def test_a_later_move_is_no_observation_of_the_owner() -> None:
    assert observe(example("transaction.approved") | {"rev": 2}) is None
