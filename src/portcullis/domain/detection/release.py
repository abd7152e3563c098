"""What a release teaches: an operator called a finding legitimate, so it is learnt as if it had never been unusual."""

from portcullis.domain.detection import amounts, conduct, joint, points
from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.findings import Finding
from portcullis.domain.detection.joint import Point
from portcullis.domain.detection.population import Population, size
from portcullis.domain.detection.profile import Profile

MOST_TIMES = 8
USUAL = 1.5
"""An amount is usual where more than one in thirty of the agent's own is expected to be larger, in powers of ten."""
_NOBODY = Population.new()


def teach(profile: Profile, finding: Finding) -> None:
    """Learn the finding's lessons: of its priced payments amounts, hours, endpoints and counterparties as usual, of
    every request the address as a known one. Nothing joins the finding any more.

    A single amount far from the agent's own moves them too little, so it is learnt again until it is usual.
    """
    payments = [
        points.point(lesson.at, lesson.usd, lesson.endpoint, lesson.counterparty)
        for lesson in finding.lessons
        if lesson.usd is not None and lesson.counterparty is not None
    ]
    for _ in range(MOST_TIMES):
        joint.release(profile.behaviour, payments)
        payments = [payment for payment in payments if not _is_usual(profile.behaviour, payment)]
    conduct.release(profile.conduct, finding.lessons)
    if profile.episode is not None and profile.episode.finding == finding.id:
        profile.episode = None


def _is_usual(behaviour: Behaviour, payment: Point) -> bool:
    """By the agent's own past alone: what is large for everybody stays so."""
    return amounts.forecast(behaviour, _NOBODY).surprise(size(payment.usd)) <= USUAL
