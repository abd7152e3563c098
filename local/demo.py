"""`make demo`: plays the scenario on the local run, checks every line, and shows where it was recorded.

Each time it is a new agent's day, so that it can be played again and again within one day's budget.
"""

import json
from collections import Counter
from typing import Any

from local import demo_data
from local.aws import client
from local.errors import LocalRunError
from local.home import Home
from local.operator_client import operator
from local.progress import say
from local.scenario import Day, Line
from local.tap import Event, Tap
from portcullis.cli.operator import Operator
from portcullis.client import PortcullisError


def play(run: dict[str, Any], home: Home) -> None:
    """The whole demo; `LocalRunError` when a line is not as promised."""
    tap = Tap(run, "demo")
    with operator(run["operator_url"], **run["operator"]) as caller:
        _play(run, home, caller, tap)


def _play(run: dict[str, Any], home: Home, caller: Operator, tap: Tap) -> None:
    agent = demo_data.agent(caller, "a day")
    day = Day(run["api_url"], agent)
    say("\nAn agent's day\n")
    try:
        broken = [line for line in day.lines() if not _tell(line)]
    except PortcullisError as fault:
        raise LocalRunError(f"the scenario stopped: {fault}; the logs are in {home.logs}") from fault
    finally:
        day.close()
    _records(run, caller, agent["agent_id"], day.transactions, tap)
    if broken:
        raise LocalRunError(f"{len(broken)} line(s) above are not as promised; the logs are in {home.logs}")
    say(_FAREWELL.format(**run, agent=agent["agent_id"]))


def _tell(line: Line) -> bool:
    kept = line.came == line.promised
    say(f"  {'ok  ' if kept else 'NOT '}{line.tried:<58} {line.came}")
    if not kept:
        say(f"      promised: {line.promised}")
    return kept


def _records(run: dict[str, Any], caller: Operator, agent: str, made: list[str], tap: Tap) -> None:
    """The same transactions in the three places where they are recorded."""
    say("\nWhere it was recorded\n")
    listed = caller.get(f"/v1/agents/{agent}/transactions", limit=len(made))["transactions"]
    missing = set(made) - {transaction["id"] for transaction in listed}
    if missing:
        raise LocalRunError(f"the operator API does not list {', '.join(sorted(missing))}")
    tally = ", ".join(f"{count} {status}" for status, count in Counter(t["status"] for t in listed).items())
    say(f"  the core table      {len(made)} transactions: {tally}")
    say(f"  the account         {_spent(run, agent)} of the day's 1000 USD reserved or spent")
    events = tap.wait(len(made), lambda event: event["txid"] in made)
    say(f"  the event bus       {len(events)} events, one for each; the last of them:")
    say(f"    {json.dumps(_brief(next(event for event in events if event['txid'] == made[-1])))}")
    say("  The replayed, altered and forged requests left no transaction.")


def _brief(event: Event) -> Event:
    """The envelope, with the transaction's own fields left out."""
    return {**event, "data": {"status": event["data"]["status"], "...": "..."}}


def _spent(run: dict[str, Any], agent: str) -> str:
    key = {"pk": {"S": f"AGENT#{agent}"}, "sk": {"S": "ACCOUNT"}}
    table = run["outputs"]["CoreTable"]
    account = client("dynamodb", run["endpoint_url"]).get_item(TableName=table, Key=key)["Item"]
    micro = sum(int(value["N"]) for name, value in account.items() if name[0] == "d" and name[1:].isdigit())
    return f"{micro / 1_000_000:.2f}"


_FAREWELL = """
The gateway is up
  agent API     {api_url}
  operator API  {operator_url}

Try
  .venv/bin/portcullis agent sign-and-send GET /v1/whoami --show
  .venv/bin/portcullis transactions list {agent}
  .venv/bin/portcullis audit query              everything that happened, refusals too
  .venv/bin/portcullis audit export -o day.zip  in one file that proves itself, to verify offline:
  .venv/bin/portcullis audit verify day.zip
  .venv/bin/portcullis --help
  make down      stops it and removes what it left"""
