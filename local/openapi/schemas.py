"""JSON Schemas of models and answers, as components of a document."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from local.openapi.answers import Problem
from local.openapi.operation import Json, Operation

TEMPLATE = "#/components/schemas/{model}"


class Untitled(GenerateJsonSchema):
    """Schemas in which no field has a title, which would only repeat its name, and maps have no other names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 overrides
        return False

    def dict_schema(self, schema: Any) -> Json:
        """No name but those of its pattern, which JSON Schema alone does not say."""
        found = super().dict_schema(schema)
        return {**found, "additionalProperties": False} if "patternProperties" in found else found


def reference(model: Any) -> Json:
    """A reference to the component of ``model``."""
    return {"$ref": TEMPLATE.format(model=model.__name__)}


def components(operations: Sequence[Operation]) -> Json:
    """Every schema that the operations use, by name."""
    used: set[Any] = {body for operation in operations for body in operation.bodies}
    used |= {answer for operation in operations for answer in operation.answers.values()}
    inputs: list[tuple[str, Literal["validation"], TypeAdapter[Any]]] = [
        (model.__name__, "validation", TypeAdapter(model)) for model in (*used, Problem)
    ]
    _, schemas = TypeAdapter.json_schemas(inputs, ref_template=TEMPLATE, schema_generator=Untitled)
    return {name: polished(schema) for name, schema in sorted(schemas["$defs"].items())}


def polished(schema: Json) -> Json:
    """Without the title, which is the component's name, and with the docstring's code marked as Markdown has it."""
    kept = {name: value for name, value in schema.items() if name != "title"}
    if "description" in kept:
        kept["description"] = " ".join(kept["description"].replace("``", "`").split())
    return kept
