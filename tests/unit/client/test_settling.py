"""What follows a decision, through the SDK: requests as sent, answers as values, repeats, refusals."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from portcullis.client import (
    Approved,
    AsyncGateway,
    Cancelled,
    ConflictError,
    Decision,
    Executing,
    Expired,
    Failed,
    Frozen,
    Gateway,
    InvalidRequestError,
    Later,
    NeedsReconciliation,
    NotFoundError,
    Settled,
    UnexpectedAnswerError,
)
from portcullis.client.testing import FakeGateway
from portcullis.domain.record import STATUSES
from portcullis.protocol import signing
from tests.unit.client.world import FIELDS, RECORD, TXID, World, body_of

AGENT = "ag_" + "1" * 22
TOKEN = "claim-token-0000000001"
LATER: dict[str, dict[str, Any]] = {
    "executing": {"claimed_by": AGENT, "expires_at": "2026-11-21T06:46:00.000Z"},
    "settled": {"claimed_by": AGENT, "outcome": "0xfeed"},
    "failed": {"claimed_by": AGENT, "outcome": "no funds"},
    "cancelled": {},
    "expired": {},
    "frozen": {},
    "needs_reconciliation": {"claimed_by": AGENT},
}


def read(status: str, **more: Any) -> Decision:
    answer = httpx.Response(200, json={**RECORD, "status": status, **LATER.get(status, {}), **more})
    return World([answer]).gateway().get_transaction(TXID)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("executing", Executing),
        ("settled", Settled),
        ("failed", Failed),
        ("cancelled", Cancelled),
        ("expired", Expired),
        ("frozen", Frozen),
        ("needs_reconciliation", NeedsReconciliation),
    ],
)
def test_each_later_status_is_a_kind_of_later(status: str, kind: type[Later]) -> None:
    decision = read(status)
    assert type(decision) is kind
    assert (decision.transaction_id, decision.transaction.status) == (TXID, status)


def test_there_is_a_value_for_every_status() -> None:
    assert {*LATER, "approved", "pending_approval", "denied"} == set(STATUSES)
    with pytest.raises(UnexpectedAnswerError):
        read("unheard_of")


def test_what_a_later_status_tells() -> None:
    executing, settled, failed = read("executing"), read("settled"), read("failed")
    assert isinstance(executing, Executing)
    assert (executing.claimed_by, executing.lease_until) == (AGENT, datetime(2026, 11, 21, 6, 46, tzinfo=UTC))
    assert isinstance(settled, Settled)
    assert settled.reference == "0xfeed"
    assert isinstance(failed, Failed)
    assert failed.reason == "no funds"


def test_the_content_is_what_the_hash_says() -> None:
    sha256 = signing.body_digest(json.dumps(FIELDS, sort_keys=True, separators=(",", ":")).encode())
    intact = read("approved", content_sha256=sha256)
    assert isinstance(intact, Approved)
    assert intact.transaction.is_intact
    for change in ({"amount": "12.51"}, {"destination": {"wallet": "0x0"}}, {"memo": "x"}, {"content_sha256": ""}):
        altered = read("approved", **{"content_sha256": sha256, **change})
        assert isinstance(altered, Approved)
        assert not altered.transaction.is_intact


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (
            lambda gateway: gateway.claim(TXID, agent=AGENT, claim_token=TOKEN),
            "claim",
            {"agent_id": AGENT, "claim_token": TOKEN},
        ),
        (
            lambda gateway: gateway.settle(TXID, agent=AGENT, claim_token=TOKEN, reference="0xfeed"),
            "settle",
            {"agent_id": AGENT, "claim_token": TOKEN, "reference": "0xfeed"},
        ),
        (
            lambda gateway: gateway.fail(TXID, agent=AGENT, claim_token=TOKEN, reason="no funds"),
            "fail",
            {"agent_id": AGENT, "claim_token": TOKEN, "reason": "no funds"},
        ),
        (lambda gateway: gateway.cancel(TXID), "cancel", {}),
        (
            lambda gateway: gateway.confirm(TXID, agent=AGENT, content_sha256="ab" * 32),
            "confirm",
            {"agent_id": AGENT, "content_sha256": "ab" * 32},
        ),
    ],
)
async def test_each_step_is_sent_again_until_it_is_answered(call: Any, path: str, body: dict[str, Any]) -> None:
    world, other = (World([httpx.ReadTimeout("lost"), httpx.Response(200, json=RECORD)]) for _ in range(2))
    assert isinstance(call(world.gateway()), Approved)
    assert isinstance(await call(other.async_gateway()), Approved)
    for sent in (*world.sent, *other.sent):
        assert (sent.method, sent.url.path) == ("POST", f"/local/v1/transactions/{TXID}/{path}")
        assert (body_of(sent), sent.headers["Content-Type"]) == (body, "application/json")
    assert [len(world.sent), len(other.sent)] == [2, 2]


async def test_lists_and_reads_of_another_agent_name_it_in_the_signed_query() -> None:
    page = httpx.Response(200, json={"transactions": [RECORD], "cursor": "next"})
    world, other = World([page]), World([httpx.Response(200, json=RECORD)])
    listed = world.gateway().list_transactions(agent=AGENT, status="approved", cursor="a b", limit=7)
    assert ([one.transaction_id for one in listed.transactions], listed.cursor) == ([TXID], "next")
    assert world.sent[0].url.raw_path.decode().endswith(f"?agent={AGENT}&cursor=a%20b&limit=7&status=approved")
    await other.async_gateway().get_transaction(TXID, agent=AGENT)
    assert other.sent[0].url.raw_path.decode() == f"/local/v1/transactions/{TXID}?agent={AGENT}"


@pytest.mark.parametrize(("txid", "token"), [("tx_1", TOKEN), (TXID, "short"), (TXID, "spaces are not allowed")])
def test_a_wrong_argument_is_refused_before_anything_is_sent(txid: str, token: str) -> None:
    world = World([])
    with pytest.raises(InvalidRequestError):
        world.gateway().claim(txid, agent=AGENT, claim_token=token)
    assert world.sent == []


@pytest.fixture
def fake() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def gateway(fake: FakeGateway) -> Gateway:
    return Gateway(fake.url, fake.key_id, fake.secret, transport=fake.transport)


def test_the_fake_gateway_leads_the_same_life(fake: FakeGateway, gateway: Gateway) -> None:
    txid = gateway.create_transaction(**FIELDS).transaction_id
    (listed,) = gateway.list_transactions(agent=fake.agent_id, status="approved").transactions
    assert isinstance(listed, Approved)
    assert listed.transaction.is_intact
    claimed = gateway.claim(txid, agent=fake.agent_id, claim_token=TOKEN)
    assert isinstance(claimed, Executing)
    assert gateway.claim(txid, agent=fake.agent_id, claim_token=TOKEN) == claimed
    with pytest.raises(ConflictError):
        gateway.claim(txid, agent=fake.agent_id, claim_token=TOKEN[::-1])
    with pytest.raises(ConflictError):
        gateway.cancel(txid)
    with pytest.raises(ConflictError):
        gateway.settle(txid, agent=fake.agent_id, claim_token=TOKEN[::-1], reference="0xfeed")
    settled = gateway.settle(txid, agent=fake.agent_id, claim_token=TOKEN, reference="0xfeed")
    assert isinstance(settled, Settled)
    assert gateway.settle(txid, agent=fake.agent_id, claim_token=TOKEN, reference="0xfeed") == settled
    with pytest.raises(ConflictError):
        gateway.fail(txid, agent=fake.agent_id, claim_token=TOKEN, reason="no funds")
    assert gateway.get_transaction(txid) == settled


async def test_the_fake_gateway_fails_and_cancels(fake: FakeGateway) -> None:
    async with AsyncGateway(fake.url, fake.key_id, fake.secret, transport=fake.transport) as gateway:
        first, second = [(await gateway.create_transaction(**FIELDS)).transaction_id for _ in range(2)]
        await gateway.claim(first, agent=fake.agent_id, claim_token=TOKEN)
        assert isinstance(await gateway.fail(first, agent=fake.agent_id, claim_token=TOKEN, reason="no funds"), Failed)
        assert isinstance(await gateway.cancel(second), Cancelled)
        assert isinstance(await gateway.cancel(second), Cancelled)
        with pytest.raises(NotFoundError):
            await gateway.confirm(second, agent=fake.agent_id, content_sha256="ab" * 32)
        page = await gateway.list_transactions()
        assert [one.transaction_id for one in page.transactions] == [second, first]
