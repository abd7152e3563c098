"""The anomaly function of one process: it judges the requests of an agent and stores what follows, all or nothing."""

import secrets
from collections.abc import Sequence

from portcullis.aws import changes, findings, profiles
from portcullis.aws.addresses import Addresses
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.function_settings import AnomalySettings
from portcullis.aws.populations import Populations
from portcullis.aws.profiles import Stored
from portcullis.aws.settings import AwsEnvironment
from portcullis.aws.wire import Service, Unavailable
from portcullis.domain.detection.findings import Finding
from portcullis.domain.detection.observations import Observation
from portcullis.domain.detection.profile import Profile
from portcullis.domain.detection.recent import SALT_BYTES
from portcullis.domain.detection.watching import Watched, watch

ACTOR = "gateway"


class Anomaly:
    """Not for use by several threads at once."""

    def __init__(self, own: AnomalySettings, environment: AwsEnvironment) -> None:
        service = Service("dynamodb", environment)
        self._core, self._profiles = Table(own.core_table, service), Table(own.profiles_table, service)
        self._budget = own.alarm_budget
        self.populations = Populations(self._profiles)
        self.addresses = Addresses(self._profiles)

    def judge(self, agent: str, observations: Sequence[Observation]) -> Watched:
        """Judge the requests of one agent and store it. Whoever else stored its profile meanwhile was first: it is read
        and judged again. Raises Unavailable, AwsError and UnknownProfile; nothing is stored then."""
        attempted: str | None = None
        for _ in changes.attempts():
            stored = profiles.read(self._profiles, agent) or Stored(Profile.new(secrets.token_bytes(SALT_BYTES)))
            standing = self._standing(agent, stored.profile, attempted)
            watched = watch(stored.profile, standing, self.populations.current(), observations, self._budget)
            if not watched.judged or self._commit(agent, stored, standing, watched.finding):
                self.populations.learn(watched.delta, watched.learnt)
                self.addresses.note(agent, watched.addresses)
                return watched
            attempted = watched.finding.id if watched.finding else None
        raise Unavailable(f"the profile of {agent} was contended for {changes.DEADLINE_SECONDS:g} s")

    def _standing(self, agent: str, profile: Profile, attempted: str | None) -> Finding | None:
        """The finding that requests may join: one that could not be opened because it is there, or the profile's."""
        names = (attempted, profile.episode.finding if profile.episode else None)
        found = (findings.read(self._core, agent, name) for name in names if name)
        return next((finding for finding in found if finding), None)

    def _commit(self, agent: str, stored: Stored, standing: Finding | None, finding: Finding | None) -> bool:
        """Store the profile, and with it the finding; whether nobody was first."""
        if finding is None:
            return profiles.write(self._profiles, agent, stored)
        first = finding.lessons[0]
        actor = Actor(ACTOR, first.ip, finding.last_at, verified=True)
        joins = standing is not None and standing.id == finding.id
        told = findings.joining(standing, finding, actor) if standing and joins else findings.opening(finding, actor)
        try:
            self._core.transact(profiles.writing(self._profiles, agent, stored), *told)
        except Cancelled:
            return False
        return True
