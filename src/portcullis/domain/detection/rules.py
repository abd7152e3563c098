"""The rules about an agent's own, verified requests. docs/detection.md shows this table.

A rule fires on the request that crosses its threshold, and says so in words. One rule alone is rarely worth a notice;
`signals.severity_of` says what several together are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from portcullis.domain.detection import conduct as state
from portcullis.domain.detection.conduct import Conduct, Seen, Usual
from portcullis.domain.detection.observations import Observation
from portcullis.domain.detection.places import DAY, HOUR
from portcullis.domain.detection.signals import Signal


@dataclass(frozen=True, slots=True)
class Rule:
    """``threshold`` is the number of ``crosses``, whose words say when it fires, within ``window``."""

    name: str
    severity: int
    threshold: int
    fires: str
    window: str
    least: int = 0
    """Of what it counts there have to be so many before it fires."""

    def signal(self, detail: str, value: str) -> Signal:
        """That it has fired."""
        return Signal(self.name, detail, self.severity, value, str(self.threshold))


NEW_ADDRESS = Rule("new_address", 2, 1, "an address that is not known, in a network that is", "until it is known")
NEW_NETWORK = Rule("new_network", 3, 1, "an address in a network that is not known", "until it is known")
IMPOSSIBLE_TRAVEL = Rule(
    "impossible_travel", 5, HOUR, "a new country, at most {} seconds after a known address elsewhere", "1 hour"
)
TWO_PLACES = Rule(
    "two_places",
    6,
    3,
    "a key comes back to an unknown network for the {}rd time, each time after a known one",
    "1 hour between them",
)
ERROR_RATE = Rule("error_rate", 4, 30, "more than {} % of at least {} requests are refused", "5 minutes", least=20)
DENIAL_RATE = Rule("denial_rate", 5, 50, "more than {} % of at least {} payments are denied", "1 hour", least=10)
DESTINATION_OUTSIDE = Rule("destination_outside", 4, 1, "a payment that the allowlist forbids", "each")
LIMIT_HITS = Rule("limit_hits", 4, 5, "more than {} requests or payments above a limit", "1 hour")
IDENTICAL_REQUESTS = Rule(
    "identical_requests",
    3,
    state.LONG_RUN,
    "{} equal payments in a row under different ids; later, twice as many as the last time",
    "10 minutes from one to the next",
)
VELOCITY = Rule("velocity", 5, 10, "more than {} times its own payments an hour, and at least {}", "1 hour", least=20)
VALUE_VELOCITY = Rule(
    "value_velocity", 5, 10, "more than {} times its own value an hour, in at least {} payments", "1 hour", least=3
)
SIGNING_RATE = Rule(
    "signing_rate", 4, 10, "more than {} times its own requests a minute, and at least {}", "1 minute", least=60
)
RULES = (
    NEW_ADDRESS,
    NEW_NETWORK,
    IMPOSSIBLE_TRAVEL,
    TWO_PLACES,
    ERROR_RATE,
    DENIAL_RATE,
    DESTINATION_OUTSIDE,
    LIMIT_HITS,
    IDENTICAL_REQUESTS,
    VELOCITY,
    VALUE_VELOCITY,
    SIGNING_RATE,
)
OUTSIDE = frozenset(
    {
        "destination_not_allowlisted",
        "selector_not_allowlisted",
        "token_not_allowlisted",
        "instruction_not_allowlisted",
        "category_not_allowlisted",
        "kind_not_allowed",
    }
)


def judge(conduct: Conduct, observation: Observation, *, alarmed: bool = False) -> tuple[Signal, ...]:
    """What is unusual about a request that is not learnt yet; ``alarmed`` says that something else finds it so too.

    What an unknown address says, it says when it is first used, and then in company: beside another signal or an alarm.
    """
    request = state.seen(observation)
    signals = [signal for check in _CHECKS for signal in check(conduct, request)]
    if OUTSIDE.intersection(observation.rules):
        broken = ", ".join(sorted(OUTSIDE.intersection(observation.rules)))
        signals.append(DESTINATION_OUTSIDE.signal(f"a payment outside the allowlist was tried ({broken})", "1"))
    is_first = conduct.places.find(request.source, request.now) is None
    if (is_first or alarmed or signals) and _is_elsewhere(conduct, request):
        signals += [*_address(conduct, request), *_travel(conduct, request)]
    return tuple(signals)


def _is_elsewhere(conduct: Conduct, request: Seen) -> bool:
    """Whether it comes from an address that is not known, of an agent for which that says anything."""
    here = conduct.places.find(request.source, request.now)
    if here is not None and here.is_known:
        return False
    past_first_day = conduct.started and request.now >= conduct.started + DAY
    return bool(past_first_day) and not conduct.places.is_roaming(request.now)


def _address(conduct: Conduct, request: Seen) -> Iterator[Signal]:
    if conduct.places.knows_network(request.source.network):
        yield NEW_ADDRESS.signal("the address is new, its network is known", "1")
    else:
        yield NEW_NETWORK.signal("nothing was known to come from this network", "1")


def _travel(conduct: Conduct, request: Seen) -> Iterator[Signal]:
    left = conduct.places.elsewhere(request.source, request.now - IMPOSSIBLE_TRAVEL.threshold)
    if left is not None:
        seconds = max(request.now - left.last, 0)
        detail = f"a request from {request.source.country} {seconds} s after one from {left.country}"
        yield IMPOSSIBLE_TRAVEL.signal(detail, str(seconds))


def _two_places(conduct: Conduct, request: Seen) -> Iterator[Signal]:
    here = conduct.places.find(request.source, request.now)
    if here is None or not 0 <= request.now - here.last <= HOUR or not _is_elsewhere(conduct, request):
        return
    returns = here.returns + 1
    if returns >= TWO_PLACES.threshold and conduct.places.used_since(request.source, here, request.now):
        detail = f"one key works from a known and from an unknown network in turns, {returns} times so far"
        yield TWO_PLACES.signal(detail, str(returns))


def _errors(conduct: Conduct, request: Seen) -> Iterator[Signal]:
    if not request.call[1]:
        return
    calls, errors = _window(conduct.calls.sums(request.now // state.MINUTE), request.call)
    if _above(ERROR_RATE, errors, calls):
        yield ERROR_RATE.signal(f"{errors} of {calls} requests in 5 minutes were refused", _percent(errors, calls))


def _denials(conduct: Conduct, request: Seen) -> Iterator[Signal]:
    if not request.ask[1]:
        return
    payments, denied, _, _ = _hour(conduct, request)
    if _above(DENIAL_RATE, denied, payments):
        yield DENIAL_RATE.signal(f"{denied} of {payments} payments in an hour were denied", _percent(denied, payments))


def _limits(conduct: Conduct, request: Seen) -> Iterator[Signal]:
    if not request.ask[2]:
        return
    hits = _hour(conduct, request)[2]
    if hits > LIMIT_HITS.threshold:
        yield LIMIT_HITS.signal(f"{hits} limits were hit in an hour", str(hits))


def _identical(conduct: Conduct, request: Seen) -> Iterator[Signal]:
    run = state.run_with(conduct, request)
    if conduct.is_long(run):
        yield IDENTICAL_REQUESTS.signal(f"{run} equal payments in a row, under different ids", str(run))


def _velocity(conduct: Conduct, request: Seen) -> Iterator[Signal]:
    if not request.ask[0] or conduct.payments.learnt < state.LEARNT_HOURS:
        return
    payments, _, _, cents = _hour(conduct, request)
    if payments >= VELOCITY.least and _many_times(VELOCITY, payments, conduct.payments):
        usual = conduct.payments.times(1)
        yield VELOCITY.signal(f"{payments} payments in an hour, where {usual} are usual", str(payments))
    if payments >= VALUE_VELOCITY.least and _many_times(VALUE_VELOCITY, cents, conduct.cents):
        usual = conduct.cents.times(1) // 100
        detail = f"{cents // 100} USD in an hour, where {usual} are usual"
        yield VALUE_VELOCITY.signal(detail, str(cents // 100))


def _signing(conduct: Conduct, request: Seen) -> Iterator[Signal]:
    signed = conduct.calls.cell(request.now // state.MINUTE)[0] + request.call[0]
    if conduct.requests.learnt < state.LEARNT_MINUTES or signed < SIGNING_RATE.least:
        return
    if _many_times(SIGNING_RATE, signed, conduct.requests):
        usual = conduct.requests.times(1)
        yield SIGNING_RATE.signal(f"{signed} requests signed in a minute, where {usual} are usual", str(signed))


_CHECKS: tuple[Callable[[Conduct, Seen], Iterator[Signal]], ...] = (
    _two_places,
    _errors,
    _denials,
    _limits,
    _identical,
    _velocity,
    _signing,
)


def _hour(conduct: Conduct, request: Seen) -> list[int]:
    return _window(conduct.asked.sums(request.now // state.PERIOD), request.ask)


def _window(sums: list[int], added: tuple[int, ...]) -> list[int]:
    """The window with this request in it."""
    return [had + more for had, more in zip(sums, added, strict=True)]


def _above(rule: Rule, part: int, whole: int) -> bool:
    return whole >= rule.least and part * 100 > rule.threshold * whole


def _percent(part: int, whole: int) -> str:
    return str(part * 100 // whole)


def _many_times(rule: Rule, number: int, usual: Usual) -> bool:
    return number * 256 > rule.threshold * usual.mean
