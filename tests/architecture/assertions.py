"""Which tests assert something."""

import ast
from collections.abc import Iterator

from tests.architecture.rules import functions
from tests.architecture.source import Module, imported, modules

_ASSERTING_CALLS = ("raises", "warns", "fail")
_ASSERTING_METHODS = ("assert", "has_", "resource_count_is")


def asserting_nothing(module: Module) -> Iterator[str]:
    """Test functions that neither assert nor call what asserts: pytest's blocks, CDK's template assertions, or a
    helper of the tests that asserts itself and has no result to look at."""
    helpers = _asserting(module) | _asserting_imports(module)
    for function in functions(module.tree):
        if function.name.startswith("test") and not _asserts(function, helpers):
            yield f"{module.path}:{function.lineno}: {function.name}"


def _asserting(module: Module) -> set[str]:
    """Helpers that assert, some through one another."""
    candidates = [function for function in functions(module.tree) if not function.name.startswith("test")]
    found: set[str] = set()
    while more := {one.name for one in candidates if one.name not in found and _asserts(one, found)}:
        found |= more
    return found


def _asserting_imports(module: Module) -> set[str]:
    names = {name for _, name in imported(module) if name.startswith("tests.")}
    sources = {name.rpartition(".")[0].replace(".", "/") + ".py" for name in names}
    asserting = {helper for source in sources for other in modules(source) for helper in _asserting(other)}
    return {name.rpartition(".")[2] for name in names} & asserting


def _asserts(function: ast.FunctionDef | ast.AsyncFunctionDef, helpers: set[str]) -> bool:
    return any(_is_assertion(node, helpers) for node in ast.walk(function))


def _is_assertion(node: ast.AST, helpers: set[str]) -> bool:
    if isinstance(node, ast.Assert):
        return not isinstance(node.test, ast.Constant)
    if isinstance(node, ast.Raise):
        return node.exc is not None and "AssertionError" in ast.unparse(node.exc)
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute):
        of_pytest = isinstance(node.func.value, ast.Name) and node.func.value.id == "pytest"
        return (of_pytest and node.func.attr in _ASSERTING_CALLS) or node.func.attr.startswith(_ASSERTING_METHODS)
    return isinstance(node.func, ast.Name) and node.func.id in helpers
