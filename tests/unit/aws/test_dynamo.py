"""Items as Python values, and outcomes as values or exceptions."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.aws.dynamo import (
    Cancelled,
    Reason,
    Table,
    from_attribute,
    from_attributes,
    to_attribute,
    to_attributes,
)
from portcullis.aws.wire import AwsError, Unavailable

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**37), 10**37)
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.frozensets(st.text(max_size=4), min_size=1, max_size=4)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


class FakeService:
    """Answers, or refuses, every call alike and keeps what it was asked."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def json_call(self, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((target, payload))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def table(answer: dict[str, Any] | Exception) -> tuple[Table, FakeService]:
    service = FakeService(answer)
    return Table("core", service), service  # type: ignore[arg-type]


@given(VALUES)
def test_a_value_round_trips(value: Any) -> None:
    back = from_attribute(to_attribute(value))
    assert back == value
    assert type(back) is type(value)


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_an_item_round_trips(item: dict[str, Any]) -> None:
    assert from_attributes(to_attributes(item)) == item


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (True, {"BOOL": True}),
        (1, {"N": "1"}),
        ("1", {"S": "1"}),
        (b"\x00", {"B": "AA=="}),
        (None, {"NULL": True}),
        (frozenset({"b", "a"}), {"SS": ["a", "b"]}),
        ((1,), {"L": [{"N": "1"}]}),
        ({"a": []}, {"M": {"a": {"L": []}}}),
    ],
)
def test_known_attributes(value: Any, attribute: dict[str, Any]) -> None:
    assert to_attribute(value) == attribute


@pytest.mark.parametrize("value", [1.5, math.nan, {1, 2}, object()])
def test_other_types_are_a_fault(value: Any) -> None:
    with pytest.raises(TypeError, match="no attribute type for"):
        to_attribute(value)


def test_an_unknown_attribute_type_is_a_fault() -> None:
    with pytest.raises(TypeError, match="unexpected attribute type NS"):
        from_attribute({"NS": ["1"]})


def test_get_reads_consistently() -> None:
    core, service = table({"Item": {"pk": {"S": "a"}, "n": {"N": "1"}}})

    assert core.get({"pk": "a"}) == {"pk": "a", "n": 1}
    assert service.calls == [
        ("DynamoDB_20120810.GetItem", {"TableName": "core", "Key": {"pk": {"S": "a"}}, "ConsistentRead": True})
    ]


def test_get_of_nothing_is_none() -> None:
    assert table({})[0].get({"pk": "a"}) is None


@pytest.mark.parametrize(
    ("answer", "done"), [({}, True), (AwsError("ConditionalCheckFailedException", 400, {}), False)]
)
def test_a_conditional_put_tells_whether_it_was_done(answer: dict[str, Any] | Exception, done: bool) -> None:
    assert table(answer)[0].put_if({"pk": "a"}, "attribute_not_exists(pk)", {":a": 1}) is done


def test_another_refusal_of_a_put_is_no_answer() -> None:
    with pytest.raises(AwsError, match="AccessDeniedException"):
        table(AwsError("AccessDeniedException", 400, {}))[0].put_if({"pk": "a"}, "c", {":a": 1})


def test_a_query_gives_items_and_where_to_go_on() -> None:
    answer = {"Items": [{"pk": {"S": "a"}}], "LastEvaluatedKey": {"pk": {"S": "a"}}}
    assert table(answer)[0].query() == ([{"pk": "a"}], {"pk": "a"})
    assert table({"Items": []})[0].query() == ([], None)


def test_every_action_of_a_transaction_names_the_table() -> None:
    core, service = table({})
    core.transact({"Put": {"Item": {}}}, {"Update": {"Key": {}}})
    assert service.calls[0][1] == {
        "TransactItems": [{"Put": {"TableName": "core", "Item": {}}}, {"Update": {"TableName": "core", "Key": {}}}]
    }


def test_a_cancelled_transaction_gives_its_reasons_in_order() -> None:
    reasons = [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Item": {"n": {"N": "1"}}},
        {"Code": "TransactionConflict", "Message": "x"},
    ]
    refusal = AwsError("TransactionCanceledException", 400, {"CancellationReasons": reasons})

    with pytest.raises(Cancelled) as cancelled:
        table(refusal)[0].transact({"Put": {}}, {"Update": {}}, {"Put": {}})

    assert cancelled.value.reasons == [
        Reason("None", None),
        Reason("ConditionalCheckFailed", {"n": 1}),
        Reason("TransactionConflict", None),
    ]
    assert [cancelled.value.failed(index) for index in range(3)] == [False, True, False]
    assert cancelled.value.contention


@pytest.mark.parametrize("code", ["None", "ConditionalCheckFailed", "ValidationError"])
def test_only_meeting_another_transaction_is_contention(code: str) -> None:
    assert not Cancelled([Reason(code, None)]).contention


def test_a_transaction_in_progress_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="TransactionInProgressException"):
        table(AwsError("TransactionInProgressException", 400, {}))[0].transact({"Put": {}})


def test_another_refusal_of_a_transaction_is_a_fault() -> None:
    with pytest.raises(AwsError, match="ValidationException"):
        table(AwsError("ValidationException", 400, {}))[0].transact({"Put": {}})


class ThreeKeysAtOnce(FakeService):
    """Answers a BatchGetItem with the first three keys, of which every other is there, and leaves the rest."""

    def json_call(self, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        wanted = payload["RequestItems"]["core"]["Keys"]
        super().json_call(target, version, payload)
        present = [key for key in wanted[:3] if int(key["n"]["N"]) % 2]
        left = {"core": {"Keys": wanted[3:]}} if wanted[3:] else {}
        return {"Responses": {"core": present}, "UnprocessedKeys": left}


@pytest.mark.parametrize("count", [0, 1, 3, 4, 100, 101, 250])
def test_a_batch_is_read_to_its_end(count: int) -> None:
    service = ThreeKeysAtOnce({})
    found = Table("core", service).get_many([{"n": number} for number in range(count)])  # type: ignore[arg-type]
    assert found == [{"n": number} for number in range(count) if number % 2]
    assert all(len(payload["RequestItems"]["core"]["Keys"]) <= 100 for _, payload in service.calls)


def test_a_batch_of_which_nothing_is_read_is_unavailable() -> None:
    refused = {"Responses": {}, "UnprocessedKeys": {"core": {"Keys": [{"n": {"N": "1"}}]}}}
    with pytest.raises(Unavailable, match="none of a batch"):
        table(refused)[0].get_many([{"n": 1}])
