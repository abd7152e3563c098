"""GCRA (domain/rate.py) in DynamoDB's expressions, which know no ``max`` and no arithmetic in conditions."""

from portcullis.aws.expressions import Update
from portcullis.domain.rate import AGENT_TAT, Claim


def admit(claim: Claim, tat: int, update: Update) -> None:
    """Extend an update by one claim, in the form that ``tat``, the one last seen, asks for."""
    name, mark = (AGENT_TAT, "") if claim.tat == AGENT_TAT else ("#key_tat", "key_")
    if mark:
        update.names[name] = claim.tat
    update.values[":arrived"] = claim.arrived
    if claim.is_idle(tat):
        update.conditions.append(f"(attribute_not_exists({name}) OR {name} <= :arrived)")
        update.sets.append(f"{name} = :{mark}next")
        update.values[f":{mark}next"] = claim.now + claim.rate.interval
    else:
        update.conditions.append(f"{name} > :arrived AND {name} <= :{mark}latest")
        update.sets.append(f"{name} = {name} + :{mark}interval")
        update.values[f":{mark}latest"] = claim.now + claim.rate.tolerance
        update.values[f":{mark}interval"] = claim.rate.interval
