"""The audit log: searched, and proved from. Whoever needs certainty verifies what this answers."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from functions.operator_api.request import stores
from portcullis.aws import telemetry
from portcullis.aws.proxy import Answer, Refusal, json_answer, limit, parameter
from portcullis.domain import audit_reading, times
from portcullis.domain.audit_operations import LogDisagrees, Steps, T
from portcullis.domain.audit_reading import Hit, Published, Wanted
from portcullis.domain.identifiers import AGENT_ID
from portcullis.protocol.log_errors import MalformedLog
from portcullis.protocol.notes import encode_base64
from portcullis.protocol.strict_json import MalformedInput

EVENT_TYPE = re.compile(r"[a-z][a-z0-9_.]{0,63}", re.ASCII)
OUTCOME = re.compile(r"[a-z_]{1,32}", re.ASCII)
EVENT_ID = re.compile(r"[ !#-\[\]-~]{1,256}", re.ASCII)
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
INSTANT = "an RFC 3339 instant with an offset, such as 2026-01-31T09:30:00Z"


def _list_entries(event: dict[str, Any]) -> Answer:
    wanted = Wanted(
        agent=_matching(event, "agent", AGENT_ID, "an agent's id"),
        type=_matching(event, "type", EVENT_TYPE, "a type of event, such as transaction.approved"),
        outcome=_matching(event, "outcome", OUTCOME, "an outcome, such as approved"),
        since=_instant(event, "since"),
        until=_instant(event, "until"),
    )
    before, most = _cursor(event), limit(event)
    size = _read(audit_reading.latest()).size
    page = _read(audit_reading.page(size, wanted, before, most))
    body = {
        "entries": [{"index": index, **json.loads(data)} for index, data in page.entries],
        "size": size,
        "scanned_to": page.scanned_to,
        "cursor": str(page.scanned_to) if page.more else None,
    }
    return json_answer(200, body)


def _get_checkpoint(_event: dict[str, Any]) -> Answer:
    published, audit = _read(audit_reading.latest()), stores().audit
    body = {
        "checkpoint": _text(published),
        "verifier_key": audit.key.text,
        "origin": audit.origin,
        "bucket": audit.bucket,
    }
    return json_answer(200, body)


def _get_proof(event: dict[str, Any]) -> Answer:
    search = _search(event)
    published = _read(audit_reading.latest())
    hit = _read(search(published.size))
    cursor = None if hit.following is None else str(hit.following)
    return json_answer(200, {"proof": _proof(published, hit), "cursor": cursor})


def _get_consistency(event: dict[str, Any]) -> Answer:
    first, second = _number(event, "first"), _number(event, "second")
    if first is None:
        raise MalformedInput("first", "the size of the older tree")
    size = _read(audit_reading.latest()).size
    second = size if second is None else second
    if second > size:
        raise MalformedInput("second", f"at most the size of the log, {size}")
    if first > second:
        raise MalformedInput("first", f"at most the size of the newer tree, {second}")
    hashes = _read(audit_reading.consistency(size, first, second))
    return json_answer(200, {"first": first, "second": second, "hashes": [*map(encode_base64, hashes)]})


def _search(event: dict[str, Any]) -> Callable[[int], Steps[Hit]]:
    """What finds the entry, given the size of the log."""
    index, id_ = _number(event, "index"), _matching(event, "event", EVENT_ID, "the id of an event")
    at, cursor = _instant(event, "at"), _cursor(event)
    if index is not None and id_ is None:
        return partial(audit_reading.entry_at, index=index)
    if id_ is not None and index is None:
        return partial(audit_reading.entry_of, event=id_, at=at, cursor=cursor)
    raise MalformedInput("event", "give either the id of an event or an index")


def _proof(published: Published, hit: Hit) -> dict[str, Any] | None:
    if hit.entry is None:
        return None
    index, data = hit.entry
    hashes = _read(audit_reading.inclusion(published.size, index))
    return {
        "index": index,
        "entry": data.decode(),
        "hashes": [*map(encode_base64, hashes)],
        "checkpoint": _text(published),
    }


def _text(published: Published) -> str | None:
    return None if published.note is None else published.note.decode()


def _read(steps: Steps[T]) -> T:
    """The result of ``steps``; a log that is not what it should be is told and answers nothing."""
    try:
        return stores().audit.run(steps)
    except (LogDisagrees, MalformedLog) as fault:
        telemetry.count("AuditLogDisagrees", dimensions={"Function": "operator_api"}, cause=str(fault))
        raise Refusal("dependency_unavailable", "The audit log is not as it should be. Verify its files.") from fault


def _matching(event: dict[str, Any], name: str, pattern: re.Pattern[str], expected: str) -> str | None:
    text = parameter(event, name)
    if text is not None and not pattern.fullmatch(text):
        raise MalformedInput(name, expected)
    return text


def _instant(event: dict[str, Any], name: str) -> int | None:
    text = parameter(event, name)
    try:
        return None if text is None else times.parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise MalformedInput(name, INSTANT) from None


def _number(event: dict[str, Any], name: str) -> int | None:
    text = _matching(event, name, NUMBER, "a whole number of at most 18 digits")
    return None if text is None else int(text)


def _cursor(event: dict[str, Any]) -> int | None:
    text = _matching(event, "cursor", NUMBER, "pass on the cursor of the previous page unchanged")
    return None if text is None else int(text)


ROUTES = {
    ("GET", "/v1/audit/entries"): _list_entries,
    ("GET", "/v1/audit/checkpoint"): _get_checkpoint,
    ("GET", "/v1/audit/proofs"): _get_proof,
    ("GET", "/v1/audit/consistency"): _get_consistency,
}
