"""What a fleet has taught, which the joint detector needs before it raises an alarm."""

import random
from functools import cache

from portcullis.domain.detection.population import Population
from portcullis.domain.detection.profile import Profile
from portcullis.domain.detection.recent import SALT_BYTES
from portcullis.domain.detection.watching import watch
from tests.unit.domain.detection.observed import HOUR, payment

AGENTS, HOURS = 20, 200


def taught() -> Population:
    """Twenty agents have paid once an hour, each around an amount of its own between 3 and 300 dollars."""
    return Population.unpack(_packed())


@cache
def _packed() -> bytes:
    dice, fleet = random.Random(1), Population.new()
    for number in range(AGENTS):
        usual = 3 * 100 ** (number / AGENTS)
        amounts = [max(1, int(usual * dice.lognormvariate(0, 0.5))) for _ in range(HOURS)]
        past = [payment(HOUR * (place - HOURS), usd) for place, usd in enumerate(amounts)]
        fleet.merge(watch(Profile.new(bytes(SALT_BYTES)), None, fleet, past, 1_000).delta)
    return fleet.pack()
