"""`make demo` keeps its promises, and the README shows what it prints."""

import re

import pytest

from local import demo
from local.home import ROOT
from tests.journey.deployment import Deployment


def test_the_demo_says_what_the_readme_shows(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    demo.play(deployment.description, deployment.home)
    played = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ok  ")]
    shown = re.findall(r"^  ok  .+$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(shown) == 8
    assert played == shown
