"""Entries of the audit log: JSON in UTF-8 with one spelling for each entry.

The members have the order of ``_HEAD``, without white space; in ``data``, the last, names are sorted. Of numbers there
are only integers, of escapes only those that JSON needs. Whatever else an entry might be written as is refused.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple, NoReturn

from portcullis.protocol.log_errors import MalformedEntry
from portcullis.protocol.ocsf import Ocsf, ocsf_of
from portcullis.protocol.strict_json import MAX_DEPTH, depth

VERSION = 1
MAX_BYTES = 0xFFFF
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON library reads exactly."""
REJECTED = "audit.rejected"
REJECTED_ID = "rejected#"
"""How the id of an entry for what cannot be one begins; the SHA-256 of what came follows."""
REASONS = ("malformed", "oversize", "unknown_version")

# Nothing is tried twice: every repetition is possessive, for what follows it is never part of it.
_ID = r'"([ !#-\[\]-~]{1,256}+)"'
_WORD = r'(null|"[!#-\[\]-~]{1,128}+")'
_NUMBER = r"(0|[1-9][0-9]{0,14}+)"
_HEAD = re.compile(
    rf'{{"v":1,"id":{_ID},"type":"([a-z][a-z0-9_.]{{0,63}}+)","at":"([0-9T:.-]{{23}}Z)","agent":{_WORD},"key":{_WORD},'
    rf'"ip":"([0-9a-f:.]{{0,45}}+)","txid":{_WORD},"rev":{_NUMBER},"verified":(true|false),'
    rf'"outcome":"([a-z_]{{1,32}}+)","ocsf":{{"category_uid":{_NUMBER},"class_uid":{_NUMBER},"activity_id":{_NUMBER},'
    rf'"type_uid":{_NUMBER},"severity_id":{_NUMBER}}},"data":(?={{)',
    re.ASCII,
)
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_VERSION = re.compile(rb'\{"v":(\d{1,9}),')


class Entry(NamedTuple):
    """One entry: the members of the event, with its outcome in one word, and what it is in OCSF."""

    id: str
    type: str
    at: str
    agent: str | None
    key: str | None
    ip: str
    txid: str | None
    rev: int
    verified: bool
    outcome: str
    ocsf: Ocsf
    data: Mapping[str, Any]


class Identity(NamedTuple):
    """What tells an entry from all others: an id, and the instant of the event that goes by it."""

    id: str
    at: str


def encode(entry: Entry) -> bytes:
    """The bytes of an entry, or MalformedEntry for what has none."""
    ocsf = entry.ocsf
    members = {
        "v": VERSION,
        **{name: value for name, value in entry._asdict().items() if name not in ("ocsf", "data")},
        "ocsf": {
            "category_uid": ocsf.category_uid,
            "class_uid": ocsf.class_uid,
            "activity_id": ocsf.activity_id,
            "type_uid": ocsf.type_uid,
            "severity_id": ocsf.severity_id,
        },
    }
    try:
        data = f'{_compact(members)[:-1]},"data":{_canonical(entry.data)}}}'.encode()
    except (TypeError, ValueError, RecursionError):
        raise MalformedEntry("entry", "expected what JSON can say, in UTF-8") from None
    if parse(data) != entry:
        raise MalformedEntry("data", "expected names that are strings, and lists rather than tuples")
    return data


def parse(data: bytes) -> Entry:
    """The entry in ``data``, or MalformedEntry."""
    head = _head(data)
    id_, type_, at, agent, key, ip, txid, rev, verified, outcome, *uids = head.groups()
    ocsf = _ocsf(*uids)
    _check_instant(at)
    members = _members(head.string[head.end() : -1])
    return Entry(
        id_, type_, at, _word(agent), _word(key), ip, _word(txid), int(rev), verified == "true", outcome, ocsf, members
    )


def parse_identity(data: bytes) -> Identity:
    """The identity of an entry, with the form of everything before ``data`` checked, or MalformedEntry."""
    head = _head(data)
    return Identity(head[1], head[3])


def checked_identity(data: bytes) -> Identity:
    """The same, with every byte checked."""
    entry = parse(data)
    return Identity(entry.id, entry.at)


def parse_at(data: bytes) -> str:
    """The instant of an entry, with the form of everything before ``data`` checked, or MalformedEntry."""
    at = _head(data)[3]
    _check_instant(at)
    return at


def parse_agent(data: bytes) -> str | None:
    """Whose entry it is, with the form of everything before ``data`` checked, or MalformedEntry."""
    return _word(_head(data)[4])


def rejected(reason: str, received: bytes, at: str) -> Entry:
    """The entry for what cannot be one: why, its length and its SHA-256, from which its id is made."""
    if reason not in REASONS:
        raise ValueError(f"{reason} is none of {', '.join(REASONS)}")
    digest = sha256(received).hexdigest()
    data = {"reason": reason, "sha256": digest, "bytes": len(received)}
    ocsf = ocsf_of(REJECTED)
    return Entry(f"{REJECTED_ID}{digest}", REJECTED, at, None, None, "", None, 0, False, "rejected", ocsf, data)


def _head(data: bytes) -> re.Match[str]:
    """Everything before ``data``, matched in the text of the whole entry."""
    if len(data) > MAX_BYTES:
        raise MalformedEntry("entry", f"expected at most {MAX_BYTES} bytes")
    try:
        head = _HEAD.match(data.decode())
    except UnicodeDecodeError:
        raise MalformedEntry("entry", "expected UTF-8") from None
    if head is None or not data.endswith(b"}"):
        raise _unlike_an_entry(data)
    return head


def _unlike_an_entry(data: bytes) -> MalformedEntry:
    version = _VERSION.match(data)
    if version and int(version[1]) != VERSION:
        return MalformedEntry("v", f"version {int(version[1])} is not known here")
    return MalformedEntry("entry", "expected the members of an entry, in their order and form")


@lru_cache(maxsize=256)
def _ocsf(*uids: str) -> Ocsf:
    category, class_uid, activity, type_uid, severity = map(int, uids)
    ocsf = Ocsf(class_uid, activity, severity)
    if (ocsf.category_uid, ocsf.type_uid) != (category, type_uid):
        raise MalformedEntry("ocsf", "expected the category of the class and the type of class and activity")
    return ocsf


def _check_instant(at: str) -> None:
    try:
        datetime.fromisoformat(at)
    except ValueError:
        raise MalformedEntry("at", "expected an instant that exists") from None
    if not _AT.fullmatch(at):
        raise MalformedEntry("at", "expected YYYY-MM-DDThh:mm:ss.mmmZ")


def _members(text: str) -> dict[str, Any]:
    if depth(text) > MAX_DEPTH:
        raise MalformedEntry("data", f"expected at most {MAX_DEPTH} levels")
    try:
        members, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        raise MalformedEntry("data", "expected a JSON object") from None
    if end != len(text) or _canonical(members) != text:
        raise MalformedEntry("data", "expected sorted names, each once, without white space or needless escapes")
    return members  # type: ignore[no-any-return]


def _word(text: str) -> str | None:
    return None if text == "null" else text[1:-1]


def _fraction(_: str) -> NoReturn:
    raise MalformedEntry("data", "expected integers; write anything with a fraction as a string")


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(number := int(digits)) > MAX_INTEGER:
        raise MalformedEntry("data", f"expected integers of at most {MAX_INTEGER}; write larger ones as strings")
    return number


_DECODER = json.JSONDecoder(parse_float=_fraction, parse_constant=_fraction, parse_int=_integer)
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
