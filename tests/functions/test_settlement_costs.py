"""What each move costs, as docs/settlement.md says: the actions of its one write, counted from the calls."""

import re
from pathlib import Path
from typing import Any

import pytest

from portcullis.aws import records, settings
from portcullis.aws.dynamo import Table, to_attributes
from portcullis.aws.wire import Service
from tests.functions.deployed import Deployed
from tests.functions.settling import claim, executor, fail, overdue, payer, post, settle
from tests.unit.aws.item_size import item_size

PAGE = Path(__file__).parents[2] / "docs/settlement.md"


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Write units of each transaction, in order: two for each action, on items of one unit."""
    units: list[int] = []
    original = Table.transact

    def transact(self: Table, *actions: dict[str, Any]) -> None:
        units.append(2 * len(actions))
        original(self, *actions)

    monkeypatch.setattr(Table, "transact", transact)
    return units


def documented(move: str) -> int:
    (units,) = re.findall(rf"^\| {move} \| .+ \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    return int(units)


def test_moves_cost_what_is_documented(stack: Deployed, writes: list[int]) -> None:
    pays = executor(stack)
    agent = payer(stack, pays)
    settled, failed, cancelled, expired, lapsed = (str(stack.pay(agent).body["id"]) for _ in range(5))
    costs: dict[str, int] = {}

    def cost(move: str) -> None:
        costs[move] = writes[-1]

    assert claim(stack, pays, agent, settled).status == 200
    cost("claim")
    assert settle(stack, pays, agent, settled).status == 200
    cost("settle")
    claim(stack, pays, agent, failed)
    assert fail(stack, pays, agent, failed).status == 200
    cost("fail")
    assert post(stack, agent, cancelled, "cancel").status == 200
    cost("cancel")
    claim(stack, pays, agent, lapsed)
    for txid, move in ((expired, "expire"), (lapsed, "lease over")):
        overdue(stack, agent, txid)
        stack.call(agent, "GET", f"/v1/transactions/{txid}")
        cost(move)
    assert costs == {move: documented(move) for move in costs}
    table = Table(stack.environment["CORE_TABLE"], Service("dynamodb", settings.aws()))
    for txid in (settled, failed, lapsed):
        record = records.read(table, agent.agent_id, txid)
        assert record is not None
        assert item_size(to_attributes(records.to_item(record))) < 1024
