"""The anomaly function reaches profiles and findings and nothing else, and somebody hears when it does not work."""

from tests.infra.template import Template, as_list, strings_in, text_of

LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
CONSUME = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
ON_PROFILES = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem"}
ON_ADDRESSES = {"dynamodb:UpdateItem"}
ON_CORE = {"dynamodb:GetItem", "dynamodb:PutItem"}


def function(detection: Template) -> str:
    (found,) = (id_ for id_ in detection.resources("AWS::Lambda::Function") if id_[:-8] == "Anomaly")
    return found


def test_it_may_do_exactly_what_is_listed(detection: Template) -> None:
    statements = detection.statements_of(detection.role_of(function(detection)))
    actions = [action for statement in statements for action in as_list(statement["Action"])]
    assert sorted(actions) == sorted([*LOG, *CONSUME, *ON_PROFILES, *ON_ADDRESSES, *ON_CORE])
    assert not [text for statement in statements for text in strings_in(statement["Resource"]) if "*" in text]


def test_it_reaches_only_its_kinds_of_items(detection: Template) -> None:
    leading = "dynamodb:LeadingKeys"
    reach = [
        (table, set(as_list(statement["Action"])), statement["Condition"]["ForAllValues:StringLike"][leading])
        for statement in detection.statements_of(detection.role_of(function(detection)))
        for table in ("Profiles", "Core")
        if f"GetAtt{table}" in text_of(statement["Resource"])
    ]
    assert reach == [
        ("Profiles", ON_PROFILES, ["AGENT#*", "POPULATION#*"]),
        ("Profiles", ON_ADDRESSES, ["ADDRESS#*"]),
        ("Core", ON_CORE, ["FINDINGS#*", "FINDING#*"]),
    ]


def test_it_is_fed_by_what_agents_do_and_by_nothing_else(detection: Template) -> None:
    (rule,) = (each for id_, each in detection.properties("AWS::Events::Rule").items() if id_.startswith("Anomaly"))
    assert rule["EventPattern"] == {
        "source": ["portcullis"],
        "detail-type": [
            "transaction.approved",
            "transaction.denied",
            "transaction.pending_approval",
            "request.served",
            "request.refused",
        ],
    }


def test_lag_age_faults_and_dead_letters_are_alarms(detection: Template) -> None:
    alarms = {
        id_: each for id_, each in detection.properties("AWS::CloudWatch::Alarm").items() if id_.startswith("Anomaly")
    }
    thresholds = {each["MetricName"]: each["Threshold"] for each in alarms.values()}
    assert thresholds == {
        "DetectionLag": 120_000,
        "ApproximateAgeOfOldestMessage": 120,
        "Fault": 1,
        "ApproximateNumberOfMessagesVisible": 1,
    }


def test_the_alarm_budget_is_told_as_it_is_parsed(detection: Template) -> None:
    variables = detection.properties("AWS::Lambda::Function")[function(detection)]["Environment"]["Variables"]
    assert variables["ALARM_BUDGET"] == "1.0"
