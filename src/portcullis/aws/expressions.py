"""One conditional update in DynamoDB's expressions, gathered clause by clause."""

from dataclasses import dataclass, field
from typing import Any

from portcullis.aws.dynamo import Item, to_attributes


@dataclass(slots=True)
class Update:
    """``names`` and ``values`` are the placeholders that ``conditions``, ``sets`` and ``removes`` use."""

    conditions: list[str] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    removes: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def put(self, **attributes: Any) -> None:
        """Set attributes to values, under placeholders of their own names; None removes."""
        for name, value in attributes.items():
            self.names[f"#{name}"] = name
            if value is None:
                self.removes.append(f"#{name}")
            else:
                self.sets.append(f"#{name} = :{name}")
                self.values[f":{name}"] = value

    def require(self, **attributes: Any) -> None:
        """Demand that attributes have these values now; None demands that there is none."""
        for name, value in attributes.items():
            self.names[f"#{name}"] = name
            if value is None:
                self.conditions.append(f"attribute_not_exists(#{name})")
            else:
                self.conditions.append(f"#{name} = :old_{name}")
                self.values[f":old_{name}"] = value

    def request(self) -> dict[str, Any]:
        """The members of an UpdateItem request, its key aside."""
        clauses = [
            f"{verb} {', '.join(parts)}" for verb, parts in (("SET", self.sets), ("REMOVE", self.removes)) if parts
        ]
        members: dict[str, Any] = {"UpdateExpression": " ".join(clauses)} if clauses else {}
        if self.conditions:
            members["ConditionExpression"] = " AND ".join(self.conditions)
        if self.values:
            members["ExpressionAttributeValues"] = to_attributes(self.values)
        if self.names:
            members["ExpressionAttributeNames"] = dict(self.names)
        return members

    def action(self, key: Item) -> dict[str, Any]:
        """The action of a transaction: a bare check when nothing is set or removed."""
        kind = "Update" if self.sets or self.removes else "ConditionCheck"
        body = {"Key": to_attributes(key), **self.request(), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        return {kind: body}
