"""Imports point one way, and each layer uses only what it may."""

import sys
import tomllib

import pytest

from tests.architecture import rules
from tests.architecture.source import ROOT, Module, imported, modules

LAYERED = modules("src", "functions", "infra")
UNITS = ("audit_writer", "authorizer", "agent_api", "agent_keys", "operator_api", "outbox")


def test_imports_point_the_right_way() -> None:
    assert [found for module in LAYERED for found in rules.wrong_arrows(module)] == []


def test_layers_use_only_what_they_may() -> None:
    assert [found for module in LAYERED for found in rules.foreign_packages(module)] == []


def test_every_module_of_the_package_is_in_a_layer() -> None:
    package = {rules.layer(module) for module in LAYERED if module.path != "src/portcullis/__init__.py"}
    assert package == set(rules.MAY_IMPORT)


def test_the_package_itself_imports_nothing() -> None:
    (module,) = modules("src/portcullis/__init__.py")
    assert imported(module) == []


@pytest.mark.parametrize("unit", UNITS)
def test_a_function_reaches_only_what_its_deploy_unit_carries(unit: str) -> None:
    carried = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][unit]
    names = {requirement.split("==")[0].replace("-", "_") for requirement in carried}

    roots = {name.split(".")[0] for name in reached(f"functions/{unit}/handler.py")}

    assert roots - names - rules.OWN <= sys.stdlib_module_names


def reached(entry: str) -> set[str]:
    """Every name that a module imports, directly or through our own modules."""
    by_name = {module.path.removeprefix("src/").removesuffix(".py").replace("/", "."): module for module in LAYERED}
    waiting, seen, names = modules(entry), set[str](), set[str]()
    while waiting:
        module = waiting.pop()
        for _, name in imported(module):
            names.add(name)
            for ours in (name, name.rpartition(".")[0]):
                if ours in by_name and ours not in seen:
                    seen.add(ours)
                    waiting.append(by_name[ours])
    return names


def test_the_closure_of_a_function_reaches_the_protocol() -> None:
    assert "portcullis.protocol.signing.MAX_SKEW_SECONDS" in reached("functions/authorizer/handler.py")


WRONG = [
    ("src/portcullis/protocol/a.py", "from portcullis.domain import money"),
    ("src/portcullis/protocol/a.py", "import portcullis.aws.wire"),
    ("src/portcullis/protocol/a.py", "from ..domain.money import parse_usd"),
    ("src/portcullis/protocol/a.py", "from .. import domain"),
    ("src/portcullis/domain/a.py", "from portcullis import aws"),
    ("src/portcullis/domain/addresses/a.py", "from portcullis.client import Gateway"),
    ("src/portcullis/domain/a.py", "def f():\n    from functions.outbox import handler"),
    ("src/portcullis/aws/a.py", "from functions.authorizer.handler import authorizer"),
    ("src/portcullis/aws/a.py", "from portcullis.cli import main"),
    ("src/portcullis/client/a.py", "from portcullis.domain.money import parse_usd"),
    ("src/portcullis/client/a.py", "LAZY = {'x': 'portcullis.aws.wire'}"),
    ("src/portcullis/cli/a.py", "from portcullis.aws import wire"),
    ("src/portcullis/cli/a.py", "import portcullis.aws"),
    ("src/portcullis/cli/a.py", "from portcullis.domain import policy"),
    ("functions/outbox/a.py", "from portcullis.client import Gateway"),
    ("functions/outbox/a.py", "from functions.authorizer import handler"),
    ("infra/stacks/a.py", "from portcullis.domain import policy"),
    ("infra/stacks/a.py", "from portcullis.aws import settings"),
    ("infra/stacks/a.py", "import functions.outbox.handler"),
    ("infra/stacks/a.py", "import local.home"),
]


@pytest.mark.parametrize(("path", "text"), WRONG)
def test_a_wrong_arrow_is_found(path: str, text: str) -> None:
    assert len(list(rules.wrong_arrows(Module(path, text)))) == 1


RIGHT = [
    ("functions/outbox/a.py", "from functions.outbox.b import envelope"),
    ("src/portcullis/domain/a.py", "from portcullis.protocol import keys"),
    ("src/portcullis/domain/a.py", "from .money import parse_usd\nimport json"),
    ("src/portcullis/aws/a.py", "from portcullis.domain.money import parse_usd"),
    ("src/portcullis/cli/a.py", "from portcullis.aws.operator_signing import OperatorAuth"),
    ("src/portcullis/cli/a.py", "from portcullis.aws import operator_signing"),
    ("src/portcullis/cli/a.py", "from portcullis.aws.log_reader import LogBucket"),
    ("infra/stacks/a.py", "from portcullis.protocol.problems import PROBLEMS\nfrom infra import stages"),
]


@pytest.mark.parametrize(("path", "text"), RIGHT)
def test_a_right_arrow_is_not_found(path: str, text: str) -> None:
    assert list(rules.wrong_arrows(Module(path, text))) == []


FOREIGN = [
    ("src/portcullis/protocol/a.py", "import pydantic"),
    ("src/portcullis/protocol/a.py", "from cryptography.hazmat import primitives"),
    ("src/portcullis/domain/a.py", "import boto3"),
    ("src/portcullis/domain/a.py", "from botocore.auth import SigV4Auth"),
    ("src/portcullis/client/a.py", "from pydantic import BaseModel"),
    ("src/portcullis/client/a.py", "def f():\n    import botocore"),
    ("src/portcullis/client/secrets_manager.py", "import botocore"),
    ("src/portcullis/client/secrets_manager.py", "try:\n    import botocore\nexcept ImportError:\n    pass"),
    ("src/portcullis/client/secrets_manager.py", "def f():\n    import boto3"),
    ("src/portcullis/cli/a.py", "def f():\n    import botocore.session"),
    ("functions/outbox/a.py", "import boto3"),
    ("src/portcullis/aws/a.py", "import aioboto3"),
]


@pytest.mark.parametrize(("path", "text"), FOREIGN)
def test_a_foreign_package_is_found(path: str, text: str) -> None:
    assert len(list(rules.foreign_packages(Module(path, text)))) == 1


def test_what_one_module_loads_on_first_use_is_not_found() -> None:
    text = "class A:\n    def f(self):\n        import botocore.session"
    assert list(rules.foreign_packages(Module("src/portcullis/client/secrets_manager.py", text))) == []
    assert all((ROOT / path).exists() for path in rules.MAY_USE_ON_FIRST_USE)


def test_what_a_layer_may_use_is_not_found() -> None:
    text = "import botocore.auth\nimport json\nfrom collections.abc import Mapping"
    assert list(rules.foreign_packages(Module("src/portcullis/aws/a.py", text))) == []
