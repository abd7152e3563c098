"""A game day from end to end, unattended: found, contained, exported, verified offline, recovered, reported."""

from pathlib import Path

from typer.testing import CliRunner

from local import game_day
from portcullis.cli.main import app
from tests.journey.deployment import Deployment
from tests.journey.people import Person

STEPS = ("keys", "transactions", "sources", "secrets", "evidence", "notice")


def test_a_theft_is_found_contained_proved_and_undone(
    deployment: Deployment, crew: tuple[Person, Person], tmp_path: Path
) -> None:
    for person in crew:
        person.forget_codes()
    result = game_day.play(deployment.description, deployment.home, tmp_path)
    print(result["seconds"])
    assert result["steps"] == dict.fromkeys(STEPS, "done")
    assert (result["refused_by"], result["recovered"]) == ("agent_suspended", True)
    incident = deployment.operator("GET", f"/v1/incidents/{result['incident_id']}").json()
    assert (incident["state"], incident["outcome"]) == ("closed", "drill")
    assert incident["triggers"][0]["kind"] == "finding"
    evidence = tmp_path / f"{result['incident_id']}.zip"
    key = deployment.description["audit"]["verifier_key"]
    verified = CliRunner().invoke(app, ["audit", "verify", str(evidence)], env={"PORTCULLIS_AUDIT_KEY": key})
    assert verified.exit_code == 0, verified.output
    report = Path(result["report"]).read_text()
    assert result["agent_id"] in report
    assert all(step in report for step in STEPS)
