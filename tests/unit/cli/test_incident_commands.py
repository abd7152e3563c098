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
