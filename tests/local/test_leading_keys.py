"""A role bound to the items of one partition."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Deployed

OWN, FOREIGN = {"pk": {"S": "AGENT#1"}}, {"pk": {"S": "KEY#1"}}


@pytest.fixture
def bound(deployed: Deployed) -> tuple[Any, str]:
    role = deployed.outputs["ReaderRole"]
    session = deployed.client("sts").assume_role(RoleArn=role, RoleSessionName="bound")["Credentials"]
    keys = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    return deployed.client("dynamodb", keys), deployed.outputs["Core"]


def calls(key: dict[str, Any], table: str) -> dict[str, dict[str, Any]]:
    update = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}}}
    put = {"Put": {"TableName": table, "Item": key}}
    change = {"Update": {"TableName": table, "Key": key, **update}}
    condition = {
        "KeyConditionExpression": "#p = :p",
        "ExpressionAttributeNames": {"#p": "pk"},
        "ExpressionAttributeValues": {":p": key["pk"]},
    }
    return {
        "get_item": {"TableName": table, "Key": key},
        "put_item": {"TableName": table, "Item": key},
        "update_item": {"TableName": table, "Key": key, **update},
        "query": {"TableName": table, **condition},
        "transact_write_items": {"TransactItems": [put]},
        "transact_get_items": {"TransactItems": [{"Get": {"TableName": table, "Key": key}}]},
        "transact_update": {"TransactItems": [change]},
    }


@pytest.mark.parametrize("call", list(calls(OWN, "t")))
def test_own_items_only(bound: tuple[Any, str], call: str) -> None:
    client, table = bound
    method = getattr(client, "transact_write_items" if call == "transact_update" else call)
    method(**calls(OWN, table)[call])
    with pytest.raises(ClientError, match="AccessDenied"):
        method(**calls(FOREIGN, table)[call])


def test_a_transaction_needs_the_permission_of_each_item(bound: tuple[Any, str]) -> None:
    client, table = bound
    items = [{"Put": {"TableName": table, "Item": key}} for key in (OWN, FOREIGN)]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.transact_write_items(TransactItems=items)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.transact_write_items(TransactItems=[{"Delete": {"TableName": table, "Key": OWN}}])
