"""The report of an incident as a page of Markdown, from its public form and its agent's audit log. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from portcullis.cli.incident_facts import Facts, Payment, Use, facts, total
from portcullis.cli.incident_timeline import timeline
from portcullis.cli.markdown import code, command, table, text
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.log_export import Asked

MOST = 50
"""Rows of a table but the timeline."""


def page(incident: Mapping[str, Any], asked: Asked, size: int, entries: Sequence[Entry]) -> str:
    """The report. ``entries`` are those that a verified export of a log of this size shows, ``asked`` its time."""
    found = facts(incident, entries)
    parts = {
        "Summary": _summary(incident, found),
        "Money": _money(found, asked, size),
        "Timeline": _timeline(incident, entries, found),
        "Keys": _uses(found.keys, "Key", "Addresses"),
        "Addresses": _uses(found.addresses, "Address", "Keys"),
        "Destinations": _destinations(found),
        "Steps": _steps(incident),
        "What is still to do": "\n".join(_to_do(incident, found)),
        "Evidence": _evidence(incident, asked),
    }
    body = "\n\n".join(f"## {heading}\n\n{part}" for heading, part in parts.items())
    return f"# Incident {code(incident['id'])}\n\n{body}\n"


def _summary(incident: Mapping[str, Any], found: Facts) -> str:
    first, suspended = incident["triggers"][0], incident["opened_at"]
    contained = incident.get("contained_at")
    lines = {
        "agent": code(incident["agent_id"]),
        "state": text(incident["state"]) + (f", {text(incident['outcome'])}" if "outcome" in incident else ""),
        "severity": text(incident["severity"]),
        "trigger": f"{text(first['kind'])}: {text(first['reason'])} (by {code(first['actor'])})",
        "cause": text(incident["review"]["cause"]) if "review" in incident else "not named yet",
        "first sign": f"{code(found.began)}, {text(found.sign)}",
        "suspended": f"{code(suspended)}, {_after(found.began, suspended)} after the first sign",
        "contained": f"{code(contained)}, {_after(suspended, contained)} later"
        if contained
        else "not in every step yet",
        "lost or possibly lost": _usd(found.lost() + [each for each in found.payments if each.claimed]),
        "stopped": _usd([each for each in found.payments if each.stopped]),
    }
    return "\n".join(f"- {name}: {value}" for name, value in lines.items())


def _money(found: Facts, asked: Asked, size: int) -> str:
    rows = {
        "at risk: approved, held or claimed when the agent was suspended": [p for p in found.payments if p.at_risk],
        "stopped: approved or held, and frozen by the suspension": [p for p in found.payments if p.stopped],
        "possibly lost: claimed, and nobody has said whether it was paid": [p for p in found.payments if p.claimed],
        "lost, unless it was meant: settled since the first sign": found.lost(),
    }
    money = table(("What", "Payments", "USD"), ([name, str(len(of)), f"{total(of):,.2f}"] for name, of in rows.items()))
    note = (
        f"Of transactions with an entry from {code(asked.since)} to before {code(asked.until)}, at their prices then. "
        f"This is as of log size {size}: what was recorded later is in a report from a later export."
    )
    return f"{money}\n\n{note}"


def _timeline(incident: Mapping[str, Any], entries: Sequence[Entry], found: Facts) -> str:
    rows, left_out = timeline(incident, entries, found)
    more = f"portcullis audit query --agent {incident['agent_id']} --since {found.began}"
    note = f"\n\n{left_out} rows in the middle are left out: {command(more)}" if left_out else ""
    return table(("UTC", "What", "Detail"), ([code(row.at), code(row.what), row.detail] for row in rows)) + note


def _uses(uses: Mapping[str, Use], heading: str, beside: str) -> str:
    ordered = sorted(uses.items(), key=lambda each: each[1].first)
    rows = [
        [code(name), code(use.first), code(use.last), str(use.times), str(use.refused), str(len(use.beside))]
        for name, use in ordered[:MOST]
    ]
    return table((heading, "First use", "Last use", "Requests", "Refused", beside), rows) + _left_out(len(ordered))


def _destinations(found: Facts) -> str:
    paid: dict[str, list[Payment]] = {}
    for payment in found.involved():
        paid.setdefault(payment.destination, []).append(payment)
    ordered = sorted(paid.items(), key=lambda each: -total(each[1]))
    rows = [[code(name), str(len(of)), f"{total(of):,.2f}", _states(of)] for name, of in ordered[:MOST]]
    return table(("To", "Payments", "USD", "States"), rows) + _left_out(len(ordered))


def _steps(incident: Mapping[str, Any]) -> str:
    rows = []
    for name, step in incident["steps"].items():
        at = step.get("at")
        took = _after(incident["opened_at"], at) if at else ""
        result = text(json.dumps(step["result"], ensure_ascii=False)) if step["result"] else ""
        rows.append([text(name), text(step["state"]), code(at) if at else "", took, text(step["attempts"]), result])
    return table(("Step", "State", "At", "After the suspension", "Attempts", "Result"), rows)


def _to_do(incident: Mapping[str, Any], found: Facts) -> Iterator[str]:
    """The checklist of the incident, then what money may have moved."""
    agent, claimed = incident["agent_id"], [each for each in found.payments if each.claimed]
    left = [item for item in incident.get("checklist", []) if not item["done"]]
    for item in left:
        yield f"- [ ] {text(item['what'])}: {command(item['command'])}"
    for payment in claimed[:MOST]:
        ask = f"portcullis tx reconcile {agent} {payment.txid} settled --reference REFERENCE --as AP"
        what = f"say how {code(payment.txid)} ended, settled or failed, once its claim has run out"
        yield f"- [ ] {what}: {command(ask)}"
    if len(claimed) > MOST:
        yield f"- [ ] and so for {len(claimed) - MOST} more"
    if not left and not claimed:
        yield "Nothing."


def _evidence(incident: Mapping[str, Any], asked: Asked) -> str:
    kept = incident["steps"].get("evidence", {}).get("result", {})
    where = f"s3://{kept['bucket']}/{kept['key']}" if "key" in kept else "not kept yet"
    lines = {
        "kept at": code(where),
        "SHA-256": code(kept.get("sha256", "-")),
        "this page rests on": f"entries from {code(asked.since)} to before {code(asked.until)}, verified",
        "to get and verify it": command(f"portcullis incident evidence {incident['id']} --out FILE"),
        "what came later": command(f"portcullis audit query --agent {incident['agent_id']} --since {asked.until}"),
    }
    return "\n".join(f"- {name}: {value}" for name, value in lines.items())


def _states(payments: Sequence[Payment]) -> str:
    states = sorted({each.state for each in payments})
    return ", ".join(text(state) for state in states)


def _left_out(count: int) -> str:
    return f"\n\n{count - MOST} more are left out." if count > MOST else ""


def _usd(payments: Sequence[Payment]) -> str:
    return f"{total(payments):,.2f} USD in {len(payments)} payment{'' if len(payments) == 1 else 's'}"


def _after(first: str, second: str) -> str:
    seconds = (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()
    return f"{seconds:,.1f} s" if abs(seconds) < 120 else f"{seconds / 60:,.1f} min"
