"""Histograms of what the fleet does, from which tails are read."""

import math
from itertools import accumulate


class Histogram:
    """Weights in bins of equal width from ``low`` to ``high``; what lies outside counts in the outermost bins.

    Until it knows more, the share above a value is taken to be ``belief``, as if ``trust`` values had said so.
    """

    __slots__ = ("_tails", "bins", "low", "per_unit", "trust")

    def __init__(self, low: float, high: float, count: int, trust: float) -> None:
        self.trust = trust
        self.low, self.per_unit = low, count / (high - low)
        self.bins = [0.0] * count
        self._tails: list[float] | None = None

    def add(self, value: float, weight: float = 1.0) -> None:
        """Counts one value."""
        place = int((value - self.low) * self.per_unit) if value > self.low else 0
        self.bins[min(place, len(self.bins) - 1)] += weight
        self._tails = None

    def surprise(self, value: float, belief: float) -> float:
        """-log10 of the share of values above this one; never falls as the value rises if ``belief`` does not rise."""
        tails = self._tails or self._sums()
        total = tails[0]
        position = (value - self.low) * self.per_unit
        if position <= 0:
            above = total
        elif position < len(self.bins):
            place = int(position)
            above = max(0.0, tails[place] - self.bins[place] * (position - place))
        else:
            above = 0.0
        return -math.log10((above + self.trust * belief) / (total + self.trust))

    def total(self) -> float:
        """The weight of all values."""
        return (self._tails or self._sums())[0]

    def merge(self, other: "Histogram", mine: float, theirs: float) -> None:
        """Adds another of the same shape, each weighed."""
        self.bins = [a * mine + b * theirs for a, b in zip(self.bins, other.bins, strict=True)]
        self._tails = None

    def _sums(self) -> list[float]:
        self._tails = list(accumulate(reversed(self.bins), initial=0.0))[::-1]
        return self._tails
