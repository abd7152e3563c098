"""What is wrong with a part of the audit log: one error tree, so that a reader can refuse all of it at once."""


class MalformedLog(ValueError):
    """Something of the log is not what its format says. ``what`` names the part, ``why`` what was expected."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what = what
        self.why = why


class MalformedTile(MalformedLog):
    """A hash tile, an entry bundle or the path of one."""


class MalformedNote(MalformedLog):
    """A signed note or a verifier key."""


class UnverifiedNote(MalformedLog):
    """A well-formed note without a good signature of the key that was asked for."""


class MalformedCheckpoint(MalformedLog):
    """The text of a checkpoint, or one of another log."""


class MalformedEntry(MalformedLog):
    """One entry."""


class MalformedSegment(MalformedLog):
    """One committed segment."""


class MissingObject(MalformedLog):
    """A file of the log that should exist. ``what`` is its path."""
