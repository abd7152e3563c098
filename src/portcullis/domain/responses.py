"""What a finding calls for, by its severity and by how the deployment wants agents of this class to be answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from portcullis.domain.detection.signals import CONTAIN, CONTAIN_FROM, MOST_SEVERE, NOTIFY, NOTIFY_FROM, RECORD
from portcullis.domain.trust import LEVELS

OFF = "off"
_SETTING = re.compile(r"off|notify|contain(?::([0-9]{1,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Setting:
    """The most that is done (``off``: a finding is only recorded), and from which severity on an agent is contained."""

    most: str = CONTAIN
    contain_from: int = CONTAIN_FROM


def response(severity: int, setting: Setting, watched: bool) -> str:
    """RECORD, NOTIFY or CONTAIN; a ``watched`` agent, which has come back lately, is judged one level stricter."""
    if setting.most == OFF:
        return RECORD
    called_for = _called_for(severity, setting.contain_from, watched)
    return NOTIFY if setting.most == NOTIFY and called_for == CONTAIN else called_for


def parse_setting(text: str) -> Setting:
    """``off``, ``notify``, ``contain``, or ``contain:N`` with the severity from which on; ValueError otherwise."""
    match = _SETTING.fullmatch(text)
    contain_from = int(match[1] or CONTAIN_FROM) if match else 0
    if match is None or not 1 <= contain_from <= MOST_SEVERE:
        raise ValueError(f"a response is off, notify, contain or contain:N with N from 1 to {MOST_SEVERE}: {text!r}")
    return Setting(text.partition(":")[0], contain_from)


def parse_settings(text: str) -> Mapping[str, Setting]:
    """That of every trust level: ``low=contain:8 medium=contain:8 high=notify``; ValueError where one is missing."""
    settings = {level: parse_setting(setting) for level, _, setting in (each.partition("=") for each in text.split())}
    if settings.keys() != {*LEVELS}:
        raise ValueError(f"a response for each of {', '.join(LEVELS)} and no other: {text!r}")
    return settings


def _called_for(severity: int, contain_from: int, watched: bool) -> str:
    if severity >= contain_from:
        return CONTAIN
    if severity >= NOTIFY_FROM:
        return CONTAIN if watched else NOTIFY
    return NOTIFY if watched else RECORD
