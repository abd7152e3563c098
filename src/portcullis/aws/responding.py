"""What becomes of what the bus tells: an agent is contained, or the steps of an incident are started.

An event only says where to look. What counts is what is stored: the finding, the agent, the incident.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from portcullis.aws import findings, incidents, policy_versions
from portcullis.aws.dynamo import Table
from portcullis.aws.state_machine import StateMachine
from portcullis.domain import triggers
from portcullis.domain.detection.findings import OPEN
from portcullis.domain.detection.signals import CONTAIN
from portcullis.domain.incidents import CLOSED, Incident
from portcullis.domain.responses import Setting, response
from portcullis.domain.triggers import Cause, Found, Start


def called_for(table: Table, settings: Mapping[str, Setting], agent: str, severity: int, now: int) -> str:
    """RECORD, NOTIFY or CONTAIN: what a finding of this severity means for the agent as it stands now."""
    setting = settings[policy_versions.trust(table, agent)]
    return response(severity, setting, triggers.is_watched(incidents.latest(table, agent), now))


@dataclass(frozen=True, slots=True)
class Responding:
    """``settings`` by the trust level that an agent's policy in force has."""

    table: Table
    machine: StateMachine
    settings: Mapping[str, Setting]

    def respond(self, told: Found | Start | Cause, now: int) -> str:
        """Do what this asks for, if it still does; what came of it, in a word."""
        if isinstance(told, Start):
            return self._start(told.incident)
        if isinstance(told, Cause):
            return self._contain(told)
        finding = findings.read(self.table, told.agent, told.finding)
        if finding is None or finding.state != OPEN:
            return "over"
        wanted = called_for(self.table, self.settings, finding.agent, finding.severity, now)
        return self._contain(triggers.by_finding(finding, told.ip, now)) if wanted == CONTAIN else wanted

    def _contain(self, cause: Cause) -> str:
        answered: list[bool] = []

        def is_over(latest: Incident | None) -> bool:
            answered[:] = [triggers.is_answered(cause, latest)]
            return answered[0]

        if incidents.contain(self.table, cause.agent, cause.trigger, is_over):
            return "contained"
        return "answered" if answered else "unknown_agent"

    def _start(self, incident_id: str) -> str:
        """The run that is asked for now: one that was told of late is not started beside a later one."""
        incident = incidents.find(self.table, incident_id)
        if incident is None or incident.state == CLOSED:
            return "over"
        given = {"incident": incident.id, "agent": incident.agent, "run": incident.run}
        self.machine.start(f"{incident.id}-{incident.run}", given)
        return "started"
