"""Short modules, short functions."""

import pytest

from tests.architecture import rules
from tests.architecture.source import PRODUCT, Module, modules


def test_modules_are_short() -> None:
    assert [found for module in modules(*PRODUCT) for found in rules.long_modules(module)] == []


def test_functions_are_short() -> None:
    assert [found for module in modules(*PRODUCT) for found in rules.long_functions(module)] == []


def test_there_are_modules_in_every_part() -> None:
    assert {module.path.split("/")[0] for module in modules(*PRODUCT)} == set(PRODUCT)


@pytest.mark.parametrize(("lines", "found"), [(250, 0), (251, 1)])
def test_a_long_module_is_found(lines: int, found: int) -> None:
    assert len(list(rules.long_modules(Module("a.py", "pass\n" * lines)))) == found


@pytest.mark.parametrize("start", ["def f():", "async def f():", "@cache\ndef f():"])
@pytest.mark.parametrize(("lines", "found"), [(40, 0), (41, 1)])
def test_a_long_function_is_found(start: str, lines: int, found: int) -> None:
    text = start + "\n    pass" * (lines - 1)
    method = "class A:\n" + "\n".join(f"    {line}" for line in text.splitlines())
    assert [len(list(rules.long_functions(Module("a.py", sample)))) for sample in (text, method)] == [found, found]
