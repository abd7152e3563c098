"""API Gateway's proxy integration (REST API, payload 1.0): what is read from an event, and how answers are rendered."""

import json
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from portcullis.aws import telemetry
from portcullis.aws.wire import AwsError, Unavailable
from portcullis.domain.models import Model, validate
from portcullis.domain.request_sums import REQUEST_REFUSED, REQUEST_SERVED, Answered, refused
from portcullis.protocol.problems import (
    CONTENT_TYPE,
    PROBLEMS,
    RETRY_AFTER_SECONDS,
    SECURITY_HEADERS,
    problem_body,
)
from portcullis.protocol.strict_json import MAX_BODY_BYTES, MalformedInput, check_content_type, decode, parse_object

Answer = dict[str, Any]
MAX_LIMIT = 100
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


class Refusal(Exception):
    """The request is refused with a code of DESIGN 4; ``members`` extend the problem, ``headers`` the answer."""

    def __init__(
        self, code: str, detail: str | None = None, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.members = members

    def answer(self, request_id: str) -> Answer:
        """The rendered refusal."""
        answer = problem(self.code, request_id, self.detail, **self.members)
        answer["headers"] |= self.headers
        return answer


def respond(event: dict[str, Any], handle: Callable[[], Answer], refused: Callable[[str], None]) -> Answer:
    """The answer of ``handle``, with every refusal and outage rendered. A store that is out of reach is 503.

    ``refused`` is called with the code of whatever is not a success; for a fault, which is raised, with what API
    Gateway makes of it.
    """
    route, identifier = f"{event['httpMethod']} {event['resource']}", request_id(event)
    try:
        answer = handle()
    except Refusal as refusal:
        refused(refusal.code)
        answer = refusal.answer(identifier)
    except MalformedInput as error:
        refused("malformed_request")
        answer = problem("malformed_request", identifier, str(error), field=error.field)
    except (Unavailable, AwsError) as error:
        refused("dependency_unavailable")
        answer = problem("dependency_unavailable", identifier)
        telemetry.count("Fault", dimensions={"Route": route}, cause=str(error), request_id=identifier)
    except Exception:
        refused("dependency_unavailable")
        raise
    dimensions = {"Route": route, "Status": str(answer["statusCode"])}
    telemetry.count("Answer", dimensions=dimensions, request_id=identifier)
    return answer


def check_body(event: dict[str, Any], limit: int = MAX_BODY_BYTES) -> None:
    """Refuse a body that is not said to be JSON or has more than ``limit`` bytes, whether or not a route reads it."""
    body = raw_body(event)
    check_content_type(_header_values(event, "Content-Type"), body)
    if len(body) > limit:
        raise Refusal("too_large", f"Send a body of at most {limit} bytes.")


def text_body(event: dict[str, Any]) -> str:
    """The body as text; MalformedInput when it is not UTF-8."""
    return decode(raw_body(event))


def json_body(event: dict[str, Any], model: type[Model]) -> Model:
    """The body as ``model``; no body is an empty object."""
    return validate(model, parse_object(text_body(event) or "{}"))


def request_id(event: dict[str, Any]) -> str:
    """API Gateway's own id of the request."""
    identifier: str = event["requestContext"]["requestId"]
    return identifier


def refused_request(event: dict[str, Any], code: str, **who: Any) -> Answered:
    """What to tell of a request that got ``code``; ``who`` names its sender, as the fields of Answered do."""
    return refused(REQUEST_REFUSED, code, **_asked(event), request_id=request_id(event), **who)


def served_request(event: dict[str, Any], answer: Answer, **who: Any) -> Answered:
    """What to tell of a request that got ``answer``, a success; ``who`` as for refused_request."""
    return Answered(REQUEST_SERVED, answer["statusCode"], **_asked(event), **who)


def raw_body(event: dict[str, Any]) -> bytes:
    """The bytes of the body; empty when there is none."""
    body = event.get("body") or ""
    return b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")


def header(event: dict[str, Any], name: str) -> str | None:
    """The value of a header, None when absent; MalformedInput when it is repeated."""
    found = _header_values(event, name)
    if len(found) > 1:
        raise MalformedInput(name, "send it once")
    return found[0] if found else None


def country(event: dict[str, Any], trusted_header: str | None) -> str | None:
    """Where a request comes from (ISO 3166 alpha-2), if ``trusted_header`` is there once and says it; else None."""
    found = _header_values(event, trusted_header) if trusted_header else []
    return found[0] if len(found) == 1 and _COUNTRY.fullmatch(found[0]) else None


def parameter(event: dict[str, Any], name: str) -> str | None:
    """The value of a query parameter, None when absent; MalformedInput when it is repeated."""
    values = (event.get("multiValueQueryStringParameters") or {}).get(name) or []
    if len(values) > 1:
        raise MalformedInput(name, "give it once")
    return values[0] if values else None


def limit(event: dict[str, Any]) -> int:
    """How many entries a page of a list shall have."""
    text = parameter(event, "limit") or "50"
    if not _LIMIT.fullmatch(text) or int(text) > MAX_LIMIT:
        raise MalformedInput("limit", "a whole number from 1 to 100")
    return int(text)


def if_match(event: dict[str, Any]) -> int:
    """The version that a change is based on, from ``If-Match``."""
    text = (header(event, "If-Match") or "").strip('"')
    if not _VERSION.fullmatch(text):
        raise MalformedInput("If-Match", 'send the version that this change is based on, such as "3"')
    return int(text)


def json_answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    """A success."""
    return _answer(status, "application/json", body, headers or {})


def problem(code: str, request_id: str, detail: str | None = None, **members: Any) -> Answer:
    """A refusal as problem details (RFC 9457)."""
    status = PROBLEMS[code].status
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    return _answer(status, CONTENT_TYPE, problem_body(code, request_id, detail, **members), headers)


def _asked(event: dict[str, Any]) -> dict[str, Any]:
    """Fields of Answered."""
    address = event["requestContext"]["identity"]["sourceIp"]
    return {"source_ip": address, "method": event["httpMethod"], "route": event["resource"]}


def _header_values(event: dict[str, Any], name: str) -> list[str]:
    headers = (event.get("multiValueHeaders") or {}).items()
    return [value for key, values in headers if key.lower() == name.lower() for value in values]


def _answer(status: int, content_type: str, body: Any, headers: dict[str, str]) -> Answer:
    return {
        "statusCode": status,
        "headers": {**SECURITY_HEADERS, "Content-Type": content_type, **headers},
        "body": json.dumps(body, separators=(",", ":")),
    }
