"""What every command needs: the operator API it speaks to, and how to print."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import typer

from portcullis.cli import output, target
from portcullis.cli.operator import Operator


@dataclass
class Session:
    """The options given before the command."""

    url: str | None
    region: str | None
    local: Path | None
    as_json: bool
    transport: httpx.BaseTransport | None = None

    @cached_property
    def target(self) -> target.Target:
        """Found when first needed, so that --help needs no gateway."""
        return target.find(self.url, self.region, self.local)

    @cached_property
    def operator(self) -> Operator:
        """The operator API."""
        return Operator(self.target, self.transport)

    def show(self, record: dict[str, Any]) -> None:
        """One record."""
        output.print_json(record) if self.as_json else output.print_fields(record)

    def show_list(self, page: dict[str, Any], name: str, columns: dict[str, str]) -> None:
        """One page of a list, and how to get the next."""
        if self.as_json:
            output.print_json(page)
            return
        output.print_table(page[name], columns, f"no {name}")
        if page.get("cursor"):
            output.console.print(f"more: --cursor {page['cursor']}", soft_wrap=True)


def session(context: typer.Context) -> Session:
    """The session of this invocation."""
    found: Session = context.find_root().obj
    return found
