"""Approvers at the command line: QR code, content before code, and a code that is never an argument."""

import json
from typing import Any

import pytest

from portcullis.cli import decisions
from portcullis.domain.transaction import TransactionRequest, parse_transaction
from portcullis.protocol import totp
from tests.unit.cli.gateway import AGENT, Cli, assert_signed_by_the_operator, ok

APPROVER, OTHER = "ap_" + "1" * 22, "ap_" + "2" * 22
TX = "tx_" + "1" * 22
WALLET = "0x52908400098527886e0f7030069857d2e4169ee7"
BODY = {"kind": "transfer", "amount": "200", "token": "USDC", "chain": "base", "destination": {"wallet": WALLET}}
CONTENT = parse_transaction(json.dumps({**BODY, "memo": "café [bold]"}))
RECORD = {
    "id": TX,
    "status": "pending_approval",
    "usd": "200.00",
    **json.loads(CONTENT.content),
    "content_sha256": CONTENT.sha256.hex(),
}
ENTRY = {"approver_id": APPROVER, "name": "alice", "state": "pending", "identity": "arn:x", "sponsor": None}
SECRET = totp.base32(bytes(range(20)))
SHOWN = {**ENTRY, "secret": SECRET, "uri": totp.uri(bytes(range(20)), "alice (test)")}


@pytest.fixture(autouse=True)
def no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTCULLIS_CODE", raising=False)
    monkeypatch.delenv("PORTCULLIS_APPROVER", raising=False)


def called(cli: Cli) -> list[tuple[str, str, Any]]:
    for request in cli.sent:
        assert_signed_by_the_operator(request)
    return [
        (request.method, request.url.path.removeprefix("/local"), json.loads(request.content or "null"))
        for request in cli.sent
    ]


def test_the_first_enrols_themselves_and_is_shown_the_qr_code(cli: Cli) -> None:
    cli.answers = [ok(ENTRY, 201), ok(SHOWN)]
    result = cli.run("approver", "enroll", "alice")
    assert called(cli) == [
        ("POST", "/v1/approvers", {"name": "alice"}),
        ("POST", f"/v1/approvers/{APPROVER}/device", {}),
    ]
    assert ("█" in result.out, SECRET in result.out, "shown once" in result.err) == (True, True, True)


def test_the_device_for_programs(cli: Cli) -> None:
    cli.answers = [ok(SHOWN)]
    assert json.loads(cli.run("approver", "device", APPROVER, as_json=True).out) == SHOWN


def test_a_sponsor_enrols_another_and_sees_no_secret(cli: Cli) -> None:
    cli.answers = [ok(ENTRY, 201)]
    options = ("--identity", "arn:aws:iam::123456789012:user/bob", "--sponsor", OTHER)
    result = cli.run("approver", "enroll", "bob", *options, stdin="123456\n")
    body = {"name": "bob", "identity": "arn:aws:iam::123456789012:user/bob", "code": "123456"}
    assert called(cli) == [("POST", f"/v1/approvers/{OTHER}/enrolments", body)]
    assert (result.code, "Code" in result.err) == (0, True)


def test_a_sponsor_alone_is_not_enough(cli: Cli) -> None:
    assert cli.run("approver", "enroll", "bob", "--sponsor", OTHER).code == 2
    assert cli.sent == []


def test_confirm_list_and_revoke(cli: Cli) -> None:
    cli.answers = [ok(ENTRY), ok({"approvers": [ENTRY]}), ok(ENTRY)]
    assert cli.run("approver", "confirm", APPROVER, stdin="111111\n").code == 0
    assert APPROVER in cli.run("approver", "list").out
    assert cli.run("approver", "revoke", APPROVER, "--as", OTHER, stdin="222222\n").code == 0
    assert called(cli) == [
        ("POST", f"/v1/approvers/{APPROVER}/confirm", {"code": "111111"}),
        ("GET", "/v1/approvers", None),
        ("POST", f"/v1/approvers/{OTHER}/revocations", {"approver_id": APPROVER, "code": "222222"}),
    ]


def test_the_content_is_shown_before_the_code_is_asked_for(cli: Cli) -> None:
    cli.answers = [ok(RECORD), ok({**RECORD, "status": "approved"})]
    result = cli.run("tx", "approve", AGENT, TX, "--as", APPROVER, stdin="123456\n")
    assert result.code == 0
    shown = result.err
    assert shown.index(WALLET) < shown.index(CONTENT.sha256.hex()) < shown.index("Code")
    assert "café [bold]" in shown
    names = {"agent_id": AGENT, "transaction_id": TX, "content_sha256": CONTENT.sha256.hex(), "code": "123456"}
    assert called(cli) == [
        ("GET", f"/v1/agents/{AGENT}/transactions/{TX}", None),
        ("POST", f"/v1/approvers/{APPROVER}/approvals", names),
    ]


def test_content_that_is_not_what_its_hash_says_is_not_approved(cli: Cli) -> None:
    cli.answers = [ok({**RECORD, "amount": "2"})]
    result = cli.run("tx", "approve", AGENT, TX, "--as", APPROVER, stdin="123456\n")
    assert (result.code, len(cli.sent)) == (1, 1)


def test_the_hash_covers_every_field_of_a_request() -> None:
    assert set(decisions.CONTENT) == set(TransactionRequest.model_fields)


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (("deny", AGENT, TX, "--reason", "no"), "denials", {"reason": "no"}),
        (
            ("reconcile", AGENT, TX, "settled", "--reference", "0x1"),
            "reconciliations",
            {"outcome": "settled", "reference": "0x1"},
        ),
    ],
)
def test_deny_and_reconcile(
    cli: Cli, arguments: tuple[str, ...], path: str, body: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTCULLIS_CODE", "654321")
    monkeypatch.setenv("PORTCULLIS_APPROVER", APPROVER)
    cli.answers = [ok(RECORD), ok(RECORD)]
    assert cli.run("tx", *arguments).code == 0
    names = {"agent_id": AGENT, "transaction_id": TX, "code": "654321"}
    assert called(cli)[1] == ("POST", f"/v1/approvers/{APPROVER}/{path}", names | body)


def test_cancel_and_show_need_no_code(cli: Cli) -> None:
    cli.answers = [ok(RECORD), ok(RECORD)]
    assert cli.run("tx", "cancel", AGENT, TX, "--reason", "in error").code == 0
    assert TX in cli.run("tx", "show", AGENT, TX).out
    assert called(cli) == [
        ("POST", f"/v1/agents/{AGENT}/transactions/{TX}/cancel", {"reason": "in error"}),
        ("GET", f"/v1/agents/{AGENT}/transactions/{TX}", None),
    ]


def test_a_code_is_no_argument(cli: Cli) -> None:
    result = cli.run("approver", "confirm", APPROVER, "--code", "123456")
    assert (result.code, cli.sent, "123456" in result.err) == (2, [], False)


def test_without_a_code_nothing_is_sent(cli: Cli) -> None:
    assert cli.run("approver", "confirm", APPROVER).code == 2
    assert cli.sent == []
