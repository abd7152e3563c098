"""Which calls of Secrets Manager are done, which are over, and which refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.domain import key_delivery
from portcullis.domain.key_delivery import DeliveredKey, UnreadableSecret
from portcullis.domain.secret_rotation import (
    CURRENT,
    FINISH,
    PENDING,
    STEPS,
    Call,
    RefusedStep,
    Secret,
    is_due,
)
from portcullis.protocol import keys

AGENT = "ag_" + "a" * 22
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:portcullis/test/agents/x"
KEY = DeliveredKey(keys.new_key_id("test", "0", b"x" * 20), AGENT, keys.secret_from_mac("test", b"s" * 32))
LABELS = st.frozensets(st.sampled_from([CURRENT, PENDING, "AWSPREVIOUS"]))


@given(st.sampled_from(STEPS), st.dictionaries(st.sampled_from(["a", "b"]), LABELS), st.booleans(), st.booleans())
def test_a_step_is_due_only_for_the_pending_version_of_a_rotating_secret(
    step: str, stages: dict[str, frozenset[str]], rotates: bool, deleted: bool
) -> None:
    own = stages.get("a", frozenset())
    secret = Secret(ARN, "name", rotates, deleted, stages)
    try:
        due = is_due(secret, Call(step, ARN, "a"))
    except RefusedStep:
        assert deleted or not rotates or not own & {CURRENT, PENDING}
    else:
        assert rotates
        assert not deleted
        assert due == (step == FINISH if CURRENT in own else PENDING in own)


def test_a_secret_holds_the_key_of_the_agent_whom_its_name_tells() -> None:
    name = key_delivery.secret_name("test", AGENT)
    assert key_delivery.parse_secret(KEY.text(), "test", key_delivery.agent_named("test", name)) == KEY
    assert KEY.secret not in repr(KEY)


@pytest.mark.parametrize(
    ("text", "stage", "agent"),
    [
        (KEY.text(), "live", AGENT),
        (KEY.text(), "test", "ag_" + "b" * 22),
        (KEY.text().replace("key_id", "id"), "test", AGENT),
        ("[]", "test", AGENT),
        ("{", "test", AGENT),
    ],
)
def test_any_other_text_is_refused_and_not_repeated(text: str, stage: str, agent: str) -> None:
    with pytest.raises(UnreadableSecret) as refused:
        key_delivery.parse_secret(text, stage, agent)
    assert "sk_" not in str(refused.value)


@pytest.mark.parametrize("name", ["", AGENT, f"portcullis/live/agents/{AGENT}", "portcullis/test/agents/x"])
def test_a_secret_of_another_name_is_of_no_agent(name: str) -> None:
    with pytest.raises(UnreadableSecret):
        key_delivery.agent_named("test", name)


def test_each_version_has_a_key_of_its_own_and_always_the_same() -> None:
    ids = [key_delivery.pending_key_id("test", "0", ARN, token) for token in ("a", "b", "a")]
    assert ids[0] == ids[2] != ids[1]
