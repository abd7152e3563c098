"""The one-time code of whoever decides: asked for, or in the environment; never an argument, which others can see."""

from typing import Annotated, Any

import typer

from portcullis.cli.failure import USAGE, Failure

CODE_VARIABLE = "PORTCULLIS_CODE"
APPROVER_VARIABLE = "PORTCULLIS_APPROVER"


def _not_an_argument(context: typer.Context, parameter: Any, value: str | None) -> str | None:
    source = context.get_parameter_source(parameter.name)
    if source is not None and source.name == "COMMANDLINE":
        raise Failure(f"arguments are seen by others: give the code when asked, or in {CODE_VARIABLE}", USAGE)
    return value


Code = Annotated[
    str | None, typer.Option(envvar=CODE_VARIABLE, hidden=True, callback=_not_an_argument, show_default=False)
]
Speaker = Annotated[
    str, typer.Option("--as", envvar=APPROVER_VARIABLE, help="Whose code this takes (ap_…), called as their identity.")
]


def asked(code: str | None) -> str:
    """The code; asked for when the environment has none."""
    if code is not None:
        return code
    try:
        answer: str = typer.prompt("Code", err=True)
    except typer.Abort:
        raise Failure(f"nothing was changed: there is nobody to ask for a code; set {CODE_VARIABLE}", USAGE) from None
    return answer.strip()
