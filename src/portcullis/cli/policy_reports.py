"""Policies for people to read: differences, warnings, an explained decision, a backtest."""

import difflib
import json
from collections import Counter
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape

from portcullis.cli import output
from portcullis.cli.context import Session

COLOURS = {"loosens": "yellow", "tightens": "green", "either": "cyan", "pass": "green", "broken": "red"}
SHOWN_ENTRIES = 20
CHANGES = {
    "TRANSACTION": "id",
    "CREATED": "created_at",
    "USD": "usd",
    "TO": "destination",
    "WAS": "from",
    "WOULD BE": "to",
    "BECAUSE": "rules",
}
TOTALS = {"WAS": "from", "WOULD BE": "to", "TRANSACTIONS": "count", "USD": "usd"}
RULES = {"RULE": "rule", "VERDICT": "verdict", "SEVERITY": "severity", "DETAIL": "detail"}
WINDOWS = {"WINDOW": "window", "RULE": "rule", "USED": "used", "WANTED": "wanted", "LIMIT": "limit"}


def show_texts(old: Any, new: Any) -> None:
    """Two documents line by line, before they are validated."""
    before, after = (json.dumps(document, indent=2, sort_keys=True).splitlines() for document in (old, new))
    for line in difflib.unified_diff(before, after, "in force", "new", lineterm=""):
        colour = {"+": "green", "-": "red"}.get(line[:1], "default")
        output.errors.print(f"[{colour}]{escape(line)}[/{colour}]", soft_wrap=True)


def show_differences(differences: list[dict[str, Any]], console: Console = output.errors) -> None:
    """A line for each entry that comes or goes, and for each value that changes."""
    if not differences:
        console.print("no difference")
    for difference in differences:
        colour, path = COLOURS[difference["effect"]], difference["path"]
        effect = f"[{colour}]{difference['effect']}[/{colour}]"
        if difference["change"] == "changed":
            values = " -> ".join(_value(difference[name]) for name in ("old", "new"))
            console.print(f"  {escape(f'{path}: {values}')}  {effect}", soft_wrap=True)
            continue
        sign, entries = "+" if difference["change"] == "added" else "-", difference["entries"]
        for entry in entries[:SHOWN_ENTRIES]:
            console.print(f"{sign} {escape(f'{path}: {entry}')}  {effect}", soft_wrap=True)
        if len(entries) > SHOWN_ENTRIES:
            console.print(f"{sign} {escape(path)}: and {len(entries) - SHOWN_ENTRIES} more  {effect}", soft_wrap=True)


def show_warnings(warnings: list[dict[str, str]]) -> None:
    """A line for each, on standard error."""
    for warning in warnings:
        text = f"{warning['field']}: {warning['detail']} ({warning['code']})"
        output.errors.print(f"[yellow]warning[/yellow] {escape(text)}", soft_wrap=True)


def show_review(session: Session, found: dict[str, Any]) -> None:
    """Protection level and warnings of a policy."""
    if session.as_json:
        output.print_json(found)
        return
    shown = {name: value for name, value in found.items() if name not in ("policy", "warnings")}
    output.print_fields(shown)
    show_warnings(found["warnings"])


def show_explanation(session: Session, found: dict[str, Any]) -> None:
    """The decision, each rule with its verdict, and the windows."""
    if session.as_json:
        output.print_json(found)
        return
    summary = {name: value for name, value in found.items() if name not in ("rules", "windows") and value}
    output.print_fields(summary)
    output.console.print()
    output.print_table(found["rules"], RULES, "no rules")
    output.console.print()
    output.print_table(found["windows"], WINDOWS, "no windows: the transaction has no value that is known")


def sum_up(pages: list[dict[str, Any]]) -> dict[str, Any]:
    """The pages of a backtest as one."""
    counts: Counter[tuple[str, str]] = Counter()
    values: dict[tuple[str, str], Decimal] = {}
    rules: Counter[str] = Counter()
    for page in pages:
        rules.update(page["rules"])
        for total in page["totals"]:
            move = (total["from"], total["to"])
            counts[move] += total["count"]
            values[move] = values.get(move, Decimal(0)) + Decimal(total["usd"])
    return {
        "examined": sum(page["examined"] for page in pages),
        "changes": [change for page in pages for change in page["changes"]],
        "totals": [
            {"from": old, "to": new, "count": count, "usd": f"{values[old, new]:f}"}
            for (old, new), count in sorted(counts.items())
        ],
        "rules": dict(sorted(rules.items())),
    }


def show_backtest(session: Session, report: dict[str, Any]) -> None:
    """Which past transactions would change, and how much money."""
    if session.as_json:
        output.print_json(report)
        return
    changed = sum(total["count"] for total in report["totals"])
    output.console.print(f"{changed} of {report['examined']} transactions would be decided otherwise")
    if not changed:
        return
    output.console.print()
    output.print_table(report["changes"], CHANGES, "")
    output.console.print()
    output.print_table(report["totals"], TOTALS, "")


def _value(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)
