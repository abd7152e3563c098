"""The rules as functions: a module in, what breaks the rule out, as ``path:line: what``."""

import ast
import sys
from collections.abc import Iterator

from tests.architecture.source import Module, imported

MAX_MODULE_LINES = 250
MAX_FUNCTION_LINES = 40

# protocol <- domain <- aws <- functions; client -> protocol; cli -> client, protocol, and aws for what the caller's own
# credentials do: sign calls, and read the audit log.
MAY_IMPORT = {
    "protocol": ("portcullis.protocol",),
    "domain": ("portcullis.protocol", "portcullis.domain"),
    "aws": ("portcullis.protocol", "portcullis.domain", "portcullis.aws"),
    "functions": ("portcullis.protocol", "portcullis.domain", "portcullis.aws"),
    "client": ("portcullis.protocol", "portcullis.client"),
    "cli": (
        "portcullis.protocol",
        "portcullis.client",
        "portcullis.cli",
        "portcullis.aws.operator_signing",
        "portcullis.aws.log_reader",
        "portcullis.aws.read_ahead",
    ),
    "infra": ("portcullis.protocol", "infra"),
}
MAY_USE = {
    "protocol": set[str](),
    "domain": {"pydantic"},
    "aws": {"boto3", "botocore", "cryptography", "httpx"},
    "functions": {"aws_lambda_powertools"},
    "client": {"cryptography", "httpx", "requests"},
    "cli": {"httpx", "rich", "segno", "typer"},
}
# One module of the SDK reads Secrets Manager, for those who use it: botocore is optional, so it loads on first use.
MAY_USE_ON_FIRST_USE = {"src/portcullis/client/secrets_manager.py": {"botocore"}}
OWN = {"portcullis", "functions", "infra", "local", "bench", "tests", "app"}
ENVIRONMENT_READERS = {"src/portcullis/aws/settings.py"}
ENVIRON_PARAMETERS = ENVIRONMENT_READERS | {"src/portcullis/client/settings.py"}
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ENVIRONMENT_NAMES = {"environ", "environb", "getenv", "getenvb"}


def layer(module: Module) -> str:
    """The part of the design that a module belongs to."""
    parts = module.path.split("/")
    return parts[2] if parts[0] == "src" and len(parts) > 3 else parts[0]


def wrong_arrows(module: Module) -> Iterator[str]:
    """Imports of our own that point the wrong way."""
    allowed = MAY_IMPORT.get(layer(module))
    own = ".".join(module.path.split("/")[:2]) if layer(module) == "functions" else ""
    for line, name in imported(module):
        if own and _within(name, (own,)):
            continue
        if allowed is not None and name.split(".")[0] in OWN and not _within(name, allowed):
            yield f"{module.path}:{line}: {layer(module)} imports {name}"


def foreign_packages(module: Module) -> Iterator[str]:
    """Imports of others' packages that the layer may not use."""
    allowed = MAY_USE.get(layer(module))
    late = MAY_USE_ON_FIRST_USE.get(module.path, set())
    at_import = {line for node in module.tree.body if not isinstance(node, _LATER) for line in _lines(node)}
    for line, name in imported(module):
        root = name.split(".")[0]
        if root in late and line not in at_import:
            continue
        if allowed is not None and root not in OWN | allowed and root not in sys.stdlib_module_names:
            yield f"{module.path}:{line}: {layer(module)} uses {root}"


def long_modules(module: Module) -> Iterator[str]:
    """Modules of too many lines."""
    lines = len(module.text.splitlines())
    if lines > MAX_MODULE_LINES:
        yield f"{module.path}:{lines}: {lines} lines"


def long_functions(module: Module) -> Iterator[str]:
    """Functions of too many lines."""
    for function in functions(module.tree):
        lines = (function.end_lineno or 0) - function.lineno + 1
        if lines > MAX_FUNCTION_LINES:
            yield f"{module.path}:{function.lineno}: {function.name} has {lines} lines"


def environment_reads(module: Module) -> Iterator[str]:
    """Reads of the process's environment outside the settings."""
    if module.path in ENVIRONMENT_READERS:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in _ENVIRONMENT_NAMES and _is_name(node.value, "os"):
            yield f"{module.path}:{node.lineno}: os.{node.attr}"
    for line, name in imported(module):
        if name.startswith("os.") and name.split(".")[1] in {*_ENVIRONMENT_NAMES, "*"}:
            yield f"{module.path}:{line}: {name}"


def environ_lookups(module: Module) -> Iterator[str]:
    """Look-ups in an environment that was passed in, outside the modules that parse settings."""
    if module.path in ENVIRON_PARAMETERS:
        return
    for node in ast.walk(module.tree):
        for expression in _looked_into(node):
            if _is_name(expression, "environ"):
                yield f"{module.path}:{expression.lineno}: looks into environ"


def undocumented(module: Module) -> Iterator[str]:
    """Modules, and public classes and functions, without a docstring."""
    if not ast.get_docstring(module.tree):
        yield f"{module.path}:1: the module"
    yield from _undocumented(module, module.tree, "")


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function, methods and inner ones among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _looked_into(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Subscript | ast.Attribute):
        return [node.value]
    return node.comparators if isinstance(node, ast.Compare) else []


def _undocumented(module: Module, scope: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for node in scope.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and not _is_overload(node):
            yield f"{module.path}:{node.lineno}: {prefix}{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(module, node, f"{node.name}.")


def _is_overload(node: ast.AST) -> bool:
    return any(_is_name(decorator, "overload") for decorator in getattr(node, "decorator_list", ()))


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _within(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == base or name.startswith(f"{base}.") for base in allowed)
