"""``portcullis audit``."""

import typer

from portcullis.cli import audit_files

HELP = """The audit log: export it, verify it.

Exit codes: 0 verified, 1 something is wrong with the log, 2 usage, 3 unreachable or incomplete."""

app = typer.Typer(no_args_is_help=True)
app.command("export")(audit_files.export)
app.command("verify")(audit_files.verify)
