"""Attacks on one agent, ``events/attacks/detection/*.json``: what one file says, made the events that it would cause.

``victim`` is the kind of agent. It has worked for ``history`` days; then each of ``steps`` happens ``times`` times, one
``every`` so many seconds, from ``from`` seconds after the history on. ``where`` is "home" or an address that is new to
the agent ("thief"; ``country`` is where that is). A step is a ``payment``, with ``usd`` in medians of the agent's own
amounts, to a ``payee`` that is "usual" or "new", ``denied`` by rules of the policy, or it is ``calls``, so many at a
time, with a ``problem`` where they are refused. ``expect`` is what the rules say: their names, and the ``action`` that
all of them together call for. ``finding`` is the same of rules and joint detector together, in a fleet of forty.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.detection import agents
from tests.detection.agents import Agent, Event

CASES = sorted(agents.EVENTS.glob("attacks/detection/*.json"))
THIEF = "198.51.100.9"


@dataclass(frozen=True)
class Scenario:
    """An agent, what it did before, and what happened then, in the order of time."""

    agent: Agent
    history: list[Event]
    attack: list[Event]
    expect: dict[str, Any]


def load(path: Path, seed: int = 1) -> Scenario:
    """One scenario."""
    case = json.loads(path.read_text())
    victim = agents.agent(0, seed, case["victim"])
    victim.ips = [("203.0.113.7", "DE")]
    history = agents.quiet(victim, case["history"])
    victim.ips = [("203.0.113.7", "DE")]
    start = agents.MONDAY + case["history"] * agents.DAY + 9 * agents.HOUR
    attack = [event for step in case["steps"] for event in _happening(victim, step, start)]
    return Scenario(victim, history, sorted(attack, key=lambda event: str(event["at"])), case["expect"])


def _happening(victim: Agent, step: dict[str, Any], start: int) -> Iterator[Event]:
    place = (THIEF, step.get("country")) if step["where"] == "thief" else victim.ips[0]
    for turn in range(step["times"]):
        at = start + step.get("from", 0) + turn * step["every"]
        if "calls" in step:
            yield victim.calls(at, step["calls"], step.get("problem"), place=place)
            continue
        payee = None if step["payee"] == "usual" else f"0x{turn % step.get('payees', 1):040x}"
        other = {"memo": "same"} if step.get("same") else {}
        yield victim.payment(
            at, step["usd"] * victim.median, payee, denied=step.get("denied", ()), place=place, **other
        )
