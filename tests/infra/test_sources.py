"""What blocks source addresses may do that, and nothing else."""

from tests.infra.template import Template, as_list, text_of


def test_it_reads_where_agents_work_and_writes_counters_and_blocks_alone(detection: Template) -> None:
    (function,) = (id_ for id_ in detection.resources("AWS::Lambda::Function") if id_.startswith("Sources"))
    statements = detection.statements_of(detection.role_of(function))
    reach: dict[str, list[str]] = {}
    for statement in statements:
        conditions = statement.get("Condition", {})
        keys = conditions.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])
        for action in as_list(statement["Action"]):
            reach.setdefault(action, []).extend(as_list(keys))
    unbound = {action for action, keys in reach.items() if not keys}
    assert unbound == {
        *("logs:CreateLogStream", "logs:PutLogEvents", "events:PutEvents", "wafv2:GetIPSet", "wafv2:UpdateIPSet"),
        *("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    }
    assert {action: keys for action, keys in reach.items() if keys} == {
        "dynamodb:GetItem": ["SOURCE#*", "BLOCK#*", "ADDRESS#*"],
        "dynamodb:PutItem": ["SOURCE#*", "BLOCK#*"],
        "dynamodb:UpdateItem": ["SOURCE#*", "BLOCK#*"],
        "dynamodb:Query": ["BLOCKED"],
    }
    (tell,) = (each for each in statements if each["Action"] == "events:PutEvents")
    types = tell["Condition"]["ForAllValues:StringEquals"]["events:detail-type"]
    assert types == ["source.blocked", "source.unblocked"]
    (lists,) = (each for each in statements if "wafv2:UpdateIPSet" in as_list(each["Action"]))
    assert len(lists["Resource"]) == 2
    assert "*" not in text_of(lists["Resource"])


def test_blocks_are_looked_at_every_minute(detection: Template) -> None:
    rules = detection.properties("AWS::Events::Rule").values()
    assert [rule["ScheduleExpression"] for rule in rules if "ScheduleExpression" in rule] == ["rate(1 minute)"]
