"""What a verification of a log finds: what is wrong, in which file, and from which entry on."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One fault. ``entry`` is the index of the first one it touches, None when it touches none in particular."""

    path: str
    entry: int | None
    what: str


class Findings(list[Finding]):
    """All that was found, in the order of the steps."""

    def add(self, path: str, entry: int | None, what: object) -> None:
        """One more."""
        self.append(Finding(path, entry, str(what)))
