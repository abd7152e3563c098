"""A higher level is proposed once an agent has been clean for the whole period, to the microsecond."""

from typing import Any

import pytest

from portcullis.domain import trust_upgrade
from portcullis.domain.trust import CLEAN_PERIOD
from portcullis.domain.trust_upgrade import standing
from tests.unit.domain.builders import NOW, account

DUE = NOW + CLEAN_PERIOD


@pytest.mark.parametrize(
    ("changes", "level", "since", "proposed"),
    [
        ({}, "low", NOW, "medium"),
        ({}, "medium", NOW, "high"),
        ({}, "high", NOW, None),
        ({}, "low", NOW + 1, None),
        ({"created_at": NOW + 1}, "low", 0, None),
        ({"violated_at": NOW}, "low", 0, "medium"),
        ({"violated_at": NOW + 1}, "low", 0, None),
        ({"state": "suspended"}, "low", 0, None),
    ],
)
def test_what_is_proposed(changes: dict[str, Any], level: str, since: int, proposed: str | None) -> None:
    assert standing(account(**changes), level, since, DUE).proposed == proposed
    assert standing(account(**changes), level, since, DUE - 1).proposed is None


def test_the_public_form_tells_when_it_is_due_and_what_it_would_allow() -> None:
    early = trust_upgrade.describe(standing(account(), "low", NOW, NOW))
    assert (early["proposal"], early["due_at"]) == (None, "2026-12-21T06:31:00.000Z")
    due = trust_upgrade.describe(standing(account(), "low", NOW, DUE))
    assert due["proposal"] == {"trust": "medium", "limits": {"per_transaction": "500.00", "daily": "1000.00"}}
    assert trust_upgrade.describe(standing(account(), "medium", NOW, DUE))["proposal"] == {
        "trust": "high",
        "limits": None,
    }
    assert trust_upgrade.describe(standing(account(), "high", NOW, DUE))["due_at"] is None
