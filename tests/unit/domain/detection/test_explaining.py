"""A finding as the person sees it who has to decide on it."""

from dataclasses import replace

import pytest

from portcullis.domain.detection.explaining import explain, next_steps, transactions
from portcullis.domain.detection.findings import CLOSED, RELEASED, Finding, Lesson, describe
from portcullis.domain.detection.signals import Signal

AGENT, TRANSACTION, KEY = "ag_" + "1" * 22, "tx_" + "1" * 22, "pk_local_" + "1" * 28
LESSON = Lesson(1_700_000_000_000_000, 9_000_000_000, "transfer USDC base wallet", "base 0x1", "203.0.113.7", "DE")
FINDING = Finding(
    id="fd_" + "1" * 22,
    agent=AGENT,
    keys=(KEY,),
    signals=(Signal("amount", "9,000 USD, usually 12", 6, "9000", "80"),),
    severity=6,
    surprise=4_200,
    count=3,
    evidence=(f"{TRANSACTION}#1", "agent_api/2026/1#0", f"{TRANSACTION}#2"),
    lessons=(LESSON, LESSON, replace(LESSON, usd=None, counterparty=None, ip="198.51.100.9", country=None)),
    opened_at=1_700_000_000_000_000,
    last_at=1_700_000_000_000_000,
)


def commands(finding: Finding) -> list[str]:
    return [command.partition(" --")[0] for _, command in next_steps(finding)]


def test_it_says_all_that_the_finding_says_and_names_transactions_and_addresses_once() -> None:
    explained = explain(FINDING)
    assert explained.items() >= describe(FINDING).items()
    assert explained["transaction_ids"] == [TRANSACTION]
    assert explained["addresses"] == [{"ip": "203.0.113.7", "country": "DE"}, {"ip": "198.51.100.9", "country": None}]
    assert [lesson["usd"] for lesson in explained["lessons"]] == ["9000.00", "9000.00", None]


def test_what_is_no_transaction_is_not_taken_for_one() -> None:
    assert transactions(replace(FINDING, evidence=("tx_short#1", f"AGENT {TRANSACTION}#1", TRANSACTION))) == []


def test_first_the_payment_is_looked_at_then_it_is_said_what_it_was() -> None:
    assert commands(FINDING) == [
        f"portcullis tx show {AGENT} {TRANSACTION}",
        "portcullis audit query",
        f"portcullis incident start {AGENT}",
        f"portcullis keys rotate {AGENT} {KEY}",
        f"portcullis findings release {FINDING.id}",
    ]


def test_a_grave_one_is_stopped_first() -> None:
    assert commands(replace(FINDING, severity=8))[0] == f"portcullis incident start {AGENT}"


@pytest.mark.parametrize("state", [RELEASED, CLOSED])
def test_of_one_that_is_over_nothing_is_left_to_decide(state: str) -> None:
    assert commands(replace(FINDING, state=state)) == [f"portcullis agent profile {AGENT}"]


def test_many_payments_and_keys_do_not_become_many_commands() -> None:
    many = replace(FINDING, keys=(KEY,) * 9, evidence=tuple(f"tx_{number:022d}#1" for number in range(20)))
    assert len(next_steps(many)) == 9
