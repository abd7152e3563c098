"""What a finding calls for: by its severity, by the setting of the agent's class, and by whether it is watched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.stages import RESPONSES, STAGES
from portcullis.domain.detection.signals import CONTAIN, NOTIFY, RECORD, action_of
from portcullis.domain.responses import Setting, parse_setting, parse_settings, response

SEVERITIES = st.integers(1, 10)
SETTINGS = st.builds(Setting, st.sampled_from(["off", "notify", "contain"]), SEVERITIES)
LEVELS = [RECORD, NOTIFY, CONTAIN]


@given(SEVERITIES)
def test_as_delivered_a_finding_does_what_it_says_that_it_calls_for(severity: int) -> None:
    assert response(severity, Setting(), watched=False) == action_of(severity)


@given(SEVERITIES)
def test_a_watched_agent_is_judged_one_level_stricter(severity: int) -> None:
    stricter = {RECORD: NOTIFY, NOTIFY: CONTAIN, CONTAIN: CONTAIN}
    assert response(severity, Setting(), watched=True) == stricter[action_of(severity)]


@given(SEVERITIES, SETTINGS)
def test_watching_never_makes_it_laxer(severity: int, setting: Setting) -> None:
    watched, unwatched = (LEVELS.index(response(severity, setting, watched)) for watched in (True, False))
    assert watched >= unwatched


@given(SEVERITIES, st.booleans())
def test_nothing_is_done_beyond_what_the_setting_allows(severity: int, watched: bool) -> None:
    assert response(severity, Setting("off"), watched) == RECORD
    assert response(severity, Setting("notify"), watched) != CONTAIN


@pytest.mark.parametrize(("severity", "expected"), [(2, RECORD), (3, CONTAIN), (10, CONTAIN)])
def test_the_threshold_is_the_deployment_s(severity: int, expected: str) -> None:
    assert response(severity, parse_setting("contain:3"), watched=False) == expected


@given(SETTINGS)
def test_a_setting_is_read_as_it_is_written(setting: Setting) -> None:
    text = f"contain:{setting.contain_from}" if setting.most == CONTAIN else setting.most
    assert parse_setting(text) == (setting if setting.most == CONTAIN else Setting(setting.most))


@pytest.mark.parametrize("text", ["", "on", "contain:0", "contain:11", "contain:", "contain:8 ", "notify:5", "CONTAIN"])
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a response is off, notify, contain"):
        parse_setting(text)


@pytest.mark.parametrize("text", ["", "low=off medium=off", "low=off medium=off high=off other=off"])
def test_every_class_has_one_and_no_other(text: str) -> None:
    with pytest.raises(ValueError, match="low, medium, high"):
        parse_settings(text)


def test_what_the_stages_say_is_understood() -> None:
    for stage in STAGES:
        told = " ".join(f"{level}={setting}" for level, setting in stage.responses.items())
        assert parse_settings(told) == dict.fromkeys(RESPONSES, Setting())
