"""Markdown of what others wrote: whatever they wrote, it stays text, on one line, in its cell, and links nowhere."""

import re
from collections.abc import Iterable, Sequence

MOST = 200
"""Characters of one text."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~])")
_LINK = re.compile(r"(www)\.|://", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9 .,:;/#@%$=+_-]{1,200}", re.ASCII)


def text(value: object) -> str:
    """A text of anybody's, as a part of a line."""
    line = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in " ".join(str(value).split()))
    line = line if len(line) <= MOST else f"{line[: MOST - 1]}…"
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _SPECIAL.sub(r"\\\1", line).replace("@", "`@`")  # escaped, it would still name people and addresses
    return _LINK.sub(lambda found: f"{found[1]}&#46;" if found[1] else ":&#47;&#47;", line)


def code(value: object) -> str:
    """An id, an address or an instant as code; what is none stays text."""
    return f"`{value}`" if _PLAIN.fullmatch(str(value)) else text(value)


def command(value: object) -> str:
    """A command as code, in a line of its own: of all characters only a backtick would end it."""
    line = str(value)
    return f"`{line}`" if line.isprintable() and "`" not in line else text(line)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already, or the word that there is nothing."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(headings)} |", "|---" * len(headings) + "|", *lines]) if lines else "None."
