"""The firewall in front of both APIs. Rules run in the order of the list; the first that blocks ends it."""

from aws_cdk import Aws
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra.constructs.logs import LogGroup
from infra.stages import Stage

Rule = wafv2.CfnWebACL.RuleProperty
Statement = wafv2.CfnWebACL.StatementProperty

INSPECTED_BODY_BYTES = 16 * 1024
RATE_WINDOW_SECONDS = 300
KEY_ID_HEADER = "X-API-Key"
SECRET_HEADERS = (
    "x-signature",
    "x-api-key",
    "x-nonce",
    "signature",
    "signature-input",
    "authorization",
    "x-amz-security-token",
)

# Only counted, not blocked. Programs may omit a User-Agent, and a body may be larger than the common group's 8 KB,
# because the rule on the body's size below has the final word. Agents call from hosting providers: they run there.
COUNTED_RULES = {
    "AWSManagedRulesCommonRuleSet": ("NoUserAgent_HEADER", "SizeRestrictions_BODY"),
    "AWSManagedRulesAnonymousIpList": ("HostingProviderIPList",),
}

# A policy lists up to 10,000 entries. Only the operator API has these routes, and there API Gateway asks IAM before
# anything reads the body; on the agent API the same request is answered 404 and no body is read.
_POLICY = r"agents/ag_[0-9A-Za-z]{22}/policy"
POLICY_PATHS = {
    "PUT": rf"^/[a-z0-9-]+/v1/{_POLICY}(/draft|/shadow)?$",
    "POST": rf"^/[a-z0-9-]+/v1/(policies/validate|{_POLICY}/backtest)$",
}


class WebAcl(Construct):
    """Allows what no rule blocks. ``block_list`` (IPv4) and ``block_list_v6`` are written by one function alone, which
    makes them of the blocks that are stored: what anyone else writes there is gone within a minute."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_)
        self.block_list = self._ip_set("BlockList", "IPV4")
        self.block_list_v6 = self._ip_set("BlockListV6", "IPV6")
        statements = {
            "BlockedAddresses": _any_of(_in_set(self.block_list), _in_set(self.block_list_v6)),
            "RatePerAddress": _rate_per_address(stage.requests_per_address),
            "RatePerAddressAndKey": _rate_per_address_and_key(stage.requests_per_address_and_key),
            "OversizeBody": _oversize_body(),
        }
        rules = [_block(name, order, statement) for order, (name, statement) in enumerate(statements.items())]
        rules += [_managed(name, len(rules) + order) for order, name in enumerate(stage.managed_rule_groups)]
        self.web_acl = wafv2.CfnWebACL(
            self,
            "WebAcl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            rules=rules,
            visibility_config=_visibility("WebAcl"),
        )
        if stage.waf_logs:
            self._log(stage)

    def protect(self, api: apigateway.RestApi) -> None:
        """Put the firewall in front of the deployed stage of ``api``."""
        stage = api.deployment_stage
        wafv2.CfnWebACLAssociation(
            self, f"{api.node.id}Association", resource_arn=stage.stage_arn, web_acl_arn=self.web_acl.attr_arn
        )

    def _ip_set(self, id_: str, version: str) -> wafv2.CfnIPSet:
        return wafv2.CfnIPSet(
            self,
            id_,
            scope="REGIONAL",
            ip_address_version=version,
            addresses=[],
            description="Source addresses that are blocked for a time",
        )

    def _log(self, stage: Stage) -> None:
        """WAF only writes to log groups whose name starts with aws-waf-logs-."""
        log_group = LogGroup(self, "Log", stage=stage, name=f"aws-waf-logs-{stage.prefix}")
        arn = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:{log_group.log_group_name}"
        wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.web_acl.attr_arn,
            log_destination_configs=[arn],
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": name})
                for name in SECRET_HEADERS
            ],
        )


def _block(name: str, priority: int, statement: Statement) -> Rule:
    action = wafv2.CfnWebACL.RuleActionProperty(block=wafv2.CfnWebACL.BlockActionProperty())
    return Rule(name=name, priority=priority, action=action, statement=statement, visibility_config=_visibility(name))


def _managed(name: str, priority: int) -> Rule:
    count = wafv2.CfnWebACL.RuleActionProperty(count=wafv2.CfnWebACL.CountActionProperty())
    group = wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name=name,
        rule_action_overrides=[
            wafv2.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count)
            for rule in COUNTED_RULES.get(name, ())
        ],
    )
    return Rule(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=Statement(managed_rule_group_statement=group),
        visibility_config=_visibility(name),
    )


def _in_set(ip_set: wafv2.CfnIPSet) -> Statement:
    return Statement(ip_set_reference_statement={"arn": ip_set.attr_arn})


def _any_of(*statements: Statement) -> Statement:
    return Statement(or_statement=wafv2.CfnWebACL.OrStatementProperty(statements=list(statements)))


def _all_of(*statements: Statement) -> Statement:
    return Statement(and_statement=wafv2.CfnWebACL.AndStatementProperty(statements=list(statements)))


def _rate_per_address(limit: int) -> Statement:
    return Statement(
        rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
            aggregate_key_type="IP", limit=limit, evaluation_window_sec=RATE_WINDOW_SECONDS
        )
    )


def _rate_per_address_and_key(limit: int) -> Statement:
    """Never per key id alone: it is public, so anyone could exhaust a victim's share by sending it."""
    header = wafv2.CfnWebACL.RateLimitHeaderProperty(name=KEY_ID_HEADER, text_transformations=_as_it_is())
    keys = [
        wafv2.CfnWebACL.RateBasedStatementCustomKeyProperty(ip={}),
        wafv2.CfnWebACL.RateBasedStatementCustomKeyProperty(header=header),
    ]
    return Statement(
        rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
            aggregate_key_type="CUSTOM_KEYS",
            custom_keys=keys,
            limit=limit,
            evaluation_window_sec=RATE_WINDOW_SECONDS,
        )
    )


def _oversize_body() -> Statement:
    """What exceeds the part that is inspected would pass the other rules unseen. Policies alone may."""
    oversize = Statement(
        size_constraint_statement=wafv2.CfnWebACL.SizeConstraintStatementProperty(
            comparison_operator="GT",
            size=INSPECTED_BODY_BYTES,
            field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(
                body=wafv2.CfnWebACL.BodyProperty(oversize_handling="MATCH")
            ),
            text_transformations=_as_it_is(),
        )
    )
    policy = Statement(not_statement=wafv2.CfnWebACL.NotStatementProperty(statement=_carries_a_policy()))
    return _all_of(oversize, policy)


def _carries_a_policy() -> Statement:
    method, path = wafv2.CfnWebACL.FieldToMatchProperty(method={}), wafv2.CfnWebACL.FieldToMatchProperty(uri_path={})
    return _any_of(*(_all_of(_matches(method, f"^{name}$"), _matches(path, at)) for name, at in POLICY_PATHS.items()))


def _matches(field: wafv2.CfnWebACL.FieldToMatchProperty, regex: str) -> Statement:
    return Statement(
        regex_match_statement=wafv2.CfnWebACL.RegexMatchStatementProperty(
            regex_string=regex, field_to_match=field, text_transformations=_as_it_is()
        )
    )


def _as_it_is() -> list[wafv2.CfnWebACL.TextTransformationProperty]:
    return [wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")]


def _visibility(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    # Sampled requests would show whole headers, signatures among them, to whoever can open the console.
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
