"""`make game-day`: a theft is played on the local run, found, stopped, contained, exported, and the agent recovered."""

from contextlib import closing
from pathlib import Path
from typing import Any

from local import responders as people
from local.errors import LocalRunError
from local.home import Home
from local.progress import say
from portcullis.cli.audit_key import verifier_key
from portcullis.cli.context import Session
from portcullis.cli.failure import Failure
from portcullis.cli.game_day import Drill
from portcullis.cli.responders import load

FOLDER = Path("game-day")


def play(run: dict[str, Any], home: Home, folder: Path = FOLDER) -> dict[str, Any]:
    """All of it, unattended; the times in seconds, and where evidence and report lie."""
    responders = load(people.enrolled(run, home))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    say("\nA game day\n")
    try:
        session = Session(None, None, home.local_json, as_json=False)
        with closing(session.operator):
            result = Drill(session, run["api_url"], folder, verifier_key(session, None, None)).play(responders)
    except Failure as failure:
        raise LocalRunError(f"the game day: {failure}") from None
    say("\nWhat it came to\n")
    for name, value in result.items():
        say(f"  {name:<14} {value}")
    return result
