"""docs/policy.md says what the code does: fields and defaults, rules and weights, levels, sets, and its example."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from portcullis.domain import policy_document, rules, trust
from portcullis.domain.account import MAX_RECENT
from portcullis.domain.decisions import RULES
from portcullis.domain.policy import compile_text
from portcullis.domain.policy_document import PolicyDocument, parse_document

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/policy.md").read_text()
SAID_BY_TRUST = "those of `trust`"


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, as cells."""
    section = re.split(r"^## ", PAGE.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| (`.+) \|$", section, re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in rows]


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """``(path, default)`` of every field, as the page writes them."""
    parts = {"allowlist", "limits", "tiers", "duplicates", "rate"}
    for name, info in model.model_fields.items():
        if name not in ("allowlist", "tiers"):
            yield prefix + name, SAID_BY_TRUST if name == "limits" else default(info)
        if name in parts and not prefix:
            yield from fields(getattr(policy_document, PARTS[name]), f"{name}.")


PARTS = {
    "allowlist": "Allowlist",
    "limits": "Limits",
    "tiers": "Tiers",
    "duplicates": "Duplicates",
    "rate": "RateLimit",
}


def default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    value = value.model_dump() if isinstance(value, BaseModel) else value
    return "none" if value is None else f"`{json.dumps(value)}`"


def test_every_field_stands_there_with_its_default() -> None:
    assert [(row[0].strip("`"), row[1]) for row in table("Every field")] == list(fields(PolicyDocument))


def test_every_rule_stands_there_with_its_weight() -> None:
    rows = {row[0].strip("`"): int(row[1]) for row in table("Rules")}
    assert rows == rules.WEIGHTS
    assert list(rows) == list(RULES)


def test_the_levels_of_trust_are_the_codes() -> None:
    rows = {row[0].strip("`"): {"per_transaction": row[1], "daily": row[2]} for row in table("Levels of trust")}
    assert rows == trust.LIMITS


def test_the_sets_of_categories_are_the_codes() -> None:
    rows = {row[0].strip("`"): frozenset(re.findall(r"`(.+?)`", row[1])) for row in table("Sets of categories")}
    assert rows == trust.CATEGORY_SETS


def test_the_numbers_in_the_text_are_the_codes() -> None:
    assert f"remembers the last {MAX_RECENT} different contents" in PAGE
    assert f"from ${rules.NOTABLE // 1_000_000:,} +1,\nfrom ${rules.LARGE // 1_000_000:,} +2" in PAGE
    assert f"from {rules.FEW} denials of the agent in this hour +1, from {rules.MANY} on +2" in PAGE


@pytest.mark.parametrize("page", ["docs/policy.md", "README.md"])
def test_the_example_is_a_policy(page: str) -> None:
    blocks = re.findall(r"```json\n(.+?)```", (ROOT / page).read_text(), re.DOTALL)
    (example,) = [block for block in blocks if '"allowlist"' in block]
    assert compile_text(parse_document(json.loads(example)).text()).wallets
