"""Files of exports, read and written by commands: whole or not at all, and told while it lasts."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.progress import MofNCompleteColumn, Progress, TextColumn

from portcullis.aws.log_reader import BucketUnreadable
from portcullis.cli import output
from portcullis.cli.failure import REFUSED, UNREACHABLE, USAGE, Failure
from portcullis.protocol.export_writing import Tell
from portcullis.protocol.log_errors import MalformedLog


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, to read."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", USAGE) from None


@contextmanager
def complete(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when the block ends without an exception, and else leaves nothing."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}", USAGE) from None
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}", UNREACHABLE) from None
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def failing() -> Iterator[None]:
    """What ends a command that reads the bucket."""
    try:
        yield
    except BucketUnreadable as error:
        raise Failure(f"{error}. Check the bucket, the credentials and what they may", UNREACHABLE) from None
    except MalformedLog as error:
        raise Failure(f"something is wrong with the log: {error}", REFUSED) from None


@contextmanager
def progress(doing: str, of: str = "entries") -> Iterator[Tell]:
    """A bar on standard error, for people only."""
    with Progress(
        *Progress.get_default_columns(),
        MofNCompleteColumn(),
        TextColumn(of),
        console=output.errors,
        transient=True,
        disable=not output.errors.is_terminal,
    ) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
