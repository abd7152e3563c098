"""Reads a pickled pandas table without pandas, and without running what the file names.

The format is pickle, which may call anything it names: here every name stands for an inert class.
Columns come out as lists of numbers or text. Written for the tables of pandas 1 that the handbook's data consists of.
"""

import io
import pickle
from array import array
from pathlib import Path
from typing import Any

_CODES = {"i8": "q", "f8": "d", "M8": "q"}


class _Inert:
    """What a name in the file stands for: it keeps what it is built from."""

    def __init__(self, *parts: Any, **_: Any) -> None:
        self.parts = parts
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return slice if (module, name) == ("builtins", "slice") else type(name, (_Inert,), {})


def read_columns(path: Path) -> dict[str, list[Any]]:
    """The table's columns by name."""
    manager = _Reader(io.BytesIO(path.read_bytes())).load().state["_data"]
    state = manager.state[3]["0.14.1"]
    names = _values(state["axes"][0].parts[1]["data"])
    columns: dict[str, list[Any]] = {}
    for block in state["blocks"]:
        rows = _values(block["values"])
        where = block["mgr_locs"]
        places = list(range(len(names)))[where] if isinstance(where, slice) else _values(where)
        length = len(rows) // len(places)
        for number, place in enumerate(places):
            columns[names[place]] = rows[number * length : (number + 1) * length]
    return columns


def _values(stored: _Inert) -> list[Any]:
    """A numpy array's elements, its first axis outermost."""
    _, shape, dtype, by_column, data = stored.state
    kind = dtype.parts[0]
    flat = list(data) if isinstance(data, list) else array(_CODES[kind], data).tolist()
    if by_column and len(shape) == 2:
        return [flat[row + shape[0] * column] for row in range(shape[0]) for column in range(shape[1])]
    return flat
