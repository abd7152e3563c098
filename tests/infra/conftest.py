"""Every stage is synthesized once for all tests of this folder."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from infra.portcullis_app import portcullis_app
from tests.infra.template import Template

STAGE_NAMES = ("local", "test", "live")


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Stage name -> directory with templates and assets. Synthesis fails on any finding of the AwsSolutions rules."""

    @cache
    def synthesize(stage_name: str) -> Path:
        outdir = tmp_path_factory.mktemp(stage_name)
        portcullis_app(stage_name, outdir).synth()
        return outdir

    return synthesize


@pytest.fixture(scope="session", params=STAGE_NAMES)
def stage_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def data(stage_name: str, synthesized: Callable[[str], Path]) -> Template:
    return _template(synthesized(stage_name), f"portcullis-{stage_name}-data")


@pytest.fixture(scope="session")
def gateway(stage_name: str, synthesized: Callable[[str], Path]) -> Template:
    return _template(synthesized(stage_name), f"portcullis-{stage_name}-gateway")


@pytest.fixture(scope="session")
def detection(stage_name: str, synthesized: Callable[[str], Path]) -> Template:
    return _template(synthesized(stage_name), f"portcullis-{stage_name}-detection")


@pytest.fixture(scope="session")
def response(stage_name: str, synthesized: Callable[[str], Path]) -> Template:
    return _template(synthesized(stage_name), f"portcullis-{stage_name}-response")


def _template(directory: Path, stack: str) -> Template:
    return Template(json.loads((directory / f"{stack}.template.json").read_text()))
