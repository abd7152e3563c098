"""Approvers with devices, on a clock that a test moves."""

import time
from base64 import b32decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from functions.operator_api import request
from portcullis.aws.wire import Service
from portcullis.protocol import totp
from tests.functions.deployed import Agent, Answer, Deployed

ACCOUNT = "123456789012"


Meanwhile = list[Callable[[], object]]


class Interposed(Service):
    """DynamoDB as it is, but that ``meanwhile`` comes just before the next write that uses a code."""

    meanwhile: ClassVar[Meanwhile] = []

    def json_call(self, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        if target.endswith("TransactWriteItems") and "last_step" in str(payload) and self.meanwhile:
            self.meanwhile.pop()()
        return super().json_call(target, version, payload)


class Clock:
    """The operator function's clock: the machine's, moved ahead by hand."""

    def __init__(self) -> None:
        self.ahead = 0

    def time_ns(self) -> int:
        return time.time_ns() + self.ahead * 1_000_000_000

    @property
    def seconds(self) -> int:
        return self.time_ns() // 1_000_000_000


def user(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


@dataclass
class Person:
    """Somebody with AWS credentials and, once enrolled, a device."""

    name: str
    arn: str
    approver: str = ""
    secret: bytes = field(default=b"", repr=False)


class People:
    """Enrols people at one stack and lets them speak."""

    def __init__(self, stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stack = stack
        self.clock = Clock()
        monkeypatch.setattr(request, "time", self.clock)

    def call(self, person: Person, method: str, resource: str, body: Any = None, **options: Any) -> Answer:
        """One call with the person's AWS credentials."""
        self.stack.caller = person.arn
        try:
            return self.stack.operator(method, resource, body, **options)
        finally:
            self.stack.caller = user("operator")

    def code(self, person: Person) -> str:
        """A code that was not used yet: the device's next."""
        self.clock.ahead += totp.PERIOD_SECONDS
        return totp.code(person.secret, totp.step_at(self.clock.seconds))

    def wrong(self, person: Person) -> str:
        """Six digits that are none of the codes accepted about now."""
        now = totp.step_at(self.clock.seconds)
        good = {totp.code(person.secret, now + step) for step in range(-3, 4)}
        return next(code for code in map("{:06d}".format, range(10)) if code not in good)

    def speak(self, person: Person, what: str, code: str | None = None, **body: Any) -> Answer:
        """POST to one of the person's own paths, with a fresh code unless one is given."""
        content = {**body, "code": code or self.code(person)}
        return self.call(person, "POST", f"/v1/approvers/{{approver}}/{what}", content, approver=person.approver)

    def device(self, person: Person) -> Answer:
        """Have the secret shown."""
        return self.call(person, "POST", "/v1/approvers/{approver}/device", {}, approver=person.approver)

    def activate(self, person: Person, approver: str) -> Person:
        """Set up the device of an enrolment, and confirm it."""
        person.approver = approver
        shown = self.device(person)
        assert shown.status == 200, shown
        person.secret = b32decode(shown.body["secret"])
        confirmed = self.speak(person, "confirm")
        assert confirmed.body["state"] == "active", confirmed
        return person

    def first(self, name: str = "alice") -> Person:
        """The first approver, by bootstrap."""
        person = Person(name, user(name))
        enrolled = self.call(person, "POST", "/v1/approvers", {"name": name})
        assert enrolled.status == 201, enrolled
        return self.activate(person, enrolled.body["approver_id"])

    def another(self, sponsor: Person, name: str = "bob", arn: str = "") -> Person:
        """Another approver, sponsored."""
        person = Person(name, arn or user(name))
        enrolled = self.speak(sponsor, "enrolments", name=name, identity=person.arn)
        assert enrolled.status == 201, enrolled
        return self.activate(person, enrolled.body["approver_id"])

    def approve(self, person: Person, agent: Agent, held: Answer, code: str | None = None, **changes: Any) -> Answer:
        """Approve what was held."""
        return self.speak(person, "approvals", code, **{**approval(agent, held), **changes})


def approval(agent: Agent, held: Answer) -> dict[str, Any]:
    """The body that approves what was held, but for the code."""
    return {
        "agent_id": agent.agent_id,
        "transaction_id": held.body["id"],
        "content_sha256": held.body["content_sha256"],
    }
