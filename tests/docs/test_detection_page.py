"""docs/detection.md shows the rules as the code has them."""

import re
from pathlib import Path

from portcullis.domain.detection.rules import RULES, Rule

PAGE = (Path(__file__).parents[2] / "docs" / "detection.md").read_text()


def row(rule: Rule) -> str:
    words = rule.fires.format(rule.threshold, rule.least)
    return f"| `{rule.name}` | {rule.severity} | {words} | {rule.window} |"


def test_every_rule_stands_there_as_it_is() -> None:
    section = re.split(r"^## ", PAGE.partition("## Rules about an agent's own requests\n")[2], flags=re.MULTILINE)[0]
    assert re.findall(r"^\| `.*$", section, re.MULTILINE) == [row(rule) for rule in RULES]
