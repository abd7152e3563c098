"""Progress lines: what is being done, and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """One line for the person who waits."""
    print(text, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print `what` when it starts and its duration when it is done."""
    started = time.monotonic()
    if sys.stdout.isatty():
        print(f"  {what} ...", end="\r", flush=True)
    yield
    say(f"  {what:<58} {time.monotonic() - started:6.1f} s")
