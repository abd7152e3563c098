"""Counters over a sliding window, one cell for each step of it; what comes late still finds its cell."""

import struct
from dataclasses import dataclass
from functools import cached_property
from operator import add

_UNSIGNED = {"H": 2**16 - 1, "I": 2**32 - 1}


@dataclass(frozen=True)
class Shape:
    """``steps`` cells of ``columns``, which are numbers of 16 (H) or 32 (I) bits; a full one stays full."""

    steps: int
    columns: str

    @cached_property
    def most(self) -> tuple[int, ...]:
        """What each column can hold."""
        return tuple(_UNSIGNED[column] for column in self.columns)

    @cached_property
    def layout(self) -> struct.Struct:
        """The time of the newest cell, then the cells."""
        return struct.Struct("<I" + self.columns * self.steps)


@dataclass(slots=True)
class Window:
    """``cells[index % steps]`` is what was counted in the step ``index``; ``newest`` is the last one with any."""

    shape: Shape
    newest: int
    cells: list[tuple[int, ...]]

    @classmethod
    def new(cls, shape: Shape) -> "Window":
        """One that has counted nothing."""
        return cls(shape, 0, [(0,) * len(shape.columns)] * shape.steps)

    def cell(self, index: int) -> tuple[int, ...]:
        """What was counted in one step; zeros where it is not in the window."""
        if self.newest - self.shape.steps < index <= self.newest:
            return self.cells[index % self.shape.steps]
        return (0,) * len(self.shape.columns)

    def sums(self, index: int) -> list[int]:
        """What was counted in the window that ends with the step ``index``."""
        cells = [self.cell(step) for step in range(index - self.shape.steps + 1, index + 1)]
        return list(map(sum, zip(*cells, strict=True)))

    def add(self, index: int, amounts: tuple[int, ...]) -> None:
        """Count them in the step ``index``, unless it has left the window."""
        if index <= self.newest - self.shape.steps:
            return
        for step in range(max(self.newest, index - self.shape.steps) + 1, index + 1):
            self.cells[step % self.shape.steps] = (0,) * len(self.shape.columns)
        self.newest = max(self.newest, index)
        sums = map(add, self.cells[index % self.shape.steps], amounts)
        self.cells[index % self.shape.steps] = tuple(map(min, sums, self.shape.most))

    def pack(self) -> bytes:
        """As the shape's layout says."""
        return self.shape.layout.pack(self.newest, *(number for cell in self.cells for number in cell))

    @classmethod
    def unpack(cls, shape: Shape, data: bytes) -> "Window":
        """What `pack` made."""
        newest, *numbers = shape.layout.unpack(data)
        width = len(shape.columns)
        return cls(shape, newest, [tuple(numbers[at : at + width]) for at in range(0, len(numbers), width)])
