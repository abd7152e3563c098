"""Many agents at once, put into the table as the operator API would have left them."""

import time
from dataclasses import replace
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from functions.operator_api import request
from portcullis.aws import accounts, key_records
from portcullis.aws.dynamo import Item, to_attributes
from portcullis.domain import identifiers
from portcullis.domain.account import Account
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys
from tests.functions.api_events import STAGE
from tests.functions.deployed import Agent, Deployed, unique

PUTS = 20  # in one transaction, for moto takes its time
_models: WeakKeyDictionary[Deployed, tuple[Account, KeyRecord]] = WeakKeyDictionary()


def fleet(stack: Deployed, number: int, keys_each: int = 1, generation: str = "0", **changes: Any) -> list[KeyRecord]:
    """The keys of so many new agents, each like the first but for ``changes``."""
    account, key = _model(stack)
    made: list[KeyRecord] = []
    items: list[Item] = []
    for place in range(number):
        agent = identifiers.agent_id(_entropy())
        own = [
            replace(key, agent=agent, key_id=keys.new_key_id(STAGE, generation, _entropy()), **changes)
            for _ in range(keys_each)
        ]
        apart = replace(account, created_at=account.created_at - 1 - place)
        items += [_account(apart, agent, own), *(key_records.to_item(each) for each in own)]
        made += own
    for start in range(0, len(items), PUTS):
        # Unconditional: on a busy machine an answer may come too late, and all is sent again.
        puts = ({"Put": {"Item": to_attributes(item)}} for item in items[start : start + PUTS])
        request.stores().table.transact(*puts)
    return made


def _model(stack: Deployed) -> tuple[Account, KeyRecord]:
    """An agent of this stack, made by the operator API once."""
    if stack not in _models:
        agent = stack.agent()
        account = accounts.read(request.stores().table, agent.agent_id)
        assert account is not None
        _models[stack] = account, record(agent.key_id)
    return _models[stack]


def record(key_id: str) -> KeyRecord:
    found = key_records.read(request.stores().table, key_id)
    assert found is not None
    return found


def caller(key: KeyRecord) -> Agent:
    """Whoever holds the key and its secret."""
    secret = request.stores().roots.secret_of(key.key_id)
    assert secret is not None
    return Agent(key.agent, key.key_id, secret)


def successor(key: KeyRecord, generation: str = "0") -> KeyRecord:
    fresh = replace(key, key_id=keys.new_key_id(STAGE, generation, _entropy()), parent=key.key_id)
    return replace(fresh, version=1, state="active", ends_at=None, created_at=time.time_ns() // 1000)


def _account(model: Account, agent: str, own: list[KeyRecord]) -> dict[str, Any]:
    live = frozenset(each.live_name for each in own)
    return accounts.to_item(replace(model, agent=agent)) | {"live_keys": live}


def _entropy() -> bytes:
    return sha256(unique().encode()).digest()
