"""Notices to people: what happened, to whom, what was done, and the command to run next.

Much of what an event tells was written by others: reasons, errors, names. Each such text is cut and loses what would
not print, so that nobody writes lines of his own into a notice.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcullis.domain.detection.findings import NEWS
from portcullis.domain.incidents import DONE, FAILED, OUTSTANDING, STEPS

Data = Mapping[str, Any]
MOST_SUBJECT, MOST_TEXT, MOST_LISTED = 99, 200, 10
SUMMARY = "incident.summary"
STEP_NAMES = {"sources": "source addresses", "secrets": "reachable secrets"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is published. ``subject`` is printable ASCII, ``severity`` is from 1 to 10."""

    type: str
    severity: int
    subject: str
    text: str


def of_event(stage: str, event: Data) -> Notice | None:
    """What people are told of an event; None of one that is part of every incident, or none of their business."""
    type_, data = event["type"], event["data"]
    if type_ in NEWS:
        return _finding(stage, type_, data)
    if type_.startswith("lockdown."):
        return _lockdown(stage, type_, data)
    if type_.startswith("incident.") and type_ not in QUIET:
        return _incident(stage, type_, data)
    return None


QUIET = frozenset({"incident.step_done", "incident.resumed"})
"""What is part of every incident, and in its summary."""


def summary(stage: str, incident: Data) -> Notice:
    """How an incident stands after its steps; ``incident`` is its public form."""
    steps = {name: incident["steps"][name] for name in STEPS if name != "notice"}
    left = [name for name, step in steps.items() if step["state"] != DONE]
    id_, agent = incident["id"], incident["agent_id"]
    title = f"{id_}: {len(left)} of {len(steps)} steps are left, {agent}" if left else f"{id_}: {agent} is contained"
    lines = [f"{STEP_NAMES.get(name, name)}: {_outcome(step)}" for name, step in steps.items()]
    by_hand = [f"change this secret by hand: {_plain(name)}" for name in _listed(steps["secrets"], "by_hand")]
    following = [f"portcullis incident resume {id_}"] if left else [f"portcullis incident recover {id_}"]
    following = [f"portcullis incident show {id_}", *following, f"portcullis incident report {id_}"]
    return _notice(stage, SUMMARY, incident["severity"], title, [*_about(incident), "", *lines, *by_hand], following)


def _finding(stage: str, type_: str, data: Data) -> Notice:
    agent, id_ = data["agent_id"], data["id"]
    title = f"unusual requests of {agent} (severity {data['severity']})"
    signals = [f"- {_plain(signal['detail'])} ({_plain(signal['name'])})" for signal in data["signals"]]
    lines = [
        f"{data['count']} requests of {agent} were unusual, from {data['opened_at']} to {data['last_at']}:",
        *signals[:MOST_LISTED],
        "Nothing was done because of this notice: the agent goes on, unless an incident says otherwise.",
    ]
    following = [
        f"portcullis findings explain {id_}",
        f'portcullis findings release {id_} --reason "…"    # it was legitimate',
        f'portcullis incident start {agent} --reason "…"    # it was not',
    ]
    return _notice(stage, type_, data["severity"], title, lines, following)


def _incident(stage: str, type_: str, data: Data) -> Notice:
    title, lines, following = _INCIDENTS.get(type_, _other)(type_, data)
    show = f"portcullis incident show {data['id']}"
    return _notice(stage, type_, data["severity"], title, [*lines, *_about(data)], [show, *following])


Parts = tuple[str, list[str], list[str]]


def _opened(_type: str, data: Data) -> Parts:
    done = "It is suspended: none of its transactions can commit, be approved or be claimed any more. The rest follows."
    return f"{data['agent_id']} was cut off (severity {data['severity']})", [done], []


def _joined(_type: str, data: Data) -> Parts:
    return f"{data['id']}: another trigger for {data['agent_id']}", ["It has joined the incident that is open."], []


def _step_failed(_type: str, data: Data) -> Parts:
    step: str = data["step"]
    what = STEP_NAMES.get(step, step)
    lines = [f"Not done: {_plain(what)}: {_outcome(data['steps'][step])}. The money is stopped all the same."]
    return f"{data['id']}: step {_plain(step)} failed", lines, [f"portcullis incident resume {data['id']}"]


def _other(type_: str, data: Data) -> Parts:
    said = _plain(type_.partition(".")[2]).replace("_", " ")
    by = f"By {_plain(data['actor'])}." if data.get("actor") else ""
    return f"{data['id']}: {said} ({data['agent_id']})", [line for line in (by,) if line], []


_INCIDENTS: dict[str, Callable[[str, Data], Parts]] = {
    "incident.opened": _opened,
    "incident.joined": _joined,
    "incident.step_failed": _step_failed,
}


def _lockdown(stage: str, type_: str, data: Data) -> Notice:
    said = _plain(type_.partition(".")[2]).replace("_", " ")
    facts = [f"{_plain(name)}: {_plain(str(value))}" for name, value in data.items() if not isinstance(value, dict)]
    return _notice(stage, type_, 10, f"lockdown: {said}", facts[:MOST_LISTED], ["portcullis lockdown status"])


def _about(incident: Data) -> Iterator[str]:
    yield f"Incident {incident['id']} of {incident['agent_id']}, {incident['state']}, opened {incident['opened_at']}."
    for trigger in incident["triggers"][-MOST_LISTED:]:
        yield f"- {trigger['at']} {trigger['kind']}, severity {trigger['severity']}: {_plain(trigger['reason'])}"


def _outcome(step: Data) -> str:
    """How a step stands, in words."""
    result = step["result"]
    if step["state"] == FAILED:
        return f"failed, {_plain(str(result.get('error', '')))} {_plain(str(result.get('cause', '')))}".rstrip()
    if step["state"] == OUTSTANDING:
        return "not reported yet"
    counts = {
        name: result.get(f"{name}_in_all", value) for name, value in result.items() if not name.endswith("_in_all")
    }
    facts = (f"{_plain(name).replace('_', ' ')} {_amount(value)}" for name, value in counts.items())
    return f"done: {_plain(', '.join(facts))}" if counts else DONE


def _amount(value: object) -> str:
    """A number or a text as it is, of many their number."""
    return str(len(value)) if isinstance(value, list | dict) else _plain(str(value))


def _listed(step: Data, name: str) -> list[str]:
    found = step["result"].get(name)
    return [str(each) for each in found[:MOST_LISTED]] if isinstance(found, list) else []


def _notice(
    stage: str, type_: str, severity: int, title: str, lines: Sequence[str], following: Sequence[str]
) -> Notice:
    text = "\n".join((*lines, "", "Next:", *(f"  {command}" for command in following), ""))
    subject = "".join(each for each in f"[portcullis {stage}] {title}" if " " <= each <= "~")
    return Notice(type_, severity, subject[:MOST_SUBJECT], text)


def _plain(text: str) -> str:
    """One line of what prints, and not much of it."""
    printable = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text[: 2 * MOST_TEXT])
    words = " ".join(printable.split())
    return words if len(words) <= MOST_TEXT else f"{words[: MOST_TEXT - 1]}…"
