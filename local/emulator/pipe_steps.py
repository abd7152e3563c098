"""The steps of a pipe from a table's stream to an event bus: filter, enrich, publish, dead letter."""

import json
import time
import uuid
from typing import Any

from local.emulator.hooks import module
from local.emulator.service_role import require

Pipe = dict[str, Any]
Records = list[dict[str, Any]]


class DeliveryFailed(Exception):
    """A batch did not reach the bus; the message says at which step."""


def filtered(pipe: Pipe, records: Records) -> Records:
    """The records that match the pipe's filter criteria."""
    criteria = (pipe.get("SourceParameters") or {}).get("FilterCriteria")
    kept: Records = module("services.lambda_svc")._apply_filter_criteria(records, {"FilterCriteria": criteria})
    return kept


def enriched(pipe: Pipe, records: Records, region: str) -> list[Any]:
    """What the enrichment function makes of the records; the records themselves without one."""
    function = pipe.get("Enrichment")
    if not function:
        return records
    require(pipe["RoleArn"], "lambda:InvokeFunction", function, region)
    lambdas = module("services.lambda_svc")
    account = function.split(":")[4]
    found, config, _name = lambdas._get_func_record_for_ref_in_scope(function, account_id=account, region=region)
    if found is None or config is None:
        raise DeliveryFailed(f"enrichment {function} does not exist")
    record = lambdas._execution_record_for_config(found, config)
    result = lambdas._execute_function_with_config_scope(record, records)
    if result.get("error") or result.get("throttle"):
        raise DeliveryFailed(f"enrichment failed: {result.get('body')}")
    answer = result.get("body")
    return answer if isinstance(answer, list) else [answer]


def publish(pipe: Pipe, events: list[Any], region: str) -> None:
    """Put the events on the pipe's bus, ten at a time, which is what `PutEvents` takes."""
    require(pipe["RoleArn"], "events:PutEvents", pipe["Target"], region)
    buses = module("services.eventbridge")
    if pipe["Target"].rsplit("/", 1)[-1] not in buses._event_buses:
        raise DeliveryFailed(f"{pipe['Target']} does not exist")
    entries = [bus_entry(pipe, event) for event in events]
    for start in range(0, len(entries), 10):
        status, _headers, body = buses._put_events({"Entries": entries[start : start + 10]})
        if status >= 400 or json.loads(body)["FailedEntryCount"]:
            raise DeliveryFailed(f"PutEvents failed: {body.decode()}")


def bus_entry(pipe: Pipe, event: Any) -> dict[str, Any]:
    """One `PutEvents` entry; parameters that begin with `$.` are read from the event."""
    parameters = (pipe.get("TargetParameters") or {}).get("EventBridgeEventBusParameters") or {}
    return {
        "EventBusName": pipe["Target"].rsplit("/", 1)[-1],
        "Source": dynamic(parameters.get("Source", f"Pipe {pipe['Name']}"), event),
        "DetailType": dynamic(parameters.get("DetailType", "Event from aws:dynamodb"), event),
        "Resources": [dynamic(entry, event) for entry in parameters.get("Resources") or []],
        "Detail": json.dumps(event),
    }


def dynamic(text: str, event: Any) -> str:
    """Resolve a dynamic path parameter such as `$.type`; any other text stands for itself."""
    if not text.startswith("$."):
        return text
    value = event
    for part in text.removeprefix("$.").split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        raise DeliveryFailed(f"{text} is not in the event")
    return value if isinstance(value, str) else json.dumps(value)


def dead_letter(pipe: Pipe, records: Records, region: str, reason: str) -> None:
    """Tell the dead-letter queue which records were given up; like AWS it names them and does not carry them."""
    parameters = (pipe.get("SourceParameters") or {}).get("DynamoDBStreamParameters") or {}
    queue_arn = (parameters.get("DeadLetterConfig") or {}).get("Arn")
    if not queue_arn:
        return
    require(pipe["RoleArn"], "sqs:SendMessage", queue_arn, region)
    first, last = (record["dynamodb"]["SequenceNumber"] for record in (records[0], records[-1]))
    message = {
        "context": {"pipeArn": pipe["Arn"], "condition": "RetryAttemptsExhausted", "reason": reason},
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "DDBStreamBatchInfo": {
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "batchSize": len(records),
            "streamArn": pipe["Source"],
        },
        "messageId": str(uuid.uuid4()),
    }
    if module("services.sqs")._queue_by_arn(queue_arn) is None:
        raise DeliveryFailed(f"dead-letter queue {queue_arn} does not exist")
    module("services.eventbridge")._dispatch_to_sqs(module("core.arn").parse_arn(queue_arn), json.dumps(message))
