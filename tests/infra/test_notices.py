"""Notices over TLS alone, rotations where the team says so, and webhooks where they have a URL."""

from dataclasses import replace
from typing import Any

import pytest

from infra import stages
from infra.portcullis_app import portcullis_app
from infra.stages import STAGES
from portcullis.domain.reachable_secrets import TAG
from tests.infra.conftest import _template
from tests.infra.template import Template, as_list, strings_in, text_of

URL = "https://hooks.example.com/portcullis?team=1"
RESPONDERS = ("anna@example.com", "bert@example.com")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The response stack of a stage that names responders and a URL."""
    outdir = tmp_path_factory.mktemp("told")
    stage = replace(STAGES[0], responders=RESPONDERS, webhook_url=URL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "STAGES", (stage,))
        portcullis_app(stage.name, outdir).synth()
    return _template(outdir, f"{stage.prefix}-response")


def statements(template: Template, name: str) -> list[dict[str, Any]]:
    (function,) = (id_ for id_ in template.resources("AWS::Lambda::Function") if id_[:-8] == name)
    return template.statements_of(template.role_of(function))


def test_the_topic_is_encrypted_and_takes_nothing_without_tls(response: Template) -> None:
    assert "alias/aws/sns" in text_of(response.only("AWS::SNS::Topic")["KmsMasterKeyId"])
    (statement,) = response.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_publishing_reaches_the_topic_alone(response: Template) -> None:
    (topic,) = response.resources("AWS::SNS::Topic")
    for name in ("Notifier", "ContainNotice"):
        (publish,) = (each for each in statements(response, name) if each["Action"] == "sns:Publish")
        assert publish["Resource"] == {"Ref": topic}


def test_only_secrets_and_functions_with_the_teams_tag_are_reached(response: Template) -> None:
    reach = {tuple(as_list(each["Action"])): each for each in statements(response, "ContainSecrets")}
    tagged = {"Null": {f"aws:ResourceTag/{TAG}": "false"}}
    for actions in (("secretsmanager:DescribeSecret", "secretsmanager:RotateSecret"), ("lambda:InvokeFunction",)):
        assert reach[actions]["Condition"] == tagged
        assert not [text for text in strings_in(reach[actions]["Resource"]) if text == "*"]
    assert reach[("secretsmanager:ListSecrets",)]["Resource"] == "*"  # it tells names and tags, and no values


def test_nobody_is_subscribed_and_nothing_posted_where_the_stage_names_nobody(response: Template) -> None:
    types = {each["Type"] for each in response.body["Resources"].values()}
    assert not types & {"AWS::SNS::Subscription", "AWS::SecretsManager::Secret"}


def test_responders_are_subscribed_by_e_mail(told: Template) -> None:
    subscribed = told.properties("AWS::SNS::Subscription").values()
    assert {(each["Protocol"], each["Endpoint"]) for each in subscribed} == {("email", each) for each in RESPONDERS}


def test_webhooks_read_their_own_secret_and_keep_back_their_own_messages(told: Template) -> None:
    reach = {
        action: text_of(each["Resource"]) for each in statements(told, "Webhooks") for action in as_list(each["Action"])
    }
    consume = {f"sqs:{each}" for each in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
    log = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert reach.keys() == log | consume | {"sqs:ChangeMessageVisibility", "secretsmanager:GetSecretValue"}
    (secret,) = told.resources("AWS::SecretsManager::Secret")
    assert reach["secretsmanager:GetSecretValue"] == text_of({"Ref": secret})
    assert reach["sqs:ChangeMessageVisibility"] == reach["sqs:ReceiveMessage"]
    generated = told.only("AWS::SecretsManager::Secret")["GenerateSecretString"]
    assert generated == {"ExcludePunctuation": True, "PasswordLength": 44}, "base64 of 33 bytes"


def test_webhooks_are_posted_one_at_a_time_so_that_none_runs_out_of_the_time_of_another(told: Template) -> None:
    (function,) = (id_ for id_ in told.resources("AWS::Lambda::Function") if id_[:-8] == "Webhooks")
    sources = told.properties("AWS::Lambda::EventSourceMapping").values()
    assert [each["BatchSize"] for each in sources if each["FunctionName"] == {"Ref": function}] == [1]


def test_webhooks_hear_of_what_is_posted_and_of_nothing_else(told: Template) -> None:
    rules = told.properties("AWS::Events::Rule")
    (rule,) = (each for id_, each in rules.items() if id_.startswith("WebhookEvents"))
    assert rule["EventPattern"]["detail-type"] == [
        "finding.opened",
        "finding.updated",
        {"prefix": "incident."},
        {"prefix": "lockdown."},
        "agent.suspended",
    ]


@pytest.mark.parametrize(
    ("stage", "url"),
    [
        ("test", "http://hooks.example.com/"),
        ("test", "http://127.0.0.1:8080/"),
        ("local", "http://localhost:8080/"),
        ("local", "https://user:word@hooks.example.com/"),
        ("local", "https://hooks.example.com/#part"),
        ("local", "https:///nowhere"),
        ("local", "https://hooks.example.com/a b"),
        ("local", ""),
    ],
)
def test_a_url_that_is_not_safe_to_post_to_is_refused(stage: str, url: str) -> None:
    with pytest.raises(ValueError, match="webhook_url"):
        replace(stages.stage_named(stage), webhook_url=url)


def test_the_local_stage_may_post_to_its_own_machine_and_responders_are_addresses() -> None:
    local = replace(stages.stage_named("local"), webhook_url="http://127.0.0.1:8080/hooks", responders=RESPONDERS)
    assert local.webhook_url == "http://127.0.0.1:8080/hooks"
    with pytest.raises(ValueError, match="responders"):
        replace(local, responders=("anna",))


def test_a_notifier_or_webhook_that_fails_is_an_alarm(told: Template) -> None:
    faults = [
        alarm["Dimensions"][0]["Value"]
        for alarm in told.properties("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "Fault"
    ]
    assert {"notifier", "webhooks"} <= set(faults)
