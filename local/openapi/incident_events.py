"""The `data` of events that tell of incidents."""

from local.openapi.incident_answers import Incident, StepName
from local.openapi.key_events import Change


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
