"""What becomes of what the bus tells: an agent is contained, or the steps of an incident are started.

An event only says where to look. What counts is what is stored: the finding, the agent, the incident.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from portcullis.aws import findings, incidents, policy_versions
from portcullis.aws.dynamo import Table
from portcullis.aws.state_machine import StateMachine
from portcullis.domain import triggers
from portcullis.domain.detection.findings import OPEN, Finding
from portcullis.domain.detection.signals import CONTAIN
from portcullis.domain.incidents import CLOSED, Incident
from portcullis.domain.responses import Setting, response
from portcullis.domain.triggers import Cause, Found, Start


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
            return self._contain(told, incidents.latest(self.table, told.agent))
        finding = findings.read(self.table, told.agent, told.finding)
        latest = incidents.latest(self.table, told.agent)
        if finding is None or finding.state != OPEN:
            return "over"
        called_for = self._called_for(finding, latest, now)
        return (
            self._contain(triggers.by_finding(finding, told.ip, now), latest) if called_for == CONTAIN else called_for
        )

    def _called_for(self, finding: Finding, latest: Incident | None, now: int) -> str:
        setting = self.settings[policy_versions.trust(self.table, finding.agent)]
        return response(finding.severity, setting, triggers.is_watched(latest, now))

    def _contain(self, cause: Cause, latest: Incident | None) -> str:
        if triggers.is_answered(cause, latest):
            return "answered"
        return "contained" if incidents.contain(self.table, cause.agent, cause.trigger) else "unknown_agent"

    def _start(self, incident_id: str) -> str:
        """The run that is asked for now: one that was told of late is not started beside a later one."""
        incident = incidents.find(self.table, incident_id)
        if incident is None or incident.state == CLOSED:
            return "over"
        given = {"incident": incident.id, "agent": incident.agent, "run": incident.run}
        self.machine.start(f"{incident.id}-{incident.run}", given)
        return "started"
