"""Telemetry: one line that is valid in the CloudWatch Embedded Metric Format."""

import json
import time
from typing import Any

import pytest

from portcullis.aws import telemetry


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    line: dict[str, Any] = json.loads(out)
    return line


def test_a_count_is_a_metric_and_a_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    before = time.time() * 1000
    telemetry.count("Verdict", dimensions={"Stage": "test", "Code": "verified"}, ip="203.0.113.7")
    line = printed(capsys)

    timestamp = line["_aws"].pop("Timestamp")
    assert isinstance(timestamp, int)
    assert before - 1 <= timestamp <= time.time() * 1000
    assert line == {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "Portcullis",
                    "Dimensions": [["Stage", "Code"]],
                    "Metrics": [{"Name": "Verdict", "Unit": "Count"}],
                }
            ]
        },
        "Verdict": 1,
        "Stage": "test",
        "Code": "verified",
        "ip": "203.0.113.7",
    }


def test_every_dimension_and_metric_is_a_member_of_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.count("Answer", dimensions={"Route": "GET /v1/whoami", "Status": "200"}, request_id="r")
    line = printed(capsys)

    for directive in line["_aws"]["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= 30
            assert all(isinstance(line[name], str) and 0 < len(line[name]) <= 1024 for name in dimensions)
        assert all(isinstance(line[metric["Name"]], int) for metric in directive["Metrics"])


def test_a_line_break_in_a_field_does_not_break_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.count("Fault", dimensions={"Route": "x"}, cause='a\n{"_aws":1}')
    assert printed(capsys)["cause"] == 'a\n{"_aws":1}'


def test_a_duration_is_a_metric_in_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.milliseconds("AuditLag", 1500, dimensions={"Function": "audit_writer"}, entries=2)
    line = printed(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "AuditLag", "Unit": "Milliseconds"}]
    assert (line["AuditLag"], line["entries"]) == (1500, 2)
