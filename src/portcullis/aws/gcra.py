"""GCRA (domain/rate.py) in DynamoDB's expressions, which know no ``max`` and no arithmetic in conditions."""

from typing import Any

from portcullis.domain.rate import AGENT_TAT, Claim


def admit(
    claim: Claim, tat: int, conditions: list[str], sets: list[str], names: dict[str, str], values: dict[str, Any]
) -> None:
    """Extend an update by one claim, in the form that ``tat``, the one last seen, asks for."""
    name, mark = (AGENT_TAT, "") if claim.tat == AGENT_TAT else ("#key_tat", "key_")
    if mark:
        names[name] = claim.tat
    values[":arrived"] = claim.arrived
    if claim.is_idle(tat):
        conditions.append(f"(attribute_not_exists({name}) OR {name} <= :arrived)")
        sets.append(f"{name} = :{mark}next")
        values[f":{mark}next"] = claim.now + claim.rate.interval
    else:
        conditions.append(f"{name} > :arrived AND {name} <= :{mark}latest")
        sets.append(f"{name} = {name} + :{mark}interval")
        values[f":{mark}latest"] = claim.now + claim.rate.tolerance
        values[f":{mark}interval"] = claim.rate.interval
