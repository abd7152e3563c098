"""The report of an incident from an export that was verified: what it adds up, and what hostile text cannot do."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from portcullis.cli import incident_report
from portcullis.domain import audit_records
from portcullis.protocol import audit_entries
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.log_export import Asked
from tests.unit.cli.gateway import LOCAL, Cli, ok
from tests.unit.protocol.built_log import built, entry, verifier_key
from tests.unit.protocol.exported import EVER, exported

BUS = Path(__file__).parents[3] / "events" / "bus"
AGENT, INCIDENT = "ag_" + "a" * 22, "in_" + "b" * 22
FINDING = "fd_00Gh2kQe0Zs7WcX1bYpL4t"
DAY = Asked("2026-11-20T06:40:00.000Z", "2026-11-21T06:40:00.001Z", AGENT)
SIZE = 1_000
SUSPENDED = "2026-11-21T06:40:00.000Z"
HOSTILE = "a|b\n# Fake heading\n<script>alert(1)</script> [x](https://evil.example) ![i](http://e) `c` **b** www.e.com ‮"
MENTION = "@team a@evil.example `@"


def told(type_: str, at: str, number: int = 0, **changed: Any) -> Entry:
    """The example of an event at another time of that morning, of another transaction."""
    event = json.loads((BUS / f"{type_}.json").read_text())
    event["at"] = f"2026-11-21T{at}.000Z"
    if event["txid"]:
        event["txid"] = event["data"]["id"] = f"tx_{number:022d}"
        event["id"] = f"{event['txid']}#{event['rev']}"
    data = {**event["data"], **changed.pop("data", {})}
    return audit_entries.parse(audit_records.of_event({**event, "data": data, **changed}).data)


def opened(**changed: Any) -> Entry:
    return told("incident.opened", "06:40:00", **changed)


def paid(number: int, at: str, usd: str, *moves: str, **changed: Any) -> list[Entry]:
    """A payment that was approved, and what became of it within that minute."""
    data = {"usd": usd, **changed}
    entries = [told("transaction.approved", f"{at}:00", number, data=data)]
    later = {"executing": 2, "settled": 3, "needs_reconciliation": 3, "frozen": 2}
    for move in moves:
        seconds = f"{at}:{10 * later[move]:02d}"
        entries.append(told(f"transaction.{move}", seconds, number, data=data, rev=later[move]))
    return entries


@dataclass
class Case:
    """An incident as the operator API answers, and what its agent's log tells."""

    entries: list[Entry] = field(default_factory=list)
    incident: dict[str, Any] = field(default_factory=lambda: incident())

    def page(self) -> str:
        return incident_report.page(self.incident, DAY, SIZE, self.entries)

    def line(self, start: str) -> str:
        (line,) = (line for line in self.page().splitlines() if line.startswith(start))
        return line


def incident() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BUS / "incident.step_done.json").read_text())["data"]
    found |= {"opened_at": SUSPENDED, "checklist": [{"name": "keys", "what": "keys are revoked", "done": True}]}
    found["triggers"] = [{**found["triggers"][0], "kind": "finding", "reference": FINDING, "at": SUSPENDED}]
    found["steps"]["keys"]["at"] = "2026-11-21T06:40:03.500Z"
    return found


@pytest.fixture
def case() -> Case:
    """Paid before the first sign, and after it; claimed, given up, approved, held and frozen when it was suspended."""
    return Case(
        [
            *paid(1, "06:20", "10.00", "executing", "settled"),
            told("finding.opened", "06:31:00", agent=AGENT),
            *paid(2, "06:32", "250.55", "executing", "settled"),
            *paid(3, "06:33", "100.10", "executing"),
            *paid(4, "06:34", "30.00", "executing", "needs_reconciliation"),
            *paid(5, "06:35", "400.00"),
            *paid(6, "06:36", "5.00", "frozen"),
            told("transaction.pending_approval", "06:37:00", 7, data={"usd": "1000.01"}),
            told("transaction.denied", "06:38:00", 8, data={"usd": "9999.00"}),
            told("request.served", "06:39:00"),
            opened(),
            told("agent.suspended", "06:40:00"),
        ]
    )


def test_money_is_added_up_by_what_became_of_it(case: Case) -> None:
    assert case.line("| at risk").endswith("| 4 | 1,530.11 |")
    assert case.line("| stopped").endswith("| 2 | 1,400.01 |")
    assert case.line("| possibly lost").endswith("| 2 | 130.10 |")
    assert case.line("| lost").endswith("| 1 | 250.55 |")
    assert case.line("- lost or") == "- lost or possibly lost: 380.65 USD in 3 payments"


def test_what_was_frozen_or_claimed_after_the_suspension_is_counted_as_it_ended(case: Case) -> None:
    case.entries += [
        told("transaction.frozen", "06:40:05", 5, data={"usd": "400.00"}, rev=2),
        told("transaction.settled", "06:41:00", 3, data={"usd": "100.10"}),
        *[each._replace(at="2026-11-21T06:40:01.000Z") for each in paid(9, "06:39", "7.00", "executing")[1:]],
        *paid(9, "06:39", "7.00"),
    ]
    assert case.line("| stopped").endswith("| 2 | 1,400.01 |")
    assert case.line("| possibly lost").endswith("| 2 | 37.00 |")
    assert case.line("| lost").endswith("| 2 | 350.65 |")


def test_payments_that_raced_with_the_suspension_count_and_those_after_the_way_back_do_not(case: Case) -> None:
    case.entries += [each._replace(at="2026-11-21T06:40:00.300Z") for each in paid(10, "06:39", "0.01")]
    case.entries += paid(11, "07:30", "77.00", "executing", "settled")
    case.incident["recovered_at"] = "2026-11-21T07:00:00.000Z"
    assert case.line("| at risk").endswith("| 5 | 1,530.12 |")
    assert case.line("| stopped").endswith("| 3 | 1,400.02 |")
    assert case.line("| lost").endswith("| 1 | 250.55 |")


def rebuilt(number: int, at: str, status: str, rev: int) -> Entry:
    return told("transaction.unrecorded", at, number, rev=rev, data={"status": status})


def test_what_the_gateway_rebuilt_counts_with_what_is_known_of_it(case: Case) -> None:
    case.entries += [*paid(12, "06:35", "20.00"), rebuilt(12, "06:35:30", "executing", 2)]
    case.entries += [rebuilt(13, "06:35:00", "approved", 1), *paid(13, "06:36", "8.00", "executing", "settled")[1:]]
    assert case.line("| at risk").endswith("| 5 | 1,550.11 |")
    assert case.line("| possibly lost").endswith("| 3 | 150.10 |")
    assert case.line("| lost").endswith("| 2 | 258.55 |")
    assert case.line("- [ ] say how `tx_0000000000000000000012`")
    destinations = case.page().partition("## Destinations")[2].partition("##")[0]
    assert "| `base:0x52908400098527886e0f7030069857d2e4169ee7` | 8 | 1,813.66 | approved" in destinations


def test_it_began_with_the_finding_that_triggered_it_else_with_one_that_nobody_released(case: Case) -> None:
    assert case.line("- first sign:") == f"- first sign: `2026-11-21T06:31:00.000Z`, finding fd\\_{FINDING[3:]}"
    assert case.line("- suspended:").endswith("9.0 min after the first sign")
    released = told("finding.released", "06:50:00", agent=AGENT, data={"id": FINDING})
    assert "finding" in Case([*case.entries, released], case.incident).line("- first sign:"), "a false alarm, closed"
    case.incident["triggers"][0]["reference"] = "fd_other"
    assert "trigger itself" in Case([*case.entries, released], case.incident).line("- first sign:")
    assert "finding" in case.line("- first sign:")
    case.entries.append(told("finding.released", "06:35:00", agent=AGENT, data={"id": FINDING}))
    assert case.line("- first sign:").endswith("the trigger itself")
    assert case.line("| lost").endswith("| 0 | 0.00 |")


def test_what_was_found_of_an_earlier_incident_is_no_sign_of_this_one(case: Case) -> None:
    def found(type_: str, at: str, **data: str) -> Entry:
        return told(type_, at, agent=AGENT, data={"id": "fd_earlier", "opened_at": "2026-11-21T04:00:00.000Z", **data})

    case.incident["triggers"][0].pop("reference")
    case.entries += [found("finding.opened", "04:00:00"), *paid(14, "04:30", "3.00", "executing", "settled")]
    assert case.line("- first sign:").startswith("- first sign: `2026-11-21T04:00:00")
    closed_with_this = [*case.entries, found("finding.closed", "06:50:00")]
    assert Case(closed_with_this, case.incident).line("- first sign:").startswith("- first sign: `2026-11-21T04:00:00")

    closed_before = [*case.entries, found("finding.closed", "05:30:00")]
    assert Case(closed_before, case.incident).line("- first sign:").startswith("- first sign: `2026-11-21T06:31:00")
    case.entries.append(told("agent.recovered", "05:30:00"))
    assert case.line("- first sign:").startswith("- first sign: `2026-11-21T06:31:00")
    assert case.line("| lost").endswith("| 1 | 250.55 |")

    case.entries.append(found("finding.updated", "05:40:00"))
    assert case.line("- first sign:").startswith("- first sign: `2026-11-21T05:30:00")
    assert case.line("| lost").endswith("| 2 | 260.55 |")


def test_the_timeline_tells_what_led_to_it_and_what_was_at_risk(case: Case) -> None:
    case.entries += paid(30, "05:00", "1.00")
    rows = re.findall(r"^\| `(2026-[^`]*)` \| `?([a-z_. ]*)", case.page(), re.MULTILINE)
    assert sorted(at for at, _ in rows) == [at for at, _ in rows]
    times = {at[11:16] for at, _ in rows}
    assert {"05:00", "06:31", "06:38", "06:40"} <= times
    assert "06:20" not in times, "it was settled before anything began"
    assert {"incident.opened", "step keys", "agent.suspended"} <= {what for _, what in rows}
    assert "request.served" not in {what for _, what in rows}


def test_keys_and_addresses_tell_when_the_agent_itself_used_them(case: Case) -> None:
    key = case.entries[0].key
    assert case.line(f"| `{key}`").startswith(f"| `{key}` | `2026-11-21T06:20:00.000Z` | `2026-11-21T06:38:00.000Z` |")
    assert "`203.0.113.7`" in case.page().partition("## Addresses")[2].partition("##")[0]
    assert "`203.0.113.9`" not in case.page().partition("## Addresses")[2].partition("##")[0], "an executor's"


def test_what_others_do_with_its_payments_is_not_the_agents_use_of_a_key(case: Case) -> None:
    other: dict[str, Any] = {"key": "pk_test_other", "ip": "192.0.2.66", "rev": 2}
    for number, type_ in enumerate(("approved", "denied", "executing", "settled"), start=50):
        data = {"updated_by": "ag_" + "r" * 22}
        case.entries.append(told(f"transaction.{type_}", "06:38:30", number, data=data, **other))
    page = case.page().partition("## Keys")[2].partition("## Destinations")[0]
    assert "pk_test_other" not in page
    assert "192.0.2.66" not in page
    case.entries.append(told("transaction.cancelled", "06:38:40", 1, **other))
    assert "192.0.2.66" in case.page().partition("## Addresses")[2], "it cancelled that itself"


def test_steps_have_times_and_what_is_left_names_the_command(case: Case) -> None:
    assert case.line("| keys |") == '| keys | done | `2026-11-21T06:40:03.500Z` | 3.5 s | 1 | \\{"revoked": 2\\} |'
    assert case.line("| evidence |") == "| evidence | outstanding |  |  | 0 |  |"
    to_do = case.page().partition("## What is still to do")[2].partition("##")[0]
    assert to_do.count(f"portcullis tx reconcile {AGENT} tx_") == 2
    assert "keys are revoked" not in to_do
    command = 'portcullis incident close in_b --outcome compromise|false_alarm|drill --reason "…"'
    case.incident["checklist"].append({"what": "it is said what it was", "done": False, "command": command})
    assert f"- [ ] it is said what it was: `{command}`" in case.page()


def test_a_timeline_that_is_too_long_says_what_it_leaves_out(case: Case) -> None:
    case.entries += [told("key.issued", "06:30:00", id=f"{AGENT}#{number}", agent=AGENT) for number in range(300)]
    assert "rows in the middle are left out: `portcullis audit query --agent" in case.page()
    assert "`transaction.settled`" in case.page()
    assert len(case.page().splitlines()) < 320


def test_nothing_at_all_is_a_report_too() -> None:
    page = Case().page()
    assert "| possibly lost: claimed, and nobody has said whether it was paid | 0 | 0.00 |" in page
    assert "Nothing." in page


def rendered(page: str) -> tuple[list[str], set[str]]:
    """The texts of the headings, and the kinds of tokens."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(page)
    kinds = {each.type for token in tokens for each in (token, *(token.children or []))}
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return headings, kinds


def test_hostile_text_stays_text_wherever_it_stands(case: Case) -> None:
    plain = rendered(case.page())
    first = case.incident["triggers"][0]
    first |= {"reason": f"{MENTION} {HOSTILE}", "actor": f"{MENTION}`"}
    case.incident |= {"review": {"at": SUSPENDED, "by": HOSTILE, "cause": HOSTILE}}
    case.incident["steps"]["keys"]["result"] = {HOSTILE: HOSTILE}
    case.incident["checklist"].append({"what": HOSTILE, "done": False, "command": HOSTILE})
    signals = [{"name": HOSTILE, "detail": HOSTILE, "severity": 6}]
    case.entries.append(told("finding.updated", "06:32:00", agent=AGENT, data={"signals": signals, "reason": HOSTILE}))
    case.entries += paid(20, "06:39", "NaN", chain=HOSTILE, destination={"wallet": HOSTILE})
    case.entries += paid(21, "06:39", HOSTILE, destination=HOSTILE)
    page = case.page()
    headings, kinds = rendered(page)
    assert headings == plain[0]
    forbidden = {"html_inline", "html_block", "link_open", "image", "strong_open", "em_open", "fence", "code_block"}
    assert not forbidden & kinds
    assert "‮" not in page
    assert set(re.findall(".@.", page)) == {"`@`"}
    assert "://" not in page.replace("s3://", "")
    assert "www." not in page
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def cli_with(cli: Cli, log_key: str) -> None:
    cli.file.write_text(json.dumps({**LOCAL, "audit": {"verifier_key": log_key}}))


def test_a_report_rests_on_an_export_that_proves_itself_and_tells_of_the_suspension(
    cli: Cli, case: Case, tmp_path: Path
) -> None:
    cli_with(cli, verifier_key().text)
    log = built([[entry(0), *map(audit_entries.encode, case.entries), entry(1)]])
    file, out = tmp_path / "later.zip", tmp_path / "report.md"
    asked = Asked(EVER.since, EVER.until, AGENT)
    file.write_bytes(exported(log, asked))
    cli.answers = [ok(case.incident)]
    done = cli.run("incident", "report", INCIDENT, "--evidence", str(file), "--out", str(out))
    size = len(case.entries) + 2
    assert (done.code, out.read_text()) == (0, incident_report.page(case.incident, asked, size, case.entries))
    assert f"as of log size {size}:" in out.read_text()

    flipped = bytearray(file.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    file.write_bytes(bytes(flipped))
    cli.answers = [ok(case.incident)]
    assert cli.run("incident", "report", INCIDENT, "--evidence", str(file)).code == 1

    file.write_bytes(exported(built([[entry(0)]]), asked))
    cli.answers = [ok(case.incident)]
    other = cli.run("incident", "report", INCIDENT, "--evidence", str(file))
    assert (other.code, f"does not tell of {INCIDENT}#1" in other.err) == (1, True)


def test_without_evidence_the_command_says_how_to_get_it(cli: Cli, case: Case) -> None:
    cli_with(cli, verifier_key().text)
    cli.answers = [ok(case.incident)]
    result = cli.run("incident", "evidence", INCIDENT)
    assert (result.code, f"portcullis incident resume {INCIDENT}" in result.err) == (1, True)
    assert list(cli.home.glob("*.zip*")) == []


def test_a_file_is_not_replaced(cli: Cli, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    for command in ("evidence", "report"):
        assert cli.run("incident", command, INCIDENT, "--out", str(kept)).code == 2
    assert kept.read_text() == "mine"
