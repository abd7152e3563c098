"""What runs by the clock, and that somebody hears of it when it fails."""

from typing import Any

from portcullis.domain.key_classes import CLASSES
from tests.infra.template import Template


def schedules(gateway: Template) -> dict[str, dict[str, Any]]:
    """Name of the function -> the rule that starts it."""
    rules = gateway.properties("AWS::Events::Rule").values()
    scheduled = [rule for rule in rules if "ScheduleExpression" in rule]
    return {target["Arn"]["Fn::GetAtt"][0]: rule for rule in scheduled for target in rule["Targets"]}


def test_what_runs_by_the_clock(gateway: Template) -> None:
    found = {name[:-8]: (rule["ScheduleExpression"], rule["State"]) for name, rule in schedules(gateway).items()}
    assert found == {
        "KeyRotation": ("rate(1 hour)", "ENABLED"),
        "KeyCensus": ("rate(1 hour)", "ENABLED"),
        "KeyJobs": ("rate(1 minute)", "ENABLED"),
        "Lockdown": ("rate(1 minute)", "ENABLED"),
        "Proposals": ("rate(1 day)", "ENABLED"),
        "Reconciler": ("rate(1 hour)", "ENABLED"),
        "Sweeper": ("rate(1 minute)", "ENABLED"),
        "AuditWriter": ("rate(1 minute)", "ENABLED"),
    }


def test_a_scheduled_function_that_fails_is_an_alarm(gateway: Template) -> None:
    watched = {
        alarm["Dimensions"][0]["Value"]["Ref"]
        for alarm in gateway.properties("AWS::CloudWatch::Alarm").values()
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    }
    assert watched == set(schedules(gateway))


def test_what_was_lost_or_could_not_be_read_is_an_alarm(gateway: Template) -> None:
    watched = {
        alarm["MetricName"]
        for alarm in gateway.properties("AWS::CloudWatch::Alarm").values()
        if alarm.get("Dimensions") == [{"Name": "Function", "Value": "reconciler"}] and alarm["Threshold"] == 1
    }
    assert watched == {"Reemitted", "ReconcileFault"}


def test_a_key_that_is_older_than_its_class_allows_is_an_alarm(gateway: Template) -> None:
    watched = {
        alarm["Dimensions"][0]["Value"]: (alarm["Threshold"], alarm["TreatMissingData"])
        for alarm in gateway.properties("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "OverdueKeys"
    }
    assert watched == dict.fromkeys(CLASSES, (1, "ignore"))
