"""Agents' keys as a kind of secret: each rotation issues a successor, tries it, and lets the old key end."""

from collections.abc import Callable
from dataclasses import dataclass

from portcullis.aws import accounts, generations, key_issuing, key_records, key_revoking
from portcullis.aws.changes import Actor, Conflict
from portcullis.aws.dynamo import Table
from portcullis.aws.roots import Roots
from portcullis.domain import key_rotation
from portcullis.domain.account import Account
from portcullis.domain.key_classes import RETIRE_NOTICE, Rotation
from portcullis.domain.key_delivery import (
    DeliveredKey,
    UnreadableSecret,
    agent_named,
    parse_secret,
    pending_key_id,
)
from portcullis.domain.secret_rotation import Abandoned, Postponed, RefusedStep, Secret
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys

ACTOR = "key-rotation"


@dataclass(frozen=True, slots=True)
class AgentKeys:
    """The four steps. ``whoami`` sends a signed request and gives the key id and the agent that the gateway saw, or the
    code of its refusal; ``clock`` is in microseconds."""

    table: Table
    roots: Roots
    stage: str
    rotation: Rotation
    whoami: Callable[[str, str], tuple[str, str] | str]
    clock: Callable[[], int]

    def create(self, secret: Secret, token: str, current: str) -> str:
        """A key id of its own for the version, in the root's present generation; nothing is stored of it yet."""
        old, _ = self._rotated(secret, current)
        key_id = pending_key_id(self.stage, generations.current(self.table, self.roots), secret.arn, token)
        derived = self.roots.secret_of(key_id)
        if derived is None:
            raise RefusedStep("the root's present generation is not there")
        return DeliveredKey(key_id, old.agent, derived).text()

    def set(self, secret: Secret, token: str, current: str, pending: str) -> None:
        """Issue the key before it is tried, for an authorizer that has seen it unknown must not refuse it later."""
        new = self._parsed(secret, pending)
        if new.key_id != pending_key_id(self.stage, keys.parse_key_id(new.key_id).generation, secret.arn, token):
            raise Abandoned("the pending version holds a key that is not its own")
        old, account = self._rotated(secret, current)
        present = key_records.read(self.table, new.key_id)
        if present is not None:
            if present.live_name not in account.live_keys:
                raise Abandoned("the pending key is revoked")
            return
        self._tidy(account, old, new.key_id)
        self._issue(old, new.key_id)

    def test(self, secret: Secret, pending: str) -> None:
        """A signed request to the deployed API. A refusal of the address alone comes after all that is tested here."""
        new = self._parsed(secret, pending)
        record = key_records.read(self.table, new.key_id)
        if record is None:
            raise RefusedStep("setSecret has to come before testSecret")
        seen = self.whoami(new.key_id, new.secret)
        if seen == "ip_not_allowed" and record.ip_ranges:
            return
        if seen != (new.key_id, new.agent):
            raise RefusedStep(
                f"the gateway does not know the pending key: {seen if isinstance(seen, str) else 'other'}"
            )

    def finish(self, secret: Secret, current: str) -> None:
        """The key that was replaced gets an end. One that has an end, or was revoked, keeps it."""
        record = key_records.read(self.table, self._parsed(secret, current).key_id)
        if record is not None:
            self._retire(record)

    def _rotated(self, secret: Secret, text: str) -> tuple[KeyRecord, Account]:
        """The current key and its agent's account. An agent that is stopped is rotated later; a key that is revoked
        or has ended is not brought back by a rotation."""
        found = self._parsed(secret, text)
        account, record = accounts.read(self.table, found.agent), key_records.read(self.table, found.key_id)
        if account is None or record is None or record.agent != found.agent or not record.delivered:
            raise Abandoned("the current version holds no delivered key")
        if account.keyless:
            raise Postponed(account.keyless)
        if record.has_ended(self.clock()) or record.live_name not in account.live_keys:
            raise Abandoned("the current key is revoked or has ended; deliver a new one")
        return record, account

    def _tidy(self, account: Account, current: KeyRecord, pending: str) -> None:
        """End what a rotation that never finished has left: a key that was never current, or one that should end."""
        for each in key_revoking.live_records(self.table, account, self.stage):
            if not each.delivered or each.state != "active" or each.key_id in (current.key_id, pending):
                continue
            if each.key_id == current.parent:
                self._retire(current)
            else:
                key_revoking.revoke(self.table, self._actor(), each.agent, each.key_id)

    def _issue(self, old: KeyRecord, key_id: str) -> None:
        new = key_rotation.successor(old, key_id, self.clock(), None)
        try:
            key_issuing.issue(self.table, self._actor(), new)
        except Conflict as conflict:
            raise RefusedStep(str(conflict)) from None

    def _retire(self, successor: KeyRecord) -> None:
        old = key_records.read(self.table, successor.parent) if successor.parent else None
        if old is None or old.agent != successor.agent or old.state != "active":
            return
        actor = self._actor()
        until = actor.now + max(self.rotation.overlap, RETIRE_NOTICE)
        key_issuing.retire(self.table, actor, old.agent, old.key_id, until, successor=successor.key_id)

    def _parsed(self, secret: Secret, text: str) -> DeliveredKey:
        try:
            return parse_secret(text, self.stage, agent_named(self.stage, secret.name))
        except UnreadableSecret as unreadable:
            raise Abandoned(str(unreadable)) from None

    def _actor(self) -> Actor:
        return Actor(ACTOR, "", self.clock())
