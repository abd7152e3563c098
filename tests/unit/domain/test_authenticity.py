"""Nothing that is signed can change, in either scheme: properties over any request that verifies."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portcullis.domain.verification import Verified
from portcullis.protocol.credentials import Refused
from tests.unit.domain.signed_requests import (
    CREDENTIALS,
    SCHEMES,
    Judge,
    covered,
    edited,
    parts,
    signed_requests,
    spliced,
)

every_scheme = pytest.mark.parametrize("scheme", SCHEMES)


@every_scheme
@settings(max_examples=25)
@given(st.data())
def test_what_is_signed_is_verified(scheme: str, data: st.DataObject) -> None:
    assert isinstance(Judge(scheme)(data.draw(signed_requests(scheme))), Verified)


@every_scheme
@settings(max_examples=40)
@given(st.data())
def test_a_part_of_another_request_is_refused(scheme: str, data: st.DataObject) -> None:
    request, other = data.draw(signed_requests(scheme)), data.draw(signed_requests(scheme))
    changed = spliced(request, data.draw(st.sampled_from(parts(scheme))), other)
    assume(covered(changed, scheme) != covered(request, scheme))
    judge = Judge(scheme)

    assert judge(changed) == Refused("invalid_credentials")
    assert judge.steps == ["find"]


@every_scheme
@settings(max_examples=75)
@given(st.data())
def test_a_change_in_any_place_is_refused(scheme: str, data: st.DataObject) -> None:
    request = data.draw(signed_requests(scheme))
    changed = data.draw(edited(request, data.draw(st.sampled_from(parts(scheme)))))
    same = covered(changed, scheme) == covered(request, scheme)
    judge = Judge(scheme)

    assert isinstance(judge(changed), Verified if same else Refused)
    assert ("claim" in judge.steps) == same


def test_every_credential_is_changed_by_these_properties() -> None:
    for scheme, names in CREDENTIALS.items():
        assert {name.lower() for name in names} <= set(parts(scheme))
