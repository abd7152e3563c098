"""What an incident keeps of a step's outcome."""

import json
from typing import Any

import pytest

from portcullis.domain.step_outcomes import MOST_CAUSE, failure, success


def test_the_message_of_a_function_is_the_cause() -> None:
    cause = json.dumps({"errorType": "Unavailable", "errorMessage": "dynamodb: refused", "stackTrace": ["line 1"]})
    assert failure({"Error": "Unavailable", "Cause": cause}) == {"error": "Unavailable", "cause": "dynamodb: refused"}


@pytest.mark.parametrize("cause", ["Task timed out", "[1]", '{"errorMessage"', '"errorMessage"', "null"])
def test_what_step_functions_says_itself_is_kept_as_it_is(cause: str) -> None:
    assert failure({"Error": "States.Timeout", "Cause": cause})["cause"] == cause


def test_an_error_without_a_cause_is_one_too() -> None:
    assert failure({}) == {"error": "", "cause": ""}


@pytest.mark.parametrize("secret", ["sk_live_" + "a" * 49, "A" * 40, "9" * 64, "Zm9v" * 12 + "=="])
def test_nothing_that_looks_like_a_secret_is_kept(secret: str) -> None:
    kept = failure({"Error": f"Broken {secret}", "Cause": f"could not use {secret} for it"})
    assert secret not in json.dumps(kept)
    assert kept["cause"] == "could not use (left out) for it"


def test_it_is_one_short_line_however_long_the_cause_was() -> None:
    cause = failure({"Error": "x", "Cause": "line\n\x1b[2J\u202e" * 100_000})["cause"]
    assert len(cause) <= MOST_CAUSE
    assert cause.isprintable()


@pytest.mark.parametrize("result", [None, "done", [], {"text": "x" * 2_048}])
def test_a_result_is_a_small_object(result: Any) -> None:
    with pytest.raises(ValueError, match="at most 2048"):
        success(result)
    assert success({"revoked": 1}) == {"revoked": 1}
