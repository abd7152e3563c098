"""What is to be done about an incident, in order, each item with the command that sees to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portcullis.domain.incident_recovery import REQUIRED, Standing
from portcullis.domain.incidents import CLOSED, RECOVERED, STEPS, Incident


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the checklist. ``command`` does what is missing."""

    name: str
    what: str
    done: bool
    command: str


def checklist(standing: Standing) -> list[Item]:
    """What is to be done about an incident until it is closed, in this order."""
    if standing.incident.state == CLOSED:
        return []
    return [*_containment(standing), *_return(standing), *_ending(standing.incident)]


def describe_items(items: list[Item]) -> list[dict[str, Any]]:
    """The public form; what is done needs no command."""
    return [
        {"name": item.name, "what": item.what, "done": item.done, **({} if item.done else {"command": item.command})}
        for item in items
    ]


def _containment(standing: Standing) -> Iterator[Item]:
    incident = standing.incident
    resume = f"portcullis incident resume {incident.id}"
    revoke = f"portcullis keys revoke {incident.agent} --all"
    back = incident.state == RECOVERED
    revoked = standing.done("keys")
    yield Item(
        "keys",
        "every key that the agent had is revoked",
        back or (revoked and not standing.keys),
        revoke if revoked else resume,
    )
    frozen = "what was approved or held is marked frozen"
    yield Item("transactions", frozen, back or standing.done("transactions"), resume)


def _return(standing: Standing) -> Iterator[Item]:
    incident, version = standing.incident, standing.account.policy_version
    recover = f"portcullis incident recover {incident.id} --approver AP"
    back = incident.state == RECOVERED
    yield Item(
        "review",
        "the cause is named, the allowlists in force are right, and what becomes of blocked addresses is said",
        back or standing.reviewed,
        f'{recover} --cause "…" --policy-version {version} --addresses keep|unblock',
    )
    yield Item("confirmation", "a second person has confirmed the review", back, f"{recover} --confirm")
    unblocked = "addresses that the incident has blocked are unblocked, where the review says so"
    yield Item("addresses", unblocked, back and not standing.to_unblock, f"{recover} --confirm")
    issue = f"portcullis keys issue {incident.agent}"
    yield Item("new_keys", "the agent has a new key", back and bool(standing.account.live_keys), issue)


def _ending(incident: Incident) -> Iterator[Item]:
    others = [name for name in STEPS if name not in REQUIRED]
    what = f"the other steps are done: {', '.join(others)}"
    yield Item("steps", what, not set(others) & set(incident.left), f"portcullis incident resume {incident.id}")
    close = f'portcullis incident close {incident.id} --outcome compromise|false_alarm|drill --reason "…"'
    yield Item("closing", "it is said what it was", False, close)
