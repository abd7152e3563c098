"""Secrets in files: found by pattern and checksum, never shown, and none in this repository."""

import hashlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from portcullis.protocol import keys, secret_scan
from tests.architecture.source import ROOT, tracked_files
from tests.unit.cli.gateway import KEY_ID, SECRET, Cli

FAKE_DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()
VECTORS = [ROOT / "tests/vectors/keys.json", ROOT / "tests/vectors/signing.json"]
ALLOW = ROOT / ".secret-scan-allow"


def matches(path: Path) -> set[str]:
    """Whatever the pattern alone finds in a file."""
    return set(re.findall(rf"(?=({secret_scan.PATTERN}))", path.read_text(errors="replace")))


def well_formed(text: str) -> bool:
    try:
        keys.parse_secret(text)
    except keys.MalformedKey:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"PORTCULLIS_SECRET={SECRET}\n".encode(), [1]),
        (f'a\nb\n"{SECRET}","{SECRET}"\n{SECRET}'.encode(), [3, 3, 4]),
        (f"x{SECRET}y sk_{SECRET}".encode(), [1, 1]),
        (b"\xff\xfe" + f"key\n{SECRET}".encode("utf-16-le"), [2]),
        (b"\x00\x01" + SECRET.encode() + b"\xff", [1]),
        (KEY_ID.encode(), []),
        ((SECRET[:-1] + ("A" if SECRET[-1] != "A" else "B")).encode(), []),
        (SECRET[:-1].encode(), []),
        (SECRET.upper().encode(), []),
        (b"", []),
    ],
)
def test_what_is_found_and_where(text: bytes, lines: list[int]) -> None:
    assert [one.line for one in secret_scan.find(text)] == lines


def test_a_find_is_an_exit_code_and_no_secret_is_shown(cli: Cli) -> None:
    (cli.home / "code.py").write_text(f"a = 1\nsecret = '{SECRET}'\n")
    result = cli.run("scan-secrets", "code.py")
    assert result.code == 1
    assert f"code.py:2: a secret of stage local, SHA-256 {FAKE_DIGEST}" in result.out
    assert "Revoke each one" in result.err
    shown = cli.run("scan-secrets", "code.py", as_json=True)
    assert json.loads(shown.out) == {
        "files": 1,
        "secrets": [{"path": "code.py", "line": 2, "stage": "local", "sha256": FAKE_DIGEST}],
    }
    assert SECRET[10:-8] not in result.out + result.err + shown.out + shown.err


def test_folders_are_searched_but_links_and_git_are_not(cli: Cli) -> None:
    folder = cli.home / "project"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name in ("deep/a", ".git/b"):
        (folder / name).write_text(SECRET)
    (folder / "link").symlink_to(folder / "deep/a")
    found = json.loads(cli.run("scan-secrets", "project", as_json=True).out)
    assert [one["path"] for one in found["secrets"]] == ["project/deep/a"]


def test_an_allowed_value_passes_and_no_other(cli: Cli) -> None:
    other = keys.secret_from_mac("live", b"o" * 32)
    (cli.home / "fixture").write_text(f"{SECRET}\n{other}\n")
    (cli.home / "allow").write_text(f"# ours\n\n{FAKE_DIGEST}  # made up\n")
    found = json.loads(cli.run("scan-secrets", "--allow", "allow", "fixture", as_json=True).out)
    assert [one["line"] for one in found["secrets"]] == [2]


@pytest.mark.parametrize("line", [FAKE_DIGEST, f"{FAKE_DIGEST}  #", "tests/vectors/*", SECRET])
def test_an_allowed_value_needs_a_digest_and_a_reason(cli: Cli, line: str) -> None:
    (cli.home / "allow").write_text(line)
    result = cli.run("scan-secrets", "--allow", "allow", "allow")
    assert result.code == 2
    assert "allow:1: expected a SHA-256 digest" in result.err


def test_what_cannot_be_read_is_no_pass(cli: Cli) -> None:
    result = cli.run("scan-secrets", "nothing")
    assert (result.code, "cannot read nothing" in result.err) == (2, True)


def hook() -> list[str]:
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"^ *- repo: (.+)$", text, re.MULTILINE) == ["local"]
    assert re.findall(r"^ *language: (.+)$", text, re.MULTILINE) == ["system"]
    (entry,) = re.findall(r"^ *entry: (.+)$", text, re.MULTILINE)
    return shlex.split(entry)


def run_hook(*files: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = hook()
    assert program == ".venv/bin/portcullis"
    command = [sys.executable, "-c", "from portcullis.cli import main; main()", *arguments, *files]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_this_repository_holds_no_secret() -> None:
    files = [str(path) for path in tracked_files() if path.is_file() and not path.is_symlink()]
    done = run_hook(*files)
    assert (done.returncode, done.stdout) == (0, f"no secrets in {len(files)} files\n")
    assert str(VECTORS[0]) in files


def test_the_hook_finds_a_new_secret_beside_the_vectors(tmp_path: Path) -> None:
    real = keys.secret_from_mac("live", b"r" * 32)
    (tmp_path / "keys.json").write_text(VECTORS[0].read_text() + real)
    done = run_hook(str(tmp_path / "keys.json"))
    assert done.returncode == 1
    assert done.stdout.count("a secret of stage live") == 1
    assert real not in done.stdout + done.stderr


def test_the_allowed_values_are_those_of_the_vectors() -> None:
    allowed = {line.split()[0] for line in ALLOW.read_text().splitlines() if not line.startswith("#")}
    values = {text for path in VECTORS for text in matches(path) if well_formed(text)}
    assert allowed == {hashlib.sha256(text.encode()).hexdigest() for text in values}


def test_the_rule_for_gitleaks_finds_what_we_find_and_allows_only_the_vectors() -> None:
    (rule,) = tomllib.loads((ROOT / ".gitleaks.toml").read_text())["rules"]
    (allowed,) = rule["allowlists"]
    assert rule["regex"] == secret_scan.PATTERN
    assert all(keyword in SECRET for keyword in rule["keywords"])
    assert allowed.keys() == {"description", "regexTarget", "regexes"}
    assert set(allowed["regexes"]) == {f"^{text}$" for path in VECTORS for text in matches(path)}
    elsewhere = {text for path in tracked_files() if path.is_file() for text in matches(path)}
    assert {f"^{text}$" for text in elsewhere} <= set(allowed["regexes"])


def test_the_page_shows_the_pattern() -> None:
    assert f"```\n{secret_scan.PATTERN}\n```" in (ROOT / "docs/secret-scanning.md").read_text()
