"""``portcullis audit``."""

import typer

from portcullis.cli import audit_entries, audit_files

HELP = """The audit log: search it, prove an entry, watch it grow, export it, verify it.

Exit codes: 0 fine, 1 something is wrong with the log, 2 usage, 3 unreachable or incomplete."""

app = typer.Typer(no_args_is_help=True)
app.command("query")(audit_entries.query)
app.command("proof")(audit_entries.proof)
app.command("watch")(audit_entries.watch)
app.command("export")(audit_files.export)
app.command("verify")(audit_files.verify)
