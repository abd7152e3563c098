"""``portcullis rotate`` and ``portcullis root``: what they send, when they stop, and how they can be interrupted."""

import json
from typing import Any

import pytest

from tests.unit.cli.gateway import AGENT, KEY_ID, Cli, ok

JOB_ID = "kj_" + "1" * 22
JOB: dict[str, Any] = {
    "job_id": JOB_ID,
    "action": "rotate",
    "state": "running",
    "agents": {"seen": 3, "unreadable": 0, "all_seen": False},
    "keys": {"seen": 3, "done": 2, "outstanding": 1, "failed": 0},
    "waiting_for": {"hand": 0, "agent": 0, "secrets_manager": 0, "gateway": 1},
    "worked": True,
}
WAITING = {
    **JOB,
    "agents": {**JOB["agents"], "all_seen": True},
    "waiting_for": {**JOB["waiting_for"], "gateway": 0, "hand": 1},
}
LEFT = {"key_id": KEY_ID, "agent_id": AGENT, "waits_for": "hand", "error": None}
ROOT = {
    "current": "1",
    "counted_at": None,
    "generations": [
        {"generation": "0", "keys": 3, "approvers": 0, "obstacle": "3 keys of it are valid"},
        {"generation": "1", "keys": 0, "approvers": 0, "obstacle": None},
    ],
}


def paths(cli: Cli) -> list[str]:
    return [request.url.raw_path.decode().removeprefix("/local/v1/") for request in cli.sent]


def test_it_drives_a_job_until_the_rest_is_for_others_and_says_what_to_do(cli: Cli) -> None:
    cli.answers = [ok(JOB, 201), ok(JOB), ok(WAITING), ok({"keys": [LEFT], "cursor": None})]
    result = cli.run("rotate", "--class", "production", "--overlap", "60", "--reason", "yearly")
    assert result.code == 0
    assert json.loads(cli.sent[0].content) == {
        "action": "rotate",
        "key_class": "production",
        "overlap_seconds": 60,
        "reason": "yearly",
    }
    run = f"key-jobs/{JOB_ID}/run"
    assert paths(cli) == ["key-jobs", run, run, f"key-jobs/{JOB_ID}/keys?status=outstanding"]
    assert f"portcullis keys rotate {AGENT} {KEY_ID}" in result.out


def test_an_interruption_says_how_to_go_on_and_resuming_makes_no_second_job(cli: Cli) -> None:
    cli.answers = [ok(JOB, 201), KeyboardInterrupt()]
    result = cli.run("rotate", "--all", "--reason", "yearly")
    assert (result.code, f"portcullis rotate --resume {JOB_ID}" in result.err) == (130, True)
    cli.sent, cli.answers = [], [ok({**JOB, "state": "finished"})]
    assert cli.run("rotate", "--resume", JOB_ID).code == 0
    assert paths(cli) == [f"key-jobs/{JOB_ID}/run"]


def test_failed_keys_are_a_failure(cli: Cli) -> None:
    failed = {**JOB, "state": "finished", "keys": {**JOB["keys"], "outstanding": 0, "failed": 1}}
    cli.answers = [ok(failed), ok({"keys": [{**LEFT, "error": "ResourceNotFoundException"}], "cursor": None})]
    result = cli.run("rotate", "status", JOB_ID)
    assert (result.code, "ResourceNotFoundException" in result.out) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--reason", "x"],
        ["--all", "--class", "production", "--reason", "x"],
        ["--all"],
        ["--all", "--revoke", "--reason", "x"],
        ["--all", "--resume", JOB_ID],
    ],
)
def test_what_is_not_clear_is_not_sent(cli: Cli, arguments: list[str]) -> None:
    assert cli.run("rotate", *arguments).code == 2
    assert cli.sent == []


def test_jobs_are_listed_and_cancelled(cli: Cli) -> None:
    cli.answers = [ok({"jobs": [JOB], "cursor": None}), ok({**JOB, "state": "cancelled"})]
    assert JOB_ID in cli.run("rotate", "status").out
    assert "cancelled" in cli.run("rotate", "cancel", JOB_ID).out


def test_the_root_is_shown_advanced_and_checked(cli: Cli) -> None:
    cli.answers = [ok(ROOT)] * 4
    assert "3 keys of it are valid" in cli.run("root", "show").out
    cli.run("root", "advance", "1")
    assert json.loads(cli.sent[1].content) == {"generation": "1"}
    assert [cli.run("root", "check", each).code for each in "01"] == [1, 0]
