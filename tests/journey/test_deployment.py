"""The deployment itself: what is deployed is what the sources say, and nothing listens beyond this machine."""

import json
import subprocess
import sys
from pathlib import Path

from local.home import ROOT
from local.toolchain import cdk, environment
from tests.journey.deployment import Deployment


def test_cdk_diff_is_empty_when_nothing_changed(deployment: Deployment, tmp_path: Path) -> None:
    environ = environment(deployment.home, deployment.description["endpoint_url"])
    assembly = tmp_path / "cdk.out"
    synth = {"CDK_OUTDIR": str(assembly), "CDK_CONTEXT_JSON": json.dumps({"stage": "local"})}
    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environ | synth, check=True, capture_output=True)
    command = cdk("diff", "--app", str(assembly), "--fail", "--method", "template")
    compared = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "Number of stacks with differences: 0" in compared.stdout + compared.stderr


def test_local_json_is_readable_by_its_owner_alone(deployment: Deployment) -> None:
    assert deployment.home.local_json.stat().st_mode & 0o077 == 0


def test_no_log_holds_a_secret(deployment: Deployment) -> None:
    agent = deployment.agent()
    assert deployment.pay(agent).status_code == 201
    signed = deployment.sign(agent, "GET", "/v1/whoami")
    assert deployment.send(signed).status_code == 200
    logs = "".join(path.read_text(errors="replace") for path in deployment.home.logs.rglob("*.log"))
    assert "Verdict" in logs, "the functions' logs are among them"
    assert agent.secret not in logs
    assert signed.headers["X-Signature"] not in logs
    assert deployment.description["operator"]["secret_access_key"] not in logs
