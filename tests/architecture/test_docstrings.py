"""What is public in the package says what it is."""

import inspect
from importlib import import_module

import pytest

from tests.architecture import rules
from tests.architecture.source import Module, modules


def test_what_is_public_has_a_docstring() -> None:
    found = [line for module in modules("src", "functions") for line in rules.undocumented(module)]
    assert [line for line in found if not inherits(line)] == []


def inherits(line: str) -> bool:
    """Whether what was found overrides a method, which documents it."""
    path, _, name = line.rpartition(": ")
    owner, _, method = name.rpartition(".")
    if not owner:
        return False
    module = import_module(path.split(":")[0].removeprefix("src/").removesuffix(".py").replace("/", "."))
    return bool(inspect.getdoc(getattr(getattr(module, owner), method)))


def test_an_override_inherits_its_docstring() -> None:
    assert inherits("src/portcullis/client/httpx_auth.py:1: UninheritedHeaders.items")
    assert not inherits("src/portcullis/client/httpx_auth.py:1: UninheritedHeaders")
    assert not inherits("src/portcullis/domain/addresses/base58.py:1: decode")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def f():\n    pass", "f"),
        ("async def f():\n    pass", "f"),
        ("class A:\n    x = 1", "A"),
        ('class A:\n    """A."""\n    def f(self):\n        pass', "A.f"),
        ('class A:\n    """A."""\n    @property\n    def f(self):\n        pass', "A.f"),
    ],
)
def test_a_missing_docstring_is_found(text: str, found: str) -> None:
    (line,) = rules.undocumented(Module("a.py", f'"""A module."""\n{text}'))
    assert line.endswith(f": {found}")


def test_a_module_without_docstring_is_found() -> None:
    assert list(rules.undocumented(Module("a.py", "x = 1"))) == ["a.py:1: the module"]


def test_what_is_private_needs_none() -> None:
    text = '"""A module."""\ndef _f():\n    pass\nclass _A:\n    def f(self):\n        pass'
    assert list(rules.undocumented(Module("a.py", text))) == []
