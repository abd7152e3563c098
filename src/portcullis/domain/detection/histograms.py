"""Histograms of what the fleet does, from which tails are read."""

import math
from itertools import accumulate


class Histogram:
    """Weights in bins of equal width from ``low`` to ``high``; what lies outside counts in the outermost bins.

    Until it knows more, the share above a value is taken to be ``belief``, as if ``trust`` values had said so.
    """

    __slots__ = ("_tails", "bins", "count", "low", "per_unit", "trust")

    def __init__(self, low: float, high: float, count: int, trust: float) -> None:
        self.count, self.trust = count, trust
        self.low, self.per_unit = low, count / (high - low)
        self.bins = [0.0] * count
        self._tails: list[float] | None = None

    def add(self, value: float, weight: float = 1.0) -> None:
        """Counts one value."""
        self.bins[self._place(value)] += weight
        self._tails = None

    def surprise(self, value: float, belief: float) -> float:
        """-log10 of the share of values at least as large; never falls as the value rises if ``belief`` does not rise.

        The whole bin counts as at least as large: where everybody pays the same, that is not surprising.
        """
        tails = self._tails or self._sums()
        return -math.log10((tails[self._place(value)] + self.trust * belief) / (tails[0] + self.trust))

    def total(self) -> float:
        """The weight of all values."""
        return (self._tails or self._sums())[0]

    def variance(self) -> float:
        """Of the values, to the width of a bin; 0 where there are none."""
        total = self.total()
        if not total:
            return 0.0
        mean = sum(place * weight for place, weight in enumerate(self.bins)) / total
        squares = sum((place - mean) ** 2 * weight for place, weight in enumerate(self.bins))
        return squares / total / self.per_unit**2

    def merge(self, other: "Histogram", mine: float, theirs: float) -> None:
        """Adds another of the same shape, each weighed."""
        self.bins = [a * mine + b * theirs for a, b in zip(self.bins, other.bins, strict=True)]
        self._tails = None

    def _place(self, value: float) -> int:
        place = int((value - self.low) * self.per_unit)
        if place < 0:
            return 0
        return place if place < self.count else self.count - 1

    def _sums(self) -> list[float]:
        self._tails = list(accumulate(reversed(self.bins), initial=0.0))[::-1]
        return self._tails
