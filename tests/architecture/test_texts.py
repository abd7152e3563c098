"""No file tells where it was made: no package registry, no absolute path of one machine."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, tracked_files

# Spelt in parts, so that this file keeps the rule itself.
REGISTRIES = "|".join(
    ("py" + "pi", "python" + "hosted", "npm" + "js", "regis" + "try", "artifac" + "tory", "nex" + "us")
)
WORDS = {
    "a registry's address": re.compile(rf"(?:https?|file)://[^\s\"'<>)]*(?:{REGISTRIES})", re.IGNORECASE),
    "an option naming a registry": re.compile(r"--(?:extra-)?index" + r"-url|--find" + r"-links|--registry[= ]"),
    "a registry in a configuration": re.compile(
        r"^\s*(?:(?:extra-)?index" + r"-url|find" + r"-links|(?:@[\w-]+:)?registry)\s*=", re.MULTILINE
    ),
    "a resolved address": re.compile(r'"resolved"\s*:\s*"'),
    "a path of one machine": re.compile(r"(?<![\w.~:-])/(?:work|tmp" + r"/lab)(?![\w.-])"),
}


def faults(text: str) -> Iterator[str]:
    """What a text tells that it should not."""
    for what, pattern in WORDS.items():
        for match in pattern.finditer(text):
            yield f"{text.count(chr(10), 0, match.start()) + 1}: {what}: {match[0].strip()}"


def test_no_file_tells_where_it_was_made() -> None:
    found = []
    for path in tracked_files():
        found += [f"{path.relative_to(ROOT)}:{fault}" for fault in faults(path.read_text(errors="replace"))]
    assert found == []


def test_the_files_are_those_of_the_repository() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in tracked_files()}
    assert {"pyproject.toml", "package-lock.json", ".gitignore", "src/portcullis/__init__.py"} <= names
    assert not any(name.startswith((".git/", ".venv/", "node_modules/")) for name in names)


BAD = [
    "https://" + "py" + "pi.example.com/simple",
    "https://mirror.example.com/" + "regis" + "try/npm",
    "pip install --index" + "-url x",
    "--find" + "-links=x",
    "regis" + "try=x",
    "@scope:regis" + "try = x",
    '"resol' + 'ved": "x"',
    "see /" + "work/main",
    '"/' + "tmp/lab" + '"',
]


@pytest.mark.parametrize("text", BAD)
def test_a_fault_is_found_with_its_line(text: str) -> None:
    found = list(faults(f"first\n{text}\n"))
    assert found
    assert all(fault.startswith("2: ") for fault in found)


@pytest.mark.parametrize(
    "text", ["omit-lockfile-registry-resolved=true", "network/work", "/tmp/other", "/workflows", "the npm registry"]
)
def test_other_text_is_not_found(text: str) -> None:
    assert list(faults(text)) == []
