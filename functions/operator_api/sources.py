"""Source addresses that are blocked: listed, and unblocked before their time."""

from typing import Any

from functions.operator_api.request import actor_of, stores
from portcullis.aws import source_blocks
from portcullis.aws.proxy import Answer, json_answer, json_body
from portcullis.domain import times
from portcullis.domain.detection.sources import Block
from portcullis.domain.detection_requests import Unblocking


def _list(event: dict[str, Any]) -> Answer:
    standing = source_blocks.list_blocks(stores().profiles, actor_of(event).now)
    return json_answer(200, {"sources": [_describe(stored.block) for stored in standing]})


def _unblock(event: dict[str, Any]) -> Answer:
    wanted, actor = json_body(event, Unblocking), actor_of(event)
    source_blocks.unblock(stores().profiles, wanted.address, actor.arn, wanted.reason, actor.now)
    return json_answer(200, {"address": wanted.address, "blocked": False})


def _describe(block: Block) -> dict[str, Any]:
    return {
        "address": block.address,
        "since": times.rfc3339(block.since),
        "until": times.rfc3339(block.until),
        "times": block.times,
        "severity": block.severity,
        "reason": block.reason,
    }


ROUTES = {
    ("GET", "/v1/sources"): _list,
    ("POST", "/v1/sources/unblock"): _unblock,
}
