"""The commands of a policy's life: what each sends, and what a person reads."""

import json
from typing import Any

import pytest

from tests.unit.cli.gateway import AGENT, Cli, assert_signed_by_the_operator, ok, refused

BASE = f"/local/v1/agents/{AGENT}/policy"
POLICY = {"limits": {"per_transaction": "20", "daily": "1000"}}
WARNING = {"code": "no_duplicate_check", "field": "duplicates", "detail": "paid [twice]"}
DRAFT = {
    "sha256": "ab",
    "rev": 7,
    "by": "arn",
    "at": "t",
    "protection": "basic",
    "warnings": [WARNING],
    "policy": POLICY,
}
DIFFERENCES = [
    {"path": "limits.daily", "change": "changed", "effect": "tightens", "old": None, "new": "10.00"},
    {"path": "allowlist.wallets", "change": "added", "effect": "loosens", "entries": ["base:0x1", "base:0x2"]},
    {"path": "allowlist.agents", "change": "removed", "effect": "tightens", "entries": [f"ag_{n}" for n in range(22)]},
]
EXPLANATION = {
    "policy_sha256": "ab",
    "status": "denied",
    "approval": [],
    "reasons": [],
    "usd": "21.00",
    "tier": "allowlist",
    "rules": [
        {"rule": "daily_limit", "verdict": "broken", "severity": 3, "detail": "Send less."},
        {"rule": "category_mismatch", "verdict": "not_applicable"},
    ],
    "windows": [{"rule": "daily_limit", "window": "d20261121", "used": "9.00", "wanted": "21.00", "limit": "10.00"}],
}


def calls(cli: Cli) -> list[tuple[str, str, Any]]:
    """Method, path with query, and body of what was sent, each signed."""
    for request in cli.sent:
        assert_signed_by_the_operator(request)
    return [
        (request.method, request.url.raw_path.decode(), json.loads(request.content) if request.content else None)
        for request in cli.sent
    ]


@pytest.fixture
def file(cli: Cli) -> str:
    (cli.home / "policy.json").write_text(json.dumps(POLICY))
    return "policy.json"


def test_a_preset_is_a_document_to_redirect(cli: Cli) -> None:
    cli.answers = [ok({"trust": "low", "policy": POLICY})]
    assert json.loads(cli.run("policy", "preset", "low").out) == POLICY
    assert calls(cli) == [("GET", "/local/v1/policies/presets/low", None)]


@pytest.mark.parametrize("as_json", [False, True])
def test_validate_warns(cli: Cli, file: str, as_json: bool) -> None:
    found = {"sha256": "ab", "protection": "basic", "warnings": [WARNING], "policy": POLICY}
    cli.answers = [ok(found)]
    result = cli.run("policy", "validate", file, as_json=as_json)
    assert calls(cli) == [("POST", "/local/v1/policies/validate", POLICY)]
    if as_json:
        assert json.loads(result.out) == found
    else:
        assert "basic" in result.out
        assert "duplicates: paid [twice] (no_duplicate_check)" in result.err


def test_a_draft_is_put_shown_and_discarded(cli: Cli, file: str) -> None:
    cli.answers = [ok(DRAFT), ok(DRAFT), ok(DRAFT), ok(DRAFT), ok({"agent_id": AGENT, "draft": None})]
    assert "paid [twice]" in cli.run("policy", "draft", AGENT, file).err
    assert cli.run("policy", "draft", AGENT, file, "--if-match", "7").code == 0
    shown = cli.run("policy", "draft", AGENT)
    assert (json.loads(shown.out), "rev 7" in shown.err) == (POLICY, True)
    assert cli.run("policy", "draft", AGENT, "--discard").code == 0
    assert [call[:2] for call in calls(cli)] == [
        ("PUT", f"{BASE}/draft"),
        ("PUT", f"{BASE}/draft"),
        ("GET", f"{BASE}/draft"),
        ("GET", f"{BASE}/draft"),
        ("DELETE", f"{BASE}/draft"),
    ]
    assert [request.headers.get("If-Match") for request in cli.sent] == [None, '"7"', None, None, '"7"']


@pytest.mark.parametrize(("said", "code", "sent"), [("y\n", 0, 4), ("n\n", 2, 3), ("", 2, 3)])
def test_publishing_shows_what_changes_and_asks(cli: Cli, said: str, code: int, sent: int) -> None:
    version = {"version": 3, "sha256": "aa", "policy": POLICY}
    cli.answers = [ok(DRAFT), ok(version), ok({"differences": DIFFERENCES}), ok({**version, "version": 4})]
    result = cli.run("policy", "publish", AGENT, stdin=said)
    assert (result.code, len(cli.sent)) == (code, sent)
    assert "limits.daily: none -> 10.00  tightens" in result.err
    assert "paid [twice]" in result.err
    if code == 0:
        assert calls(cli)[-1] == ("POST", f"{BASE}/publish", {"sha256": "ab"})
        assert cli.sent[-1].headers["If-Match"] == '"3"'


def test_publishing_without_asking_names_draft_and_version(cli: Cli) -> None:
    cli.answers = [ok(DRAFT), refused("state_conflict")]
    assert cli.run("policy", "publish", AGENT, "--if-match", "3", "--yes").code == 1
    assert calls(cli)[-1] == ("POST", f"{BASE}/publish", {"sha256": "ab"})


def test_history_and_one_version(cli: Cli) -> None:
    version = {"version": 3, "sha256": "ab", "trust": "low", "published_at": "t", "published_by": "arn:operator"}
    cli.answers = [ok({"versions": [version], "cursor": "3"}), ok({**version, "policy": POLICY})]
    listed = cli.run("policy", "history", AGENT, "--limit", "1")
    assert "arn:operator" in listed.out
    assert "--cursor 3" in listed.out
    assert json.loads(cli.run("policy", "show", AGENT, "3").out) == POLICY
    assert [call[1] for call in calls(cli)] == [f"{BASE}/versions?limit=1", f"{BASE}/versions/3"]


def test_a_diff_tells_each_entry_and_its_direction(cli: Cli) -> None:
    cli.answers = [ok({"from": "3", "to": "draft", "differences": DIFFERENCES}), ok({"differences": []})]
    shown = cli.run("policy", "diff", AGENT, "--from", "3").out
    assert "+ allowlist.wallets: base:0x2  loosens" in shown
    assert "- allowlist.agents: and 2 more  tightens" in shown
    assert "no difference" in cli.run("policy", "diff", AGENT).out
    assert [call[1] for call in calls(cli)] == [f"{BASE}/diff?from=3", f"{BASE}/diff"]


def test_a_shadow_is_a_document_the_draft_or_off(cli: Cli, file: str) -> None:
    cli.answers = [ok({"agent_id": AGENT})] * 3
    for options in ((file,), ("--draft",), ("--off",)):
        assert cli.run("policy", "shadow", AGENT, *options).code == 0
    assert cli.run("policy", "shadow", AGENT, "--draft", "--off").code == 2
    assert calls(cli) == [
        ("PUT", f"{BASE}/shadow", POLICY),
        ("PUT", f"{BASE}/shadow", {"draft": True}),
        ("DELETE", f"{BASE}/shadow", None),
    ]


def page(cursor: Any, usd: str) -> dict[str, Any]:
    change = {"id": f"tx_{usd}", "usd": usd, "from": "approved", "to": "denied", "rules": ["daily_limit"]}
    totals = [{"from": "approved", "to": "denied", "count": 1, "usd": usd}]
    return {"examined": 2, "changes": [change], "totals": totals, "rules": {"daily_limit": 1}, "cursor": cursor}


def test_a_backtest_adds_its_pages_up(cli: Cli) -> None:
    cli.answers = [ok(page({"id": "tx_1"}, "10.50")), ok(page(None, "0.75"))] * 2
    shown = cli.run("policy", "backtest", AGENT, "--draft", "--since", "2026-11-21T00:00:00Z")
    assert "2 of 4 transactions would be decided otherwise" in shown.out
    assert all(text in shown.out for text in ("tx_10.50", "tx_0.75", "11.25"))
    report = json.loads(cli.run("policy", "backtest", AGENT, "--draft", as_json=True).out)
    assert (report["examined"], report["rules"]) == (4, {"daily_limit": 2})
    first, second = (call[2] for call in calls(cli)[:2])
    assert first == {"draft": True, "since": "2026-11-21T00:00:00Z", "limit": 500}
    assert second == {**first, "cursor": {"id": "tx_1"}}


def test_a_backtest_without_a_change_says_so(cli: Cli, file: str) -> None:
    cli.answers = [ok({"examined": 3, "changes": [], "totals": [], "rules": {}, "cursor": None})]
    assert cli.run("policy", "backtest", AGENT, file).out.strip() == "0 of 3 transactions would be decided otherwise"
    assert calls(cli)[0][2] == {"policy": POLICY, "limit": 500}
    assert cli.run("policy", "backtest", AGENT).code == 2


def test_an_explanation_is_a_table_of_rules_and_of_windows(cli: Cli) -> None:
    transaction = {"kind": "transfer", "amount": "21"}
    (cli.home / "tx.json").write_text(json.dumps(transaction))
    cli.answers = [ok(EXPLANATION)] * 2
    shown = cli.run("policy", "explain", AGENT, "tx.json", "--draft").out
    assert all(
        text in shown for text in ("denied", "daily_limit", "broken", "not_applicable", "d20261121", "Send less.")
    )
    assert json.loads(cli.run("policy", "explain", AGENT, "tx.json", as_json=True).out) == EXPLANATION
    assert calls(cli)[0] == ("POST", f"{BASE}/explain", {"transaction": transaction, "draft": True})


def test_a_proposal_is_shown(cli: Cli) -> None:
    cli.answers = [ok({"agent_id": AGENT, "trust": "low", "due_at": "t", "proposal": None})]
    assert "none" in cli.run("policy", "proposal", AGENT).out
    assert calls(cli) == [("GET", f"/local/v1/agents/{AGENT}/proposal", None)]


def test_an_agent_may_be_created_without_a_policy(cli: Cli) -> None:
    cli.answers = [ok({"agent_id": AGENT}, 201)]
    assert cli.run("agent", "create", "payer").code == 0
    assert calls(cli) == [("POST", "/local/v1/agents", {"name": "payer"})]
