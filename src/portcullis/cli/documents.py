"""JSON documents that an operator writes."""

import json
import sys
from pathlib import Path
from typing import Any

from portcullis.cli.failure import USAGE, Failure


def read(path: Path) -> Any:
    """The JSON in a file, or of standard input for ``-``."""
    try:
        return json.loads(sys.stdin.read() if str(path) == "-" else path.read_text())
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", USAGE) from None
    except ValueError as error:
        raise Failure(f"{path} is not JSON: {error}", USAGE) from None
