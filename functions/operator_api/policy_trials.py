"""A policy tried out without being in force: explained on one transaction, replayed on recorded ones, in the shadow;
and the trust that an agent has earned."""

from typing import Any

from functions.operator_api.policies import draft_of
from functions.operator_api.request import account_of, actor_of, agent_of, existing, stores
from portcullis.aws import history, policy_drafts, prices, proposals
from portcullis.aws.proxy import Answer, json_answer, json_body, text_body
from portcullis.domain import backtest, explanation, policy, trust_upgrade
from portcullis.domain.account import Account
from portcullis.domain.judgement import Rulebook, case
from portcullis.domain.models import validate
from portcullis.domain.operator_requests import describe_account
from portcullis.domain.policy_document import parse_document
from portcullis.domain.policy_requests import Backtest, DraftChosen, Explaining
from portcullis.domain.transaction import parse_transaction
from portcullis.protocol.strict_json import parse_object


def _explain(event: dict[str, Any]) -> Answer:
    wanted, account = json_body(event, Explaining), account_of(event)
    asked = parse_transaction(wanted.transaction.model_dump_json(exclude_none=True))
    sha256 = draft_of(account).sha256 if wanted.draft else account.policy_sha256
    tried = stores().policies.get(sha256)
    rulebook = Rulebook(tried, prices.read(stores().table))
    seen = case(rulebook, asked, account, actor_of(event).now, exact=True)
    shown = explanation.describe(explanation.explain(tried, seen))
    return json_answer(200, {"policy_sha256": sha256.hex(), **shown})


def _backtest(event: dict[str, Any]) -> Answer:
    wanted, account = json_body(event, Backtest), account_of(event)
    if wanted.policy is None:
        tried = stores().policies.get(draft_of(account).sha256)
    else:
        tried = policy.compile_text(wanted.policy.text())
    after = (wanted.cursor.created_at, wanted.cursor.id)
    records, more = history.oldest_first(stores().table, account.agent, wanted.span, after, wanted.limit)
    replayed, state = backtest.replay(tried, records, wanted.cursor)
    return json_answer(200, {**backtest.describe(replayed), "cursor": state.model_dump() if more else None})


def _put_shadow(event: dict[str, Any]) -> Answer:
    body = parse_object(text_body(event))
    if "draft" in body:
        validate(DraftChosen, body)
        sha256 = draft_of(account_of(event)).sha256
    else:
        sha256 = stores().policies.put(parse_document(body).text())
    return _shadowed(policy_drafts.shadow(stores().table, actor_of(event), agent_of(event), sha256))


def _delete_shadow(event: dict[str, Any]) -> Answer:
    return _shadowed(policy_drafts.shadow(stores().table, actor_of(event), agent_of(event), None))


def _shadowed(account: Account | None) -> Answer:
    return json_answer(200, describe_account(existing(account)))


def _proposal(event: dict[str, Any]) -> Answer:
    account = account_of(event)
    found = proposals.standing(stores().table, account, actor_of(event).now)
    return json_answer(200, {"agent_id": account.agent, **trust_upgrade.describe(found)})


ROUTES = {
    ("POST", "/v1/agents/{agent}/policy/explain"): _explain,
    ("POST", "/v1/agents/{agent}/policy/backtest"): _backtest,
    ("PUT", "/v1/agents/{agent}/policy/shadow"): _put_shadow,
    ("DELETE", "/v1/agents/{agent}/policy/shadow"): _delete_shadow,
    ("GET", "/v1/agents/{agent}/proposal"): _proposal,
}

WHOLE_POLICIES = {("POST", "/v1/agents/{agent}/policy/backtest"), ("PUT", "/v1/agents/{agent}/policy/shadow")}
