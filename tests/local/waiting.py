"""Waiting for what happens by itself, without sleeping longer than needed."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(look: Callable[[], Found], seconds: float = 15.0) -> Found:
    """Call `look` until it finds something; fails the test when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("nothing happened in time")
