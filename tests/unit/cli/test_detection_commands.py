"""``portcullis findings``, ``agent profile`` and ``sources``: what they send, and what they tell people to run next."""

import json
from typing import Any

import pytest

from tests.unit.cli.gateway import AGENT, KEY_ID, Cli, assert_signed_by_the_operator, ok, refused

FINDING_ID = "fd_" + "1" * 22
TRANSACTION = "tx_" + "1" * 22
SIGNAL = {"name": "amount", "detail": "9,000 USD, usually 12", "severity": 6, "value": "9000", "threshold": "80"}
FINDING: dict[str, Any] = {
    "id": FINDING_ID,
    "agent_id": AGENT,
    "state": "open",
    "severity": 6,
    "action": "notify",
    "signals": [SIGNAL],
    "key_ids": [KEY_ID],
    "evidence": [f"{TRANSACTION}#1"],
    "count": 1,
    "opened_at": "2026-11-21T06:31:00.000Z",
    "last_at": "2026-11-21T06:31:00.000Z",
}
RELEASE = f'portcullis findings release {FINDING_ID} --reason "…"'
EXPLAINED: dict[str, Any] = {
    **FINDING,
    "transaction_ids": [TRANSACTION],
    "addresses": [{"ip": "203.0.113.7", "country": None}],
    "lessons": [
        {
            "at": "2026-11-21T06:31:00.000Z",
            "usd": "9000.00",
            "endpoint": "transfer USDC base wallet",
            "counterparty": "base 0x[1]",
            "ip": "203.0.113.7",
            "country": None,
        }
    ],
    "next": [{"when": "if it was legitimate", "command": RELEASE}],
}
PROFILE: dict[str, Any] = {
    "agent_id": AGENT,
    "payments": 40,
    "warm_up": False,
    "addresses": [{"address": "0a0b0c0d", "network": "01020304", "country": None, "known": True}],
    "open_finding": FINDING_ID,
    "export": {"version": 1, "packed": "AAEC"},
}
SOURCE: dict[str, Any] = {
    "address": "203.0.113.7",
    "since": "2026-11-21T06:31:00.000Z",
    "until": "2026-11-21T07:31:00.000Z",
    "times": 3,
    "reason": "forged signatures",
}


def body(cli: Cli) -> Any:
    return json.loads(cli.sent[-1].content)


def target(cli: Cli) -> str:
    return f"{cli.sent[-1].method} {cli.sent[-1].url.raw_path.decode().removeprefix('/local/v1/')}"


def test_findings_are_listed_with_the_names_of_their_signals_and_the_next_command(cli: Cli) -> None:
    cli.answers = [ok({"findings": [FINDING], "cursor": "next"})]
    result = cli.run("findings", "list", "--state", "all", "--agent", AGENT, "--limit", "1")
    assert target(cli) == f"GET findings?agent={AGENT}&limit=1&state=all"
    assert all(part in result.out for part in (FINDING_ID, "notify", "amount", "--cursor next"))
    assert f"portcullis findings explain {FINDING_ID}" in result.err
    assert_signed_by_the_operator(cli.sent[0])


def test_an_empty_list_suggests_nothing(cli: Cli) -> None:
    cli.answers = [ok({"findings": [], "cursor": None}), ok({"sources": []})]
    for group in ("findings", "sources"):
        result = cli.run(group, "list")
        assert (result.out, result.err) == (f"no {group}\n", "")


def test_an_explanation_tells_signals_lessons_and_commands_as_they_are(cli: Cli) -> None:
    cli.answers = [ok(EXPLAINED)]
    shown = cli.run("findings", "explain", FINDING_ID).out
    assert all(part in shown for part in ("9,000 USD, usually 12", "80", TRANSACTION, "0x[1]", RELEASE))
    assert "a release would teach" in shown


def test_a_release_says_what_was_learnt(cli: Cli) -> None:
    cli.answers = [ok({**EXPLAINED, "state": "released"}), refused("state_conflict")]
    shown = cli.run("findings", "release", FINDING_ID, "--reason", "a new supplier").out
    assert (target(cli), body(cli)) == (f"POST findings/{FINDING_ID}/release", {"reason": "a new supplier"})
    assert "was learnt" in shown
    assert cli.run("findings", "release", FINDING_ID, "--reason", "again").code == 1


def test_a_release_needs_a_reason(cli: Cli) -> None:
    assert cli.run("findings", "release", FINDING_ID).code == 2
    assert cli.run("agent", "reset-profile", AGENT).code == 2
    assert cli.sent == []


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (("findings", "list"), {"findings": [FINDING], "cursor": None}),
        (("findings", "explain", FINDING_ID), EXPLAINED),
        (("agent", "profile", AGENT), PROFILE),
        (("sources", "list"), {"sources": [SOURCE]}),
    ],
)
def test_programs_get_the_answer_as_it_is(cli: Cli, command: tuple[str, ...], answer: dict[str, Any]) -> None:
    cli.answers = [ok(answer)]
    assert json.loads(cli.run(*command, as_json=True).out) == answer


def test_a_profile_is_shown_and_kept_but_never_over_another(cli: Cli) -> None:
    file = cli.home / "profile.json"
    cli.answers = [ok(PROFILE), ok(PROFILE)]
    shown = cli.run("agent", "profile", AGENT, "--export", str(file))
    assert "payments" in shown.out
    assert "0a0b0c0d" in shown.out
    assert "AAEC" not in shown.out
    assert f"portcullis findings explain {FINDING_ID}" in shown.err
    kept = file.read_text()
    assert json.loads(kept) == {"agent_id": AGENT, "version": 1, "packed": "AAEC"}
    again = cli.run("agent", "profile", AGENT, "--export", str(file))
    assert (again.code, file.read_text()) == (2, kept)
    assert "another name" in again.err


def test_a_profile_that_cannot_be_kept_says_why(cli: Cli) -> None:
    cli.answers = [ok(PROFILE)]
    result = cli.run("agent", "profile", AGENT, "--export", str(cli.home / "none" / "profile.json"))
    assert (result.code, "No such file or directory" in result.err) == (2, True)


def test_of_a_profile_without_anything_learnt_nothing_is_kept(cli: Cli) -> None:
    cli.answers = [ok({**PROFILE, "export": None})]
    result = cli.run("agent", "profile", AGENT, "--export", str(cli.home / "profile.json"))
    assert (result.code, (cli.home / "profile.json").exists()) == (1, False)
    assert "nothing was learnt" in result.err


def test_a_profile_is_reset(cli: Cli) -> None:
    cli.answers = [ok({**PROFILE, "payments": 0, "open_finding": None})]
    assert cli.run("agent", "reset-profile", AGENT, "--reason", "pays salaries now").code == 0
    assert (target(cli), body(cli)) == (f"POST agents/{AGENT}/profile/reset", {"reason": "pays salaries now"})


def test_sources_are_listed_and_unblocked(cli: Cli) -> None:
    cli.answers = [ok({"sources": [SOURCE]}), ok({"address": "203.0.113.7", "blocked": False})]
    listed = cli.run("sources", "list")
    assert all(part in listed.out for part in ("203.0.113.7", "forged signatures", SOURCE["until"]))
    assert "portcullis sources unblock" in listed.err
    cli.run("sources", "unblock", "203.0.113.7", "--reason", "an office")
    assert (target(cli), body(cli)) == ("POST sources/unblock", {"address": "203.0.113.7", "reason": "an office"})
