"""Identifiers: one transaction for one agent and idempotency key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import identifiers
from portcullis.protocol.strict_json import MalformedInput
from tests.unit.domain.builders import AGENT

KEYS = st.from_regex(r"[A-Za-z0-9_-]{16,128}", fullmatch=True)
AGENTS = st.binary(min_size=16, max_size=32).map(identifiers.agent_id)


@given(st.binary(min_size=16, max_size=64))
def test_an_agent_id_has_its_form(entropy: bytes) -> None:
    assert identifiers.AGENT_ID.fullmatch(identifiers.agent_id(entropy))


@given(AGENTS, AGENTS, KEYS, KEYS)
def test_a_transaction_id_belongs_to_one_agent_and_key(one: str, other: str, key: str, another: str) -> None:
    same = identifiers.transaction_id(one, key) == identifiers.transaction_id(other, another)
    assert same == ((one, key) == (other, another))


def test_the_transaction_id_is_pinned_because_retries_outlive_releases() -> None:
    txid = identifiers.transaction_id(AGENT, "payment-00000001")

    assert identifiers.TRANSACTION_ID.fullmatch(txid)
    assert txid == "tx_mizTd5hZwr6s6lZTy3LhrY"


@pytest.mark.parametrize("key", ["a" * 16, "A-Z_0-9-abcdefgh", "x" * 128])
def test_an_idempotency_key_is_passed_on(key: str) -> None:
    assert identifiers.check_idempotency_key(key) == key


@pytest.mark.parametrize(
    "key", [None, "", "a" * 15, "a" * 129, "a" * 15 + " ", "a" * 16 + "\n", "a" * 15 + "é", "a" * 15 + "/"]
)
def test_any_other_idempotency_key_is_refused(key: str | None) -> None:
    with pytest.raises(MalformedInput, match="Idempotency-Key: send one header of 16 to 128 characters") as refused:
        identifiers.check_idempotency_key(key)
    assert refused.value.field == "Idempotency-Key"
