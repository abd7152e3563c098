"""The path of a request: firewall, two APIs, their functions, and the outbox. It can be replaced at any time."""

from typing import cast

from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_apigateway as apigateway

from infra.constructs import gateway_responses
from infra.constructs.account_logging import AccountLogging
from infra.constructs.nag import acknowledge
from infra.constructs.outbox_pipe import OutboxPipe
from infra.constructs.rest_api import RestApi
from infra.constructs.schedule import Schedule
from infra.constructs.web_acl import WebAcl
from infra.functions.agent_api import agent_api
from infra.functions.agent_keys import agent_keys
from infra.functions.audit_writer import audit_writer
from infra.functions.authorizer import authorizer
from infra.functions.key_census import key_census
from infra.functions.key_jobs import key_jobs
from infra.functions.key_rotation import key_rotation
from infra.functions.lockdown import lockdown
from infra.functions.operator_api import operator_api
from infra.functions.outbox import outbox
from infra.functions.price_feed import price_feed
from infra.functions.proposals import proposals
from infra.functions.reconciler import reconciler
from infra.functions.sweeper import sweeper
from infra.stacks.data import Data

AGENT_ROUTES = (
    "GET /v1/whoami",
    "GET /v1/transactions",
    "POST /v1/transactions",
    "GET /v1/transactions/{id}",
    "POST /v1/transactions/{id}/claim",
    "POST /v1/transactions/{id}/settle",
    "POST /v1/transactions/{id}/fail",
    "POST /v1/transactions/{id}/cancel",
    "POST /v1/transactions/{id}/confirm",
    "POST /v1/transactions/{id}/risk-decision",
)
AGENT_KEY_ROUTES = ("GET /v1/keys", "POST /v1/keys/rotate")
OPERATOR_ROUTES = (
    "GET /v1/agents",
    "POST /v1/agents",
    "GET /v1/agents/{agent}",
    "POST /v1/agents/{agent}/suspend",
    "POST /v1/agents/{agent}/incidents",
    "GET /v1/agents/{agent}/keys",
    "POST /v1/agents/{agent}/keys",
    "POST /v1/agents/{agent}/keys/revoke",
    "POST /v1/agents/{agent}/keys/{key}/rotate",
    "POST /v1/agents/{agent}/keys/{key}/retire",
    "POST /v1/agents/{agent}/keys/{key}/revoke",
    "GET /v1/agents/{agent}/profile",
    "POST /v1/agents/{agent}/profile/reset",
    "GET /v1/agents/{agent}/policy",
    "PUT /v1/agents/{agent}/policy",
    "GET /v1/agents/{agent}/policy/draft",
    "PUT /v1/agents/{agent}/policy/draft",
    "DELETE /v1/agents/{agent}/policy/draft",
    "POST /v1/agents/{agent}/policy/publish",
    "GET /v1/agents/{agent}/policy/versions",
    "GET /v1/agents/{agent}/policy/versions/{version}",
    "GET /v1/agents/{agent}/policy/diff",
    "PUT /v1/agents/{agent}/policy/shadow",
    "DELETE /v1/agents/{agent}/policy/shadow",
    "POST /v1/agents/{agent}/policy/backtest",
    "POST /v1/agents/{agent}/policy/explain",
    "GET /v1/agents/{agent}/proposal",
    "POST /v1/policies/validate",
    "GET /v1/policies/presets/{trust}",
    "GET /v1/agents/{agent}/transactions",
    "GET /v1/agents/{agent}/transactions/{id}",
    "POST /v1/agents/{agent}/transactions/{id}/cancel",
    "GET /v1/agents/{agent}/events",
    "GET /v1/approvers",
    "POST /v1/approvers",
    "POST /v1/approvers/{approver}/approvals",
    "POST /v1/approvers/{approver}/confirm",
    "POST /v1/approvers/{approver}/denials",
    "POST /v1/approvers/{approver}/device",
    "POST /v1/approvers/{approver}/enrolments",
    "POST /v1/approvers/{approver}/incident-reviews",
    "POST /v1/approvers/{approver}/lockdown-lifts",
    "POST /v1/approvers/{approver}/reconciliations",
    "POST /v1/approvers/{approver}/recoveries",
    "POST /v1/approvers/{approver}/revocations",
    "GET /v1/audit/checkpoint",
    "GET /v1/audit/consistency",
    "GET /v1/audit/entries",
    "GET /v1/audit/proofs",
    "GET /v1/findings",
    "GET /v1/findings/{finding}",
    "POST /v1/findings/{finding}/release",
    "GET /v1/incidents",
    "GET /v1/incidents/{incident}",
    "POST /v1/incidents/{incident}/close",
    "POST /v1/incidents/{incident}/resume",
    "GET /v1/key-jobs",
    "POST /v1/key-jobs",
    "GET /v1/key-jobs/{job}",
    "GET /v1/key-jobs/{job}/keys",
    "POST /v1/key-jobs/{job}/cancel",
    "POST /v1/key-jobs/{job}/run",
    "GET /v1/lockdown",
    "POST /v1/lockdown",
    "POST /v1/lockdown/run",
    "GET /v1/prices",
    "PUT /v1/prices/{token}",
    "GET /v1/root",
    "POST /v1/root/generation",
    "GET /v1/sources",
    "POST /v1/sources/unblock",
)
VALIDATED_BY_FUNCTION = "The function validates strictly and names the field at fault; a model would repeat part of it."


class Gateway(Stack):
    """The stateless half of a stage."""

    def __init__(self, app: App, data: Data) -> None:
        stage = data.stage
        super().__init__(app, f"{stage.prefix}-gateway", description=f"Portcullis {stage.name}: gateway")
        self.agent_api = self._agent_api(data)
        self.operator_api = self._operator_api(data)
        self.firewall = WebAcl(self, "Firewall", stage=stage)
        logging = AccountLogging(self, "AccountLogging", stage=stage)
        for api in (self.agent_api, self.operator_api):
            logging.precede(api)
            self.firewall.protect(api)
        OutboxPipe(self, "OutboxPipe", table=data.core, envelope=outbox(self, data), bus=data.bus)
        price_feed(self, data)
        Schedule(self, "AuditSweep", function=audit_writer(self, data), every=Duration.minutes(1))
        daily = proposals(self, data)
        Schedule(self, "ProposalsDaily", function=daily, every=Duration.days(1))
        Schedule(self, "Sweep", function=sweeper(self, data), every=Duration.minutes(1))
        Schedule(self, "Reconcile", function=reconciler(self, data), every=Duration.hours(1))
        Schedule(self, "KeyJobsGoOn", function=key_jobs(self, data, self.rotation), every=Duration.minutes(1))
        Schedule(self, "LockdownGoesOn", function=lockdown(self, data), every=Duration.minutes(1))
        Schedule(self, "KeyCensusHourly", function=key_census(self, data), every=Duration.hours(1))
        self._outputs()

    def _agent_api(self, data: Data) -> RestApi:
        api = RestApi(self, "AgentApi", stage=data.stage, description="Agent API", refusals=gateway_responses.AGENT_API)
        verdict = apigateway.RequestAuthorizer(
            self,
            "Verdict",
            handler=authorizer(self, data),
            # A cached verdict would let a nonce pass twice, and an identity source would answer a missing header
            # before the authorizer can say which one it misses.
            results_cache_ttl=Duration.seconds(0),
            identity_sources=[],
        )
        resource = cast("apigateway.CfnAuthorizer", verdict.node.default_child)
        resource.identity_source = None  # rather than the empty string that stands for an empty list
        api.route(agent_api(self, data), AGENT_ROUTES, authorizer=verdict)
        api.route(agent_keys(self, data), AGENT_KEY_ROUTES, authorizer=verdict)
        acknowledge(api, "APIG2", VALIDATED_BY_FUNCTION)
        acknowledge(api, "COG4", "Agents are programs: the authorizer proves each request by its signature.")
        return api

    def _operator_api(self, data: Data) -> RestApi:
        api = RestApi(
            self, "OperatorApi", stage=data.stage, description="Operator API", refusals=gateway_responses.OPERATOR_API
        )
        self.rotation = key_rotation(self, data, self.agent_api.url)
        api.route(
            operator_api(self, data, self.rotation),
            OPERATOR_ROUTES,
            authorization_type=apigateway.AuthorizationType.IAM,
        )
        acknowledge(api, "APIG2", VALIDATED_BY_FUNCTION)
        acknowledge(api, "COG4", "Operators are principals of the account: IAM authorizes each method by SigV4.")
        return api

    def _outputs(self) -> None:
        values = {
            "AgentApiId": self.agent_api.rest_api_id,
            "AgentApiUrl": self.agent_api.url,
            "OperatorApiId": self.operator_api.rest_api_id,
            "OperatorApiUrl": self.operator_api.url,
            "WebAclArn": self.firewall.web_acl.attr_arn,
            "BlockListArn": self.firewall.block_list.attr_arn,
        }
        for key, value in values.items():
            CfnOutput(self, key, value=value)
