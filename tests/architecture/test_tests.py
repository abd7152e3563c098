"""Every test asserts, every event file is used."""

import ast
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.architecture.assertions import asserting_nothing
from tests.architecture.source import ROOT, Module, modules


def test_every_test_asserts_something() -> None:
    tests = [module for module in modules("tests") if Path(module.path).name.startswith("test_")]
    assert [found for module in tests for found in asserting_nothing(module)] == []


def test_every_event_file_is_named_by_a_test() -> None:
    events = ROOT / "events"
    files = {path.relative_to(events).as_posix() for path in events.rglob("*") if path.is_file()}

    assert files
    assert unnamed(files, modules("tests")) == set()


def unnamed(files: set[str], tests: Iterable[Module]) -> set[str]:
    """The event files that no text in a test spells, neither by name nor by a pattern of a folder's files."""
    constants = {
        node.value
        for module in tests
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    patterns = [text for text in constants if text.endswith("/*.json")]
    return {
        file
        for file in files
        if not any(text == file or text.endswith(f"events/{file}") for text in constants)
        and not any(fnmatch(file, pattern) for pattern in patterns)
    }


def test_an_unnamed_event_file_is_found() -> None:
    tests = [Module("tests/test_a.py", "load('attacks/replay.json')\nload('events/outbox/a.json')")]
    files = {"attacks/replay.json", "outbox/a.json", "attacks/other.json", "play.json"}
    assert unnamed(files, tests) == {"attacks/other.json", "play.json"}
    tests.append(Module("tests/test_b.py", "folder.glob('attacks/*.json')"))
    assert unnamed(files, tests) == {"play.json"}


EMPTY = [
    "def test_a():\n    pass",
    "def test_a():\n    f(1)",
    "def test_a():\n    assert True",
    "async def test_a():\n    x = 1 == 2",
    "class TestA:\n    def test_a(self):\n        print(1)",
    "def helper():\n    return 1\ndef test_a():\n    helper()",
    "def test_a():\n    x.raises(ValueError)",
]
FULL = [
    "def test_a():\n    assert f()",
    "def test_a():\n    with pytest.raises(ValueError):\n        f()",
    "def test_a():\n    for x in y:\n        if x:\n            assert x",
    "def test_a():\n    template.has_resource_properties('A', {})",
    "def test_a():\n    spy.assert_called_once()",
    "def until():\n    raise AssertionError('late')\ndef test_a():\n    until()",
    "def refused():\n    assert 1 == f()\ndef again():\n    refused()\ndef test_a():\n    again()",
]


@pytest.mark.parametrize("text", EMPTY)
def test_a_test_that_asserts_nothing_is_found(text: str) -> None:
    (found,) = asserting_nothing(Module("tests/test_a.py", text))
    assert found.endswith(": test_a")


@pytest.mark.parametrize("text", FULL)
def test_a_test_that_asserts_is_not_found(text: str) -> None:
    assert list(asserting_nothing(Module("tests/test_a.py", text))) == []
