"""Questions to a synthesized CloudFormation template."""

import json
from collections.abc import Iterator
from typing import Any

Properties = dict[str, Any]


class Template:
    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body

    def resources(self, type_: str) -> dict[str, dict[str, Any]]:
        """Logical id -> resource, of one type; there must be at least one, or the claim about them would be empty."""
        found = {id_: each for id_, each in self.body["Resources"].items() if each["Type"] == type_}
        assert found, f"no {type_} in the template"
        return found

    def properties(self, type_: str) -> dict[str, Properties]:
        return {id_: each["Properties"] for id_, each in self.resources(type_).items()}

    def only(self, type_: str) -> Properties:
        (properties,) = self.properties(type_).values()
        return properties

    def statements_of(self, role: str) -> list[dict[str, Any]]:
        """Every statement of the policies attached to the role with this logical id, its inline ones included."""
        attached = [
            policy["PolicyDocument"]["Statement"]
            for policy in self.properties("AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Roles"]
        ]
        inline = [
            policy["PolicyDocument"]["Statement"]
            for policy in self.properties("AWS::IAM::Role")[role].get("Policies", [])
        ]
        return [statement for statements in attached + inline for statement in statements]

    def role_of(self, function: str) -> str:
        role: str = self.properties("AWS::Lambda::Function")[function]["Role"]["Fn::GetAtt"][0]
        return role

    def methods_of(self, api: str) -> list[Properties]:
        methods = self.properties("AWS::ApiGateway::Method").values()
        return [method for method in methods if method["RestApiId"] == {"Ref": api}]

    def paths(self) -> dict[str, str]:
        """Logical id of a resource of an API -> its path."""
        parts = self.properties("AWS::ApiGateway::Resource")

        def path(id_: str) -> str:
            parent = parts[id_]["ParentId"].get("Ref")
            return f"{path(parent) if parent else ''}/{parts[id_]['PathPart']}"

        return {id_: path(id_) for id_ in parts}

    def responses_of(self, api: str) -> dict[str, Properties]:
        responses = self.properties("AWS::ApiGateway::GatewayResponse").values()
        return {each["ResponseType"]: each for each in responses if each["RestApiId"] == {"Ref": api}}

    def api(self, name: str) -> str:
        """Logical id of the API whose description ends with ``name``."""
        (id_,) = (
            id_ for id_, api in self.properties("AWS::ApiGateway::RestApi").items() if api["Description"].endswith(name)
        )
        return id_


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text_of(value: object) -> str:
    return json.dumps(value)


def strings_in(value: object) -> Iterator[str]:
    """Every string inside a template's value, keys excluded."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)
