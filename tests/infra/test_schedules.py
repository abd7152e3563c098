"""What runs by the clock, and that somebody hears of it when it fails."""

from tests.infra.template import Template


def test_upgrades_are_proposed_once_a_day(gateway: Template) -> None:
    rule = gateway.only("AWS::Events::Rule")
    (target,) = rule["Targets"]
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 day)", "ENABLED")
    assert target["Arn"]["Fn::GetAtt"][0].startswith("Proposals")


def test_a_scheduled_function_that_fails_is_an_alarm(gateway: Template) -> None:
    watched = {
        alarm["Dimensions"][0]["Value"]["Ref"]
        for alarm in gateway.properties("AWS::CloudWatch::Alarm").values()
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    }
    scheduled = {
        target["Arn"]["Fn::GetAtt"][0]
        for rule in gateway.properties("AWS::Events::Rule").values()
        for target in rule["Targets"]
    }
    assert watched == scheduled
