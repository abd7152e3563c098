"""The strict base of every model that parses input, and its errors in the project's own words."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from portcullis.protocol.strict_json import MalformedInput


class StrictModel(BaseModel):
    """Frozen; unknown fields and silent conversions are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def printable(text: str) -> str:
    """``text`` as it can be shown on one line; ValueError otherwise."""
    if not text.isprintable() or text != text.strip():
        raise ValueError("printable characters, without space at either end")
    return text


Reason = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
"""Why something is done, as it is recorded."""
Model = TypeVar("Model", bound=StrictModel)


def validate(model: type[Model], value: Any) -> Model:
    """``value`` as ``model``; MalformedInput names the first wrong field and never repeats its content."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise MalformedInput(field, _why(first["type"], first["msg"])) from None


def _why(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown field"
    return message.removeprefix("Value error, ")
