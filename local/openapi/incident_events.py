"""The `data` of events that tell of incidents."""

from local.openapi.answers import Sha256, Version
from local.openapi.incident_answers import Incident, StepName
from local.openapi.key_events import Change
from portcullis.domain.incident_requests import IncidentId


class IncidentOpened(Incident, Change):
    """An agent was cut off, in the same write. What `steps` name comes next."""


class IncidentJoined(Incident, Change):
    """Another trigger of an incident that is open."""


class IncidentResumed(Incident, Change):
    """Somebody asked for another run over the steps that are not done."""


class IncidentStepDone(Incident, Change):
    """A step is done, `result` says what; with the last one `contained_at` is set."""

    step: StepName


class IncidentStepFailed(Incident, Change):
    """A step failed for good in this run. The others went on; resume the incident."""

    step: StepName


class IncidentReviewed(Incident, Change):
    """An approver has gone through the checklist: `review`. Another trigger voids it."""


class IncidentRecovered(Incident, Change):
    """Another approver has confirmed the review: the agent is active again, at low trust, in a new epoch."""


class IncidentClosed(Incident, Change):
    """It is said what the incident was: `outcome`. Where it was still open, the agent stays suspended."""


class AgentRecovered(Change):
    """A suspended agent is active again, in a new epoch, under a policy of low trust and without a key: nothing decided
    before comes back. `incident` says who reviewed and who confirmed it."""

    incident: IncidentId
    epoch: Version
    policy_version: Version
    policy_sha256: Sha256
