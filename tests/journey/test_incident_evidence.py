"""An agent is cut off: within a minute its audit log is evidence that nobody deletes, and that proves itself."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.journey.deployment import Deployment

PORTCULLIS = Path(sys.executable).with_name("portcullis")
CONTAINED_SECONDS = 60


def portcullis(deployment: Deployment, *arguments: str) -> str:
    command = [str(PORTCULLIS), "--local", str(deployment.home.local_json), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def operators_s3(deployment: Deployment) -> Any:
    operator, endpoint = deployment.description["operator"], deployment.description["endpoint_url"]
    keys: Any = {"aws_access_key_id": operator["access_key_id"], "aws_secret_access_key": operator["secret_access_key"]}
    return boto3.client("s3", endpoint_url=endpoint, region_name=deployment.description["region"], **keys)


def step(deployment: Deployment, incident: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = deployment.operator("GET", f"/v1/incidents/{incident}").json()["steps"][name]
    return found


def test_evidence_is_kept_within_a_minute_and_reported_from(deployment: Deployment, tmp_path: Path) -> None:
    agent = deployment.agent()
    paid = deployment.pay(agent, "25.50")
    assert paid.status_code == 201, paid.text
    start = time.monotonic()
    opened = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/incidents", {"reason": "drill", "severity": 8})
    assert opened.status_code == 201, opened.text
    incident = opened.json()["id"]
    while (kept := step(deployment, incident, "evidence"))["state"] != "done":
        assert time.monotonic() < start + CONTAINED_SECONDS, kept
        time.sleep(0.2)

    file, page = tmp_path / "evidence.zip", tmp_path / "report.md"
    portcullis(deployment, "incident", "evidence", incident, "--out", str(file))
    verified = json.loads(portcullis(deployment, "--json", "audit", "verify", str(file)))
    result = kept["result"]
    assert {name: verified[name] for name in ("first", "end", "size", "since", "until")}.items() <= result.items()
    assert (verified["agent"], verified["shown"]) == (agent.agent_id, result["entries"])
    portcullis(deployment, "incident", "report", incident, "--evidence", str(file), "--out", str(page))
    assert "frozen by the suspension | 1 | 25.50 |" in page.read_text()
    assert paid.json()["id"] in page.read_text()

    root, place = deployment.root("s3"), {"Bucket": result["bucket"], "Key": result["key"]}
    (version,) = root.list_object_versions(Bucket=deployment.outputs["EvidenceBucket"], Prefix=result["key"])[
        "Versions"
    ]
    assert root.head_object(**place)["ObjectLockMode"] == "COMPLIANCE"
    with pytest.raises(ClientError, match="object lock"):
        root.delete_object(**place, VersionId=version["VersionId"])
    with pytest.raises(ClientError, match="AccessDenied"):
        operators_s3(deployment).put_object(**place, Body=b"forged")
