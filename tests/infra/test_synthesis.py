"""Synthesis is repeatable, needs nothing from AWS, and refuses a stage that it does not know."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.portcullis_app import portcullis_app
from infra.stages import UnknownStage, stage_named


def digests(directory: Path) -> dict[str, str]:
    return {
        str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(directory.rglob("*"))
        if file.is_file() and file.name.endswith((".template.json", ".assets.json", ".py", ".pyc"))
    }


def test_the_same_sources_give_the_same_bytes(synthesized: Callable[[str], Path], tmp_path: Path) -> None:
    portcullis_app("local", tmp_path).synth()
    assert digests(tmp_path) == digests(synthesized("local"))


@pytest.mark.parametrize("name", ["", "prod", "Local", "live "])
def test_an_unknown_stage_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownStage, match=r"there is no stage .* local, test, live"):
        stage_named(name)


def test_there_is_no_default_stage() -> None:
    with pytest.raises(UnknownStage, match="no stage was given"):
        portcullis_app()


def test_nothing_is_looked_up_in_an_account(synthesized: Callable[[str], Path], stage_name: str) -> None:
    manifest = (synthesized(stage_name) / "manifest.json").read_text()
    assert "unknown-account" in manifest
    assert '"missing"' not in manifest
