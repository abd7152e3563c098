"""The timeline of an incident's report: what its agent's audit log tells, and how the incident went on. Pure."""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from portcullis.cli.incident_facts import Facts
from portcullis.cli.markdown import code, text
from portcullis.protocol.audit_entries import Entry

MOST = 200
"""Rows; of more, the first quarter and the last three are shown."""
AROUND = ("transaction.", "request.")
"""Kinds of entries of which an agent has many: shown since it began, and of what was at risk; served ones never."""


class Moment(NamedTuple):
    """One row."""

    at: str
    what: str
    detail: str


def timeline(incident: Mapping[str, Any], entries: Sequence[Entry], found: Facts) -> tuple[list[Moment], int]:
    """The rows in the order of time, and how many were left out in their middle."""
    involved = {payment.txid for payment in found.involved()}
    told = [_moment(entry) for entry in entries if _shown(entry, found.began, involved)]
    rows = sorted([*told, *_progress(incident)], key=lambda row: row.at)
    left_out = max(len(rows) - MOST, 0)
    return rows[: MOST // 4] + rows[MOST // 4 + left_out :], left_out


def _shown(entry: Entry, began: str, involved: Set[str | None]) -> bool:
    if entry.type == "request.served" or (entry.type.startswith("incident.") and entry.rev > 1):
        return False
    return not entry.type.startswith(AROUND) or entry.at >= began or entry.txid in involved


def _moment(entry: Entry) -> Moment:
    data = entry.data
    if entry.txid is not None:
        words = [code(entry.txid), text(f"{data.get('usd', '?')} USD {data.get('token', '')} {data.get('chain', '')}")]
    else:
        words = [code(entry.id.rpartition("#")[0])]
    words += [text(each["detail"]) for each in data.get("signals", []) if isinstance(each, dict) and "detail" in each]
    words += [f"{name} {text(data[name])}" for name in ("reason", "problem", "severity", "count") if name in data]
    by = data.get("actor") or data.get("updated_by") or entry.key
    words += [f"by {code(by)}"] if by else []
    words += [f"from {code(entry.ip)}"] if entry.ip else []
    return Moment(entry.at, entry.type, ", ".join(words))


def _progress(incident: Mapping[str, Any]) -> Iterator[Moment]:
    """What came after the suspension, which the log of the time before cannot tell."""
    for trigger in incident["triggers"][1:]:
        yield Moment(trigger["at"], "joined", f"{text(trigger['reason'])}, by {code(trigger['actor'])}")
    for name, step in incident["steps"].items():
        if "at" in step:
            yield Moment(step["at"], f"step {text(name)}", text(step["state"]))
    if "contained_at" in incident:
        yield Moment(incident["contained_at"], "contained", "every step is done")
    if "review" in incident:
        review = incident["review"]
        yield Moment(review["at"], "reviewed", f"cause {text(review['cause'])}, by {code(review['by'])}")
    if "recovered_at" in incident:
        yield Moment(incident["recovered_at"], "recovered", f"by {code(incident.get('recovered_by', ''))}")
    if "closed_at" in incident:
        by, outcome = code(incident.get("closed_by", "")), text(incident.get("outcome", ""))
        yield Moment(incident["closed_at"], "closed", f"{outcome}, {text(incident.get('reason', ''))}, by {by}")
