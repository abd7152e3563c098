"""The alarm of the joint detector as a signal: how grave it is, and in words what is unusual.

| p below | severity | below $10 | below $100 |
|---|---|---|---|
| the budget's share | 5 | 4 | 5 |
| 10^-4 | 6 | 4 | 6 |
| 10^-5 | 7 | 4 | 6 |
| 10^-6, from $10,000 on | 8 | | |
| 10^-6 by its own past alone, while the fleet is young | 6 | 4 | 6 |

So an improbable payment by itself is a notice. It contains an agent only when it is extreme and large, or when a rule
speaks as well (`signals.severity_of`).
"""

from datetime import UTC, datetime

from portcullis.domain import money
from portcullis.domain.detection import joint
from portcullis.domain.detection.joint import Surprise
from portcullis.domain.detection.observations import Observation
from portcullis.domain.detection.population import usd_of
from portcullis.domain.detection.signals import Signal
from portcullis.domain.times import SECOND

NAME = "unusual_payment"
WEAKEST = 5
_DOLLAR = 1_000_000
SMALL, MODEST, LARGE = 10 * _DOLLAR, 100 * _DOLLAR, 10_000 * _DOLLAR
GRADES = ((5.0, 7), (4.0, 6))
EXTREME, GRAVEST = 6.0, 8
MOST_IF_SMALL, MOST_IF_MODEST = 4, 6
_MIN_AMOUNT, _MIN_CONTEXT, _MIN_SERIES = 1.0, 0.2, 1.5
_CLEARLY = 0.5
BELIEVED = 4.0


def alarm(surprise: Surprise, observation: Observation, usd: int, budget: int) -> Signal | None:
    """The signal of a payment of ``usd`` micro-dollars that is an alarm under ``budget``, or None."""
    if not joint.flagged(surprise, budget / 1_000):
        return None
    strength = strength_of(surprise)
    words = "; ".join(_words(surprise, observation, usd)) or "none of its parts is rare, but all of them together are"
    return Signal(NAME, words, severity(strength, usd), f"{10**-strength:.1e}", f"{budget / 2e6:.1e}")


def strength_of(surprise: Surprise) -> float:
    """-log10 of the smaller of its two p-values; of what only its own past finds far, no more than is believed."""
    return max(surprise.event, surprise.joint, BELIEVED if joint.is_far(surprise) else 0.0)


def severity(strength: float, usd: int) -> int:
    """As the table above says."""
    if strength >= EXTREME and usd >= LARGE:
        return GRAVEST
    grade = next((grade for least, grade in GRADES if strength >= least), WEAKEST)
    if usd < SMALL:
        return MOST_IF_SMALL
    return min(grade, MOST_IF_MODEST) if usd < MODEST else grade


def _words(surprise: Surprise, observation: Observation, usd: int) -> list[str]:
    said = []
    if joint.is_far(surprise):
        said.append(f"it is far above this agent's own payments ({_usual(surprise, usd)})")
    elif surprise.amount >= _MIN_AMOUNT:
        said.append(_amount(surprise, usd))
    if surprise.rate >= _MIN_CONTEXT:
        said.append("it pays more often than it usually does")
    if surprise.hour >= _MIN_CONTEXT:
        hour = datetime.fromtimestamp(observation.at // SECOND, UTC).hour
        said.append(f"it rarely pays at this hour ({hour:02d}:00 UTC)")
    if surprise.endpoint >= _MIN_CONTEXT:
        said.append(f"it rarely makes payments of this kind ({observation.endpoint})")
    if surprise.counterparty >= _MIN_CONTEXT:
        said.append("it rarely pays anybody new")
    if surprise.accumulated >= _MIN_SERIES and surprise.joint > surprise.event:
        said.append("many of its latest payments were slightly unusual")
    return said


def _amount(surprise: Surprise, usd: int) -> str:
    if surprise.fleet > surprise.own + _CLEARLY:
        return f"{_percent(surprise.fleet)} of all agents' payments are this large (this ${money.format_usd(usd)})"
    return f"{_percent(surprise.own)} of this agent's payments are this large ({_usual(surprise, usd)})"


def _usual(surprise: Surprise, usd: int) -> str:
    return f"usual about ${usd_of(surprise.forecast.centre)}, this ${money.format_usd(usd)}"


def _percent(power: float) -> str:
    percent = 100 * 10**-power
    return f"{percent:.2g} %" if percent >= 0.001 else "less than 0.001 %"
