"""The source addresses of an incident: blocked with it, and let in again with its end.

As with every block, what is stored is the truth: the function that keeps the firewall tells of these blocks and puts
them into its sets, within a minute.
"""

from collections.abc import Sequence
from typing import Any

from portcullis.aws import addresses, finding_lists, profiles, source_blocks
from portcullis.aws.dynamo import Table
from portcullis.aws.source_blocks import Stored
from portcullis.aws.wire import Unavailable
from portcullis.domain import incident_sources as rules
from portcullis.domain.detection import networks
from portcullis.domain.detection.networks import Network
from portcullis.domain.detection.places import Places
from portcullis.domain.incidents import OPEN, Incident

MOST_FINDINGS = 50
MOST_SPARED = 10
"""That are named; all are counted."""


class IncidentSources:
    """``profiles_table`` holds what is known of agents and of addresses."""

    def __init__(self, core: Table, profiles_table: Table, never: Sequence[Network]) -> None:
        self._core = core
        self._profiles = profiles_table
        self._never = never

    def block(self, incident: Incident, now: int) -> dict[str, Any]:
        """Block what the incident's agent was attacked from, at most ``MOST_BLOCKED`` addresses for a day; those that
        are blocked, and of the others why not. Of an incident that is open no more, nothing."""
        blocked: list[str] = []
        spared: list[dict[str, str]] = []
        known = self._places(incident.agent)
        for address in self._suspects(incident):
            name = networks.name_of(address)
            why = self._spared(incident, address, known, now) or self._begin(incident, name, now)
            if why:
                spared.append({"address": name, "why": why})
            else:
                blocked.append(name)
            if len(blocked) == rules.MOST_BLOCKED:
                break
        return {"blocked": blocked, "spared": spared[:MOST_SPARED], "spared_in_all": len(spared)}

    def _suspects(self, incident: Incident) -> list[Network]:
        found, _ = finding_lists.page(self._core, None, incident.agent, MOST_FINDINGS, None)
        return rules.suspects(incident, found) if incident.state == OPEN else []

    def _places(self, agent: str) -> Places:
        stored = profiles.read(self._profiles, agent)
        return stored.profile.conduct.places if stored else Places()

    def _spared(self, incident: Incident, address: Network, known: Places, now: int) -> str | None:
        if networks.is_spared(address, self._never):
            return rules.NEVER
        if addresses.in_use(self._profiles, str(address.network_address), now, but_by=incident.agent):
            return rules.OTHERS
        return rules.vouched_for(known, address, now)

    def _begin(self, incident: Incident, address: str, now: int) -> str | None:
        """Why it is not blocked for this incident, or None."""
        stored = source_blocks.read(self._profiles, address)
        last = stored.block if stored else None
        if stored and stored.incident == incident.id:
            return None if stored.block.until > now else rules.ENDED
        block = rules.block(address, incident, last, now)
        if last and last.until > block.until:
            return rules.ALREADY
        begun = source_blocks.begin(self._profiles, block, incident=incident.id, instead_of=last)
        if not begun:
            raise Unavailable("the block of an address is contended")
        return None


def standing(profiles_table: Table, incident_id: str, now: int) -> list[Stored]:
    """The blocks of an incident that have not ended."""
    return [stored for stored in source_blocks.list_blocks(profiles_table, now) if stored.incident == incident_id]


def lift(profiles_table: Table, incident_id: str, by: str, reason: str, now: int) -> list[str]:
    """End the blocks of an incident, and no others, now; the addresses. The firewall follows within a minute."""
    lifted = [
        source_blocks.unblock(profiles_table, stored.block.address, by, reason, now, since=stored.block.since)
        for stored in standing(profiles_table, incident_id, now)
    ]
    return [block.address for block in lifted if block]
