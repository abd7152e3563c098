"""What cuts agents off: each step has a role of its own, and a branch of the state machine that can fail alone."""

import json
from typing import Any

import pytest

from tests.infra.template import Template, as_list, strings_in, text_of

LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
CONSUME = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
READ, PUT, UPDATE, QUERY = (f"dynamodb:{each}" for each in ("GetItem", "PutItem", "UpdateItem", "Query"))

MAY = {
    "ContainEvidence": LOG | {READ, "s3:GetObject", "s3:PutObject", "s3:ListBucket", "kms:GetPublicKey"},
    "ContainKeys": LOG | {READ, PUT, UPDATE, QUERY},
    "ContainTransactions": LOG | {READ, UPDATE, QUERY},
    "ContainSources": LOG | {READ, PUT, QUERY},
    "ContainSecrets": LOG
    | {READ}
    | {f"secretsmanager:{each}" for each in ("ListSecrets", "DescribeSecret", "RotateSecret")}
    | {"lambda:InvokeFunction"},
    "ContainNotice": LOG | {READ, "sns:Publish"},
    "Notifier": LOG | CONSUME | {READ, QUERY, "sns:Publish"},
    "IncidentRecord": LOG | {READ, PUT},
    "Incidents": LOG | CONSUME | {READ, PUT, UPDATE, QUERY, "states:StartExecution"},
}
INCIDENT = ("INCIDENT#*", "INCIDENTS#*")
KINDS = {
    "ContainEvidence": [INCIDENT],
    "ContainKeys": [INCIDENT, ("AGENT#*", "KEY#*"), ("AGENT#*",), ("ag_*#KEYS",)],
    "ContainTransactions": [INCIDENT, ("AGENT#*",), ("ag_*",)],
    "ContainSources": [INCIDENT, ("FINDINGS#*",), ("AGENT#*", "ADDRESS#*"), ("BLOCK#*",)],
    "ContainSecrets": [INCIDENT],
    "ContainNotice": [INCIDENT],
    "Notifier": [("AGENT#*",), ("INCIDENTS#*",)],
    "IncidentRecord": [INCIDENT],
    "Incidents": [("AGENT#*", *INCIDENT), ("FINDINGS#*",), ("INCIDENTS#*",)],
}


def functions(response: Template) -> dict[str, str]:
    return {id_[:-8]: id_ for id_ in response.resources("AWS::Lambda::Function")}


def statements(response: Template, name: str) -> list[dict[str, Any]]:
    return response.statements_of(response.role_of(functions(response)[name]))


def definition(response: Template) -> dict[str, Any]:
    """The state machine's, each function by its name."""
    _, parts = response.only("AWS::StepFunctions::StateMachine")["DefinitionString"]["Fn::Join"]
    machine: dict[str, Any] = json.loads(
        "".join(part if isinstance(part, str) else part["Fn::GetAtt"][0][:-8] for part in parts)
    )
    return machine


def branches(response: Template) -> dict[str, dict[str, Any]]:
    """The states of each step by its name, those of the last one too."""
    machine = definition(response)["States"]
    found = {branch["StartAt"]: branch["States"] for branch in machine["steps"]["Branches"]}
    return found | ({"notice": machine} if "notice" in machine else {})


def test_each_function_may_do_exactly_what_is_listed(response: Template) -> None:
    granted = {
        name: {action for statement in statements(response, name) for action in as_list(statement["Action"])}
        for name in functions(response)
    }
    assert granted == MAY


def test_functions_reach_only_their_kinds_of_items_and_nothing_by_a_wildcard(response: Template) -> None:
    kinds = {
        name: [
            tuple(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
            for statement in statements(response, name)
            if "dynamodb:" in text_of(statement["Action"])
        ]
        for name in functions(response)
    }
    assert kinds == KINDS
    roles = response.resources("AWS::IAM::Role").keys() - {response.role_of(functions(response)["ContainSecrets"])}
    every = [statement for role in roles for statement in response.statements_of(role)]
    assert not [each for each in every if "*" in text_of(each["Action"])]
    wildcards = [text for each in every for text in strings_in(each["Resource"]) if "*" in text]
    assert sorted(wildcards) == ["/incidents/*", "/tile/*"], "what is named by its incident, or its place in the log"


def test_only_evidence_is_put_and_nothing_but_it_and_the_log_is_read(response: Template) -> None:
    reach = {
        action: sorted(text.split("/", 1)[-1] for text in strings_in(statement["Resource"]) if "/" in text)
        for statement in statements(response, "ContainEvidence")
        for action in as_list(statement["Action"])
        if action == "s3:PutObject" or statement["Action"] == "s3:GetObject"
    }
    assert reach == {"s3:PutObject": ["incidents/*"], "s3:GetObject": ["checkpoint", "tile/*"]}


def test_no_two_functions_share_a_role(response: Template) -> None:
    assert len({response.role_of(function) for function in functions(response).values()}) == len(MAY)


def test_the_state_machine_may_invoke_the_functions_of_its_states_and_do_nothing_else(response: Template) -> None:
    role = response.only("AWS::StepFunctions::StateMachine")["RoleArn"]["Fn::GetAtt"][0]
    (statement,) = response.statements_of(role)
    assert statement["Action"] == "lambda:InvokeFunction"
    allowed = {each["Fn::GetAtt"][0][:-8] for each in as_list(statement["Resource"])}
    used = {state["Resource"] for states in branches(response).values() for state in states.values() if _is_task(state)}
    assert allowed == used == MAY.keys() - {"Incidents", "Notifier"}


def test_only_what_hears_of_incidents_starts_the_machine(response: Template) -> None:
    starting = [name for name in MAY if "states:StartExecution" in text_of(statements(response, name))]
    assert starting == ["Incidents"]


def test_a_step_is_tried_again_and_its_failure_recorded_and_no_branch_fails(response: Template) -> None:
    for name, states in branches(response).items():
        step, recording = states[name], states[f"record {name}"]
        (caught,) = step["Catch"]
        assert (caught["ErrorEquals"], caught["Next"]) == (["States.ALL"], f"record {name}")
        assert step["Next"] == f"record {name}"
        poison, timed_out, others = step["Retry"]
        assert (poison["MaxAttempts"], timed_out["MaxAttempts"], others["MaxAttempts"]) == (0, 1, 3)
        assert {"KeyError", "TooMuch"} <= set(poison["ErrorEquals"])
        assert others["JitterStrategy"] == "FULL"
        assert recording["Retry"][0]["MaxAttempts"] == 8
        (lost,) = recording["Catch"]
        assert states[lost["Next"]]["Type"] == states[recording["Next"]]["Type"] == "Succeed"


def test_whatever_fails_the_steps_are_over_in_a_minute(response: Template) -> None:
    functions_ = response.properties("AWS::Lambda::Function")
    longest = {id_[:-8]: each["Timeout"] for id_, each in functions_.items()}
    for name, states in branches(response).items():
        attempt = states[name]["TimeoutSeconds"]
        assert attempt > longest[states[name]["Resource"]], "the function's own time-out says more"
        if name in ("keys", "transactions"):
            assert 2 * attempt + 5 < 60


def test_steps_are_told_which_they_are_and_whose(response: Template) -> None:
    for name, states in branches(response).items():
        ids = {"incident.$": "$.incident", "agent.$": "$.agent", "step": name}
        assert states[name]["Parameters"] == ids
        assert states[f"record {name}"]["Parameters"] == ids | {"outcome.$": "$.outcome"}


def test_every_state_passes_on_which_incident_it_is_about(response: Template) -> None:
    machine = definition(response)["States"]
    states = [each for found in (machine, *branches(response).values()) for each in found.values()]
    passing_on = [each for each in states if each["Type"] != "Succeed"]
    assert passing_on
    for each in (*passing_on, *(caught for state in passing_on for caught in state.get("Catch", ()))):
        assert each["ResultPath"].startswith("$."), "without a path the outcome takes the place of all else"


def test_requests_have_a_rule_and_a_queue_of_their_own(response: Template) -> None:
    patterns = [rule["EventPattern"] for rule in response.properties("AWS::Events::Rule").values()]
    assert sorted(patterns, key=text_of) == [
        {
            "source": ["portcullis"],
            "detail-type": ["finding.opened", "finding.updated", "incident.opened", "incident.resumed"],
        },
        {
            "source": ["portcullis"],
            "detail-type": ["finding.opened", "finding.updated", {"prefix": "incident."}, {"prefix": "lockdown."}],
        },
        {"source": ["portcullis.trigger"], "detail-type": ["incident.requested"]},
    ]
    sources = response.properties("AWS::Lambda::EventSourceMapping").values()
    assert len({text_of(source["EventSourceArn"]) for source in sources}) == 3


@pytest.mark.parametrize(
    "metric", ["StepFailed", "EventRejected", "Fault", "ExecutionsFailed", "ExecutionsTimedOut", "Errors"]
)
def test_what_goes_wrong_is_an_alarm(response: Template, metric: str) -> None:
    watched = [
        (alarm["MetricName"], *(each["Value"] for each in alarm["Dimensions"] if each["Value"] == "notifier"))
        for alarm in response.properties("AWS::CloudWatch::Alarm").values()
    ]
    assert watched.count((metric,)) == 1


def _is_task(state: dict[str, Any]) -> bool:
    return bool(state["Type"] == "Task")
