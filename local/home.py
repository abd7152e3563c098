"""The folder of one local run: what belongs to it and nothing else."""

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout whose template is deployed."""

DEFAULT = ROOT / ".portcullis"


@dataclass(frozen=True)
class Home:
    """Paths below one folder; two runs with two folders and other ports do not touch each other."""

    path: Path

    @property
    def state(self) -> Path:
        return self.path / "state"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def process_file(self) -> Path:
        return self.path / "emulator.json"

    @property
    def emulator_log(self) -> Path:
        return self.logs / "emulator.log"

    @property
    def deploy_log(self) -> Path:
        return self.logs / "deploy.log"

    @property
    def cloud_assembly(self) -> Path:
        return self.path / "cdk.out"

    @property
    def deployed_file(self) -> Path:
        """The fingerprint of what the state holds; goes with the state."""
        return self.state / "deployed.json"

    @property
    def local_json(self) -> Path:
        return self.path / "local.json"

    @property
    def cdk_home(self) -> Path:
        return self.path / "cdk-home"

    @property
    def responders(self) -> Path:
        """The two approvers of the game day, with their devices' secrets."""
        return self.path / "responders.json"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    def create(self) -> None:
        """Make the folder, readable by its owner alone: it holds keys."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)

    def remove(self) -> None:
        """Remove what a run makes; a folder that holds anything else stays, with that."""
        for folder in (self.state, self.logs, self.cloud_assembly, self.cdk_home):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.process_file, self.local_json, self.responders, self.lock):
            file.unlink(missing_ok=True)
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()
