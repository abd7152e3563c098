"""``portcullis incident``: what it sends, and what it tells people to run next."""

import json
from typing import Any

import pytest

from tests.unit.cli.gateway import AGENT, Cli, assert_signed_by_the_operator, ok

INCIDENT_ID = "in_" + "1" * 22
STEPS = ("keys", "transactions", "sources", "secrets", "evidence", "notice")
INCIDENT: dict[str, Any] = {
    "id": INCIDENT_ID,
    "agent_id": AGENT,
    "state": "open",
    "severity": 8,
    "epoch": 2,
    "run": 1,
    "triggers": [
        {
            "kind": "operator",
            "reason": "key in a [public] repository",
            "actor": "arn:aws:iam::123456789012:user/operator",
            "ip": "198.51.100.4",
            "at": "2026-11-21T06:31:00.000Z",
            "severity": 8,
        }
    ],
    "triggered": 1,
    "steps": {name: {"state": "outstanding", "attempts": 0, "result": {}} for name in STEPS},
    "opened_at": "2026-11-21T06:31:00.000Z",
}
RESUME = f"portcullis incident resume {INCIDENT_ID}"
REVIEW = f'portcullis incident recover {INCIDENT_ID} --approver AP --cause "…"'
SHOWN: dict[str, Any] = {
    **INCIDENT,
    "checklist": [
        {"name": "keys", "what": "every key is revoked", "done": True},
        {"name": "review", "what": "somebody has reviewed", "done": False, "command": REVIEW},
        {"name": "steps", "what": "the other steps are done", "done": False, "command": RESUME},
    ],
}


def called(cli: Cli) -> tuple[str, Any]:
    request = cli.sent[-1]
    assert_signed_by_the_operator(request)
    path = request.url.raw_path.decode().removeprefix("/local/v1/")
    return f"{request.method} {path}", json.loads(request.content or "null")


def test_start_cuts_off_and_says_where_to_look(cli: Cli) -> None:
    cli.answers = [ok(INCIDENT, 201)]
    result = cli.run("incident", "start", AGENT, "--reason", "key in a [public] repository", "--severity", "9")
    body = {"reason": "key in a [public] repository", "severity": 9}
    assert called(cli) == (f"POST agents/{AGENT}/incidents", body)
    assert "[public]" in result.out
    assert f"portcullis incident show {INCIDENT_ID}" in result.err
    assert cli.sent[0].headers["Idempotency-Key"]


def test_a_start_needs_a_reason(cli: Cli) -> None:
    assert cli.run("incident", "start", AGENT).code == 2
    assert cli.sent == []


def test_incidents_are_listed_with_their_reason_and_the_next_command(cli: Cli) -> None:
    cli.answers = [ok({"incidents": [INCIDENT], "cursor": "next"}), ok({"incidents": [], "cursor": None})]
    result = cli.run("incident", "list", "--state", "all", "--agent", AGENT, "--limit", "1")
    assert called(cli)[0] == f"GET incidents?agent={AGENT}&limit=1&state=all"
    assert all(part in result.out for part in (INCIDENT_ID, "key in a [public] repository", "--cursor next"))
    assert f"portcullis incident show {INCIDENT_ID}" in result.err
    assert cli.run("incident", "list").err == ""


def test_show_tells_steps_checklist_and_the_next_command(cli: Cli) -> None:
    cli.answers = [ok(SHOWN)]
    shown = cli.run("incident", "show", INCIDENT_ID).out
    assert called(cli)[0] == f"GET incidents/{INCIDENT_ID}"
    assert all(part in shown for part in ("evidence", "outstanding", "somebody has reviewed", REVIEW))
    assert RESUME not in shown, "one thing after the other"


def test_resume(cli: Cli) -> None:
    cli.answers = [ok(SHOWN)]
    assert cli.run("incident", "resume", INCIDENT_ID).code == 0
    assert called(cli) == (f"POST incidents/{INCIDENT_ID}/resume", {})


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (("incident", "list"), {"incidents": [INCIDENT], "cursor": None}),
        (("incident", "show", INCIDENT_ID), SHOWN),
        (("incident", "start", AGENT, "--reason", "x"), INCIDENT),
    ],
)
def test_programs_get_the_answer_as_it_is(cli: Cli, command: tuple[str, ...], answer: dict[str, Any]) -> None:
    cli.answers = [ok(answer)]
    assert json.loads(cli.run(*command, as_json=True).out) == answer


APPROVER = "ap_" + "1" * 22
REVIEWED_AT = "2026-11-21T08:02:00.000Z"
REVIEWED: dict[str, Any] = {
    **SHOWN,
    "review": {
        "by": "ap_" + "2" * 22,
        "at": REVIEWED_AT,
        "cause": "key in a [public] repository",
        "policy_version": 3,
        "addresses": "keep",
    },
}
VERSION = {"version": 3, "policy": {"allowlist": {"wallets": ["base:0x52"], "tokens": ["USDC"]}}}
OPTIONS = ("--cause", "key in a repository", "--policy-version", "3", "--addresses", "keep")


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTCULLIS_CODE", raising=False)
    monkeypatch.delenv("PORTCULLIS_APPROVER", raising=False)


def test_recover_alone_says_what_is_missing(cli: Cli) -> None:
    cli.answers = [ok(SHOWN), ok(SHOWN)]
    result = cli.run("incident", "recover", INCIDENT_ID)
    assert (result.code, REVIEW in result.out, len(cli.sent)) == (0, True, 1)
    assert json.loads(cli.run("incident", "recover", INCIDENT_ID, as_json=True).out) == SHOWN


def test_a_reviewer_sees_the_allowlists_before_the_code(cli: Cli) -> None:
    cli.answers = [ok(SHOWN), ok(VERSION), ok(REVIEWED)]
    result = cli.run("incident", "recover", INCIDENT_ID, "--approver", APPROVER, *OPTIONS, stdin="123456\n")
    assert result.code == 0
    assert result.err.index("base:0x52") < result.err.index("Code")
    body = {
        "incident_id": INCIDENT_ID,
        "cause": "key in a repository",
        "policy_version": 3,
        "addresses": "keep",
        "code": "123456",
    }
    assert called(cli) == (f"POST approvers/{APPROVER}/incident-reviews", body)


def test_who_confirms_sees_the_review_before_the_code_and_confirms_that(cli: Cli) -> None:
    cli.answers = [ok(REVIEWED), ok({**REVIEWED, "state": "recovered"})]
    result = cli.run("incident", "recover", INCIDENT_ID, "--approver", APPROVER, "--confirm", stdin="123456\n")
    assert result.code == 0
    assert result.err.index("key in a [public] repository") < result.err.index("Code")
    body = {"incident_id": INCIDENT_ID, "reviewed_at": REVIEWED_AT, "code": "123456"}
    assert called(cli) == (f"POST approvers/{APPROVER}/recoveries", body)


def test_what_nobody_has_reviewed_is_not_confirmed(cli: Cli) -> None:
    cli.answers = [ok(SHOWN)]
    result = cli.run("incident", "recover", INCIDENT_ID, "--approver", APPROVER, "--confirm", stdin="123456\n")
    assert (result.code, len(cli.sent), "nobody has reviewed" in result.err) == (1, 1, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--confirm",),
        OPTIONS,
        ("--approver", APPROVER, *OPTIONS[:4]),
        ("--approver", APPROVER, "--confirm", *OPTIONS),
        ("--approver", APPROVER, *OPTIONS[:4], "--addresses", "burn"),
    ],
)
def test_half_a_review_is_none(cli: Cli, options: tuple[str, ...]) -> None:
    assert cli.run("incident", "recover", INCIDENT_ID, *options, stdin="123456\n").code == 2
    assert cli.sent == []


def test_close_says_what_it_was(cli: Cli) -> None:
    cli.answers = [ok({**SHOWN, "state": "closed", "outcome": "drill", "checklist": []})]
    result = cli.run("incident", "close", INCIDENT_ID, "--outcome", "drill", "--reason", "planned")
    assert called(cli) == (f"POST incidents/{INCIDENT_ID}/close", {"outcome": "drill", "reason": "planned"})
    assert "nothing is left to do" in result.out
    assert cli.run("incident", "close", INCIDENT_ID, "--outcome", "nothing", "--reason", "x").code == 2
