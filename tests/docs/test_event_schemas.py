"""The events' schemas: up to date, complete, and kept by the examples."""

import ast
import json
import re
from pathlib import Path

import pytest

from local.openapi import event_schemas
from portcullis.domain.record import STATUSES
from portcullis.domain.request_sums import AUTHENTICATION_REFUSED, REQUEST_REFUSED, REQUEST_SERVED
from tests.architecture.source import modules
from tests.event_schemas import FOLDER, faults

NOT_TOLD = {"incident.requested", "incident.summary"}
"""What others put on the bus, and what only people are told."""
SPELLS = ("Change", "_enrolled")
EXAMPLES = sorted((FOLDER.parents[2] / "events").glob("bus/*.json"))


@pytest.mark.parametrize("type_", event_schemas.DATA)
def test_the_file_is_up_to_date(type_: str) -> None:
    assert (FOLDER / f"{type_}.json").read_text() == event_schemas.text(type_), "run `make openapi`"


def test_every_type_has_a_schema_and_an_example() -> None:
    types = {f"{type_}.json" for type_ in event_schemas.DATA}
    assert {path.name for path in FOLDER.iterdir()} == types
    assert {path.name for path in EXAMPLES} == types


def test_every_type_that_the_code_spells_is_described() -> None:
    others = {"outbox.malformed", "transaction.unrecorded", AUTHENTICATION_REFUSED, REQUEST_REFUSED, REQUEST_SERVED}
    assert spelled() | {f"transaction.{status}" for status in STATUSES} | others == set(event_schemas.DATA)


def spelled() -> set[str]:
    """Every text in the code behind the functions that reads like the type of a change."""
    behind = (module for layer in ("aws", "domain") for module in modules(f"src/portcullis/{layer}"))
    nodes = [node for module in behind for node in ast.walk(module.tree)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {
        text
        for text in texts - NOT_TOLD
        if re.fullmatch(
            r"(agent|approver|finding|incident|key|lockdown|policy|price|profile|root|source|trust)\.[a-z_]+", text
        )
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_keeps_its_schema(example: Path) -> None:
    event = json.loads(example.read_text())
    assert event["type"] == example.stem
    assert faults(event) == []


def test_a_fault_is_found() -> None:
    event = json.loads((FOLDER.parents[2] / "events/bus/price.set.json").read_text())
    event["data"]["usd"] = 1
    assert len(faults(event)) == 1


def test_the_page_lists_every_type() -> None:
    page = (FOLDER.parent / "README.md").read_text()
    assert {type_ for type_ in event_schemas.DATA if f"[`{type_}`](v1/{type_}.json)" not in page} == set()
