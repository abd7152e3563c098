"""What follows a decision at the gateway for tests: the same states and refusals, without time, policies or roles."""

from dataclasses import replace
from typing import Any

from portcullis.client.fake_transactions import Entry

_REPORTS = {"settle": ("settled", "reference"), "fail": ("failed", "reason")}
_FIELDS = {
    "claim": {"agent_id", "claim_token"},
    "settle": {"agent_id", "claim_token", "reference"},
    "fail": {"agent_id", "claim_token", "reason"},
    "cancel": set[str](),
}


def moved(entry: Entry, action: str, body: dict[str, Any], lease_until: str) -> Entry | str:
    """The transaction after one step, or the code of its refusal."""
    if action not in _FIELDS:
        return "not_found"
    if body.keys() != _FIELDS[action]:
        return "malformed_request"
    if action == "claim":
        return _claimed(entry, body["claim_token"], lease_until)
    if action == "cancel":
        return _cancelled(entry)
    status, name = _REPORTS[action]
    return _reported(entry, body["claim_token"], status, body[name])


def _claimed(entry: Entry, token: str, lease_until: str) -> Entry | str:
    status = entry.described["status"]
    if status == "executing" and entry.claim_token == token:
        return entry
    if status != "approved":
        return "state_conflict"
    claimed = {"status": "executing", "claimed_by": entry.described["agent_id"], "expires_at": lease_until}
    return replace(entry, described=entry.described | claimed, claim_token=token)


def _reported(entry: Entry, token: str, status: str, outcome: str) -> Entry | str:
    if entry.claim_token != token:
        return "state_conflict"
    if entry.described["status"] == "executing":
        open_ended = {name: value for name, value in entry.described.items() if name != "expires_at"}
        return replace(entry, described=open_ended | {"status": status, "outcome": outcome})
    same = (entry.described["status"], entry.described.get("outcome")) == (status, outcome)
    return entry if same else "state_conflict"


def _cancelled(entry: Entry) -> Entry | str:
    status = entry.described["status"]
    if status == "cancelled":
        return entry
    if status not in ("approved", "pending_approval"):
        return "state_conflict"
    return replace(entry, described=entry.described | {"status": "cancelled"})
