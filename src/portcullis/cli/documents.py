"""Files that an operator hands in: JSON documents, and the public key of an agent."""

import json
import sys
from pathlib import Path
from typing import Any

from portcullis.cli.failure import USAGE, Failure
from portcullis.protocol import public_keys


def read(path: Path) -> Any:
    """The JSON in a file, or of standard input for ``-``."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", USAGE) from None
    except ValueError as error:
        raise Failure(f"{path} is not JSON: {error}", USAGE) from None


def read_public_key(path: Path) -> str:
    """The canonical text of the Ed25519 public key in a file; a private key is never sent anywhere."""
    try:
        return public_keys.encode_ed25519(public_keys.parse_ed25519(path.read_text(encoding="ascii").strip()))
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", USAGE) from None
    except ValueError:
        raise Failure(f"{path} is no Ed25519 public key. Write one with: openssl pkey -pubout", USAGE) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member name appears twice")
    return members


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON value")
