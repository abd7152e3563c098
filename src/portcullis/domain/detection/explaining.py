"""A finding for the person who has to decide on it: what it rests on, what a release teaches, what to do next."""

from typing import Any

from portcullis.domain import money, times
from portcullis.domain.detection.findings import OPEN, Finding, Lesson, describe
from portcullis.domain.detection.signals import CONTAIN
from portcullis.domain.identifiers import TRANSACTION_ID

MOST_COMMANDS_OF_A_KIND = 3


def explain(finding: Finding) -> dict[str, Any]:
    """The public form, with the transactions and addresses that it names, its lessons, and the commands to go on."""
    return {
        **describe(finding),
        "transaction_ids": transactions(finding),
        "addresses": _addresses(finding),
        "lessons": [_describe_lesson(lesson) for lesson in finding.lessons],
        "next": [{"when": when, "command": command} for when, command in next_steps(finding)],
    }


def transactions(finding: Finding) -> list[str]:
    """The ids of the transactions among the evidence, each once."""
    subjects = dict.fromkeys(event.rpartition("#")[0] for event in finding.evidence)
    return [subject for subject in subjects if TRANSACTION_ID.fullmatch(subject)]


def next_steps(finding: Finding) -> list[tuple[str, str]]:
    """When which command is the next: first stop it if it is grave, then look, then say what it was."""
    agent, reason = finding.agent, '--reason "…"'
    if finding.state != OPEN:
        return [("to see what is usual for the agent now", f"portcullis agent profile {agent}")]
    stop = ("if it is a theft: cut the agent off", f"portcullis incident start {agent} {reason}")
    look = [
        ("to look at a payment", f"portcullis tx show {agent} {transaction}")
        for transaction in transactions(finding)[:MOST_COMMANDS_OF_A_KIND]
    ]
    since = times.rfc3339(finding.opened_at)
    look.append(("to see what else the agent did", f"portcullis audit query --agent {agent} --since {since}"))
    replace = [
        ("if one key is in wrong hands: replace it at once", f"portcullis keys rotate {agent} {key} --overlap 0")
        for key in finding.keys[:MOST_COMMANDS_OF_A_KIND]
    ]
    release = ("if it was legitimate: let it be learnt", f"portcullis findings release {finding.id} {reason}")
    after_look = [*replace, release]
    return [stop, *look, *after_look] if finding.action == CONTAIN else [*look, stop, *after_look]


def _addresses(finding: Finding) -> list[dict[str, str | None]]:
    seen = dict.fromkeys((lesson.ip, lesson.country) for lesson in finding.lessons)
    return [{"ip": ip, "country": country} for ip, country in seen]


def _describe_lesson(lesson: Lesson) -> dict[str, Any]:
    return {
        "at": times.rfc3339(lesson.at),
        "usd": None if lesson.usd is None else money.format_usd(lesson.usd),
        "endpoint": lesson.endpoint,
        "counterparty": lesson.counterparty,
        "ip": lesson.ip,
        "country": lesson.country,
    }
