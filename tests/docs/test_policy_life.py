"""The page on the life of a policy names the commands, codes, levels and events that there are."""

import re
from pathlib import Path

import typer
from typer.core import TyperGroup

from portcullis.cli.policy_trials import app
from portcullis.domain.policy_review import PROTECTION

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/policy-life.md").read_text()


def section(title: str) -> str:
    """What stands under a heading."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(title: str) -> list[str]:
    """The names in the first column of a section's table."""
    cells = re.findall(r"^\| (`.+?) \|", section(title), re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_every_command_with_its_options_exists() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    named = re.findall(r"^portcullis policy (\w+)(.*?)(?:#|>|$)", PAGE, re.MULTILINE)
    named += re.findall(r"`portcullis policy (\w+)([^`]*)`", PAGE)
    assert {command for command, _ in named} >= {"draft", "publish", "backtest", "shadow", "explain", "proposal"}
    for command, rest in named:
        options = {option for parameter in group.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options, command


def test_the_warnings_are_those_of_the_code() -> None:
    source = (ROOT / "src/portcullis/domain/policy_review.py").read_text()
    assert sorted(first_cells("Warnings")) == sorted(set(re.findall(r'Finding\("(\w+)"', source)))


def test_the_levels_are_those_of_the_code() -> None:
    assert tuple(first_cells("Protection level")) == PROTECTION


def test_the_events_are_those_of_the_code() -> None:
    modules = ("policy_drafts", "publishing", "proposals")
    source = "".join((ROOT / f"src/portcullis/aws/{name}.py").read_text() for name in modules)
    emitted = set(re.findall(r'"((?:policy|trust)\.\w+)"', source))
    assert set(re.findall(r"`((?:policy|trust)\.\w+)`", section("Events"))) == emitted
