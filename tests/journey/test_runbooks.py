"""Every command of every runbook, in the order of its page, by the people that it names."""

import re
import shlex
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import pytest
from typer.testing import CliRunner

from local.home import ROOT
from portcullis.cli import target
from portcullis.cli.context import Session
from portcullis.cli.main import app
from tests.journey.deployment import Agent, Deployment, fresh
from tests.journey.people import Person
from tests.journey.test_settlement import EXECUTOR, overdue, step, until

PAGES = sorted(path for path in (ROOT / "docs/runbooks").glob("*.md") if path.name != "README.md")
BLOCK = re.compile(r"^ *```sh\n(.+?)^ *```$", re.MULTILINE | re.DOTALL)
FOUND = {"INCIDENT": re.compile(r"\bin_[0-9A-Za-z]{22}\b")}


@dataclass
class Responders:
    """Whoever follows a page: the operator, and approvers for the commands that name them."""

    deployment: Deployment
    people: Mapping[str, Person]
    names: dict[str, str]
    said: list[str] = field(default_factory=list)

    def follow(self, page: Path, folder: Path) -> None:
        for block in BLOCK.findall(page.read_text()):
            for line in block.splitlines():
                self.type(line.strip(), folder)

    def type(self, line: str, folder: Path) -> None:
        """Type one line. Files are written to ``folder``."""
        words = shlex.split(Template(line).substitute(self.names))
        assert words.pop(0) == "portcullis", line
        if line.endswith("scan-secrets ."):
            words[-1] = str(folder)
        words = [str(folder / word) if word.endswith((".zip", ".md")) else word for word in words]
        session = self._session(words)
        with closing(session.operator):
            done = CliRunner().invoke(app, words, obj=session, env=self._environment(words))
        assert done.exit_code == 0, f"{line}\n{done.output}\n{done.exception!r}"
        self.said.append(done.output)
        for name, pattern in FOUND.items():
            if match := pattern.search(done.output):
                self.names.setdefault(name, match[0])
        if words[:2] == ["incident", "start"]:
            until(self._contained, 60)

    def _contained(self) -> bool:
        return "contained_at" in self.deployment.operator("GET", f"/v1/incidents/{self.names['INCIDENT']}").json()

    def _session(self, words: list[str]) -> Session:
        session = Session(None, None, self.deployment.home.local_json, "--json" in words)
        person = self._speaker(words)
        if person is not None:
            own = target.find(None, None, self.deployment.home.local_json)
            session.target = target.Target(own.url, own.region, person.responder.credentials)
        return session

    def _environment(self, words: list[str]) -> dict[str, str]:
        person = self._speaker(words)
        if person is None:
            return {"PORTCULLIS_AUDIT_KEY": self.deployment.description["audit"]["verifier_key"]}
        person.forget_codes()
        return {"PORTCULLIS_CODE": person.code()}

    def _speaker(self, words: list[str]) -> Person | None:
        return self.people[words[words.index("--as") + 1]] if "--as" in words else None


@pytest.fixture
def responders(deployment: Deployment, crew: tuple[Person, Person]) -> Responders:
    reviewer, confirmer = crew
    people = {person.approver: person for person in crew}
    names = {"REVIEWER": reviewer.approver, "CONFIRMER": confirmer.approver}
    return Responders(deployment, people, names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_can_be_followed(
    responders: Responders, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the checkpoint of the audit log is kept
    deployment = responders.deployment
    executor = deployment.agent(key=EXECUTOR)
    agent = deployment.agent({"executors": [executor.agent_id]})
    responders.names |= {"AGENT": agent.agent_id, "KEY": agent.key_id, "VERSION": "1", "GENERATION": "1"}
    responders.names["AUDIT_BUCKET"] = deployment.outputs["AuditBucket"]
    responders.names["WAITING"] = deployment.pay(agent).json()["id"]
    if page.stem == "insider":
        responders.names["INSIDER"] = enrolled(responders)
    if page.stem == "provider-outage":
        responders.names["UNKNOWN"] = unreported(deployment, agent, executor)
    responders.follow(page, tmp_path)
    state = deployment.operator("GET", f"/v1/agents/{agent.agent_id}").json()["state"]
    assert state == "active"


def enrolled(responders: Responders) -> str:
    """A third approver."""
    (sponsor, *_) = responders.people.values()
    sponsor.forget_codes()
    identity = "arn:aws:iam::000000000000:role/insider"
    answer = sponsor.speak("enrolments", name="mallory", identity=identity)
    assert answer.status_code == 201, answer.text
    approver: str = answer.json()["approver_id"]
    return approver


def unreported(deployment: Deployment, agent: Agent, executor: Agent) -> str:
    """A payment that was claimed a day ago, and of which nobody has heard since."""
    txid: str = deployment.pay(agent).json()["id"]
    claimed = step(deployment, executor, txid, "claim", agent_id=agent.agent_id, claim_token=fresh("claim"))
    assert claimed.status_code == 200, claimed.text
    overdue(deployment, agent, txid)
    return txid
