"""What a release teaches: an operator called a finding legitimate, so it is learnt as if it had never been unusual."""

from collections.abc import Sequence

from portcullis.domain.detection import conduct, joint, points
from portcullis.domain.detection.behaviour import Behaviour
from portcullis.domain.detection.findings import Finding
from portcullis.domain.detection.joint import Point
from portcullis.domain.detection.population import Population
from portcullis.domain.detection.profile import Profile

MOST_TIMES = 5
USUAL = 10.0
"""What would be an alarm under this budget, ten times that of a stage, is not usual yet."""


def teach(profile: Profile, finding: Finding) -> None:
    """Learn the finding's lessons: of its priced payments amounts, hours, endpoints and counterparties as usual, of
    every request the address as a known one. Nothing joins the finding any more."""
    payments = [
        points.point(lesson.at, lesson.usd, lesson.endpoint, lesson.counterparty)
        for lesson in finding.lessons
        if lesson.usd is not None and lesson.counterparty is not None
    ]
    _teach_payments(profile.behaviour, payments)
    conduct.release(profile.conduct, finding.lessons)
    if profile.episode is not None and profile.episode.finding == finding.id:
        profile.episode = None


def _teach_payments(behaviour: Behaviour, payments: Sequence[Point]) -> None:
    """Again until they are usual by the agent's own past: a single one far from it moves that too little at once."""
    nobody_else = Population.new()
    for _ in range(MOST_TIMES):
        joint.release(behaviour, payments)
        if not any(joint.flagged(joint.score(behaviour, nobody_else, each), USUAL) for each in payments):
            return
