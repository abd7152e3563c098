"""The worked examples of docs/signing.md: a reader's shell gives the values shown, and they are the vectors'."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/signing.md").read_text()
VECTORS: dict[str, dict[str, Any]] = {
    one["name"]: one for one in json.loads((ROOT / "tests/vectors/signing.json").read_text())["requests"]
}
EXAMPLES = re.split(r"^### \d+\. ", PAGE.partition("## When a signature")[0], flags=re.MULTILINE)[1:]
BLOCK = re.compile(r"^   ```(sh)?\n(.+?)^   ```$", re.MULTILINE | re.DOTALL)


def blocks(example: str) -> list[tuple[str, str]]:
    """``(language, text)`` of each block, without the list's indentation."""
    return [(kind, re.sub(r"^ {3}", "", text, flags=re.MULTILINE)) for kind, text in BLOCK.findall(example)]


def vector_of(example: str) -> dict[str, Any]:
    (name,) = re.findall(r"the vector \*(.+?)\*", example)
    return VECTORS[name]


def test_there_are_three_examples_and_a_query_is_among_them() -> None:
    assert [bool(vector_of(example)["pairs"]) for example in EXAMPLES] == [False, False, True]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.splitlines()[0])
def test_the_commands_give_the_values_shown(example: str) -> None:
    for tool in ("bash", "openssl"):
        assert shutil.which(tool), f"the worked examples need {tool}, which this machine lacks; install it"
    found = blocks(example)
    commands = [(text, found[index + 1][1]) for index, (kind, text) in enumerate(found) if kind == "sh"]
    assert len(commands) == 2
    for command, shown in commands:
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)  # noqa: S607
        assert done.stdout == shown


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.splitlines()[0])
def test_the_values_are_those_of_the_vector(example: str) -> None:
    vector = vector_of(example)
    digest, text, signature = (text.rstrip("\n") for kind, text in blocks(example) if kind == "")
    assert (digest, text, signature) == (vector["body_sha256"], vector["string_to_sign"], vector["signature"])
    assert f"`{vector['timestamp']}`, `{vector['nonce']}`" in example
    assert f"| key id | `{vector['key_id']}` |\n| secret | `{vector['secret']}` |" in example
    assert bytes.fromhex(vector["body_hex"]).decode() in blocks(example)[0][1]
    for name, value in vector["pairs"]:
        assert f"`{name}` = `{value}`" in example
    assert not vector["query"] or f"Encode and sort the parameters: `{vector['query']}`" in example
