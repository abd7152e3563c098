"""The query as API Gateway delivers it to a REST API.

Symptom mended: a raw `;` arrives inside a value, and a raw `|`, `{` or `}` arrives at all. By its important notes for
REST APIs, API Gateway splits at a semicolon and does not support the other three.
"""

from urllib.parse import parse_qs

UNSUPPORTED = frozenset("|{}")


def delivered(raw: str) -> dict[str, list[str]]:
    """Names and values, decoded once: `+` is a space, and a name without a value has the empty one."""
    return parse_qs(raw.replace(";", "&"), keep_blank_values=True)
