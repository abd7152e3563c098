"""One conditional update: each clause once, placeholders for every name and value."""

from portcullis.aws.expressions import Update


def test_what_is_put_required_and_removed() -> None:
    update = Update()
    update.require(state="held", claimed_by=None)
    update.put(state="approved", approval_by=None)

    assert update.request() == {
        "ConditionExpression": "#state = :old_state AND attribute_not_exists(#claimed_by)",
        "UpdateExpression": "SET #state = :state REMOVE #approval_by",
        "ExpressionAttributeNames": {"#state": "state", "#claimed_by": "claimed_by", "#approval_by": "approval_by"},
        "ExpressionAttributeValues": {":old_state": {"S": "held"}, ":state": {"S": "approved"}},
    }


def test_an_update_without_a_change_is_a_check() -> None:
    update = Update()
    update.require(epoch=1)
    assert update.action({"pk": "a"}) == {
        "ConditionCheck": {
            "Key": {"pk": {"S": "a"}},
            "ConditionExpression": "#epoch = :old_epoch",
            "ExpressionAttributeNames": {"#epoch": "epoch"},
            "ExpressionAttributeValues": {":old_epoch": {"N": "1"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def test_a_change_is_an_update() -> None:
    update = Update()
    update.put(reference=None)
    assert update.action({"pk": "a"}) == {
        "Update": {
            "Key": {"pk": {"S": "a"}},
            "UpdateExpression": "REMOVE #reference",
            "ExpressionAttributeNames": {"#reference": "reference"},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
