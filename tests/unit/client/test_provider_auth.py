"""A gateway with a provider: the key of each attempt, and the rotation that nobody has to notice."""

from typing import Any

import httpx
import pytest

from portcullis.client import AuthenticationError, ConfigurationError, Gateway, SecretUnavailableError
from portcullis.client.gateway import AsyncGateway
from portcullis.client.secrets import SecretProvider
from tests.unit.client.test_secrets import NEW, NEW_ID, NEW_SECRET, OLD, Scripted
from tests.unit.client.world import FIELDS, IDENTITY, KEY_ID, RECORD, SECRET, URL, World, problem


class Recording(World):
    """A world that notes the key ids and nonces as they arrive: both attempts of one flow are the same object."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.keys = [*getattr(self, "keys", []), request.headers["X-API-Key"]]
        self.nonces = {*getattr(self, "nonces", set()), request.headers["X-Nonce"]}
        return super().answer(request)


def ok() -> httpx.Response:
    return httpx.Response(200, json=IDENTITY)


def gateway(world: World, provider: SecretProvider) -> Gateway:
    transport = httpx.MockTransport(world.answer)
    return Gateway(URL, provider=provider, transport=transport, world=world.environment())


def test_a_key_replaced_in_between_is_picked_up_within_the_call() -> None:
    world = Recording([problem("invalid_credentials"), httpx.Response(201, json=RECORD)])
    decision = gateway(world, Scripted(OLD, NEW).provider()).create_transaction(**FIELDS)
    assert decision.transaction_id == RECORD["id"]
    assert world.keys == [KEY_ID, NEW_ID]
    assert len(world.nonces) == 2
    assert len(set(world.header("Idempotency-Key"))) == 1


def test_each_attempt_asks_for_the_key() -> None:
    world = World([problem("dependency_unavailable"), ok()])
    source = Scripted(OLD, NEW)
    provider = source.provider(ttl=1, retry=1)
    source.time = 0.0

    def sleep_past_the_time(seconds: float) -> None:
        source.time += 2

    environment = world.environment()
    environment = type(environment)(
        clock=environment.clock, monotonic=environment.monotonic, jitter=environment.jitter, sleep=sleep_past_the_time
    )
    Gateway(URL, provider=provider, transport=httpx.MockTransport(world.answer), world=environment).whoami()
    assert world.header("X-API-Key") == [KEY_ID, NEW_ID]


def test_a_key_that_stays_refused_is_tried_once() -> None:
    world = World([problem("invalid_credentials"), problem("invalid_credentials")])
    source = Scripted(OLD)
    with pytest.raises(AuthenticationError, match="invalid_credentials"):
        gateway(world, source.provider()).whoami()
    assert (len(world.sent), source.reads) == (1, 2)


@pytest.mark.parametrize("code", ["nonce_replayed", "timestamp_out_of_window", "ip_not_allowed"])
def test_other_refusals_leave_the_key_alone(code: str) -> None:
    world, source = World([problem(code)]), Scripted(OLD, NEW)
    with pytest.raises(AuthenticationError):
        gateway(world, source.provider()).whoami()
    assert (len(world.sent), source.reads) == (1, 1)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"invalid_credentials"'])
def test_an_answer_of_something_in_between_leaves_the_key_alone(body: bytes) -> None:
    world, source = World([httpx.Response(401, content=body)]), Scripted(OLD, NEW)
    with pytest.raises(AuthenticationError):
        gateway(world, source.provider()).whoami()
    assert source.reads == 1


def test_an_unavailable_secret_is_an_error_with_the_idempotency_key() -> None:
    source = Scripted(OLD, SecretUnavailableError("away"))
    world = World([problem("invalid_credentials")])
    with pytest.raises(SecretUnavailableError, match="away") as caught:
        gateway(world, source.provider()).create_transaction(**FIELDS)
    assert caught.value.idempotency_key == world.header("Idempotency-Key")[0]


async def test_the_same_on_an_event_loop() -> None:
    world = Recording([problem("invalid_credentials"), ok()])
    transport = httpx.MockTransport(world.answer)
    provider = Scripted(OLD, NEW).provider()
    async with AsyncGateway(URL, provider=provider, transport=transport, world=world.environment()) as gateway:
        assert (await gateway.whoami()).agent_id == IDENTITY["agent_id"]
    assert world.keys == [KEY_ID, NEW_ID]


async def test_an_unavailable_secret_on_an_event_loop() -> None:
    provider = Scripted(SecretUnavailableError("away")).provider()
    async with AsyncGateway(URL, provider=provider) as gateway:
        with pytest.raises(SecretUnavailableError, match="away"):
            await gateway.whoami()


@pytest.mark.parametrize("given", [{"key_id": KEY_ID}, {"secret": SECRET}, {"key_id": KEY_ID, "secret": SECRET}])
def test_either_a_key_or_a_provider(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="give it alone"):
        Gateway(URL, provider=Scripted(OLD).provider(), **given)


def test_neither_is_refused_and_so_is_a_wrong_address() -> None:
    with pytest.raises(ConfigurationError, match="key_id"):
        Gateway(URL)
    with pytest.raises(ConfigurationError, match="url"):
        Gateway("http://gateway.example.com", provider=Scripted(OLD).provider())


def test_the_representation_shows_where_not_what() -> None:
    shown = repr(gateway(World([]), Scripted(OLD).provider()))
    assert shown == f"Gateway(url={URL!r}, provider=SecretProvider(Scripted))"
    assert NEW_SECRET not in shown
