"""docs/detection.md shows the rules as the code has them."""

import re
from pathlib import Path

import pytest

from portcullis.domain.detection import rules, sources
from portcullis.domain.detection.rules import Rule

PAGE = (Path(__file__).parents[2] / "docs" / "detection.md").read_text()


def row(rule: Rule) -> str:
    words = rule.fires.format(rule.threshold, rule.least)
    return f"| `{rule.name}` | {rule.severity} | {words} | {rule.window} |"


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("Rules about an agent's own requests", rules.RULES),
        ("What counts against a source address", sources.RULES),
    ],
)
def test_every_rule_stands_there_as_it_is(heading: str, table: tuple[Rule, ...]) -> None:
    section = re.split(r"^## ", PAGE.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    assert re.findall(r"^\| `.*$", section, re.MULTILINE) == [row(rule) for rule in table]
