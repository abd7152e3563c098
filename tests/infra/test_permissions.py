"""Each function has a role of its own, which allows what its row below says and nothing else."""

from tests.infra.template import Template, as_list, strings_in, text_of

LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
CONSUME = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
TELL = {"events:PutEvents"}
READ_WRITE = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}

MAY = {
    "AuditWriter": LOG
    | CONSUME
    | {"s3:GetObject", "s3:PutObject", "s3:PutObjectRetention", "s3:PutObjectTagging", "s3:ListBucket"}
    | {"dynamodb:UpdateItem"}
    | {"kms:Sign", "kms:GetPublicKey"},
    "Authorizer": LOG | TELL | {"dynamodb:GetItem", "dynamodb:PutItem", "kms:GenerateMac"},
    "AgentKeys": LOG | TELL | READ_WRITE | {"s3:GetObject", "kms:GenerateMac"},
    "AgentFunction": LOG | TELL | READ_WRITE | {"dynamodb:ConditionCheckItem", "dynamodb:Query", "s3:GetObject"},
    "OperatorFunction": LOG
    | TELL
    | READ_WRITE
    | {"dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:Query"}
    | {"s3:GetObject", "s3:PutObject", "kms:GenerateMac"}
    | {"s3:ListBucket", "kms:GetPublicKey", "lambda:InvokeFunction"}
    | {f"secretsmanager:{each}" for each in ("CreateSecret", "DescribeSecret", "PutSecretValue", "RotateSecret")},
    "KeyCensus": LOG | {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query"},
    "KeyJobs": LOG
    | READ_WRITE
    | {"dynamodb:Query", "secretsmanager:DescribeSecret", "secretsmanager:RotateSecret", "lambda:InvokeFunction"},
    "KeyRotation": LOG
    | READ_WRITE
    | {"kms:GenerateMac", "secretsmanager:ListSecrets", "secretsmanager:DescribeSecret"}
    | {f"secretsmanager:{each}" for each in ("GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")},
    "Lockdown": LOG | READ_WRITE | {"dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:Query"},
    "Outbox": LOG,
    "PriceFeed": LOG | CONSUME | {"dynamodb:GetItem", "dynamodb:PutItem"},
    "Proposals": LOG | READ_WRITE | {"dynamodb:Query"},
    "Reconciler": LOG
    | {"dynamodb:Scan", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:BatchGetItem", "events:PutEvents"},
    "Sweeper": LOG | {"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query"},
}


AGENT_SIDE = ("Authorizer", "AgentFunction", "AgentKeys", "KeyRotation")
CLOCKED = ("KeyCensus", "KeyJobs", "Lockdown", "PriceFeed", "Proposals", "Reconciler", "Sweeper")
PASSING = ["/tile/0/*.p/*", "/tile/entries/*.p/*"]


def functions(gateway: Template) -> dict[str, str]:
    """Name -> logical id, which is the name and a hash of eight digits."""
    return {id_[:-8]: id_ for id_ in gateway.resources("AWS::Lambda::Function")}


def test_no_two_functions_share_a_role(gateway: Template) -> None:
    roles = {gateway.role_of(function) for function in functions(gateway).values()}
    assert len(roles) == len(MAY)


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


def test_no_statement_uses_a_wildcard_beyond_objects_and_secrets_named_by_what_they_hold(
    gateway: Template, stage_name: str
) -> None:
    for role in gateway.resources("AWS::IAM::Role"):
        for statement in gateway.statements_of(role):
            assert statement["Effect"] == "Allow"
            assert not [action for action in as_list(statement["Action"]) if "*" in action]
            wildcards = [text for text in strings_in(statement["Resource"]) if "*" in text]
            allowed: tuple[list[str], ...] = (
                [],
                ["/policies/*"],
                ["/tile/*"],
                ["/checkpoint/*", "/seg/*", "/tile/*"],
                PASSING,
                [f":secret:portcullis/{stage_name}/agents/*"],
            )
            if statement["Action"] == "secretsmanager:ListSecrets":
                assert statement["Resource"] == "*"  # it has none to be narrowed to, and tells no values
                continue
            assert wildcards in allowed


def test_functions_reach_only_their_kinds_of_items(gateway: Template) -> None:
    kinds = {
        name: [
            tuple(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
            for statement in gateway.statements_of(gateway.role_of(functions(gateway)[name]))
            if "dynamodb:LeadingKeys" in text_of(statement)
        ]
        for name in (*AGENT_SIDE, *CLOCKED)
    }
    assert kinds == {
        "Authorizer": [("KEY#*",)],
        "AgentFunction": [("AGENT#*",), ("FLEET", "PRICES"), ("ag_*",)],
        "AgentKeys": [("AGENT#*", "KEY#*"), ("FLEET", "ROOT")],
        "KeyRotation": [("AGENT#*", "KEY#*"), ("ROOT",)],
        "KeyCensus": [("AGENT#*", "KEY#*"), ("ROOT",), ("AGENTS",)],
        "KeyJobs": [("AGENT#*", "JOB#*", "KEY#*"), ("AGENTS", "JOBS#open", "ag_*#KEYS", "kj_*")],
        "Lockdown": [("AGENT#*", "FLEET"), ("AGENTS",)],
        "PriceFeed": [("PRICES",)],
        "Proposals": [("AGENTS",), ("AGENT#*",)],
        "Reconciler": [("RECONCILER",)],
        "Sweeper": [("AGENT#*", "SWEEPER"), ("AGENTS", "ag_*")],
    }


def test_functions_put_only_their_types_of_events_on_the_bus_of_the_stage(gateway: Template) -> None:
    told = {}
    for name, id_ in functions(gateway).items():
        for statement in gateway.statements_of(gateway.role_of(id_)):
            if statement["Action"] == "events:PutEvents":
                told[name] = statement["Condition"]["ForAllValues:StringEquals"]
                assert statement["Condition"]["Null"] == dict.fromkeys(told[name], "false")
                assert "GetAttBus" in text_of(statement["Resource"])
    source = {"events:source": ["portcullis"]}
    refused = source | {"events:detail-type": ["request.refused"]}
    answered = source | {"events:detail-type": ["request.refused", "request.served"]}
    assert told == {
        "Authorizer": source | {"events:detail-type": ["authentication.refused"]},
        "AgentFunction": answered,
        "AgentKeys": answered,
        "OperatorFunction": refused,
        "Reconciler": source,  # as the outbox, whatever is stored
    }


def test_only_the_reconciler_scans_and_it_writes_no_more_than_its_place(gateway: Template) -> None:
    reconciler = functions(gateway)["Reconciler"]
    on_core = {
        action: "dynamodb:LeadingKeys" in text_of(statement)
        for statement in gateway.statements_of(gateway.role_of(reconciler))
        for action in as_list(statement["Action"])
        if "GetAttCore" in text_of(statement["Resource"])
    }
    assert on_core == {"dynamodb:Scan": False, "dynamodb:GetItem": True, "dynamodb:UpdateItem": True}
    scanning = {name for name, actions in MAY.items() if "dynamodb:Scan" in actions}
    assert scanning == {"Reconciler"}


def test_nonces_are_only_put_by_the_authorizer_and_only_their_uses_read_by_operators(gateway: Template) -> None:
    reach = {
        (name, action, "".join(part for part in strings_in(resource) if part.startswith("/")))
        for name, id_ in functions(gateway).items()
        for statement in gateway.statements_of(gateway.role_of(id_))
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if "GetAttNonces" in text_of(resource)
    }
    assert reach == {("Authorizer", "dynamodb:PutItem", ""), ("OperatorFunction", "dynamodb:Query", "/index/by_key")}


def test_of_what_detection_holds_operators_reach_profiles_of_agents_and_blocks(gateway: Template) -> None:
    reach = {
        (name, action, *statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
        for name, id_ in functions(gateway).items()
        for statement in gateway.statements_of(gateway.role_of(id_))
        for action in as_list(statement["Action"])
        if "GetAttProfiles" in text_of(statement["Resource"])
    }
    assert reach == {
        ("OperatorFunction", "dynamodb:GetItem", "AGENT#*"),
        ("OperatorFunction", "dynamodb:PutItem", "AGENT#*"),
        ("OperatorFunction", "dynamodb:UpdateItem", "BLOCK#*"),
        ("OperatorFunction", "dynamodb:Query", "BLOCKED"),
    }


def test_only_its_own_api_or_schedule_may_invoke_a_function(gateway: Template) -> None:
    scheduled = {
        target["Arn"]["Fn::GetAtt"][0]: rule
        for rule, properties in gateway.properties("AWS::Events::Rule").items()
        for target in properties["Targets"]
    }
    for permission in gateway.properties("AWS::Lambda::Permission").values():
        if permission["Principal"] == "secretsmanager.amazonaws.com":
            assert permission["FunctionName"]["Fn::GetAtt"][0] == functions(gateway)["KeyRotation"]
            assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
        elif rule := scheduled.get(permission["FunctionName"]["Fn::GetAtt"][0]):
            assert permission["Principal"] == "events.amazonaws.com"
            assert permission["SourceArn"]["Fn::GetAtt"][0] == rule
        else:
            assert permission["Principal"] == "apigateway.amazonaws.com"
            assert {"Ref": "AWS::AccountId"} in permission["SourceArn"]["Fn::Join"][1]


def test_no_function_role_carries_a_managed_policy(gateway: Template) -> None:
    roles = gateway.properties("AWS::IAM::Role")
    for function in functions(gateway).values():
        assert "ManagedPolicyArns" not in roles[gateway.role_of(function)]


def test_secrets_are_written_by_the_function_that_rotates_them_and_read_by_no_other(gateway: Template) -> None:
    reach = {}
    for name, id_ in functions(gateway).items():
        for statement in gateway.statements_of(gateway.role_of(id_)):
            if "secretsmanager:GetSecretValue" in as_list(statement["Action"]):
                reach[name] = statement
    assert list(reach) == ["KeyRotation"]
    (condition,) = reach["KeyRotation"]["Condition"]["ArnLike"].items()
    assert condition[0] == "secretsmanager:resource/AllowRotationLambdaArn"
    assert "-gateway-KeyRotation*" in text_of(condition[1])
