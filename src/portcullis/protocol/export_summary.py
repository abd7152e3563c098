"""The page of an export for people. It follows from the rest of the file, byte by byte, and is verified with it."""

from collections import Counter
from dataclasses import dataclass, field

from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_export import LATENESS_DAYS, Proof
from portcullis.protocol.notes import VerifierKey, encode_base64

LISTED = 50
"""How many types, outcomes or agents are listed, the most frequent first."""


@dataclass(slots=True)
class Tally:
    """What an export holds, counted."""

    disclosed: int = 0
    withheld: int = 0
    earliest: str = ""
    latest: str = ""
    types: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    agents: Counter[str] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        """One entry that is shown."""
        self.disclosed += 1
        self.earliest = min(self.earliest or entry.at, entry.at)
        self.latest = max(self.latest, entry.at)
        self.types[entry.type] += 1
        self.outcomes[entry.outcome] += 1
        self.agents[entry.agent or "(no agent)"] += 1


def summary(checkpoint: Checkpoint, key: VerifierKey, proof: Proof, tally: Tally) -> bytes:
    """The page, in Markdown."""
    asked = proof.asked
    facts = {
        "log": checkpoint.origin,
        "checkpoint": f"size {checkpoint.size}, root {encode_base64(checkpoint.root)}",
        "signed by": key.text,
        "asked for": f"at from {asked.since} to before {asked.until}",
        "agent": asked.agent or "all",
        "entries": f"index {proof.first} to before {proof.end}: {proof.end - proof.first}",
        "shown": str(tally.disclosed),
        "withheld": str(tally.withheld),
        "first at": tally.earliest or "-",
        "last at": tally.latest or "-",
    }
    lines = [f"{name:<10}  {value}" for name, value in facts.items()]
    tables = [("Types", tally.types), ("Outcomes", tally.outcomes), ("Agents", tally.agents)]
    parts = [_HEAD, _block(lines), *(f"## {name}\n\n{_block(_rows(counts))}" for name, counts in tables)]
    return "\n".join([*parts, _RULES.format(days=LATENESS_DAYS)]).encode()


def _rows(counts: Counter[str]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = [f"{sum(count for _, count in ordered[LISTED:]):>10}  in {len(ordered) - LISTED} others"]
    return [f"{count:>10}  {name}" for name, count in ordered[:LISTED]] + (rest if len(ordered) > LISTED else [])


def _block(lines: list[str]) -> str:
    return "\n".join(["```", *(lines or ["none"]), "```", ""])


_HEAD = """# Export of an audit log
"""
_RULES = """## What this file proves

That the entries are, in this order and without a gap, those of the range of indices above in the log that the
checkpoint signs. Of an entry that is withheld it proves that it exists, and not what it says nor of which agent it is;
who can guess all of it can confirm the guess.

The range is the smallest that holds every entry whose `at` lies in the time asked for. It was looked for by bisection
of the bundles of 256 entries, with {days} day(s) for lateness on both sides: what precedes a bundle whose entries are
all older than that is taken to be older too, what follows one whose entries are all younger to be younger. What lies
outside of the range is not in this file: whoever doubts it reads the log.

## How to verify

    portcullis audit verify FILE --key KEY

offline, with the log's verifier key from somebody you trust; the one in this file only says whom to ask. The hash of a
line of `entries.jsonl`, or the one that a withheld line tells, is a leaf (RFC 6962); `left` and `right` of `proof.json`
are the largest perfect subtrees before and after the range, from left to right. All together have the root in
`checkpoint`.
"""
