"""Only what is safe is sent again, signed anew, under the same Idempotency-Key, and not for ever."""

from email.utils import formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.client import (
    Approved,
    AuthenticationError,
    ClockSkewError,
    IdempotencyConflictError,
    PortcullisError,
    RateLimitedError,
    RetryPolicy,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from portcullis.client import exchange as core
from portcullis.protocol.problems import PROBLEMS
from tests.unit.client.world import FIELDS, IDENTITY, NOW, RECORD, TXID, Reply, World, assert_signed, problem

TRANSIENT: list[Reply] = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("closed"),
    problem("dependency_unavailable"),
    problem("rate_limited"),
    httpx.Response(502),
    httpx.Response(504),
]
FINAL_CODES = [code for code, known in PROBLEMS.items() if known.status not in (429, 503) and code != "policy_denied"]


def created() -> httpx.Response:
    return httpx.Response(201, json=RECORD)


@pytest.mark.parametrize("reply", TRANSIENT, ids=repr)
def test_a_transient_failure_is_tried_again(reply: Reply) -> None:
    world = World([reply, created()])
    assert isinstance(world.gateway().create_transaction(**FIELDS), Approved)
    assert len(world.sent) == 2


def test_every_attempt_is_signed_anew_under_the_same_idempotency_key() -> None:
    world = World([httpx.ReadTimeout("lost"), problem("dependency_unavailable"), created()])
    world.gateway().create_transaction(**FIELDS)
    assert len(set(world.header("Idempotency-Key"))) == 1
    assert len(set(world.header("X-Nonce"))) == len(set(world.header("X-Signature"))) == 3
    assert len({request.content for request in world.sent}) == 1
    for request in world.sent:
        assert_signed("POST", "/local/v1/transactions", request.content, request.headers.__getitem__)


def test_the_timestamp_is_that_of_the_attempt() -> None:
    world = World([problem("rate_limited", {"Retry-After": "7"}), httpx.Response(200, json=IDENTITY)], jitter=0)
    world.gateway().whoami()
    assert world.header("X-Timestamp") == [str(NOW), str(NOW + 7)]


def test_a_given_idempotency_key_is_kept() -> None:
    world = World([created()])
    world.gateway().create_transaction(idempotency_key="invoice-2026-0001", **FIELDS)
    assert world.header("Idempotency-Key") == ["invoice-2026-0001"]


def test_each_transaction_gets_a_key_of_its_own() -> None:
    world = World([created(), created()])
    with world.gateway() as gateway:
        gateway.create_transaction(**FIELDS)
        gateway.create_transaction(**FIELDS)
    assert len(set(world.header("Idempotency-Key"))) == 2


@pytest.mark.parametrize("code", FINAL_CODES)
def test_other_refusals_are_final(code: str) -> None:
    world = World([problem(code)])
    with pytest.raises(PortcullisError) as caught:
        world.gateway().create_transaction(**FIELDS)
    assert (caught.value.code, caught.value.status, caught.value.request_id) == (code, PROBLEMS[code].status, "req-1")
    assert (len(world.sent), world.slept) == (1, [])


def test_a_clock_that_is_off_is_said_and_not_retried() -> None:
    world = World([problem("timestamp_out_of_window")])
    with pytest.raises(ClockSkewError, match="Check the clock"):
        world.gateway().whoami()
    assert len(world.sent) == 1


def test_a_replay_is_an_authentication_error() -> None:
    world = World([problem("nonce_replayed")])
    with pytest.raises(AuthenticationError, match="fresh nonce"):
        world.gateway().whoami()
    assert len(world.sent) == 1


def test_an_idempotency_conflict_carries_the_key() -> None:
    with pytest.raises(IdempotencyConflictError) as caught:
        World([problem("idempotency_conflict")]).gateway().create_transaction(idempotency_key="k" * 16, **FIELDS)
    assert caught.value.idempotency_key == "k" * 16


def test_faults_that_no_repetition_mends_are_final() -> None:
    world = World([httpx.UnsupportedProtocol("gopher")])
    with pytest.raises(UnreachableError, match="UnsupportedProtocol"):
        world.gateway().whoami()
    assert len(world.sent) == 1


def test_attempts_are_bounded_and_the_key_survives_for_a_later_try() -> None:
    world = World([httpx.ConnectError("refused")] * 9)
    with pytest.raises(UnreachableError) as caught:
        world.gateway(RetryPolicy(attempts=3)).create_transaction(**FIELDS)
    assert (caught.value.code, caught.value.status) == ("unreachable", None)
    assert world.header("Idempotency-Key") == [caught.value.idempotency_key] * 3


def test_the_last_answer_is_what_is_raised() -> None:
    with pytest.raises(RateLimitedError) as caught:
        World([problem("rate_limited", {"Retry-After": "2"})] * 4).gateway().whoami()
    assert caught.value.retry_after == 2
    with pytest.raises(UnavailableError) as caught_too:
        World([httpx.Response(502, text="<html>")] * 4).gateway().whoami()
    assert (caught_too.value.status, caught_too.value.code) == (502, "unknown")


@pytest.mark.parametrize(("asked", "waited"), [("0", 0.1), ("3", 3.1), ("900", 10.1), ("soon", 0.1), ("-5", 0.1)])
def test_retry_after_is_honoured_up_to_a_cap_with_jitter_on_top(asked: str, waited: float) -> None:
    world = World([problem("rate_limited", {"Retry-After": asked}), created()])
    world.gateway().create_transaction(**FIELDS)
    assert world.slept == pytest.approx([waited])


def test_retry_after_may_be_a_date() -> None:
    world = World([problem("rate_limited", {"Retry-After": formatdate(NOW + 4, usegmt=True)}), created()], jitter=0)
    world.gateway().create_transaction(**FIELDS)
    assert world.slept == [4]


def test_the_backoff_doubles_to_its_cap() -> None:
    world = World([httpx.ConnectError("")] * 6, jitter=1.0)
    with pytest.raises(UnreachableError):
        world.gateway(RetryPolicy(attempts=6, base=1, cap=4)).whoami()
    assert world.slept == [1, 2, 4, 4, 4]


def test_no_attempt_starts_after_the_deadline() -> None:
    world = World([httpx.ReadTimeout("")] * 9, attempt_seconds=10)
    with pytest.raises(UnreachableError):
        world.gateway(RetryPolicy(attempts=9, deadline=25)).whoami()
    assert len(world.sent) == 3
    assert world.elapsed <= 31


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    world = World([problem("rate_limited", {"Retry-After": "10"})])
    with pytest.raises(RateLimitedError):
        world.gateway(RetryPolicy(deadline=5)).whoami()
    assert world.slept == []


@given(
    st.lists(st.sampled_from([200, 400, 401, 409, 429, 500, 502, 503, 504]), min_size=6, max_size=6),
    st.floats(0, 0.999),
    st.integers(1, 6),
)
def test_steps_are_bounded_whatever_is_answered(statuses: list[int], jitter: float, attempts: int) -> None:
    replies, slept, sent = iter(statuses), [0.0], []

    def send(timeout: float) -> core.Outcome:
        sent.append(timeout)
        return core.Answer(next(replies), {}, b"")

    policy = RetryPolicy(attempts=attempts, deadline=3)
    steps = core.attempts(True, policy, now=lambda: sum(slept), jitter=lambda: jitter, asked=lambda _: None)
    outcome = core.run(steps, send, slept.append)
    assert isinstance(outcome, core.Answer)
    assert outcome.status == statuses[len(sent) - 1]
    assert all(status in core.RETRIED_STATUSES for status in statuses[: len(sent) - 1])
    assert len(sent) <= attempts
    assert sum(slept) < 3


def test_what_is_not_repeatable_is_sent_once() -> None:
    sent: list[float] = []

    def send(timeout: float) -> core.Outcome:
        sent.append(timeout)
        return core.Fault("ReadTimeout", transient=True)

    steps = core.attempts(False, RetryPolicy(), now=lambda: 0.0, jitter=lambda: 0.0, asked=lambda _: None)
    assert core.run(steps, send, lambda _: None) == core.Fault("ReadTimeout", transient=True)
    assert len(sent) == 1


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"base": -1}, {"timeout": 0}, {"deadline": 0}])
def test_a_policy_without_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="attempts from 1"):
        RetryPolicy(**wrong)


async def test_the_async_client_retries_alike() -> None:
    world = World([httpx.ReadTimeout("lost"), problem("rate_limited", {"Retry-After": "1"}), created()])
    async with world.async_gateway() as gateway:
        decision = await gateway.create_transaction(**FIELDS)
    assert decision.transaction_id == TXID
    assert world.slept == pytest.approx([0.1, 1.2])
    assert len(set(world.header("Idempotency-Key"))) == 1
    assert len(set(world.header("X-Nonce"))) == 3


async def test_the_async_client_reads_and_fails_alike() -> None:
    world = World([httpx.Response(200, json=IDENTITY), httpx.Response(200, json=RECORD), problem("not_found")])
    async with world.async_gateway() as gateway:
        assert (await gateway.whoami()).name == "payer"
        assert isinstance(await gateway.get_transaction(TXID), Approved)
        with pytest.raises(PortcullisError, match="not_found"):
            await gateway.get_transaction(TXID)


def test_a_redirect_is_not_followed() -> None:
    world = World([httpx.Response(307, headers={"Location": "https://elsewhere.example.com/"})])
    with pytest.raises(UnexpectedAnswerError, match="never redirects"):
        world.gateway().whoami()
    assert len(world.sent) == 1
