"""Agents as the anomaly function sees them: in batches, of six hours to save time, with one population for all."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import groupby

from portcullis.domain.detection.findings import Finding
from portcullis.domain.detection.observations import Observation, observe
from portcullis.domain.detection.population import Population
from portcullis.domain.detection.profile import Profile
from portcullis.domain.detection.recent import SALT_BYTES
from portcullis.domain.detection.watching import watch
from portcullis.domain.times import SECOND
from tests.detection.agents import DAY, HOUR, MONDAY, Event

BUDGET = 1_000


class Fleet:
    """Profiles, findings by id, and how many requests of an agent were judged on which day."""

    def __init__(self) -> None:
        self.population = Population.new()
        self.profiles: dict[str, Profile] = {}
        self.findings: dict[str, Finding] = {}
        self.judged: Counter[tuple[str, int]] = Counter()

    def watch(self, events: Iterable[Event]) -> None:
        """Judge events, which stand in the order of time."""
        seen = [observation for observation in map(observe, events) if observation]
        for _, batch in groupby(seen, lambda each: each.at // (6 * HOUR * SECOND)):
            self._judge(list(batch))

    def _judge(self, batch: list[Observation]) -> None:
        delta, by_agent = Population.new(), defaultdict(list)
        for observation in batch:
            by_agent[observation.agent].append(observation)
        for agent, observations in by_agent.items():
            profile = self.profiles.setdefault(agent, Profile.new(bytes(SALT_BYTES)))
            standing = self.findings.get(profile.episode.finding) if profile.episode else None
            watched = watch(profile, standing, self.population, observations, BUDGET)
            self.judged[agent, (observations[0].at // SECOND - MONDAY) // DAY] += watched.judged
            delta.merge(watched.delta)
            if watched.finding:
                self.findings[watched.finding.id] = watched.finding
        self.population.merge(delta)
