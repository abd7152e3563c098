"""Each function has a role of its own, which allows what its row below says and nothing else."""

from tests.infra.template import Template, as_list, strings_in, text_of

FUNCTIONS = ("Authorizer", "AgentFunction", "OperatorFunction", "Outbox", "Sweeper")
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
READ_WRITE = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"}

MAY = {
    "Authorizer": LOG | {"dynamodb:GetItem", "dynamodb:PutItem", "kms:GenerateMac"},
    "AgentFunction": LOG | READ_WRITE | {"dynamodb:ConditionCheckItem", "dynamodb:Query", "s3:GetObject"},
    "OperatorFunction": LOG | READ_WRITE | {"dynamodb:Query", "s3:GetObject", "s3:PutObject", "kms:GenerateMac"},
    "Outbox": LOG,
    "Sweeper": LOG | {"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query"},
}


def functions(gateway: Template) -> dict[str, str]:
    """Name -> logical id, which is the name and a hash of eight digits."""
    return {id_[:-8]: id_ for id_ in gateway.resources("AWS::Lambda::Function")}


def test_no_two_functions_share_a_role(gateway: Template) -> None:
    roles = {gateway.role_of(function) for function in functions(gateway).values()}
    assert len(roles) == len(FUNCTIONS)


def test_each_function_may_do_exactly_what_is_listed(gateway: Template) -> None:
    granted = {
        name: {
            action
            for statement in gateway.statements_of(gateway.role_of(id_))
            for action in as_list(statement["Action"])
        }
        for name, id_ in functions(gateway).items()
    }
    assert granted == MAY


def test_no_statement_uses_a_wildcard_beyond_the_policy_objects(gateway: Template) -> None:
    for role in gateway.resources("AWS::IAM::Role"):
        for statement in gateway.statements_of(role):
            assert statement["Effect"] == "Allow"
            assert not [action for action in as_list(statement["Action"]) if "*" in action]
            wildcards = [text for text in strings_in(statement["Resource"]) if "*" in text]
            assert wildcards in ([], ["/policies/*"])


def test_functions_reach_only_their_kinds_of_items(gateway: Template) -> None:
    kinds = {
        name: [
            tuple(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
            for statement in gateway.statements_of(gateway.role_of(functions(gateway)[name]))
            if "Condition" in statement
        ]
        for name in ("Authorizer", "AgentFunction", "Sweeper")
    }
    assert kinds == {
        "Authorizer": [("KEY#*",)],
        "AgentFunction": [("AGENT#*",), ("PRICES",), ("ag_*",)],
        "Sweeper": [("AGENT#*", "SWEEPER"), ("AGENTS", "ag_*")],
    }


def test_only_api_gateway_for_its_api_and_schedules_may_invoke_a_function(gateway: Template) -> None:
    rules = gateway.resources("AWS::Events::Rule")
    for permission in gateway.properties("AWS::Lambda::Permission").values():
        if permission["Principal"] == "events.amazonaws.com":
            assert permission["SourceArn"]["Fn::GetAtt"][0] in rules
            continue
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert {"Ref": "AWS::AccountId"} in permission["SourceArn"]["Fn::Join"][1]


def test_what_is_overdue_is_swept_every_minute(gateway: Template) -> None:
    rules = gateway.properties("AWS::Events::Rule").values()
    (sweep,) = [rule for rule in rules if functions(gateway)["Sweeper"] in text_of(rule["Targets"])]
    assert (sweep["ScheduleExpression"], sweep["State"]) == ("rate(1 minute)", "ENABLED")


def test_no_function_role_carries_a_managed_policy(gateway: Template) -> None:
    roles = gateway.properties("AWS::IAM::Role")
    for function in functions(gateway).values():
        assert "ManagedPolicyArns" not in roles[gateway.role_of(function)]
