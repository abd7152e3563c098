"""``portcullis lockdown``: what it sends, and that it ends with 0 only once completion is reported."""

import json
from typing import Any

import pytest

from tests.unit.cli.gateway import AGENT, Cli, ok, refused

APPROVER = "ap_" + "1" * 22
LOCKING: dict[str, Any] = {
    "state": "locking",
    "number": 1,
    "agents": {"total": 200, "seen": 100, "locked": 99, "failed": 0, "unreadable": 0},
}
WORKED = {**LOCKING, "worked": True}
LOCKED = {**WORKED, "state": "locked"}
STAGE = {**WORKED, "state": "lifting", "stage": {"number": 1}}
LIFTED = {**WORKED, "state": "lifted"}


@pytest.fixture(autouse=True)
def _code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTCULLIS_CODE", "492039")
    monkeypatch.setattr("portcullis.cli.lockdown.time.sleep", lambda _: None)


def paths(cli: Cli) -> list[str]:
    return [request.url.raw_path.decode().removeprefix("/local/v1/") for request in cli.sent]


def test_it_drives_until_completion_is_reported(cli: Cli) -> None:
    cli.answers = [ok(LOCKING), ok(WORKED), ok({**WORKED, "worked": False}), ok(LOCKED)]
    result = cli.run("lockdown", "start", "--reason", "leak")
    assert (result.code, paths(cli)) == (0, ["lockdown", *["lockdown/run"] * 3])
    assert json.loads(cli.sent[0].content) == {"reason": "leak"}
    assert "locked" in result.out


def test_it_does_not_say_locked_of_what_was_lifted_meanwhile(cli: Cli) -> None:
    cli.answers = [ok(LOCKING), ok({**WORKED, "state": "lifting"})]
    assert cli.run("lockdown", "start", "--reason", "leak").code == 1


@pytest.mark.parametrize(("answer", "code"), [(refused("dependency_unavailable"), 3), (KeyboardInterrupt(), 130)])
def test_what_is_not_complete_is_no_success(cli: Cli, answer: Any, code: int) -> None:
    cli.answers = [ok(LOCKING), ok(WORKED), *[answer] * 3]
    result = cli.run("lockdown", "start", "--reason", "leak")
    assert result.code == code
    cli.answers = [ok(WORKED), ok(LOCKED)]
    assert cli.run("lockdown", "resume").code == 0


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (["--agent", AGENT, "--agent", AGENT], {"agents": [AGENT, AGENT]}),
        (["--share", "10"], {"share": 10}),
        (["--all"], {"all": True}),
    ],
)
def test_a_stage_is_ordered_and_driven(cli: Cli, arguments: list[str], chosen: dict[str, Any]) -> None:
    cli.answers = [ok(STAGE), ok(STAGE), ok(LIFTED)]
    assert cli.run("lockdown", "lift", "--approver", APPROVER, *arguments).code == 0
    assert paths(cli) == [f"approvers/{APPROVER}/lockdown-lifts", *["lockdown/run"] * 2]
    assert json.loads(cli.sent[0].content) == {**chosen, "code": "492039"}


@pytest.mark.parametrize("arguments", [[], ["--all", "--share", "5"]])
def test_what_is_not_clear_is_not_sent(cli: Cli, arguments: list[str]) -> None:
    assert cli.run("lockdown", "lift", "--approver", APPROVER, *arguments).code == 2
    assert cli.sent == []


def test_the_status_is_shown(cli: Cli) -> None:
    cli.answers = [ok({"state": "none"})]
    assert "none" in cli.run("lockdown", "status").out
