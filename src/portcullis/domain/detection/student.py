"""The upper tail of Student's t distribution, as -log10 p, far out as well."""

import math

_LN10 = math.log(10)
_ROOT_HALF = math.sqrt(0.5)
_FAR = 20.0  # standard deviations beyond which the tail is taken from its asymptotic series


def surprise(t: float, freedom: float) -> float:
    """-log10 P(T > t) for ``freedom`` >= 30 degrees of freedom, to a thousandth of itself.

    G. W. Hill, Algorithm 395 (Comm. ACM 13, 1970): t is turned into the normal deviate of the same tail.
    """
    a = freedom - 0.5
    b = 48 * a * a
    y = a * math.log1p(t * t / freedom)
    correction = (((-0.4 * y - 3.3) * y - 24) * y - 85.5) / (0.8 * y * y + 100 + b) + y + 3
    deviate = (correction / b + 1) * math.sqrt(y)
    return _normal(math.copysign(deviate, t))


def _normal(z: float) -> float:
    if z < _FAR:
        return -math.log10(0.5 * math.erfc(z * _ROOT_HALF))
    square = 1 / (z * z)
    series = math.log1p(-square * (1 - 3 * square))
    return (0.5 * z * z + math.log(z * math.sqrt(2 * math.pi)) - series) / _LN10
