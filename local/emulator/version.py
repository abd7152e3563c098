"""The emulator's pinned version: the mends replace functions by name, which only one version promises."""

from importlib.metadata import PackageNotFoundError, version

PINNED = "1.5.33"


class WrongEmulator(Exception):
    """The installed emulator is not the one that the mends were written for."""


def require_pinned(package: str = "ministack") -> None:
    """Raise `WrongEmulator`, with the remedy, unless exactly `PINNED` is installed."""
    try:
        found = version(package)
    except PackageNotFoundError:
        found = "missing"
    if found != PINNED:
        raise WrongEmulator(
            f"the local run needs ministack {PINNED}, found {found}. "
            "Run `make up`, which installs the pinned requirements, or `pip install ministack==" + PINNED + "`."
        )
