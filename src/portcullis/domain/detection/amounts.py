"""An amount against the agent's own amounts: a Bayesian forecast of the next one."""

import math
from typing import NamedTuple

from portcullis.domain.detection import student
from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.population import Population

MEMORY = 200.0
KNOWN = 20.0
PRIOR_FREEDOM = 30.0
CLIP_ABOVE, CLIP_BELOW = 3.0, 2.0


class Forecast(NamedTuple):
    """The next size is expected at ``centre``, off by ``scale``, in Student's t of ``freedom`` degrees."""

    centre: float
    scale: float
    freedom: float

    def surprise(self, size: float) -> float:
        """-log10 of the chance of a larger one."""
        return student.surprise((size - self.centre) / self.scale, self.freedom)

    def clipped(self, size: float) -> float:
        """The nearest size that may be learnt: one far away must not move the mean by much (Huber)."""
        below, above = self.centre - CLIP_BELOW * self.scale, self.centre + CLIP_ABOVE * self.scale
        if size < below:
            return below
        return min(size, above)


def forecast(behaviour: Behaviour, population: Population) -> Forecast:
    """Normal sizes of unknown mean and variance; before the agent has any, those of the fleet are expected."""
    norms, weight, mean = population.norms(), behaviour.weight, behaviour.mean
    apart, believed, freedom = mean - norms.size, norms.worth + weight, PRIOR_FREEDOM + weight
    spread = PRIOR_FREEDOM * norms.variance + behaviour.spread + norms.worth * weight / believed * apart * apart
    scale = math.sqrt(spread / freedom * (believed + 1) / believed)
    return Forecast((norms.worth * norms.size + weight * mean) / believed, scale, freedom)


def learn(behaviour: Behaviour, size: float) -> None:
    """Adds a size to the agent's moments; the oldest fade once there are ``MEMORY``."""
    behaviour.weight += 1
    before = size - behaviour.mean
    behaviour.mean += before / behaviour.weight
    behaviour.spread += before * (size - behaviour.mean)
    if behaviour.weight > MEMORY:
        behaviour.spread *= MEMORY / behaviour.weight
        behaviour.weight = MEMORY


def teach(delta: Population, behaviour: Behaviour, size: float) -> None:
    """Tells the fleet how large amounts are, and how far they are from an agent's own mean."""
    moments = delta.moments
    moments[0] += 1
    moments[1] += size
    if behaviour.weight >= KNOWN:
        apart = size - behaviour.mean
        moments[2] += 1
        moments[3] += apart * apart * behaviour.weight / (behaviour.weight + 1)
