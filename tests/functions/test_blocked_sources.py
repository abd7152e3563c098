"""Blocked addresses, as operators list them and end their blocks."""

import time
from dataclasses import replace

import pytest

from functions.operator_api import request
from portcullis.aws import source_blocks
from portcullis.domain.detection.sources import Block
from portcullis.domain.times import HOUR, SECOND
from tests.functions.deployed import Answer, Deployed

NOW = time.time_ns() // 1_000
BLOCK = Block("203.0.113.7", NOW, NOW + HOUR, 2, 5, "5000 failed authentications in a minute")
SIX = "2001:db8:1:2::/64"


def begin(*blocks: Block) -> None:
    for block in blocks:
        assert source_blocks.begin(request.stores().profiles, block)


def listed(stack: Deployed) -> list[str]:
    return [source["address"] for source in stack.operator("GET", "/v1/sources").body["sources"]]


def unblock(stack: Deployed, address: str, reason: str = "an office") -> Answer:
    return stack.operator("POST", "/v1/sources/unblock", {"address": address, "reason": reason})


def test_what_is_blocked_is_listed_the_last_to_end_first(stack: Deployed) -> None:
    ended = replace(BLOCK, address="203.0.113.9", since=NOW - 2 * SECOND, until=NOW - SECOND)
    begin(BLOCK, replace(BLOCK, address=SIX, until=NOW + 2 * HOUR), ended)
    assert listed(stack) == [SIX, "203.0.113.7"]
    (_, source) = stack.operator("GET", "/v1/sources").body["sources"]
    assert (source["times"], source["severity"], source["reason"]) == (2, 5, BLOCK.reason)
    assert source["since"] < source["until"]


@pytest.mark.parametrize("address", [SIX, "2001:db8:1:2::77", "2001:0DB8:1:2::1"])
def test_an_address_is_unblocked_with_its_network_and_it_is_known_by_whom(stack: Deployed, address: str) -> None:
    begin(BLOCK, replace(BLOCK, address=SIX))
    assert unblock(stack, address).body == {"address": SIX, "blocked": False}
    assert listed(stack) == ["203.0.113.7"]
    stored = source_blocks.read(request.stores().profiles, SIX)
    assert stored is not None
    assert (stored.lifted_by, stored.lift_reason) == (stack.caller, "an office")


def test_what_is_not_blocked_or_not_any_more_is_answered_the_same(stack: Deployed) -> None:
    begin(BLOCK)
    first = unblock(stack, BLOCK.address)
    assert unblock(stack, BLOCK.address, "another reason").body == first.body
    assert unblock(stack, "198.51.100.1").status == 200
    stored = source_blocks.read(request.stores().profiles, BLOCK.address)
    assert stored is not None
    assert stored.lift_reason == "an office"


@pytest.mark.parametrize("address", ["", "example.com", "203.0.113.0/24", "fe80::1%eth0", "203.0.113.7 ", "1" * 46])
def test_what_is_no_address_says_so(stack: Deployed, address: str) -> None:
    answer = unblock(stack, address)
    assert (answer.code, answer.body["field"]) == ("malformed_request", "address")


def test_a_reason_is_asked_for(stack: Deployed) -> None:
    answer = stack.operator("POST", "/v1/sources/unblock", {"address": "203.0.113.7"})
    assert (answer.code, answer.body["field"]) == ("malformed_request", "reason")
