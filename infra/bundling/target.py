"""What a bundle is made for: the Python version and the platforms whose wheels fit."""

import platform
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """``platforms`` are wheel tags, best first; none means the machine and Python that run this."""

    python: str
    machine: str
    platforms: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"python{self.python}-{self.machine}"


# Lambda's python3.13 runtime is Amazon Linux 2023, glibc 2.34.
LAMBDA_ARM64 = Target("3.13", "arm64", ("manylinux_2_34_aarch64", "manylinux_2_28_aarch64", "manylinux2014_aarch64"))
THIS_MACHINE = Target(f"{sys.version_info.major}.{sys.version_info.minor}", f"{sys.platform}-{platform.machine()}")
