"""``portcullis game-day``: a theft, played against a stage that is not live, and how long it took to stop it."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from portcullis.cli import game_day_attack, incident_evidence, output, responders
from portcullis.cli.audit_key import Key, Origin, verifier_key
from portcullis.cli.context import Session, session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.cli.game_day_attack import WALLET, WORK, Victim
from portcullis.cli.responders import Responder
from portcullis.cli.target import checked_url
from portcullis.client import PortcullisError
from portcullis.protocol.notes import VerifierKey

LIVE = "live"
WAIT_SECONDS = 180.0
LOOK_SECONDS = 0.5
MISSED = "look at `portcullis findings list` and at the response setting of the stage"
HAND = """[yellow]The agent stays suspended. To practise the way back, by two people:[/yellow]
  portcullis incident recover {incident}"""


@dataclass(slots=True)
class Drill:
    """One game day as far as it has come; ``times`` are seconds, in the order of what happened."""

    session: Session
    agent_url: str
    folder: Path
    key: VerifierKey
    times: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def play(self, people: tuple[Responder, Responder] | None) -> dict[str, Any]:
        """The theft and what follows; the whole result. Raises Failure at the first thing that is not as it should."""
        victim = self._rob()
        incident = self._await_incident(victim)
        self._export(incident)
        if people is None:
            self.facts["recovered"] = False
        else:
            self._recover(victim, incident, people)
        self._report(incident)
        return {**self.facts, "seconds": {name: round(value, 1) for name, value in self.times.items()}}

    def _rob(self) -> Victim:
        victim = game_day_attack.victim(self.session.operator)
        if victim.stage == LIVE:
            self.session.operator.post(f"/v1/agents/{victim.agent_id}/suspend", {"reason": "a game day, refused"})
            refuse_live(victim.stage)
        say(f"an agent works         {victim.agent_id}")
        with closing(victim.gateway(self.agent_url)) as gateway:
            game_day_attack.work(gateway)
            say("its key is stolen      payments to a stranger, above the limit")
            theft = game_day_attack.steal(gateway)
        if theft.stopped is None:
            raise Failure(f"nobody stopped the theft in {game_day_attack.LONGEST_SECONDS:.0f} s: {MISSED}", REFUSED)
        self.times["until_stopped"] = theft.stopped - theft.began
        self.facts |= {
            "agent_id": victim.agent_id,
            "attempts": theft.tried,
            "stolen_usd": str(sum(theft.stolen)),
            "refused_by": theft.refused_by,
        }
        say(f"the theft is stopped   after {self.times['until_stopped']:.1f} s and {theft.tried} attempts")
        return victim

    def _await_incident(self, victim: Victim) -> str:
        """Until every step is done; the incident's id."""
        began = time.monotonic()

        def contained() -> dict[str, Any] | None:
            found = self.session.operator.get("/v1/incidents", agent=victim.agent_id, state="all")["incidents"]
            return found[0] if found and found[0].get("contained_at") else None

        incident = self._wait("the incident is not contained", contained)
        self.times["until_contained"] = self.times["until_stopped"] + time.monotonic() - began
        self.facts |= {"incident_id": incident["id"], "steps": _states(incident)}
        say(f"containment complete   {incident['id']}, {self.times['until_contained']:.1f} s after the theft began")
        return str(incident["id"])

    def _export(self, incident: str) -> None:
        archive = self.folder / f"{incident}.zip"
        export = incident_evidence.fetch(self.session, incident, archive, self.key)
        self.facts |= {"evidence": str(archive), "entries": export.proof.end - export.proof.first}
        say(f"evidence verified      {archive}")

    def _recover(self, victim: Victim, incident: str, people: tuple[Responder, Responder]) -> None:
        began, (reviewer, confirmer) = time.monotonic(), people
        operator, target = self.session.operator, self.session.target
        version = operator.get(f"/v1/agents/{victim.agent_id}")["policy_version"]
        review = {"cause": "game day", "policy_version": version, "addresses": "unblock"}
        reviewed = reviewer.post(target, "incident-reviews", {"incident_id": incident, **review})["review"]
        confirmer.post(target, "recoveries", {"incident_id": incident, "reviewed_at": reviewed["at"]})
        self._must_be_refused(victim)
        fresh = Victim(victim.agent_id, **game_day_attack.key(operator, victim.agent_id))
        with closing(fresh.gateway(self.agent_url)) as gateway:
            game_day_attack.work(gateway, 1)
        operator.post(f"/v1/incidents/{incident}/close", {"outcome": "drill", "reason": "game day"})
        self.times["recovery"] = time.monotonic() - began
        self.facts["recovered"] = True
        say(f"the agent is back      by {reviewer.approver_id} and {confirmer.approver_id}, with a new key")

    def _must_be_refused(self, victim: Victim) -> None:
        """The stolen key, after the agent is back."""
        with closing(victim.gateway(self.agent_url)) as gateway:
            try:
                decision = gateway.create_transaction(**game_day_attack.payment(str(WORK), WALLET))
            except PortcullisError as error:
                if error.code == game_day_attack.NO_KEY:
                    return
                raise Failure(f"the stolen key: {error}", REFUSED) from None
        raise Failure(f"the stolen key is still taken for one: {decision}", REFUSED)

    def _report(self, incident: str) -> None:
        path = self.folder / f"{incident}.md"
        path.write_text(incident_evidence.write(self.session, incident, self.folder / f"{incident}.zip", self.key))
        self.facts["report"] = str(path)
        say(f"report written         {path}")

    def _wait(self, otherwise: str, look: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(LOOK_SECONDS)
        raise Failure(f"{otherwise} after {WAIT_SECONDS:.0f} s: portcullis incident list", REFUSED)


def game_day(
    context: typer.Context,
    agent_url: Annotated[str | None, typer.Option(help="The agent API, stage included; a local run tells it.")] = None,
    people: Annotated[
        Path | None, typer.Option("--responders", help="The two who recover the agent; without, it ends before that.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for evidence and report.")] = Path("game-day"),
    key: Key = None,
    origin: Origin = None,
) -> None:
    """Play a theft against a stage that is not live; report how long it took to find, to stop and to contain it."""
    target = session(context).target
    found_url = agent_url or target.agent_url
    if found_url is None:
        raise Failure("--agent-url: give the output AgentApiUrl of the stage", USAGE)
    for url in (target.url, found_url):
        refuse_live(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    found = responders.load(people) if people else None
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    verifier = verifier_key(session(context), key, origin)
    result = Drill(session(context), checked_url(found_url, "--agent-url"), out, verifier).play(found)
    session(context).show(result)
    if found is None:
        output.errors.print(HAND.format(incident=result["incident_id"]))


def refuse_live(stage: str) -> None:
    """Failure for the stage that drills are not for."""
    if stage == LIVE:
        raise Failure("a game day suspends agents and blocks addresses: play it on another stage than live", USAGE)


def say(line: str) -> None:
    """Progress, which is no part of the result."""
    output.errors.print(line)


def _states(incident: dict[str, Any]) -> dict[str, str]:
    return {name: step["state"] for name, step in incident["steps"].items()}
