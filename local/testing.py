"""An instance of its own for a test session: own ports, own folder, gone afterwards. The demo may run meanwhile."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import ports, run
from local.home import Home
from local.run import LocalRun


@contextmanager
def isolated_run() -> Iterator[tuple[Home, LocalRun]]:
    """Bring an instance up and yield its folder and what its `local.json` holds; it also ends when this process dies.

    Raises `LocalRunError`, with the end of the log, when it cannot come up.
    """
    with tempfile.TemporaryDirectory(prefix="portcullis-") as folder:
        home = Home(Path(folder).resolve() / "run")
        try:
            yield home, run.up(home, ports.free(), with_parent=True)
        finally:
            run.down(home)
