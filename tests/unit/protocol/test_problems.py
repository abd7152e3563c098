"""Problem details: the codes and statuses that agents rely on, and nothing that helps an attacker."""

import json

import pytest

from portcullis.protocol import problems

STATUSES = {
    400: {"malformed_request", "body_digest_mismatch"},
    401: {
        "missing_credentials",
        "malformed_credentials",
        "timestamp_out_of_window",
        "invalid_credentials",
        "nonce_replayed",
        "ip_not_allowed",
    },
    403: {"forbidden", "scope_missing", "agent_suspended", "policy_denied", "blocked"},
    404: {"not_found"},
    409: {"idempotency_conflict", "state_conflict"},
    413: {"too_large"},
    429: {"rate_limited"},
    503: {"dependency_unavailable"},
}


def test_the_codes_by_status() -> None:
    found: dict[int, set[str]] = {}
    for code, problem in problems.PROBLEMS.items():
        found.setdefault(problem.status, set()).add(code)
    assert found == STATUSES


@pytest.mark.parametrize("code", problems.PROBLEMS)
def test_a_problem_has_the_members_of_rfc_9457_and_ours(code: str) -> None:
    body = problems.problem_body(code, "request-1")

    assert body == {
        "type": f"urn:portcullis:problem:{code}",
        "title": problems.PROBLEMS[code].title,
        "status": problems.PROBLEMS[code].status,
        "code": code,
        "detail": problems.PROBLEMS[code].detail,
        "request_id": "request-1",
    }


@pytest.mark.parametrize("code", problems.PROBLEMS)
def test_a_detail_is_safe_in_a_gateway_response_template(code: str) -> None:
    detail = problems.PROBLEMS[code].detail
    assert json.dumps(detail) == f'"{detail}"'
    assert "$" not in detail


def test_a_detail_of_its_own_and_extension_members() -> None:
    body = problems.problem_body("malformed_request", "request-1", "amount: too long", field="amount")
    assert (body["detail"], body["field"]) == ("amount: too long", "amount")


def test_an_unknown_code_is_a_fault() -> None:
    with pytest.raises(KeyError):
        problems.problem_body("teapot", "request-1")


def test_one_code_for_every_way_a_secret_can_fail() -> None:
    detail = problems.PROBLEMS["invalid_credentials"].detail
    assert not {"unknown", "revoked", "expired", "wrong"} & set(detail.lower().split())


def test_the_security_headers() -> None:
    assert problems.SECURITY_HEADERS["Cache-Control"] == "no-store"
    assert problems.SECURITY_HEADERS["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in problems.SECURITY_HEADERS["Content-Security-Policy"]
    assert "max-age=" in problems.SECURITY_HEADERS["Strict-Transport-Security"]
