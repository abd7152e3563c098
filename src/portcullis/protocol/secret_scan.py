"""Finds secrets in text by pattern and checksum: what is found was issued, or made to look so; nothing else is.

``PATTERN`` is for scanners that know only patterns. A key id (``pk_...``) is public and is not looked for.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from portcullis.protocol import keys

PATTERN = r"sk_[a-z]{1,12}_[0-9A-Za-z]{49}"
# Overlapping, and without a boundary: a secret is one whatever stands beside it.
_CANDIDATE = re.compile(rf"(?=({PATTERN}))".encode("ascii"))


@dataclass(frozen=True, slots=True)
class Found:
    """A secret's ``line`` (from 1), its ``stage``, and the SHA-256 that names it without telling it."""

    line: int
    stage: str
    sha256: str


def find(data: bytes) -> Iterator[Found]:
    """The secrets in a file's bytes, also when it is UTF-16."""
    text = data.replace(b"\0", b"")
    for match in _CANDIDATE.finditer(text):
        secret = match[1].decode("ascii")
        try:
            stage = keys.parse_secret(secret)
        except keys.MalformedKey:
            continue
        yield Found(text.count(b"\n", 0, match.start()) + 1, stage, hashlib.sha256(match[1]).hexdigest())
