"""The audit log: roots, files, keys and checkpoints byte for byte."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import checkpoints, merkle, notes, tiles

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("audit_log.json").read_text())


def each(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS[name], ids=lambda vector: vector["name"])


def entries_of(vector: dict[str, Any]) -> list[bytes]:
    return [bytes.fromhex(entry) for entry in vector["entries_hex"]]


@each("trees")
def test_roots(vector: dict[str, Any]) -> None:
    entries = entries_of(vector)
    assert merkle.Frontier().extend(map(merkle.leaf_hash, entries)).root().hex() == vector["root_hex"]
    assert tiles.grow(tiles.Edge(), entries).edge.root.hex() == vector["root_hex"]


@each("logs")
def test_bundles(vector: dict[str, Any]) -> None:
    entries = entries_of(vector)
    files = tiles.grow(tiles.Edge(), entries).files
    assert files[vector["bundle_path"]].hex() == vector["bundle_hex"]
    assert tiles.parse_bundle(bytes.fromhex(vector["bundle_hex"]), len(entries)) == entries


@each("logs")
def test_checkpoints(vector: dict[str, Any]) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed_hex"]))
    key = notes.VerifierKey(vector["origin"], private.public_key().public_bytes_raw())
    entries = entries_of(vector)
    checkpoint = checkpoints.Checkpoint(key.name, len(entries), tiles.grow(tiles.Edge(), entries).edge.root)

    assert key.text == vector["verifier_key"]
    assert b64encode(checkpoint.root).decode() == vector["root"]
    signed = checkpoints.sign(checkpoint, key, private.sign)
    assert signed.decode() == vector["checkpoint"]
    assert checkpoints.open_checkpoint(signed, notes.parse_verifier_key(vector["verifier_key"]), verifies_bytes) == (
        checkpoint
    )


@each("paths")
def test_paths(vector: dict[str, Any]) -> None:
    tile = tiles.Tile(vector["level"], vector["index"], vector["width"])
    assert tile.path == vector["path"]
    assert tiles.parse_path(vector["path"]) == tile
