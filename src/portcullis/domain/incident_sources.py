"""Which source addresses an incident keeps out: those of the agent's suspicious requests that nothing speaks for."""

from collections.abc import Iterable

from portcullis.domain import times
from portcullis.domain.detection import places
from portcullis.domain.detection.findings import RELEASED, Finding
from portcullis.domain.detection.networks import Network, network_of
from portcullis.domain.detection.places import Places
from portcullis.domain.detection.signals import NOTIFY_FROM
from portcullis.domain.detection.sources import Block, again
from portcullis.domain.incidents import Incident

LOOKED_BACK = times.DAY
KEPT_OUT = times.DAY
MOST_SUSPECTS, MOST_BLOCKED = 100, 20
KNOWN, ROAMING = "the agent used it before", "the agent has no fixed address"
OTHERS, NEVER, ALREADY, ENDED = "another agent uses it", "never blocked", "blocked for longer", "its block has ended"


def suspects(incident: Incident, findings: Iterable[Finding]) -> list[Network]:
    """The addresses of findings that somebody is told of and that nobody released: of the day before the incident and
    later, or named by a trigger. Those of the gravest come first."""
    named = {trigger.reference for trigger in incident.triggers}
    since = incident.opened_at - LOOKED_BACK
    wanted = [
        finding
        for finding in findings
        if finding.state != RELEASED
        and (finding.id in named or (finding.severity >= NOTIFY_FROM and finding.last_at >= since))
    ]
    wanted.sort(key=lambda finding: (finding.severity, finding.last_at), reverse=True)
    addresses = (network_of(lesson.ip) for finding in wanted for lesson in finding.lessons)
    return list(dict.fromkeys(address for address in addresses if address))[:MOST_SUSPECTS]


def vouched_for(agents: Places, address: Network, now: int) -> str | None:
    """Why the agent's own history speaks for an address, or None. A request that people were told of makes none known;
    one that was merely new does not either."""
    source = places.source_of(str(address.network_address), None, "")
    found = agents.find(source, now // times.SECOND)
    if found and found.is_known:
        return KNOWN
    return ROAMING if agents.is_roaming(now // times.SECOND) else None


def block(address: str, incident: Incident, last: Block | None, now: int) -> Block:
    """For a day."""
    reason = f"incident {incident.id}: suspicious requests of {incident.agent}"
    return Block(address, now, now + KEPT_OUT, again(last, now), incident.severity, reason)
