"""What commands print: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

PIPED_WIDTH = 400
"""Columns where no terminal sets them, so that an id is never broken in a pipe."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Plain JSON, never wrapped or coloured."""
    console.print(json.dumps(value, indent=2), markup=False, soft_wrap=True)


def print_table(rows: Sequence[dict[str, Any]], columns: dict[str, str], empty: str) -> None:
    """``columns`` maps a heading to a dotted path into a row; ``empty`` is said when there is no row."""
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(row, path)) for path in columns.values()))
    console.print(table)


def print_fields(record: dict[str, Any], where: Console = console) -> None:
    """One record, a line for each field."""
    width = max(len(name) for name in record)
    for name, value in record.items():
        text = value if isinstance(value, str) else json.dumps(value)
        where.print(f"[bold]{escape(name):<{width}}[/bold]  {escape(text)}", soft_wrap=True)


def _cell(row: dict[str, Any], path: str) -> str:
    value: Any = row
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {member}" for name, member in value.items())
    return "" if value is None else str(value)
