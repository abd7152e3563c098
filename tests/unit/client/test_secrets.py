"""Where a key comes from, how long it is believed, and that a refused one is never served again unread."""

import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from portcullis.client import ConfigurationError, SecretUnavailableError
from portcullis.client.secrets import (
    Chain,
    Credentials,
    EnvironmentSource,
    FileSource,
    SecretProvider,
    SecretsManagerSource,
    provider_from_env,
)
from portcullis.client.signer import Secret
from portcullis.protocol import keys
from tests.unit.client.world import KEY_ID, OTHER_STAGE_SECRET, SECRET

NEW_ID = keys.new_key_id("local", "1", b"n" * 20)
NEW_SECRET = keys.secret_from_mac("local", b"n" * 32)
OLD = Credentials(KEY_ID, Secret(SECRET))
NEW = Credentials(NEW_ID, Secret(NEW_SECRET))
STORED = json.dumps({"key_id": KEY_ID, "secret": SECRET})
PAIR = {"PORTCULLIS_KEY_ID": KEY_ID, "PORTCULLIS_SECRET": SECRET}


class Scripted:
    """A source that holds what the test puts there, and a clock that the test moves."""

    def __init__(self, *held: Credentials | Exception | None) -> None:
        self.held = list(held)
        self.reads = 0
        self.time = 1000.0

    def read(self) -> Credentials | None:
        self.reads += 1
        found = self.held.pop(0) if len(self.held) > 1 else self.held[0]
        if isinstance(found, Exception):
            raise found
        return found

    def provider(self, **options: float) -> SecretProvider:
        return SecretProvider(self, clock=lambda: self.time, **options)


def test_a_key_is_read_once_within_its_time_and_again_after_it() -> None:
    source = Scripted(OLD, NEW)
    provider = source.provider(ttl=300)
    assert [provider.current() for _ in range(3)] == [OLD] * 3
    source.time += 299.9
    assert (provider.current(), source.reads) == (OLD, 1)
    source.time += 0.1
    assert (provider.current(), source.reads) == (NEW, 2)


def test_a_failed_read_is_an_error_not_the_old_key() -> None:
    source = Scripted(OLD, SecretUnavailableError("away"), NEW)
    provider = source.provider(ttl=300, stale=30)
    provider.current()
    source.time += 300
    with pytest.raises(SecretUnavailableError, match="away"):
        provider.current()
    assert provider.current() is NEW


def test_a_refused_key_is_read_anew_at_once() -> None:
    source = Scripted(OLD, NEW)
    provider = source.provider()
    provider.invalidate(provider.current())
    assert (provider.current(), source.reads) == (NEW, 2)


def test_refusing_a_key_that_was_replaced_changes_nothing() -> None:
    source = Scripted(NEW)
    provider = source.provider()
    provider.current()
    provider.invalidate(OLD)
    assert (provider.current(), source.reads) == (NEW, 1)


def test_a_refused_key_that_the_source_still_holds_is_asked_for_every_few_seconds() -> None:
    source = Scripted(OLD)
    provider = source.provider(retry=5)
    for _ in range(10):
        provider.invalidate(provider.current())
    provider.current()
    assert source.reads == 2
    source.time += 5
    provider.invalidate(provider.current())
    source.held = [NEW]
    assert (provider.current(), source.reads) == (NEW, 3)


class Slow(Scripted):
    """A source whose reads end when the test says so."""

    def __init__(self, *held: Credentials | Exception | None) -> None:
        super().__init__(*held)
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def read(self) -> Credentials | None:
        self.begun.release()
        assert self.go.acquire(timeout=10)
        return super().read()


def started(provider: SecretProvider, count: int = 1) -> tuple[list[threading.Thread], list[Any]]:
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(provider.current())) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, results


def joined(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_many_callers_make_one_read() -> None:
    source = Slow(OLD)
    provider = source.provider()
    threads, results = started(provider, 16)
    assert source.begun.acquire(timeout=10)
    source.go.release(16)
    joined(threads)
    assert (results, source.reads) == ([OLD] * 16, 1)


def test_the_old_key_is_served_only_while_it_is_read_anew_and_not_for_long() -> None:
    source = Slow(OLD, NEW)
    provider = source.provider(ttl=300, stale=30)
    source.go.release()
    provider.current()
    source.begun.acquire(timeout=10)
    source.time += 301
    threads, results = started(provider)
    assert source.begun.acquire(timeout=10)
    assert (provider.current(), results) == (OLD, [])
    source.time += 29
    waiting, late = started(provider)
    assert late == []
    source.go.release()
    joined(threads + waiting)
    assert (results, late, source.reads) == ([NEW], [NEW], 2)


def test_a_read_that_began_before_the_refusal_does_not_bring_the_refused_key_back() -> None:
    source = Slow(OLD, OLD, NEW)
    provider = source.provider(ttl=300, stale=30)
    source.go.release()
    provider.current()
    source.begun.acquire(timeout=10)
    source.time += 301
    threads, results = started(provider)
    assert source.begun.acquire(timeout=10)
    provider.invalidate(OLD)
    source.go.release(2)
    joined(threads)
    assert (results, source.reads) == ([NEW], 3)


def test_those_who_wait_for_a_read_share_its_failure() -> None:
    source = Slow(SecretUnavailableError("away"), NEW)
    provider, told = source.provider(), []

    def ask() -> None:
        try:
            provider.current()
        except SecretUnavailableError as error:
            told.append(error.detail)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    waiting: Any = provider._changed
    deadline = time.monotonic() + 10
    while len(waiting._waiters) < 4 and time.monotonic() < deadline:
        time.sleep(0.001)
    source.go.release()
    joined(threads)
    assert (told, source.reads) == (["away"] * 5, 1)
    source.go.release()
    assert provider.current() is NEW


def test_a_key_is_as_old_as_the_beginning_of_its_read() -> None:
    class Late(Scripted):
        def read(self) -> Credentials | None:
            self.time += 10
            return super().read()

    source = Late(OLD, NEW)
    provider = source.provider(ttl=300)
    provider.current()
    source.time += 290
    assert provider.current() is NEW


def test_the_first_configured_source_decides() -> None:
    chain = Chain([Scripted(None), Scripted(OLD), Scripted(NEW)])
    assert chain.read() is OLD
    with pytest.raises(SecretUnavailableError, match="away"):
        Chain([Scripted(SecretUnavailableError("away")), Scripted(NEW)]).read()


def test_the_environment_gives_both_or_neither() -> None:
    found = EnvironmentSource(PAIR).read()
    assert found is not None
    assert found.same(OLD)
    assert EnvironmentSource({}).read() is None
    for name, missing in (("PORTCULLIS_KEY_ID", "PORTCULLIS_SECRET"), ("PORTCULLIS_SECRET", "PORTCULLIS_KEY_ID")):
        with pytest.raises(ConfigurationError, match=f"{missing} is not set"):
            EnvironmentSource({name: PAIR[name]}).read()


def test_nothing_configured_is_said_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="PORTCULLIS_SECRET_FILE"):
        provider_from_env({})
    with pytest.raises(SecretUnavailableError, match="No key is configured"):
        Scripted(None).provider().current()


def test_a_mounted_file(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(STORED)
    file.chmod(0o400)
    (tmp_path / "link").symlink_to(file)
    provider = provider_from_env({"PORTCULLIS_SECRET_FILE": str(tmp_path / "link")})
    assert provider.current().same(OLD)
    assert provider_from_env({**PAIR, "PORTCULLIS_SECRET_FILE": "/nowhere"}).current().same(OLD)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o420])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key.json"
    file.write_text(STORED)
    file.chmod(mode)
    with pytest.raises(SecretUnavailableError, match=rf"mode {mode:04o}\). Run `chmod 600`"):
        FileSource(file).read()


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailableError, match="No such file"):
        FileSource(tmp_path / "none").read()
    with pytest.raises(SecretUnavailableError, match="not a regular file"):
        FileSource(tmp_path).read()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", STORED[:-1], '{"key_id": 1, "secret": 2}', json.dumps({"key_id": KEY_ID}), STORED + " " * 9000],
)
def test_content_of_another_form_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key.json"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(SecretUnavailableError, match="expected the JSON object") as caught:
        FileSource(file).read()
    assert SECRET not in str(caught.value)


def test_a_key_of_another_stage_is_refused_with_its_origin(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps({"key_id": KEY_ID, "secret": OTHER_STAGE_SECRET}))
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"secret of the file .*another stage") as caught:
        FileSource(file).read()
    assert OTHER_STAGE_SECRET not in str(caught.value)


@pytest.fixture
def aws() -> Iterator[tuple[Any, Stubber]]:
    session = botocore.session.Session()
    client = session.create_client(
        "secretsmanager", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        yield client, stubber


def test_secrets_manager(aws: tuple[Any, Stubber]) -> None:
    client, stubber = aws
    stubber.add_response("get_secret_value", {"SecretString": STORED}, {"SecretId": "agents/payer"})
    stubber.add_response("get_secret_value", {"SecretBinary": STORED.encode()}, {"SecretId": "agents/payer"})
    source = SecretsManagerSource("agents/payer", client)
    for _ in range(2):
        found = source.read()
        assert found is not None
        assert found.same(OLD)


def test_secrets_manager_refusing_is_an_error_that_names_the_remedy(aws: tuple[Any, Stubber]) -> None:
    client, stubber = aws
    stubber.add_client_error("get_secret_value", "AccessDeniedException")
    with pytest.raises(SecretUnavailableError, match=r"AccessDeniedException.*secretsmanager:GetSecretValue") as caught:
        SecretsManagerSource("agents/payer", client).read()
    assert caught.value.__context__ is None


def test_the_region_is_that_of_the_arn(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def create_client(_self: object, service: str, **options: Any) -> Any:
        made.append({"service": service, **options})
        return type("Client", (), {"get_secret_value": lambda _self, SecretId: {"SecretString": STORED}})()  # noqa: N803

    monkeypatch.setattr(botocore.session.Session, "create_client", create_client)
    for secret_id in ("arn:aws:secretsmanager:eu-north-1:111122223333:secret:payer-AbCdEf", "payer"):
        assert provider_from_env({"PORTCULLIS_SECRET_ID": secret_id}).current().same(OLD)
    assert [one["region_name"] for one in made] == ["eu-north-1", None]


def test_without_botocore_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "botocore.exceptions", None)
    with pytest.raises(SecretUnavailableError, match="needs botocore: pip install"):
        SecretsManagerSource("payer").read()


def test_nothing_shows_the_secret() -> None:
    provider = Scripted(OLD).provider()
    provider.current()
    shown = io.StringIO()
    print(provider, OLD, EnvironmentSource(PAIR), FileSource("x"), SecretsManagerSource("y"), file=shown)
    assert SECRET not in shown.getvalue()
    assert KEY_ID in shown.getvalue()


@pytest.mark.parametrize("options", [{"ttl": 0}, {"stale": -1}, {"retry": 0}])
def test_times_without_meaning_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Scripted(OLD).provider(**options)
