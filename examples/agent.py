"""A template of an agent: what runs around the decisions that are yours.

    PORTCULLIS_URL, a key (docs/sdk.md: environment, Secrets Manager or mounted file)
    AGENT_WALLET, AGENT_AMOUNT (decimal), AGENT_TOKEN, AGENT_CHAIN, AGENT_INTERVAL_SECONDS, AGENT_KEY_TTL_SECONDS

Replace ``next_payment``. The rest stays: the environment is checked before anything starts; logs are JSON lines without
secrets; what may pass by itself is repeated under the same idempotency key; a rotated key is picked up; SIGTERM lets
the request in flight finish and starts no other. Exit codes: 0 stopped, 1 not permitted to go on, 2
misconfigured.
"""

import json
import logging
import os
import re
import secrets
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from portcullis.client import (
    Approved,
    AuthenticationError,
    ConfigurationError,
    Denied,
    Gateway,
    PermissionDeniedError,
    PortcullisError,
    RateLimitedError,
    SecretProvider,
    SecretUnavailableError,
    UnavailableError,
    UnreachableError,
    provider_from_env,
)

STOPPED, NOT_PERMITTED, MISCONFIGURED = 0, 1, 2
LATER = (AuthenticationError, RateLimitedError, SecretUnavailableError, UnavailableError, UnreachableError)
log = logging.getLogger("agent")

# Secrets, and whatever has the form of a signature, digest or HMAC key; then values whose names say what they are.
_SECRETS = re.compile(r"sk_[a-z]{1,12}_[0-9A-Za-z]+|\b[0-9A-Fa-f]{64}\b")
_NAMED = re.compile(r"(?i)((?:secret|signature|password|authorization|token)[\"']?\s*[:=]\s*[\"']?)[^\s\"',}]+")
_NAMES = re.compile(r"(?i)secret|signature|password|authorization")


def redacted(text: str) -> str:
    """The text without what would let its reader act as this agent."""
    return _NAMED.sub(r"\1[redacted]", _SECRETS.sub("[redacted]", text))


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, event, and the fields given as ``extra={"fields": {...}}``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; every text in it is redacted, tracebacks too."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        line = {"at": at, "level": record.levelname.lower(), "event": redacted(record.getMessage())}
        for name, value in getattr(record, "fields", {}).items():
            line[name] = "[redacted]" if _NAMES.search(name) else redacted(str(value))
        if record.exc_info:
            line["traceback"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line)


@dataclass(frozen=True)
class Settings:
    """What the environment says, checked. Times in seconds."""

    url: str
    wallet: str
    amount: Decimal
    token: str
    chain: str
    interval: float
    key_ttl: float


@dataclass(frozen=True)
class Payment:
    """One piece of work. Derive the idempotency key from your job's own id, and a restarted agent pays it once too."""

    idempotency_key: str
    amount: Decimal
    wallet: str


def settings_from(environ: Mapping[str, str]) -> Settings:
    """The settings; ValueError lists everything that is wrong, by variable."""
    wrong = [
        f"{name} is not set" for name in ("PORTCULLIS_URL", "AGENT_WALLET", "AGENT_AMOUNT") if not environ.get(name)
    ]
    numbers: dict[str, Decimal] = {}
    for name, default in (("AGENT_AMOUNT", "1"), ("AGENT_INTERVAL_SECONDS", "60"), ("AGENT_KEY_TTL_SECONDS", "300")):
        try:
            numbers[name] = Decimal(environ.get(name) or default)
        except InvalidOperation:
            numbers[name] = Decimal(0)
        if not (numbers[name].is_finite() and numbers[name] > 0):
            wrong.append(f"{name} must be a number above 0")
    if wrong:
        raise ValueError("; ".join(wrong))
    return Settings(
        url=environ["PORTCULLIS_URL"],
        wallet=environ["AGENT_WALLET"],
        amount=numbers["AGENT_AMOUNT"],
        token=environ.get("AGENT_TOKEN") or "USDC",
        chain=environ.get("AGENT_CHAIN") or "base",
        interval=float(numbers["AGENT_INTERVAL_SECONDS"]),
        key_ttl=float(numbers["AGENT_KEY_TTL_SECONDS"]),
    )


class Agent:
    """Works until ``stop`` is set. A piece of work is done when the gateway has decided it."""

    def __init__(self, settings: Settings, gateway: Gateway, provider: SecretProvider, stop: threading.Event) -> None:
        self._settings = settings
        self._gateway = gateway
        self._provider = provider
        self._stop = stop
        self._key_id = ""

    def run(self) -> int:
        """The exit code."""
        payment = self.next_payment()
        while not self._stop.is_set():
            try:
                self.pay(payment)
                payment = self.next_payment()
            except LATER as fault:
                # The same payment again next time, under the same key: it may have been recorded.
                key = payment.idempotency_key
                _tell(logging.WARNING, "will_try_again", code=fault.code, detail=fault.detail, idempotency_key=key)
            except PermissionDeniedError as fault:
                _tell(logging.ERROR, "not_permitted", code=fault.code, detail=fault.detail, request=fault.request_id)
                return NOT_PERMITTED
            except PortcullisError as fault:
                _tell(logging.ERROR, "given_up", code=fault.code, detail=fault.detail, request=fault.request_id)
                payment = self.next_payment()
            self._stop.wait(self._settings.interval)
        return STOPPED

    def next_payment(self) -> Payment:
        """Yours: what is to be paid next."""
        return Payment(secrets.token_urlsafe(18), self._settings.amount, self._settings.wallet)

    def pay(self, payment: Payment) -> None:
        """Ask for one decision, and tell it. The SDK repeats what is safe, and reads a refused key anew."""
        self._look_at_the_key()
        decision = self._gateway.create_transaction(
            idempotency_key=payment.idempotency_key,
            kind="transfer",
            amount=payment.amount,
            token=self._settings.token,
            chain=self._settings.chain,
            destination={"wallet": payment.wallet},
        )
        self._look_at_the_key()
        if isinstance(decision, Denied):
            _tell(
                logging.WARNING, "denied", id=decision.transaction_id, rules=[one.rule for one in decision.violations]
            )
        else:
            event = "approved" if isinstance(decision, Approved) else "held"
            _tell(logging.INFO, event, id=decision.transaction_id)

    def _look_at_the_key(self) -> None:
        """Asks the provider, which reads the key anew every key_ttl seconds; a rotation is told."""
        key_id = self._provider.current().key_id
        if key_id != self._key_id:
            _tell(logging.INFO, "key_picked_up", key_id=key_id)
            self._key_id = key_id


def _tell(level: int, event: str, **fields: object) -> None:
    log.log(level, event, extra={"fields": fields})


def main(environ: Mapping[str, str]) -> int:
    """Check, start, work, stop."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = settings_from(environ)
        provider = provider_from_env(environ, ttl=settings.key_ttl)
        provider.current()
        gateway = Gateway(settings.url, provider=provider)
    except (ConfigurationError, SecretUnavailableError, ValueError) as fault:
        _tell(logging.ERROR, "misconfigured", detail=fault)
        return MISCONFIGURED
    _tell(logging.INFO, "started", wallet=settings.wallet)
    with gateway:
        code = Agent(settings, gateway, provider, stop).run()
    _tell(logging.INFO, "stopped", code=code)
    return code


if __name__ == "__main__":
    sys.exit(main(os.environ))
