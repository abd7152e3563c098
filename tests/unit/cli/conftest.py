from pathlib import Path

import pytest

from tests.unit.cli.gateway import Cli, silence


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    silence(monkeypatch, tmp_path)
    return Cli(tmp_path)
