"""What was released is no finding any more; what was not stays one."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from portcullis.domain.detection.findings import Finding
from portcullis.domain.detection.observations import Observation
from portcullis.domain.detection.population import Population
from portcullis.domain.detection.profile import Episode, Profile
from portcullis.domain.detection.release import teach
from portcullis.domain.detection.watching import watch
from tests.unit.domain.detection.observed import ABROAD, DAY, HOUR, call, payment

BUDGET = 1_000
PAST = range(-240, 0)
LARGE, TWENTYFOLD = "unusual_payment", 200


def paid(source: random.Random, usual: float) -> Iterator[Observation]:
    """One payment an hour for ten days, of about so many dollars."""
    return (payment(hour * HOUR, max(1, int(usual * source.lognormvariate(0, 0.5)))) for hour in PAST)


@pytest.fixture(scope="module")
def fleet() -> Population:
    """Of forty agents, whose usual payments are between 3 and 300 dollars."""
    source, fleet = random.Random(1), Population.new()
    for number in range(40):
        past = paid(source, 3 * 100 ** (number / 40))
        fleet.merge(watch(Profile.new(b"saltsalt"), None, fleet, past, BUDGET).delta)
    return fleet


@pytest.fixture(scope="module")
def packed(fleet: Population) -> bytes:
    """The profile of an agent that has paid about ten dollars an hour, from home."""
    profile = Profile.new(b"saltsalt")
    watch(profile, None, fleet, paid(random.Random(2), 10), BUDGET)
    return profile.pack()


class Agent:
    def __init__(self, packed: bytes, fleet: Population) -> None:
        self.profile, self.fleet = Profile.unpack(packed), fleet
        self.profile.episode = None

    def found(self, *observations: Observation) -> Finding | None:
        return watch(self.profile, None, self.fleet, observations, BUDGET).finding

    def signals(self, *observations: Observation) -> set[str]:
        finding = self.found(*observations)
        return {signal.name for signal in finding.signals} if finding else set()

    def thief(self) -> Finding:
        """Twenty times the usual amount, from another network."""
        finding = self.found(unusual(0))
        assert finding is not None
        assert {signal.name for signal in finding.signals} == {"new_network", LARGE}
        return finding


@pytest.fixture
def agent(packed: bytes, fleet: Population) -> Agent:
    return Agent(packed, fleet)


def unusual(second: int, usd: int = TWENTYFOLD) -> Observation:
    return payment(second, usd, ip=ABROAD)


def test_what_was_released_is_unusual_no_more(agent: Agent) -> None:
    teach(agent.profile, agent.thief())
    assert agent.signals(unusual(2 * HOUR), unusual(DAY), unusual(DAY + HOUR)) == set()


def test_what_nobody_released_stays_unusual(agent: Agent) -> None:
    agent.thief()
    assert LARGE in agent.signals(unusual(2 * HOUR))


def test_a_release_is_no_licence_for_everything(agent: Agent) -> None:
    teach(agent.profile, agent.thief())
    assert agent.signals(unusual(2 * HOUR, usd=TWENTYFOLD**3)) == {LARGE}


def test_the_usual_stays_usual(agent: Agent) -> None:
    teach(agent.profile, agent.thief())
    assert agent.signals(*(payment((hour + 2) * HOUR) for hour in range(24))) == set()


def test_requests_without_a_payment_teach_their_address_alone(agent: Agent) -> None:
    finding = agent.thief()
    lesson = replace(finding.lessons[0], usd=None, counterparty=None)
    teach(agent.profile, replace(finding, lessons=(lesson,)))
    assert agent.signals(call(2 * HOUR, ip=ABROAD)) == set()
    assert agent.signals(unusual(3 * HOUR)) == {LARGE}


def test_the_finding_is_not_joined_any_more_and_another_one_is(agent: Agent) -> None:
    finding, other = agent.thief(), Episode("fd_" + "9" * 22, 1)
    teach(agent.profile, finding)
    assert agent.profile.episode is None
    agent.profile.episode = other
    teach(agent.profile, finding)
    assert agent.profile.episode == other


def test_what_was_learnt_is_kept_in_the_packed_profile(agent: Agent) -> None:
    teach(agent.profile, agent.thief())
    assert Agent(agent.profile.pack(), agent.fleet).signals(unusual(2 * HOUR)) == set()
