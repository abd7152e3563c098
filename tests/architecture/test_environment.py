"""One reader of the environment for the functions; the SDK is handed one and looks into it in one place."""

import pytest

from tests.architecture import rules
from tests.architecture.source import Module, modules

RUNNING = modules("src", "functions")


def test_only_the_settings_read_the_environment() -> None:
    assert [found for module in RUNNING for found in rules.environment_reads(module)] == []


def test_only_settings_look_into_an_environment_that_was_passed_in() -> None:
    assert [found for module in RUNNING for found in rules.environ_lookups(module)] == []


def test_the_readers_exist_and_read() -> None:
    assert set(rules.ENVIRON_PARAMETERS) <= {module.path for module in RUNNING}
    for path in rules.ENVIRONMENT_READERS:
        (module,) = modules(path)
        assert list(rules.environment_reads(Module("src/portcullis/aws/other.py", module.text)))


def test_only_the_command_line_declares_variables_of_its_options() -> None:
    declaring = {rules.layer(module) for module in RUNNING if "envvar=" in module.text}
    assert declaring <= {"cli"}


READS = [
    "import os\nos.environ['A']",
    "import os\nos.getenv('A')",
    "from os import environ",
    "from os import getenv as g",
    "from os import *",
    "import os\nx = dict(os.environ)",
    "import os\nos.environb[b'A']",
]


@pytest.mark.parametrize("text", READS)
def test_a_read_is_found(text: str) -> None:
    assert len(list(rules.environment_reads(Module("src/portcullis/domain/a.py", text)))) == 1
    assert list(rules.environment_reads(Module("src/portcullis/aws/settings.py", text))) == []


@pytest.mark.parametrize("text", ["environ['A']", "environ.get('A')", "'A' in environ"])
def test_a_look_up_is_found(text: str) -> None:
    assert len(list(rules.environ_lookups(Module("src/portcullis/client/gateway.py", text)))) == 1
    assert list(rules.environ_lookups(Module("src/portcullis/client/settings.py", text))) == []


def test_passing_one_on_is_no_look_up() -> None:
    assert list(rules.environ_lookups(Module("src/portcullis/client/gateway.py", "read(environ)"))) == []
