"""The retry core, without I/O: a generator says when to send and when to wait; a driver, sync or async, obeys.

What may be repeated: reads, and what carries an Idempotency-Key. When: no answer, or 429, 502, 503, 504.
"""

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

RETRIED_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Call:
    """One request: ``path`` below the base URL. ``repeatable``: sending it twice does no more than sending it once."""

    method: str
    path: str
    repeatable: bool
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def request_id(self) -> str | None:
        """API Gateway's id of the request, for answers whose body names none."""
        return self.headers.get("x-amzn-requestid") or self.headers.get("x-amz-apigw-id")


@dataclass(frozen=True, slots=True)
class Fault:
    """No answer. ``transient``: another attempt may get one."""

    detail: str
    transient: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Send the call, signed anew; no single wait on the network longer than ``timeout`` seconds."""

    timeout: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``attempts`` in all; full jitter below ``base * 2**n``, at most ``cap`` seconds; Retry-After is honoured up to
    ``retry_after_cap``; no attempt starts after ``deadline`` seconds, and none waits longer than ``timeout``."""

    attempts: int = 4
    base: float = 0.2
    cap: float = 5.0
    retry_after_cap: float = 10.0
    timeout: float = 10.0
    deadline: float = 30.0

    def __post_init__(self) -> None:
        waits, limits = (self.base, self.cap, self.retry_after_cap), (self.timeout, self.deadline)
        if self.attempts < 1 or min(waits) < 0 or min(limits) <= 0:
            raise ValueError("attempts from 1, waits from 0, timeout and deadline above 0")


Outcome = Answer | Fault
Steps = Generator[Send | Wait, Any, Outcome]
Asked = Callable[[Answer], float | None]


def attempts(
    repeatable: bool, policy: RetryPolicy, *, now: Callable[[], float], jitter: Callable[[], float], asked: Asked
) -> Steps:
    """The steps of one call. ``now`` is monotonic, ``jitter`` uniform in [0, 1), ``asked`` reads Retry-After."""
    ends = now() + policy.deadline
    for retry in range(policy.attempts):
        outcome: Outcome = yield Send(min(policy.timeout, max(ends - now(), 0.001)))
        if not repeatable or not _transient(outcome) or retry + 1 == policy.attempts:
            return outcome
        pause = _pause(outcome, retry, policy, jitter, asked)
        if now() + pause >= ends:
            return outcome
        yield Wait(pause)
    raise AssertionError("a policy has at least one attempt")


def run(steps: Steps, send: Callable[[float], Outcome], sleep: Callable[[float], None]) -> Outcome:
    """Drive the steps, blocking."""
    given: Outcome | None = None
    while True:
        try:
            step = steps.send(given)
        except StopIteration as done:
            return _outcome(done)
        if isinstance(step, Send):
            given = send(step.timeout)
        else:
            given = None
            sleep(step.seconds)


async def run_async(
    steps: Steps, send: Callable[[float], Awaitable[Outcome]], sleep: Callable[[float], Awaitable[None]]
) -> Outcome:
    """Drive the steps on an event loop."""
    given: Outcome | None = None
    while True:
        try:
            step = steps.send(given)
        except StopIteration as done:
            return _outcome(done)
        if isinstance(step, Send):
            given = await send(step.timeout)
        else:
            given = None
            await sleep(step.seconds)


def _outcome(done: StopIteration) -> Outcome:
    outcome: Outcome = done.value
    return outcome


def _transient(outcome: Outcome) -> bool:
    return outcome.transient if isinstance(outcome, Fault) else outcome.status in RETRIED_STATUSES


def _pause(outcome: Outcome, retry: int, policy: RetryPolicy, jitter: Callable[[], float], asked: Asked) -> float:
    backoff = jitter() * min(policy.cap, policy.base * 2.0**retry)
    wanted = asked(outcome) if isinstance(outcome, Answer) else None
    # The jitter goes on top: everybody who was told "1 second" must not come back in the same instant.
    return backoff if wanted is None else min(wanted, policy.retry_after_cap) + backoff
