"""The way back as pure decisions: what stands in it, and the policy that an agent comes back under."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import money
from portcullis.domain.account import Account
from portcullis.domain.approvers import Approver
from portcullis.domain.incident_checklist import checklist
from portcullis.domain.incident_recovery import Refused, Standing, closed, lowered, recovered, reviewed
from portcullis.domain.incidents import (
    BY_OPERATOR,
    CLOSED,
    DONE,
    FAILED,
    OUTCOMES,
    RECOVERED,
    STEPS,
    Incident,
    Review,
    Step,
    Trigger,
    joined,
    opened,
)
from portcullis.domain.policy_document import parse_document
from portcullis.domain.times import DAY, rfc3339
from portcullis.domain.trust import LIMITS

NOW = 1_763_706_660_000_000
TRIGGER = Trigger(BY_OPERATOR, "key in a public repository", "arn:aws:iam::123456789012:user/x", "::1", NOW, 8)
ALICE = Approver("ap_1" + "a" * 21, "alice", "arn:aws:iam::123456789012:user/alice", "active", 1)
BOB = Approver("ap_1" + "b" * 21, "bob", "arn:aws:iam::123456789012:user/bob", "active", 1)
REVIEW = Review(ALICE.id, NOW, "key in a public repository", 3, "keep")
ACCOUNT = Account("ag_" + "1" * 22, "payer", "suspended", 2, 7, 3, b"h" * 32, frozenset(), 1, incident="in_1")
OPENED = opened("in_" + "1" * 22, ACCOUNT.agent, 2, TRIGGER)
READY = replace(OPENED, review=REVIEW, steps={name: Step(DONE, NOW, 1) for name in STEPS})
STANDING = Standing(READY, ACCOUNT, keys=0, blocked=0)


def decide(standing: Standing = STANDING, **changes: Any) -> Incident | Refused | None:
    given = {"reviewer": ALICE, "confirmer": BOB, "reviewed_at": rfc3339(REVIEW.at), **changes}
    return recovered(standing, given["reviewer"], given["confirmer"], given["reviewed_at"], NOW)


def why(outcome: Incident | Refused | None) -> str:
    assert isinstance(outcome, Refused)
    assert outcome.detail.endswith((".", "--all", OPENED.id, '--reason "…"'))
    return outcome.name


def incident(**changes: Any) -> Standing:
    return replace(STANDING, incident=replace(READY, **changes))


def test_what_is_ready_comes_back_and_is_watched_for_a_week() -> None:
    back = decide()
    assert isinstance(back, Incident)
    assert (back.state, back.rev, back.recovered_by) == (RECOVERED, READY.rev + 1, BOB.id)
    assert back.watched_until == NOW + 7 * DAY
    assert decide(replace(STANDING, incident=back)) is None


ROLE = "arn:aws:iam::123456789012:role/responders"


@pytest.mark.parametrize(
    ("standing", "changes", "name"),
    [
        (incident(state=CLOSED), {}, "closed"),
        (incident(steps={**READY.steps, "keys": Step()}), {}, "keys_not_done"),
        (incident(steps={**READY.steps, "transactions": Step(FAILED, NOW, 2)}), {}, "transactions_not_done"),
        (replace(STANDING, keys=1), {}, "old_keys"),
        (replace(STANDING, account=replace(ACCOUNT, live_keys=frozenset({"x#1"}))), {}, "old_keys"),
        (incident(review=None), {"reviewer": None}, "not_reviewed"),
        (replace(STANDING, account=replace(ACCOUNT, policy_version=4)), {}, "policy_changed"),
        (STANDING, {"reviewer": None}, "reviewer_gone"),
        (STANDING, {"reviewer": replace(ALICE, state="revoked")}, "reviewer_gone"),
        (STANDING, {"reviewer": BOB}, "reviewer_gone"),
        (STANDING, {"confirmer": ALICE}, "same_person"),
        (STANDING, {"confirmer": replace(BOB, identity=ALICE.identity)}, "same_person"),
        (STANDING, {"reviewed_at": rfc3339(REVIEW.at + 1_000)}, "review_changed"),
    ],
)
def test_what_stands_in_the_way(standing: Standing, changes: dict[str, Any], name: str) -> None:
    assert why(decide(standing, **changes)) == name


def test_a_role_is_many_people() -> None:
    outcome = decide(reviewer=replace(ALICE, identity=ROLE), confirmer=replace(BOB, identity=ROLE))
    assert isinstance(outcome, Incident)


@given(
    done=st.frozensets(st.sampled_from(STEPS)), keys=st.integers(0, 2), version=st.integers(3, 4), same=st.booleans()
)
def test_nobody_comes_back_but_by_all_of_it(done: frozenset[str], keys: int, version: int, same: bool) -> None:
    steps = {name: Step(DONE) if name in done else Step() for name in STEPS}
    standing = Standing(replace(READY, steps=steps), replace(ACCOUNT, policy_version=version), keys, 0)
    outcome = decide(standing, confirmer=ALICE if same else BOB)
    ready = {"keys", "transactions"} <= done and keys == 0 and version == REVIEW.policy_version
    assert isinstance(outcome, Incident) == (ready and not same)
    items = [item for item in checklist(standing) if item.name in ("keys", "transactions", "review")]
    assert all(item.done for item in items) == ready


def test_a_review_is_of_what_is_in_force() -> None:
    fresh = replace(STANDING, incident=OPENED)
    after = reviewed(fresh, REVIEW)
    assert isinstance(after, Incident)
    assert (after.review, after.rev) == (REVIEW, 2)
    assert why(reviewed(fresh, replace(REVIEW, policy_version=2))) == "policy_changed"
    assert reviewed(STANDING, replace(REVIEW, at=NOW + 1)) is None
    assert why(reviewed(incident(state=RECOVERED), REVIEW)) == "not_open"


def test_another_trigger_voids_it_and_the_same_does_not() -> None:
    after = joined(READY, replace(TRIGGER, reference="fd_1"))
    assert after is not None
    assert after.review is None
    assert (
        joined(replace(READY, triggers=(replace(TRIGGER, reference="fd_1"),)), replace(TRIGGER, reference="fd_1"))
        is None
    )


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_it_ends_as_one_thing(outcome: str) -> None:
    end = closed(READY, outcome, "looked into", "arn", NOW)
    assert isinstance(end, Incident)
    assert (end.state, end.outcome, end.closed_at) == (CLOSED, outcome, NOW)
    again = [closed(end, other, "again", "arn", NOW) for other in OUTCOMES]
    assert [outcome is None for outcome in again] == [other == outcome for other in OUTCOMES]
    assert checklist(replace(STANDING, incident=end)) == []


cents = st.integers(1, 10**9).map(lambda amount: money.format_usd(amount * 10_000))
limits = st.fixed_dictionaries(
    {"per_transaction": cents, "daily": cents},
    optional={
        "weekly": cents,
        "monthly": cents,
        "hourly_count": st.integers(1, 100),
        "tokens": st.just({"USDC": "7.00"}),
    },
)


@given(limits)
def test_the_policy_of_the_way_back_raises_no_limit_and_opens_no_list(limits: dict[str, Any]) -> None:
    before = parse_document(
        {"limits": limits, "allowlist": {"agents": [ACCOUNT.agent], "tokens": ["USDC"]}, "tiers": {"human_above": "20"}}
    )
    after = lowered(before)
    old, new = before.model_dump(), after.model_dump()
    assert {name for name in old if old[name] != new[name]} <= {"trust", "limits"}
    assert after.trust == "low"
    for name, value in new["limits"].items():
        if name in LIMITS["low"]:
            assert money.parse_usd(value) == min(
                money.parse_usd(old["limits"][name]), money.parse_usd(LIMITS["low"][name])
            )
        else:
            assert value == old["limits"][name]
    assert lowered(after) == after
