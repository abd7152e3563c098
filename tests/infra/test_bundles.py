"""A bundle holds what its function imports and no more, and starts without anything beside it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.bundles import ENVIRONMENT
from infra.bundling.bundle import Bundle, bundle, function_names, made_once
from infra.bundling.imports import import_closure
from infra.bundling.target import LAMBDA_ARM64, THIS_MACHINE
from infra.toolchain import PROJECT


def bundle_of(name: str) -> Bundle:
    return bundle(name, THIS_MACHINE)


PYDANTIC = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions.py", "typing_inspection"}
THIRD_PARTY = {
    "audit_writer": set[str](),
    "authorizer": {"cryptography", "cffi", "_cffi_backend", "pycparser"},
    "contain_evidence": {"cryptography", "cffi", "_cffi_backend", "pycparser"},
    "key_rotation": set[str](),
    "outbox": set[str](),
    "price_feed": PYDANTIC,
    "proposals": set[str](),
    "reconciler": set[str](),
    "sources": set[str](),
    "sweeper": set[str](),
    "agent_api": PYDANTIC,
    "agent_keys": PYDANTIC,
    "operator_api": PYDANTIC | {"aws_lambda_powertools", "jmespath"},
}


@pytest.fixture(params=function_names())
def function(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_function_starts_from_its_bundle_alone(function: str) -> None:
    made = bundle_of(function)
    module = f"functions.{function}.handler"
    script = f"import sys; sys.path.insert(0, {str(made.path)!r}); import {module} as h; assert callable(h.handler)"
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", script], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_a_bundle_carries_no_package_that_its_function_does_not_need(name: str) -> None:
    content = {
        path.name.split(".cpython-")[0] for path in bundle_of(name).path.iterdir() if path.suffix != ".dist-info"
    }
    assert content - {"functions", "portcullis", "__pycache__"} == THIRD_PARTY[name]


def test_a_bundle_carries_only_the_modules_that_are_reached(function: str) -> None:
    made = bundle_of(function)
    reached = import_closure(sorted((PROJECT / "functions" / function).rglob("*.py")), PROJECT / "src")
    assert set((made.path / "portcullis").rglob("*.py")) == {
        made.path / file.relative_to(PROJECT / "src") for file in reached
    }
    for part in ("client", "cli"):
        assert not (made.path / "portcullis" / part).exists()


def test_the_authorizer_starts_without_what_transactions_are_made_of() -> None:
    domain = bundle_of("authorizer").path / "portcullis" / "domain"
    assert (domain / "events.py").exists()
    assert not (domain / "record.py").exists()


def test_bytecode_is_used_wherever_the_bundle_is_copied(tmp_path: Path) -> None:
    copy = shutil.copytree(bundle_of("authorizer").path, tmp_path / "copy", copy_function=shutil.copyfile)
    for bytecode in copy.rglob("*.pyc"):
        assert int.from_bytes(bytecode.read_bytes()[4:8], "little") == 0b01  # hashed, and the hash is not checked
    assert {path.stem.split(".")[0] for path in copy.rglob("*.pyc")} >= {"handler"}


def test_lambda_gets_wheels_of_its_own_platform() -> None:
    libraries = [path.name for path in bundle("agent_api", LAMBDA_ARM64).path.rglob("*.so")]
    assert libraries
    assert all("cpython-313-aarch64" in name for name in libraries)


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    first, again = (bundle("outbox", THIS_MACHINE, cache=tmp_path / name) for name in ("first", "again"))
    assert first.digest == again.digest
    assert content(first) == content(again)
    assert first.digest != bundle("outbox", LAMBDA_ARM64, cache=tmp_path / "other").digest


def test_old_versions_are_forgotten_and_the_one_in_use_is_not(tmp_path: Path) -> None:
    versions = [made_once(tmp_path, f"{number}", lambda root: (root / "file").touch()) for number in range(8)]
    again = made_once(tmp_path, "7", lambda root: pytest.fail("made twice"))
    assert again == versions[-1]
    assert (again / "file").exists()
    assert not versions[0].exists()


def test_times_and_permissions_do_not_depend_on_this_machine() -> None:
    for path in bundle_of("outbox").path.rglob("*"):
        status = path.stat()
        assert status.st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
        assert status.st_mtime == 315_532_800


def test_locked_units_apply_to_every_platform_alike() -> None:
    """pip judges markers by the Python that runs it, not by the target, so a function's lock may have none."""
    for unit in (PROJECT / "requirements").glob("[!d]*.txt"):
        assert ";" not in unit.read_text()


def test_no_committed_file_names_a_registry() -> None:
    for file in [*(PROJECT / "requirements").iterdir(), PROJECT / "package-lock.json", PROJECT / "pyproject.toml"]:
        assert "://" not in file.read_text()


def content(made: Bundle) -> dict[str, bytes]:
    files = (path for path in made.path.rglob("*") if path.is_file())
    return {str(path.relative_to(made.path)): path.read_bytes() for path in files}
